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

/// One of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remap {
    /// Who owns it.
    pub project: String,
    /// Version of the code.
    pub release: String,
    /// When it was asked for, Unix milliseconds.
    pub requested_at: i64,
}

/// The one that has waited longest of those behind another; the default one is before all.
pub fn next(connection: &Connection, behind: &Remap) -> rusqlite::Result<Option<Remap>> {
    let mut statement = connection.prepare_cached(
        "select project, release, requested_at from remaps
         where (requested_at, project, release) > (:requested_at, :project, :release)
         order by requested_at, project, release
         limit 1",
    )?;
    let behind = named_params! {
        ":project": behind.project, ":release": behind.release, ":requested_at": behind.requested_at,
    };
    let next = statement.query_row(behind, |row| {
        Ok(Remap {
            project: row.get(0)?,
            release: row.get(1)?,
            requested_at: row.get(2)?,
        })
    });
    next.optional()
}

/// It is done, unless it was asked for again meanwhile.
pub fn done(tx: &Connection, remap: &Remap) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from remaps where project = :project and release = :release and requested_at = :requested_at",
    )?;
    statement.execute(named_params! {
        ":project": remap.project, ":release": remap.release, ":requested_at": remap.requested_at,
    })?;
    Ok(())
}
