//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod channels;
pub mod deliveries;

/// The tables, as one migration of a service that starts afresh: `"0003_alerts" = alerts::SCHEMA`.
/// The tracker made them before there was this crate.
pub const SCHEMA: &str = include_str!("../../migrations/alerts.sql");
