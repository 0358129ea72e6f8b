//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod journal;
pub mod positions;
pub mod search;
pub mod window;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations!["0001_entries", "0002_positions"];
