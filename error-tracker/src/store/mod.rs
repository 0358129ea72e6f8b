//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod filing;
pub mod groups;
pub mod mails;
pub mod occurrences;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations!["0001_groups", "0002_occurrences", "0003_mails"];
