//! The SQL. Functions on a connection: inside the writer's transaction, or on a reader's snapshot.

pub mod alert_rules;
pub mod bits;
pub mod blocks;
pub mod firings;
pub mod frame;
pub mod hashes;
pub mod journal;
pub mod names;
pub mod original;
pub mod partitions;
pub mod piece_set;
pub mod pieces;
pub mod positions;
pub mod room;
pub mod seal;
pub mod search;
pub mod term_hash;
pub mod terms;
pub mod varint;
pub mod window;

use sqlite::Migration;

/// The schema, in order; a published file is never edited.
pub const MIGRATIONS: &[Migration] = sqlite::migrations![
    "0001_entries",
    "0002_positions",
    "0003_alerts" = alerts::SCHEMA,
    "0004_alert_rules",
    "0005_pieces",
    "0006_paused_rules",
    "0007_positions_by_source",
    "0008_positions_gone",
    "0009_positions_zone",
    "0010_rules_told_to",
];
