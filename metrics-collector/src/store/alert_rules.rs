//! Rules that tell of metrics, and which of their lines are not well.

use std::collections::BTreeMap;

use alerts::Target;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

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
    /// It is not looked at.
    pub is_paused: bool,
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
        is_paused: row.get(9)?,
    })
}

const COLUMNS: &str =
    "id, name, query, condition, threshold, window_ms, hold_ms, quiet_hours, channel_id, is_paused";

/// All rules, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredRule>> {
    let sql = format!("select {COLUMNS} from alert_rules order by id");
    let mut statement = connection.prepare_cached(&sql)?;
    statement.query_map([], read)?.collect()
}

/// One of them.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<StoredRule>> {
    let sql = format!("select {COLUMNS} from alert_rules where id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("select count(*) from alert_rules")?
        .query_row([], |row| row.get(0))
}

/// Stores a rule: in place of the one with its number, or as a new one where that is 0. Returns its number.
pub fn put(tx: &Connection, stored: &StoredRule) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into alert_rules
             (id, name, query, condition, threshold, window_ms, hold_ms, quiet_hours, channel_id, is_paused)
         values (nullif(:id, 0), :name, :query, :condition, :threshold, :window_ms, :hold_ms, :quiet_hours,
                 :channel_id, :is_paused)
         on conflict (id) do update
         set name = :name, query = :query, condition = :condition, threshold = :threshold, window_ms = :window_ms,
             hold_ms = :hold_ms, quiet_hours = :quiet_hours, channel_id = :channel_id, is_paused = :is_paused
         returning id",
    )?;
    let rule = &stored.rule;
    let values = named_params! {
        ":id": stored.id,
        ":name": rule.name,
        ":query": rule.query,
        ":condition": rule.condition.name(),
        ":threshold": rule.condition.threshold(),
        ":window_ms": rule.window_ms,
        ":hold_ms": rule.hold_ms,
        ":quiet_hours": stored.quiet_hours,
        ":channel_id": stored.target.number(),
        ":is_paused": stored.is_paused,
    };
    statement.query_row(values, |row| row.get(0))
}

/// Whether a rule is there and looked at.
pub fn is_active(connection: &Connection, id: i64) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("select 1 from alert_rules where id = ?1 and not is_paused")?
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

/// Lines of one rule that are not well, by labels.
pub fn states_of(connection: &Connection, rule_id: i64) -> rusqlite::Result<Vec<(String, State)>> {
    let mut statement =
        connection.prepare_cached("select labels, state, since from alert_states where rule_id = ?1")?;
    let rows = statement.query_map([rule_id], |row| {
        Ok((row.get(0)?, State::read(row.get_ref(1)?.as_str()?, row.get(2)?)))
    })?;
    rows.collect()
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
