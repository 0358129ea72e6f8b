//! The original log viewer's table.

use rusqlite::Connection;

/// An entry of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldEntry {
    /// Its id there.
    pub id: i64,
    /// As the original writes times.
    pub timestamp: String,
    /// Name of the container.
    pub container: String,
    /// `stdout` or `stderr`.
    pub stream: String,
    /// As Docker had escaped it.
    pub message: String,
}

/// Entries behind this id, at most `limit`, by id.
pub fn entries_after(original: &Connection, id: i64, limit: u32) -> rusqlite::Result<Vec<OldEntry>> {
    let mut statement = original.prepare_cached(
        "select id, timestamp, container, stream, message
         from log_entries
         where id > ?1
         order by id
         limit ?2",
    )?;
    let rows = statement.query_map((id, limit), |row| {
        Ok(OldEntry {
            id: row.get(0)?,
            timestamp: row.get(1)?,
            container: row.get(2)?,
            stream: row.get(3)?,
            message: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// How many containers have entries.
pub fn count_containers(original: &Connection) -> rusqlite::Result<i64> {
    original.query_row("select count(distinct container) from log_entries", [], |row| {
        row.get(0)
    })
}
