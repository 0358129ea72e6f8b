//! What a digest carries, seen from the groups.

use rusqlite::Connection;

use crate::domain::alerting::Kind;
use alerts::store::deliveries;

/// What a digest carries: how many of each kind, and in how many projects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Alerts by kind.
    pub by_kind: Vec<(Kind, u64)>,
    /// Projects that they are of, in order; at most ten.
    pub projects: Vec<String>,
    /// How many there are.
    pub n_projects: u64,
}

/// See [`Totals`]. Groups that were deleted meanwhile count no more.
pub fn totals(connection: &Connection, digest_id: i64) -> rusqlite::Result<Totals> {
    let by_kind = deliveries::digest_kinds(connection, digest_id)?.into_iter();
    let by_kind = by_kind.map(|(kind, n)| (Kind::read(&kind).unwrap_or(Kind::Created), n.unsigned_abs()));
    let mut projects = connection.prepare_cached(
        "select distinct g.project from deliveries d join groups g on g.id = d.subject_id
         where d.digest_id = ?1 order by 1",
    )?;
    let mut names: Vec<String> = projects
        .query_map([digest_id], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let n_projects = names.len() as u64;
    names.truncate(10);
    Ok(Totals {
        by_kind: by_kind.collect(),
        projects: names,
        n_projects,
    })
}

/// Groups in a digest with why they are in it, the ones with the most reports first.
pub fn of_groups(connection: &Connection, digest_id: i64, limit: u32) -> rusqlite::Result<Vec<(i64, Kind)>> {
    let mut statement = connection.prepare_cached(
        "select d.subject_id, min(d.kind)
         from deliveries d
         join groups g on g.id = d.subject_id
         where d.digest_id = ?1
         group by d.subject_id
         order by g.n_occurrences + g.n_merged desc, d.subject_id
         limit ?2",
    )?;
    let rows = statement.query_map((digest_id, limit), |row| {
        Ok((
            row.get(0)?,
            Kind::read(row.get_ref(1)?.as_str()?).unwrap_or(Kind::Created),
        ))
    })?;
    rows.collect()
}
