//! Connections and their pragmas: one that writes, some that read, one that only looks at a file from outside.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{OpenError, Options};

/// How long SQLite waits for another process's lock before it gives up.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements each connection keeps.
const CACHED_STATEMENTS: usize = 64;

/// Pages are kept in a cache as small as it can be without costing time: the kernel has them as well, and a steady load
/// fills it (`docs/decisions/0028-memory-under-load.md`).
///
/// `auto_vacuum` only takes before the first page is written, hence before WAL mode.
/// `wal_autocheckpoint` is off because `checkpoint` does the same after the callers have their answers,
/// and sees its errors, which SQLite's own drops.
const WRITER_PRAGMAS: &str = "
    pragma cache_size = -2000;
    pragma temp_store = memory;
    pragma foreign_keys = on;
    pragma journal_size_limit = 16777216;
    pragma wal_autocheckpoint = 0;
";

const READER_PRAGMAS: &str = "
    pragma cache_size = -1000;
    pragma temp_store = memory;
    pragma query_only = on;
";

/// The connection that writes. The file exists, perhaps empty.
pub(crate) fn writer(options: &Options) -> Result<Connection, OpenError> {
    let path = options.path.as_path();
    let failed = |error| refused(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(BUSY_TIMEOUT).map_err(failed)?;
    connection
        .execute_batch("pragma auto_vacuum = incremental")
        .map_err(failed)?;
    let mode: String = connection
        .query_row("pragma journal_mode = wal", [], |row| row.get(0))
        .map_err(failed)?;
    if mode != "wal" {
        return Err(OpenError::NoWal {
            path: path.to_owned(),
            mode,
        });
    }
    connection.execute_batch(WRITER_PRAGMAS).map_err(failed)?;
    // Statements that write are prepared once and run with whatever values; SQLite would look for a better plan each time.
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(failed)?;
    connection
        .pragma_update(None, "synchronous", options.synchronous.pragma())
        .map_err(failed)?;
    finish(&connection, options).map_err(failed)?;
    Ok(connection)
}

/// A connection that reads. The writer has opened the file before, so it is a WAL database.
pub(crate) fn reader(options: &Options) -> Result<Connection, OpenError> {
    let path = options.path.as_path();
    let connection = outside(path)
        .and_then(|connection| {
            connection.execute_batch(READER_PRAGMAS)?;
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            finish(&connection, options)?;
            Ok(connection)
        })
        .map_err(|error| refused(path, error))?;
    Ok(connection)
}

/// Read-only, for a file that another process may be writing.
pub(crate) fn outside(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// Gives up to `n_pages` free pages back to the file system; call it inside a write after deleting much.
/// SQLite frees one page per step, so `execute_batch("pragma incremental_vacuum")` would free just one.
pub fn shrink(connection: &Connection, n_pages: u32) -> rusqlite::Result<()> {
    let mut vacuum = connection.prepare(&format!("pragma incremental_vacuum({n_pages})"))?;
    let mut freed = vacuum.query([])?;
    while freed.next()?.is_some() {}
    Ok(())
}

fn finish(connection: &Connection, options: &Options) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    options
        .on_connect
        .map_or(Ok(()), |on_connect| on_connect(connection))
}

pub(crate) fn refused(path: &Path, source: rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotADatabase { path },
        _ => OpenError::Sqlite { path, source },
    }
}
