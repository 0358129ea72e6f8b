//! The SQL.

pub mod channels;
pub mod deliveries;
