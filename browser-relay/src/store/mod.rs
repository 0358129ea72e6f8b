//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod dsn_keys;
pub mod original;
pub mod outbox;
pub mod remaps;
pub mod source_maps;
pub mod traffic;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations![
    "0001_dsn_keys",
    "0002_source_maps",
    "0003_outbox",
    "0004_traffic",
    "0005_outlines",
];

/// The real schema in memory.
#[cfg(test)]
mod testing {
    use rusqlite::Connection;

    use super::MIGRATIONS;

    pub(super) fn database() -> Connection {
        let database = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).unwrap();
        }
        database
    }
}
