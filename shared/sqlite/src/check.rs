//! Looks a database over from outside, read-only: is the file whole, does every row have the row it refers to.

use std::path::Path;

use rusqlite::Connection;

use crate::{CheckError, connect::outside, migrate::version};

/// Problems listed at most; one is enough to restore a backup.
const MAX_PROBLEMS: u32 = 100;

/// What [`check`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IntegrityReport {
    /// The number of the last migration.
    pub schema: u32,
    /// What `integrity_check` complains of; empty when all is well.
    pub problems: Vec<String>,
    /// Rows that refer to a row that is not there, as `table rowid -> table`.
    pub orphans: Vec<String>,
}

impl IntegrityReport {
    /// Whether nothing was found.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty() && self.orphans.is_empty()
    }
}

/// Checks the database at `path`. It may be in use; reading all of it takes a while.
pub fn check(path: &Path) -> Result<IntegrityReport, CheckError> {
    let failed = |source| CheckError {
        path: path.to_owned(),
        source,
    };
    let connection = outside(path).map_err(failed)?;
    report(&connection).map_err(failed)
}

pub(crate) fn report(connection: &Connection) -> rusqlite::Result<IntegrityReport> {
    Ok(IntegrityReport {
        schema: version(connection)?,
        problems: problems(connection)?,
        orphans: orphans(connection)?,
    })
}

fn problems(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(&format!("pragma integrity_check({MAX_PROBLEMS})"))?;
    let lines = statement.query_map([], |row| row.get::<_, String>(0))?;
    lines
        .filter(|line| !matches!(line.as_deref(), Ok("ok")))
        .collect()
}

fn orphans(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "select format('%s %d -> %s', \"table\", rowid, parent)
         from pragma_foreign_key_check
         limit :limit",
    )?;
    statement.query_map([MAX_PROBLEMS], |row| row.get(0))?.collect()
}
