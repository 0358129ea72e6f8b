//! Which groups are merged into which.

use rusqlite::Connection;

/// The groups merged into `root`, oldest first.
pub fn into(connection: &Connection, root: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        connection.prepare_cached("select id from groups where merged_into = ?1 order by id")?;
    statement.query_map([root], |row| row.get(0))?.collect()
}
