//! What a service may choose about its store. Everything else (pragmas, thresholds) is decided here once for all.

use std::{path::PathBuf, str::FromStr, time::Duration};

use rusqlite::Connection;

use crate::Migration;

/// How a store is opened. Start from [`Options::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Options {
    /// The database file. Its directory is created (mode 0700) and so is the file (mode 0600).
    pub path: PathBuf,
    /// The schema, as [`migrations!`](crate::migrations) lists it.
    pub migrations: &'static [Migration],
    /// When a commit counts as done. Default [`Synchronous::Full`].
    pub synchronous: Synchronous,
    /// Reader connections, each with its own thread. Default 2.
    pub readers: usize,
    /// Jobs per commit at most. Default 512; 1 means one transaction a job, which is only good for comparing.
    pub max_batch: usize,
    /// Jobs that may wait for the writer before [`WriteError::Full`](crate::WriteError::Full). Default 4096.
    pub queue: usize,
    /// How long a read may take, its time in the queue included. Default 5 s.
    /// It also bounds the WAL: a reader that never ends keeps every checkpoint from resetting it.
    pub read_deadline: Duration,
    /// Called on every new connection after its pragmas, to register SQL functions and the like.
    pub on_connect: Option<fn(&Connection) -> rusqlite::Result<()>>,
}

impl Options {
    /// The defaults for a database at `path`.
    pub fn new(path: impl Into<PathBuf>, migrations: &'static [Migration]) -> Options {
        Options {
            path: path.into(),
            migrations,
            synchronous: Synchronous::Full,
            readers: 2,
            max_batch: 512,
            queue: 4096,
            read_deadline: Duration::from_secs(5),
            on_connect: None,
        }
    }
}

/// When SQLite calls a commit done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// Synced to disk: an answered write survives a power cut.
    #[default]
    Full,
    /// Handed to the kernel: an answered write survives `kill -9`, and may be lost in a power cut.
    Normal,
}

impl Synchronous {
    pub(crate) fn pragma(self) -> &'static str {
        match self {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        }
    }
}

impl FromStr for Synchronous {
    type Err = UnknownSynchronous;

    fn from_str(text: &str) -> Result<Synchronous, UnknownSynchronous> {
        match text.to_ascii_lowercase().as_str() {
            "full" => Ok(Synchronous::Full),
            "normal" => Ok(Synchronous::Normal),
            _ => Err(UnknownSynchronous(text.to_owned())),
        }
    }
}

/// The text is neither `full` nor `normal`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown synchronous setting '{0}': use full or normal")]
pub struct UnknownSynchronous(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synchronous_is_read_in_any_case() {
        assert_eq!("FULL".parse(), Ok(Synchronous::Full));
        assert_eq!("Normal".parse(), Ok(Synchronous::Normal));
        let problem = "off".parse::<Synchronous>().unwrap_err();
        assert_eq!(
            problem.to_string(),
            "unknown synchronous setting 'off': use full or normal"
        );
    }
}
