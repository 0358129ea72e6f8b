//! `vantage_batches` and `vantage_services`: metrics of Vantage's agents as they came.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use rusqlite::{Connection, params};

use crate::domain::vantage::metric::Metric;
use crate::domain::vantage::rows::{self, Form, Row};

/// Services that are remembered; those of a flood of names beyond are not.
const MAX_SERVICES: i64 = 10_000;

/// Stores the metrics of a request.
pub fn insert(tx: &Connection, metrics: &[Metric]) -> rusqlite::Result<()> {
    let times = || metrics.iter().map(|metric| metric.at_ms);
    let (Some(from_ms), Some(to_ms)) = (times().min(), times().max()) else {
        return Ok(());
    };
    let n_traced = metrics.iter().filter(|metric| metric.is_traced()).count();
    tx.prepare_cached(
        "insert into vantage_batches (from_ms, to_ms, form, n_traced, data) values (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        from_ms,
        to_ms,
        Form::Second.number(),
        n_traced as i64,
        rows::encode(metrics)
    ])?;
    let mut note = tx.prepare_cached(
        "insert or ignore into vantage_services (name)
         select ?1 where (select count(*) from vantage_services) < ?2",
    )?;
    let services: BTreeSet<&str> = metrics.iter().map(|metric| metric.service.as_str()).collect();
    for service in services {
        note.execute(params![service, MAX_SERVICES])?;
    }
    Ok(())
}

/// Hands on the rows from `from_ms` up to, not including, `to_ms`; in order within a batch only.
pub fn between(
    connection: &Connection,
    from_ms: i64,
    to_ms: i64,
    mut each: impl FnMut(Row<'_>),
) -> rusqlite::Result<()> {
    until(connection, from_ms, to_ms, |row| {
        each(row);
        ControlFlow::Continue(())
    })
}

/// The same until `each` has enough.
pub fn until(
    connection: &Connection,
    from_ms: i64,
    to_ms: i64,
    mut each: impl FnMut(Row<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "select form, data
         from vantage_batches
         where to_ms >= ?1 and from_ms < ?2
         order by to_ms, id",
    )?;
    let mut batches = statement.query(params![from_ms, to_ms])?;
    while let Some(batch) = batches.next()? {
        let mut flow = ControlFlow::Continue(());
        decode(batch, |row| {
            if flow.is_continue() && (from_ms..to_ms).contains(&row.at_ms) {
                flow = each(row);
            }
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// Hands on the rows of batches that have traces, the latest batch first, until `each` has enough; those without a
/// trace, too.
pub fn traced(
    connection: &Connection,
    mut each: impl FnMut(Row<'_>) -> ControlFlow<()>,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "select form, data
         from vantage_batches
         where n_traced > 0
         order by to_ms desc, id desc",
    )?;
    let mut batches = statement.query([])?;
    while let Some(batch) = batches.next()? {
        let mut flow = ControlFlow::Continue(());
        decode(batch, |row| {
            if flow.is_continue() {
                flow = each(row);
            }
        })?;
        if flow.is_break() {
            break;
        }
    }
    Ok(())
}

/// A batch of an unknown form, from a later version, has no rows.
fn decode(batch: &rusqlite::Row<'_>, each: impl FnMut(Row<'_>)) -> rusqlite::Result<()> {
    if let Some(form) = Form::of_number(batch.get(0)?) {
        rows::decode(batch.get_ref(1)?.as_blob()?, form, each);
    }
    Ok(())
}

/// All that ever sent, in order.
pub fn services(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    connection
        .prepare_cached("select name from vantage_services order by name")?
        .query_map([], |row| row.get(0))?
        .collect()
}

/// The time of the oldest batch that is kept.
pub fn oldest_ms(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("select min(to_ms) from vantage_batches")?
        .query_row([], |row| row.get(0))
}

/// Deletes up to `n` batches that end before a time. Returns how many.
pub fn delete_before(tx: &Connection, ms: i64, n: u32) -> rusqlite::Result<usize> {
    tx.prepare_cached(
        "delete from vantage_batches
         where id in (select id from vantage_batches where to_ms < ?1 order by to_ms limit ?2)",
    )?
    .execute(params![ms, n])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::vantage::batch;
    use crate::store::testing::database;

    const NOW: i64 = 1_795_168_800_000;

    fn metrics(service: &str, times: &[i64]) -> Vec<Metric> {
        let metrics: Vec<_> = times
            .iter()
            .map(|at| json!({"metric_name": "m", "value": 1, "timestamp": NOW + at}))
            .collect();
        let body = json!({"service_name": service, "metrics": metrics}).to_string();
        batch::read(body.as_bytes(), None, NOW).unwrap().metrics
    }

    #[test]
    fn rows_of_a_time_are_found_and_batches_leave_as_a_whole() {
        let database = database();
        insert(&database, &metrics("b", &[-900, -100])).unwrap();
        insert(&database, &metrics("a", &[-500, -50, 10])).unwrap();
        let found = |from, to| {
            let mut found = Vec::new();
            between(&database, NOW + from, NOW + to, |row| {
                found.push((row.service.to_owned(), row.at_ms - NOW));
            })
            .unwrap();
            found
        };
        let (a, b) = ("a".to_owned(), "b".to_owned());
        assert_eq!(
            found(-500, 0),
            [(b.clone(), -100), (a.clone(), -500), (a.clone(), -50)]
        );
        assert_eq!(services(&database).unwrap(), ["a", "b"]);
        assert_eq!(delete_before(&database, NOW, 10).unwrap(), 1);
        assert_eq!(found(-1000, 100), [(a.clone(), -500), (a.clone(), -50), (a, 10)]);
        assert_eq!(oldest_ms(&database).unwrap(), Some(NOW + 10));
    }
}
