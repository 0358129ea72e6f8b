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
}
