//! One SQLite file of one service: a single writer thread that commits for many callers at once,
//! a few readers with a deadline, numbered migrations, a backup that may run while all this goes on, and the way back from it.
//! Nothing here knows what the tables mean. Jobs come in through [`Store::write`] and are answered
//! after the commit that holds them; `stats` and `ready` are how the outside sees the file's health.

mod options;
mod store;

mod opening;
mod task;
mod writer;

mod gate;
mod reader;

mod checkpoint;
mod connect;
mod files;
mod health;
pub mod imports;
mod migrate;
pub mod request_ids;

mod backup;
mod check;
mod draft;
mod inspect;
mod restore;

mod error;
mod stats;

pub use rusqlite;

pub use backup::{BackupReport, TableRows, backup};
pub use check::{IntegrityReport, check};
pub use connect::shrink;
pub use error::{
    BackupError, CheckError, NotReady, OpenError, ReadError, RestoreError, WriteError, is_disk_full,
};
pub use inspect::{Inspection, inspect};
pub use migrate::Migration;
pub use options::{Options, Synchronous, UnknownSynchronous};
pub use restore::{RestoreReport, restore};
pub use stats::{Histogram, Stats};
pub use store::Store;
