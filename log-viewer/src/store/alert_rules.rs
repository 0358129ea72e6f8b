//! Rules that tell of logs.

use alerts::Target;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::alert_rule::AlertRule;

/// A rule with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its number.
    pub id: i64,
    /// What it wants.
    pub rule: AlertRule,
    /// Hours in which it waits, as written; see `alerts::read_quiet_hours`.
    pub quiet_hours: Option<String>,
    /// Who is told.
    pub target: Target,
    /// When it was told of, Unix milliseconds.
    pub told_at: Option<i64>,
    /// Entries up to this one were told of.
    pub told_to_id: Option<u64>,
    /// It tells of nothing.
    pub is_paused: bool,
    /// What is older does not count, Unix milliseconds: it was paused until then.
    pub counts_from: Option<i64>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredRule> {
    Ok(StoredRule {
        id: row.get(0)?,
        rule: AlertRule {
            name: row.get(1)?,
            query: row.get(2)?,
            n_matches: row.get(3)?,
            window_ms: row.get(4)?,
            pause_ms: row.get(5)?,
        },
        quiet_hours: row.get(6)?,
        target: Target::of_number(row.get(7)?),
        told_at: row.get(8)?,
        is_paused: row.get(9)?,
        counts_from: row.get(10)?,
        told_to_id: row.get::<_, Option<i64>>(11)?.map(i64::unsigned_abs),
    })
}

const COLUMNS: &str = "id, name, query, n_matches, window_ms, pause_ms, quiet_hours, channel_id, told_at, is_paused, \
                       counts_from, told_to_id";

/// All rules, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredRule>> {
    let sql = format!("select {COLUMNS} from alert_rules order by id");
    connection.prepare_cached(&sql)?.query_map([], read)?.collect()
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
/// When it was told of stays as it is.
pub fn put(tx: &Connection, stored: &StoredRule) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into alert_rules
             (id, name, query, n_matches, window_ms, pause_ms, quiet_hours, channel_id, is_paused, counts_from)
         values (nullif(:id, 0), :name, :query, :n_matches, :window_ms, :pause_ms, :quiet_hours, :channel_id,
                 :is_paused, :counts_from)
         on conflict (id) do update
         set name = :name, query = :query, n_matches = :n_matches, window_ms = :window_ms, pause_ms = :pause_ms,
             quiet_hours = :quiet_hours, channel_id = :channel_id, is_paused = :is_paused, counts_from = :counts_from
         returning id",
    )?;
    let rule = &stored.rule;
    let values = named_params! {
        ":id": stored.id,
        ":name": rule.name,
        ":query": rule.query,
        ":n_matches": rule.n_matches,
        ":window_ms": rule.window_ms,
        ":pause_ms": rule.pause_ms,
        ":quiet_hours": stored.quiet_hours,
        ":channel_id": stored.target.number(),
        ":is_paused": stored.is_paused,
        ":counts_from": stored.counts_from,
    };
    statement.query_row(values, |row| row.get(0))
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

/// Notes that a rule is told of, with entries up to that one. False if it is gone or paused.
pub fn told(tx: &Connection, id: i64, at: i64, to_id: u64) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(
        "update alert_rules set told_at = ?2, told_to_id = ?3 where id = ?1 and not is_paused",
    )?;
    Ok(statement.execute((id, at, to_id.cast_signed()))? > 0)
}
