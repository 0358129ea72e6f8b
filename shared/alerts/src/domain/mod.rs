//! The rules: plain functions and types. No HTTP, no SQL, no clock.

pub mod digest;
pub mod mail;
pub mod plan;
pub mod quiet_hours;
