//! The original relay's tables.

use rusqlite::Connection;

/// A key of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldKey {
    /// What pages show.
    pub public_key: String,
    /// Whose it is.
    pub project: String,
    /// As the original writes times.
    pub created_at: String,
    /// Whether it is in use.
    pub is_active: bool,
}

/// All keys, by id.
pub fn keys(original: &Connection) -> rusqlite::Result<Vec<OldKey>> {
    let mut statement =
        original.prepare("select public_key, project, created_at, active from dsn_keys order by id")?;
    let rows = statement.query_map([], |row| {
        Ok(OldKey {
            public_key: row.get(0)?,
            project: row.get(1)?,
            created_at: row.get(2)?,
            is_active: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// A source map of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OldMap {
    /// Its id there.
    pub id: i64,
    /// Whose it is.
    pub project: String,
    /// Of which release.
    pub release: String,
    /// Of which script.
    pub file_url: String,
    /// JSON.
    pub content: String,
    /// As the original writes times.
    pub uploaded_at: String,
}

/// The next map behind this id.
pub fn map_after(original: &Connection, id: i64) -> rusqlite::Result<Option<OldMap>> {
    let mut statement = original.prepare_cached(
        "select id, project, release, file_url, map_content, uploaded_at
         from source_maps
         where id > ?1
         order by id
         limit 1",
    )?;
    let mut rows = statement.query_map([id], |row| {
        Ok(OldMap {
            id: row.get(0)?,
            project: row.get(1)?,
            release: row.get(2)?,
            file_url: row.get(3)?,
            content: row.get(4)?,
            uploaded_at: row.get(5)?,
        })
    })?;
    rows.next().transpose()
}
