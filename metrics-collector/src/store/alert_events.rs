//! What rules told of: each is the subject of deliveries.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::alert_rule::{AlertRule, Condition, Told};

/// A line of a rule began to fire, or is well again.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertEvent {
    /// Its number.
    pub id: i64,
    /// Which of the two, and since when it is, or was, so.
    pub told: Told,
    /// When, Unix milliseconds.
    pub at: i64,
    /// The rule as it was.
    pub rule: AlertRule,
    /// Label and value.
    pub labels: Vec<(String, String)>,
    /// None: there were no samples.
    pub value: Option<f64>,
}

const COLUMNS: &str =
    "e.id, e.kind, e.at, e.since, e.name, e.query, e.condition, e.threshold, e.window_ms, e.labels, e.value";

fn read(row: &Row<'_>) -> rusqlite::Result<AlertEvent> {
    let since = row.get(3)?;
    let told = match row.get_ref(1)?.as_str()? {
        "resolved" => Told::Resolved { since },
        "withdrawn" => Told::Withdrawn { since },
        _ => Told::Firing { since },
    };
    let condition = Condition::read(row.get_ref(6)?.as_str()?, row.get(7)?);
    let labels = serde_json::from_str(row.get_ref(9)?.as_str()?);
    Ok(AlertEvent {
        id: row.get(0)?,
        told,
        at: row.get(2)?,
        rule: AlertRule {
            name: row.get(4)?,
            query: row.get(5)?,
            condition: condition.unwrap_or(Condition::Absent),
            window_ms: row.get(8)?,
            hold_ms: 0,
        },
        labels: labels.unwrap_or_default(),
        value: row.get(10)?,
    })
}

/// Notes one. `labels` as JSON. Returns its number.
pub fn add(
    tx: &Connection,
    (rule_id, rule): (i64, &AlertRule),
    told: Told,
    labels: &str,
    value: Option<f64>,
    at: i64,
) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into alert_events (rule_id, kind, at, since, name, query, condition, threshold, window_ms, labels, value)
         values (:rule_id, :kind, :at, :since, :name, :query, :condition, :threshold, :window_ms, :labels, :value)",
    )?;
    statement.execute(named_params! {
        ":rule_id": rule_id,
        ":kind": told.name(),
        ":at": at,
        ":since": told.since(),
        ":name": rule.name,
        ":query": rule.query,
        ":condition": rule.condition.name(),
        ":threshold": rule.condition.threshold(),
        ":window_ms": rule.window_ms,
        ":labels": labels,
        ":value": value,
    })?;
    Ok(tx.last_insert_rowid())
}

/// One of them.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<AlertEvent>> {
    let mut statement =
        connection.prepare_cached(&format!("select {COLUMNS} from alert_events e where id = ?1"))?;
    statement.query_row([id], read).optional()
}

/// Those in a digest, the newest first, at most `limit`.
pub fn of_digest(connection: &Connection, digest_id: i64, limit: u32) -> rusqlite::Result<Vec<AlertEvent>> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS} from deliveries d join alert_events e on e.id = d.subject_id
         where d.digest_id = ?1
         order by e.id desc
         limit ?2"
    ))?;
    statement.query_map((digest_id, limit), read)?.collect()
}

/// Those that began to fire, the newest first, each with when it was well again, or nobody looked any more.
pub fn firings(connection: &Connection, limit: u32) -> rusqlite::Result<Vec<(AlertEvent, Option<i64>)>> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS},
                (select min(later.at)
                 from alert_events later
                 where later.rule_id = e.rule_id and later.labels = e.labels and later.id > e.id
                   and later.kind <> 'firing')
         from alert_events e
         where e.kind = 'firing'
         order by e.id desc
         limit ?1"
    ))?;
    statement
        .query_map([limit], |row| Ok((read(row)?, row.get(11)?)))?
        .collect()
}

/// Forgets those before a time that no delivery speaks of any more.
pub fn drop_old(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached(
        "delete from alert_events
         where at < ?1 and not exists (select 1 from deliveries d where d.subject_id = alert_events.id)",
    )?;
    statement.execute([before])
}
