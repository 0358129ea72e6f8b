//! What can go wrong, one enum per door. Also the one place that says which SQLite errors mean "the disk is full"
//! (we go on) and which mean "this disk can no longer be trusted" (the process must end).

use std::{io, path::PathBuf};

use rusqlite::{ErrorCode, ffi};

/// Why a write has no result.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The job itself failed; only its own changes are undone.
    #[error(transparent)]
    Job(E),
    /// The queue is full and nothing was queued: answer 503 with `Retry-After`.
    #[error("the write queue is full")]
    Full,
    /// No space for the commit; nothing was stored. The store recovers by itself once there is space.
    #[error("the disk is full")]
    DiskFull,
    /// The commit failed or the store has failed. After an I/O error nobody can know whether the rows survived,
    /// so a caller who repeats must be idempotent.
    #[error("storage: {0}")]
    Storage(String),
    /// The store is closing or closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a read has no result.
#[derive(Debug, thiserror::Error)]
pub enum ReadError<E> {
    /// The query itself failed.
    #[error(transparent)]
    Job(E),
    /// The query ran past its deadline and was interrupted.
    #[error("the query took too long")]
    Deadline,
    /// The readers have too much to do: answer 503 with `Retry-After`.
    #[error("all readers are busy")]
    Busy,
    /// The reader could not begin or panicked.
    #[error("storage: {0}")]
    Storage(String),
    /// The store is closing or closed.
    #[error("the store is closed")]
    Closed,
}

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file, its lock or its directory cannot be created or opened.
    #[error("cannot open {path}: {source}", path = .path.display())]
    File {
        /// The file or directory in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Another process has the database open.
    #[error(
        "the database {path} is in use by another process: stop that one first, or choose another path",
        path = .path.display()
    )]
    Locked {
        /// The database.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("{path} is not a SQLite database", path = .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file system cannot do WAL mode, as some network file systems cannot.
    #[error("{path} cannot use WAL mode (got '{mode}'): use a local file system", path = .path.display())]
    NoWal {
        /// The database.
        path: PathBuf,
        /// The journal mode SQLite chose instead.
        mode: String,
    },
    /// Written by a newer version of this program.
    #[error(
        "the database is at schema {found}, this binary knows up to {known}: \
         start a newer binary or restore an older backup"
    )]
    Newer {
        /// The schema number in the file.
        found: u32,
        /// The last number this binary has.
        known: u32,
    },
    /// A migration was edited after it had been applied to this file.
    #[error(
        "migration {name} is not the one this database was made with: \
         restore the published file and add a new migration instead"
    )]
    Changed {
        /// The migration as this binary names it.
        name: &'static str,
    },
    /// The file's schema number and its list of migrations disagree: another program made or changed it.
    #[error(
        "the database says schema {version} but lists {listed} migrations: it is not a file of this program"
    )]
    Foreign {
        /// `user_version` in the file.
        version: u32,
        /// Rows in `_migrations`.
        listed: u32,
    },
    /// The list in this binary is not numbered 1, 2, 3 …: a mistake of ours.
    #[error("migration {name} stands at place {place}: number them 0001, 0002 … without a gap")]
    Numbering {
        /// The misplaced migration.
        name: &'static str,
        /// Where it stands, from 1.
        place: usize,
    },
    /// A migration failed and was undone; earlier ones stay applied.
    #[error("migration {name} failed: {source}")]
    Migration {
        /// Which one.
        name: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A migration would leave rows that point at nothing; it was undone.
    #[error("migration {name} leaves {orphans} rows without the row they refer to")]
    Orphans {
        /// Which one.
        name: &'static str,
        /// How many rows.
        orphans: i64,
    },
    /// Any other refusal of SQLite.
    #[error("cannot open {path}: {source}", path = .path.display())]
    Sqlite {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The system gave no thread.
    #[error("cannot start a store thread: {0}")]
    Thread(io::Error),
}

/// Why the store cannot take writes now; the text is a sentence for an operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotReady(pub String);

/// Why there is no backup. The target does not exist afterwards.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// We never overwrite a backup.
    #[error("the backup target {path} already exists: choose another name", path = .0.display())]
    Exists(PathBuf),
    /// The file system refused.
    #[error("cannot write the backup {path}: {source}", path = .path.display())]
    File {
        /// The file or directory in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite refused to read the source or write the copy.
    #[error("cannot back up {path}: {source}", path = .path.display())]
    Sqlite {
        /// The database being copied.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The copy was made, but is not the same database; it was removed.
    #[error("the copy of {path} is not whole: {problem}", path = .path.display())]
    NotWhole {
        /// The database being copied.
        path: PathBuf,
        /// What differs.
        problem: String,
    },
}

/// Why a copy was not put in the database's place, which is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The database is in use, or this binary cannot open the copy.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A write-ahead log lies beside it: a file that was copied while a service wrote it, not a backup.
    #[error(
        "{path} has a -wal beside it, so it is a database and not a backup of one: make a copy with `backup`",
        path = .0.display()
    )]
    NotABackup(PathBuf),
    /// The copy is damaged.
    #[error("the backup {path} is not whole: {problem}", path = .path.display())]
    NotWhole {
        /// The copy.
        path: PathBuf,
        /// The first thing found.
        problem: String,
    },
    /// SQLite cannot read the copy.
    #[error("cannot read the backup {path}: {source}", path = .path.display())]
    Sqlite {
        /// The copy.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The file system refused.
    #[error("cannot restore {path}: {source}", path = .path.display())]
    File {
        /// The file in question.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a database could not be checked at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot check {path}: {source}", path = .path.display())]
pub struct CheckError {
    /// The database.
    pub path: PathBuf,
    /// What SQLite said.
    pub source: rusqlite::Error,
}

/// Whether SQLite ran out of disk space.
/// A service whose own error wraps `rusqlite::Error` asks this to tell "full" from "broken".
pub fn is_disk_full(error: &rusqlite::Error) -> bool {
    // Growing the -shm file reports a full disk as an I/O error of its own kind.
    error.sqlite_error_code() == Some(ErrorCode::DiskFull)
        || error
            .sqlite_error()
            .is_some_and(|e| e.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// Whether the writer must stop for good after this error from BEGIN, COMMIT or a checkpoint.
/// After a failed fsync the kernel may drop the pages and report success next time, so trying again proves nothing:
/// <https://www.usenix.org/conference/atc20/presentation/rebello>.
pub(crate) fn is_fatal(error: &rusqlite::Error) -> bool {
    use ErrorCode::{CannotOpen, DatabaseCorrupt, NotADatabase, ReadOnly, SystemIoFailure};
    let fatal = [
        SystemIoFailure,
        DatabaseCorrupt,
        NotADatabase,
        ReadOnly,
        CannotOpen,
    ];
    !is_disk_full(error)
        && error
            .sqlite_error_code()
            .is_some_and(|code| fatal.contains(&code))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_survived_and_a_failing_one_is_not() {
        let check = |code, expected| {
            let error = rusqlite::Error::SqliteFailure(ffi::Error::new(code), None);
            assert_eq!((is_disk_full(&error), is_fatal(&error)), expected, "{error}");
        };
        check(ffi::SQLITE_FULL, (true, false));
        check(ffi::SQLITE_IOERR_SHMSIZE, (true, false));
        check(ffi::SQLITE_IOERR_FSYNC, (false, true));
        check(ffi::SQLITE_IOERR_WRITE, (false, true));
        check(ffi::SQLITE_CORRUPT, (false, true));
        check(ffi::SQLITE_BUSY, (false, false));
        check(ffi::SQLITE_CONSTRAINT_FOREIGNKEY, (false, false));
    }

    #[test]
    fn messages_say_what_to_do() {
        let newer = OpenError::Newer { found: 7, known: 5 };
        assert_eq!(
            newer.to_string(),
            "the database is at schema 7, this binary knows up to 5: \
             start a newer binary or restore an older backup"
        );
    }
}
