//! Deployed versions, in the order in which they were first seen.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::release::{self, Seen};

/// One version of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Who owns it.
    pub project: String,
    /// As the app names it.
    pub version: String,
    /// Unix milliseconds.
    pub first_seen_at: i64,
    /// Of its newest report.
    pub last_seen_at: i64,
    /// Reports.
    pub n_occurrences: i64,
    /// Groups whose first report was of it.
    pub n_new_groups: i64,
    /// Those of them that are open.
    pub n_new_open: i64,
}

/// What several reports add to a release: how many, the first and the last.
pub(super) struct Addition {
    pub(super) n: i64,
    pub(super) first_seen_at: i64,
    pub(super) last_seen_at: i64,
}

pub(super) fn count(
    tx: &Connection,
    project: &str,
    releases: &BTreeMap<String, Addition>,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into releases (project, version, first_seen_at, last_seen_at, n)
         values (:project, :version, :first_seen_at, :last_seen_at, :n)
         on conflict (project, version) do update
         set n = n + excluded.n, last_seen_at = max(last_seen_at, excluded.last_seen_at),
             first_seen_at = min(first_seen_at, excluded.first_seen_at)",
    )?;
    for (version, addition) in releases {
        statement.execute(named_params! {
            ":project": project,
            ":version": version,
            ":first_seen_at": addition.first_seen_at,
            ":last_seen_at": addition.last_seen_at,
            ":n": addition.n,
        })?;
    }
    Ok(())
}

/// Order of first sight; what was never seen is newer than all that was.
fn rank(connection: &Connection, project: &str, version: &str) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("select id from releases where project = ?1 and version = ?2")?;
    let id = statement.query_row((project, version), |row| row.get(0));
    Ok(id.optional()?.unwrap_or(i64::MAX))
}

/// Whether `release` came after `other`. A report that names no release may be of any, so it counts as newer.
pub(super) fn is_newer(
    tx: &Connection,
    project: &str,
    release: Option<&str>,
    other: &str,
) -> rusqlite::Result<bool> {
    let Some(release) = release else {
        return Ok(true);
    };
    let seen = |version| {
        Ok::<_, rusqlite::Error>(Seen {
            version,
            rank: rank(tx, project, version)?,
        })
    };
    Ok(release::is_newer(&seen(release)?, &seen(other)?))
}

/// The newest release of a project, if it names any.
pub fn newest(connection: &Connection, project: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("select version, id from releases where project = ?1")?;
    let all: Vec<(String, i64)> = statement
        .query_map([project], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    let seen = all.iter().map(|(version, rank)| Seen { version, rank: *rank });
    Ok(release::newest(seen).map(|seen| seen.version.to_owned()))
}

/// Releases of one project, or of all, the last seen first.
pub fn list(connection: &Connection, project: Option<&str>, limit: u32) -> rusqlite::Result<Vec<Release>> {
    let mut statement = connection.prepare_cached(
        "select r.project, r.version, r.first_seen_at, r.last_seen_at, r.n,
                (select count(*) from groups g
                 where g.project = r.project and g.first_release = r.version and g.merged_into is null),
                (select count(*) from groups g
                 where g.project = r.project and g.first_release = r.version and g.merged_into is null
                   and g.is_resolved = 0)
         from releases r
         where :project is null or r.project = :project
         order by r.first_seen_at desc, r.id desc
         limit :limit",
    )?;
    let rows = statement.query_map(named_params! { ":project": project, ":limit": limit }, |row| {
        Ok(Release {
            project: row.get(0)?,
            version: row.get(1)?,
            first_seen_at: row.get(2)?,
            last_seen_at: row.get(3)?,
            n_occurrences: row.get(4)?,
            n_new_groups: row.get(5)?,
            n_new_open: row.get(6)?,
        })
    })?;
    rows.collect()
}

/// Releases of a project first seen at or after `since`, oldest first: version and time.
pub fn since(connection: &Connection, project: &str, since: i64) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = connection.prepare_cached(
        "select version, first_seen_at from releases
         where project = ?1 and first_seen_at >= ?2
         order by first_seen_at
         limit 50",
    )?;
    let rows = statement.query_map((project, since), |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}
