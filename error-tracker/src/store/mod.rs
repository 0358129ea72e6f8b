//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod activities;
pub mod causes;
pub mod digests;
mod entry;
pub mod event_ids;
pub mod families;
pub mod filing;
pub mod filtered;
mod fold;
pub mod groups;
pub mod intake;
mod journal;
pub mod listing;
pub mod merged;
pub mod occurrences;
pub mod original;
pub mod releases;
pub mod room;
pub mod rules;
pub mod snoozes;
pub mod stacks;
mod summary;
pub mod tallies;
pub mod users;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations![
    "0001_groups",
    "0002_occurrences",
    "0003_mails",
    "0004_events",
    "0005_work",
    "0006_alerts",
    "0007_subjects",
    "0008_paused_rules",
    "0009_found_and_counted",
];

/// The real schema in memory, and a report to file in it.
#[cfg(test)]
mod testing {
    use rusqlite::Connection;

    use super::MIGRATIONS;
    use super::filing::{Filed, Filing};
    use super::intake::Intake;
    use crate::domain::recognition::Recognition;
    use crate::domain::report;

    pub(super) fn database() -> Connection {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("pragma foreign_keys = on").unwrap();
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).unwrap();
        }
        database
    }

    /// Files a report and counts it.
    pub(super) fn file(database: &Connection, filing: Filing) -> Filed {
        let intake = Intake::new(2);
        let filed = intake.file(database, &filing).unwrap();
        intake.settle(database).unwrap();
        filed
    }

    /// A report of type `kind`, received at `now`.
    pub(super) fn filing(kind: &str, now: i64) -> Filing {
        let body = serde_json::json!({
            "project": "shop", "exception_type": kind, "message": format!("{kind} happened"),
            "traceback": "  File \"cart.py\", line 1, in total"
        });
        filing_of(&body, now)
    }

    /// The report with this body, received at `now`.
    pub(super) fn filing_of(body: &serde_json::Value, now: i64) -> Filing {
        let report = report::read(body.to_string().as_bytes(), None).unwrap();
        let recognised = Recognition::default().recognise(&report);
        Filing::new(report, recognised, now)
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::MIGRATIONS;

    #[test]
    fn deliveries_from_before_keep_what_they_are_about() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch("pragma foreign_keys = on").unwrap();
        let (before, after) = MIGRATIONS.split_at(6);
        let apply = |migrations: &[sqlite::Migration]| {
            for migration in migrations {
                database.execute_batch(migration.sql).unwrap();
            }
        };
        apply(before);
        let filled = "
            insert into groups (fingerprint, project, exception_type, n_occurrences, first_seen_at, last_seen_at, text_hash)
            values ('f', 'shop', 'E', 1, 1, 1, 1);
            insert into deliveries (group_id, kind, created_at) values (1, 'created', 1), (null, 'test', 1);";
        database.execute_batch(filled).unwrap();
        apply(after);
        let kinds = || -> String {
            let sql = "select group_concat(kind) from deliveries where subject_id = 1 or kind = 'test'";
            database.query_row(sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(kinds(), "created,test");
        database.execute("delete from groups", []).unwrap();
        assert_eq!(kinds(), "test");
    }
}
