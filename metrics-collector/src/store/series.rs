//! `series`: what is measured, as the registry had it.

use std::sync::Arc;

use rusqlite::{Connection, named_params};

use crate::domain::kind::Kind;
use crate::domain::labels::Labels;
use crate::domain::series::Series;

/// Stores a series; one that is there stays as it is.
pub fn insert(tx: &Connection, id: u32, series: &Series, day: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "insert into series (id, name, kind, project, labels, last_day)
         values (:id, :name, :kind, :project, :labels, :day)
         on conflict (id) do nothing",
    )?
    .execute(named_params! {
        ":id": id,
        ":name": &*series.name,
        ":kind": series.kind.number(),
        ":project": series.project.as_deref(),
        ":labels": series.labels.packed(),
        ":day": day,
    })?;
    Ok(())
}

/// Notes that a series has samples up to a day.
pub fn seen(tx: &Connection, id: u32, day: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("update series set last_day = ?2 where id = ?1 and last_day < ?2")?
        .execute((id, day))?;
    Ok(())
}

/// Series whose last sample is from before a day.
pub fn idle(connection: &Connection, day: i64) -> rusqlite::Result<Vec<u32>> {
    let mut statement = connection.prepare_cached("select id from series where last_day < ?1")?;
    statement.query_map([day], |row| row.get(0))?.collect()
}

/// Deletes series.
pub fn delete(tx: &Connection, ids: &[u32]) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from series where id = ?1")?;
    ids.iter().try_for_each(|id| statement.execute([id]).map(drop))
}

/// Hands every series to `each`, by id.
pub fn all(connection: &Connection, mut each: impl FnMut(u32, Series)) -> rusqlite::Result<()> {
    let mut statement =
        connection.prepare("select id, name, kind, project, labels from series order by id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: Arc<str> = row.get_ref(1)?.as_str()?.into();
        let project = row.get_ref(3)?.as_str_or_null()?.map(Arc::from);
        let Some(kind) = Kind::of_number(row.get(2)?) else {
            continue;
        };
        let labels = Labels::of_packed(row.get_ref(4)?.as_str()?);
        each(
            row.get(0)?,
            Series {
                name,
                kind,
                project,
                labels,
            },
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn a_series_comes_back_as_it_was_first() {
        let database = database();
        let series = Series {
            name: "m".into(),
            kind: Kind::Histogram,
            project: Some("shop".into()),
            labels: Labels::new([("b", "2"), ("a", "1")]),
        };
        insert(&database, 7, &series, 20_000).unwrap();
        insert(
            &database,
            7,
            &Series {
                project: None,
                ..series.clone()
            },
            20_001,
        )
        .unwrap();
        let mut found = Vec::new();
        all(&database, |id, series| found.push((id, series))).unwrap();
        assert_eq!(found, [(7, series)]);
    }

    #[test]
    fn a_series_is_idle_from_its_last_day_on() {
        let database = database();
        let series = Series {
            name: "m".into(),
            kind: Kind::Gauge,
            project: None,
            labels: Labels::default(),
        };
        insert(&database, 1, &series, 10).unwrap();
        seen(&database, 1, 12).unwrap();
        seen(&database, 1, 11).unwrap();
        assert_eq!(
            (idle(&database, 12).unwrap(), idle(&database, 13).unwrap()),
            (vec![], vec![1])
        );
        delete(&database, &[1]).unwrap();
        assert_eq!(idle(&database, 13).unwrap(), [0; 0]);
    }
}
