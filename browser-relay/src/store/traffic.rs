//! What arrived, by hour.

use rusqlite::{Connection, named_params};

/// One row of a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// errors, metrics, logs
    pub kind: String,
    /// See [`crate::domain::traffic::Outcome::name`].
    pub outcome: String,
    /// How many.
    pub n: i64,
}

/// Adds to the counts of an hour (Unix time / 3600 s).
pub fn add<'a>(
    tx: &Connection,
    hour: i64,
    counts: impl IntoIterator<Item = (&'a str, &'a str, &'a str, i64)>,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into traffic (hour, project, kind, outcome, n) values (:hour, :project, :kind, :outcome, :n)
         on conflict do update set n = n + excluded.n",
    )?;
    for (project, kind, outcome, n) in counts {
        statement.execute(named_params! {
            ":hour": hour, ":project": project, ":kind": kind, ":outcome": outcome, ":n": n,
        })?;
    }
    Ok(())
}

/// How many since an hour, the most first; of one project, or of all.
pub fn since(connection: &Connection, hour: i64, project: Option<&str>) -> rusqlite::Result<Vec<Sum>> {
    let mut statement = connection.prepare_cached(
        "select kind, outcome, sum(n) from traffic
         where hour >= :hour and (:project is null or project = :project)
         group by kind, outcome
         order by 3 desc, 1, 2",
    )?;
    let rows = statement.query_map(named_params! { ":hour": hour, ":project": project }, |row| {
        Ok(Sum {
            kind: row.get(0)?,
            outcome: row.get(1)?,
            n: row.get(2)?,
        })
    })?;
    rows.collect()
}

/// Drops what is before an hour.
pub fn drop_before(tx: &Connection, hour: i64) -> rusqlite::Result<usize> {
    tx.prepare_cached("delete from traffic where hour < ?1")?
        .execute([hour])
}

#[cfg(test)]
mod tests {
    use super::super::testing::database;
    use super::*;

    #[test]
    fn counts_add_up_and_leave_with_their_hour() {
        let database = database();
        add(
            &database,
            5,
            [("p", "errors", "delivered", 2), ("q", "errors", "delivered", 1)],
        )
        .unwrap();
        add(
            &database,
            6,
            [("p", "errors", "delivered", 3), ("", "logs", "wrong_key", 1)],
        )
        .unwrap();
        let n = |hour, project| {
            since(&database, hour, project)
                .unwrap()
                .iter()
                .map(|sum| sum.n)
                .collect::<Vec<_>>()
        };
        assert_eq!(n(5, None), [6, 1]);
        assert_eq!(n(6, Some("p")), [3]);
        assert_eq!(drop_before(&database, 6).unwrap(), 2);
        assert_eq!(n(0, Some("q")), [] as [i64; 0]);
    }
}
