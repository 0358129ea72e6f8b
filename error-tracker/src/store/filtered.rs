//! Events that were counted and not stored.

use rusqlite::{Connection, named_params};

use crate::filtered::Counts;

/// Adds to the counts of a day (Unix time / 86400 s).
pub fn add(tx: &Connection, day: i64, counts: &Counts) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into filtered_days (day, project, reason, n) values (:day, :project, :reason, :n)
         on conflict do update set n = n + excluded.n",
    )?;
    for ((project, noise), n) in counts {
        statement.execute(named_params! {
            ":day": day, ":project": project, ":reason": noise.name(), ":n": n,
        })?;
    }
    Ok(())
}

/// How many since a day, by reason, the most first; of one project, or of all.
pub fn since(
    connection: &Connection,
    day: i64,
    project: Option<&str>,
) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = connection.prepare_cached(
        "select reason, sum(n) from filtered_days
         where day >= :day and (:project is null or project = :project)
         group by reason
         order by 2 desc, 1",
    )?;
    let rows = statement.query_map(named_params! { ":day": day, ":project": project }, |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    rows.collect()
}
