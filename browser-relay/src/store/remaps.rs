//! Releases whose stored events wait to be mapped again.

use rusqlite::{Connection, OptionalExtension, named_params};

/// Asks for it; asking again moves the time.
pub fn request(tx: &Connection, project: &str, release: &str, now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into remaps (project, release, requested_at) values (:project, :release, :now)
         on conflict do update set requested_at = excluded.requested_at",
    )?;
    statement.execute(named_params! { ":project": project, ":release": release, ":now": now })?;
    Ok(())
}

/// The one that has waited longest: project, release, and when it was asked for.
pub fn next(connection: &Connection) -> rusqlite::Result<Option<(String, String, i64)>> {
    let mut statement = connection
        .prepare_cached("select project, release, requested_at from remaps order by requested_at limit 1")?;
    statement
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()
}

/// It is done, unless it was asked for again meanwhile.
pub fn done(tx: &Connection, project: &str, release: &str, requested_at: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from remaps where project = :project and release = :release and requested_at = :requested_at",
    )?;
    statement.execute(named_params! {
        ":project": project, ":release": release, ":requested_at": requested_at,
    })?;
    Ok(())
}
