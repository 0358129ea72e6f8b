//! Rules that tell of metrics, and which of their lines are not well.

use std::collections::BTreeMap;

use alerts::Target;
use rusqlite::{Connection, Row, named_params};

use crate::domain::alert_rule::{AlertRule, Condition, State};

/// A rule with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRule {
    /// Its number.
    pub id: i64,
    /// What it wants.
    pub rule: AlertRule,
    /// Hours in which it waits, as written; see `alerts::read_quiet_hours`.
    pub quiet_hours: Option<String>,
    /// Who is told.
    pub target: Target,
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredRule> {
    let condition = Condition::read(row.get_ref(3)?.as_str()?, row.get(4)?);
    Ok(StoredRule {
        id: row.get(0)?,
        rule: AlertRule {
            name: row.get(1)?,
            query: row.get(2)?,
            condition: condition.unwrap_or(Condition::Absent),
            window_ms: row.get(5)?,
            hold_ms: row.get(6)?,
        },
        quiet_hours: row.get(7)?,
        target: Target::of_number(row.get(8)?),
    })
}

/// All rules, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredRule>> {
    let mut statement = connection.prepare_cached(
        "select id, name, query, condition, threshold, window_ms, hold_ms, quiet_hours, channel_id
         from alert_rules
         order by id",
    )?;
    statement.query_map([], read)?.collect()
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("select count(*) from alert_rules")?
        .query_row([], |row| row.get(0))
}

/// Adds a rule. Returns its number.
pub fn add(
    tx: &Connection,
    rule: &AlertRule,
    quiet_hours: Option<&str>,
    target: Target,
) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into alert_rules (name, query, condition, threshold, window_ms, hold_ms, quiet_hours, channel_id)
         values (:name, :query, :condition, :threshold, :window_ms, :hold_ms, :quiet_hours, :channel_id)",
    )?;
    statement.execute(named_params! {
        ":name": rule.name,
        ":query": rule.query,
        ":condition": rule.condition.name(),
        ":threshold": rule.condition.threshold(),
        ":window_ms": rule.window_ms,
        ":hold_ms": rule.hold_ms,
        ":quiet_hours": quiet_hours,
        ":channel_id": target.number(),
    })?;
    Ok(tx.last_insert_rowid())
}

/// False if there is no such rule.
pub fn exists(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("select 1 from alert_rules where id = ?1")?
        .exists([id])
}

/// False if there is no such rule.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached("delete from alert_rules where id = ?1")?;
    Ok(statement.execute([id])? > 0)
}

/// Deletes the rules that mean only this channel.
pub fn delete_of_channel(tx: &Connection, channel_id: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("delete from alert_rules where channel_id = ?1")?
        .execute([channel_id])?;
    Ok(())
}

/// Lines that are not well, by rule and labels.
pub type States = BTreeMap<i64, BTreeMap<String, State>>;

/// See [`States`].
pub fn states(connection: &Connection) -> rusqlite::Result<States> {
    let mut statement =
        connection.prepare_cached("select rule_id, labels, state, since from alert_states")?;
    let mut rows = statement.query([])?;
    let mut states = States::new();
    while let Some(row) = rows.next()? {
        let state = State::read(row.get_ref(2)?.as_str()?, row.get(3)?);
        states.entry(row.get(0)?).or_default().insert(row.get(1)?, state);
    }
    Ok(states)
}

/// Notes how a line stands; none: it is well.
pub fn set_state(tx: &Connection, rule_id: i64, labels: &str, state: Option<State>) -> rusqlite::Result<()> {
    let Some(state) = state else {
        let mut statement =
            tx.prepare_cached("delete from alert_states where rule_id = ?1 and labels = ?2")?;
        statement.execute((rule_id, labels))?;
        return Ok(());
    };
    let mut statement = tx.prepare_cached(
        "insert into alert_states (rule_id, labels, state, since)
         values (?1, ?2, ?3, ?4)
         on conflict (rule_id, labels) do update set state = ?3, since = ?4",
    )?;
    statement.execute((rule_id, labels, state.name(), state.since()))?;
    Ok(())
}
