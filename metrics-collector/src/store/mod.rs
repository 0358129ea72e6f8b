//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod alert_events;
pub mod alert_rules;
pub mod day_versions;
pub mod journal;
pub mod original;
pub mod progress;
pub mod request_blocks;
pub mod requests;
pub mod room;
pub mod series;
pub mod sessions;
pub mod tiers;
pub mod vantage;
pub mod vantage_alerts;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations![
    "0001_series",
    "0002_journal",
    "0003_tiers",
    "0004_sessions",
    "0005_alerts" = alerts::SCHEMA,
    "0006_alert_rules",
    "0007_paused_rules",
    "0008_requests",
    "0009_vantage",
    "0010_vantage_traces",
    "0011_request_days",
    "0012_day_versions",
];

/// The real schema in memory.
#[cfg(test)]
pub(crate) mod testing {
    use rusqlite::Connection;

    use super::MIGRATIONS;

    pub(crate) fn database() -> Connection {
        let database = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).unwrap();
        }
        database
    }
}
