//! What can be seen of a database from outside while a service has it open or while none does. Changes nothing.

use std::path::Path;
use std::time::SystemTime;

use crate::connect::outside;
use crate::migrate::version;
use crate::{CheckError, files};

/// Problems listed at most.
const MAX_PROBLEMS: u32 = 10;

/// What [`inspect`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The number of the last migration.
    pub schema: u32,
    /// `wal`, or what stands there instead.
    pub journal_mode: String,
    /// What `quick_check` complains of; empty when all is well. It reads all pages, and not what indexes say of them.
    pub problems: Vec<String>,
    /// Bytes of the file.
    pub database_bytes: u64,
    /// Bytes of its write-ahead log.
    pub wal_bytes: u64,
    /// Whether a service has it open.
    pub is_in_use: bool,
    /// When [`backup`](crate::backup()) last succeeded for this file.
    pub last_backup: Option<SystemTime>,
}

/// Looks at the database at `path`, which must be there.
pub fn inspect(path: &Path) -> Result<Inspection, CheckError> {
    let failed = |source| CheckError {
        path: path.to_owned(),
        source,
    };
    let connection = outside(path).map_err(failed)?;
    let problems = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare(&format!("pragma quick_check({MAX_PROBLEMS})"))?;
        let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
        lines
            .filter(|line| !matches!(line.as_deref(), Ok("ok")))
            .collect()
    };
    Ok(Inspection {
        schema: version(&connection).map_err(failed)?,
        journal_mode: connection
            .query_row("pragma journal_mode", [], |row| row.get(0))
            .map_err(failed)?,
        problems: problems().map_err(failed)?,
        database_bytes: files::size(path),
        wal_bytes: files::size(&files::beside(path, "-wal")),
        is_in_use: files::is_claimed(path),
        last_backup: files::modified(&files::backup_mark(path)),
    })
}
