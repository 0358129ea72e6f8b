//! Who wants to be told of what.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::alerting::Rule;
use alerts::Target;

/// A rule with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRule {
    /// Its number.
    pub id: i64,
    /// What it wants.
    pub rule: Rule,
    /// Hours in which it waits, as written; see `alerts::read_quiet_hours`.
    pub quiet_hours: Option<String>,
    /// Who is told.
    pub target: Target,
    /// It wants nothing meanwhile.
    pub is_paused: bool,
}

fn read(row: &Row<'_>) -> rusqlite::Result<StoredRule> {
    Ok(StoredRule {
        id: row.get(0)?,
        rule: Rule {
            project: row.get(1)?,
            environment: row.get(2)?,
            on_created: row.get(3)?,
            on_reopened: row.get(4)?,
            on_spike: row.get(5)?,
            every_n: row.get(6)?,
        },
        quiet_hours: row.get(7)?,
        target: Target::of_number(row.get(8)?),
        is_paused: row.get(9)?,
    })
}

const COLUMNS: &str = "id, project, environment, on_created, on_reopened, on_spike, every_n, quiet_hours, channel_id, is_paused";

/// All rules, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredRule>> {
    let sql = format!("select {COLUMNS} from rules order by id");
    connection.prepare_cached(&sql)?.query_map([], read)?.collect()
}

/// One of them.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<StoredRule>> {
    let sql = format!("select {COLUMNS} from rules where id = ?1");
    connection.prepare_cached(&sql)?.query_row([id], read).optional()
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("select count(*) from rules")?
        .query_row([], |row| row.get(0))
}

/// The numbers of reports at which some rule wants to be told.
pub(super) fn every(tx: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        tx.prepare_cached("select distinct every_n from rules where every_n > 0 and not is_paused")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Stores a rule: in place of the one with its number, or as a new one where that is 0. Returns its number.
pub fn put(tx: &Connection, stored: &StoredRule) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into rules
             (id, project, environment, on_created, on_reopened, on_spike, every_n, quiet_hours, channel_id, is_paused)
         values (nullif(:id, 0), :project, :environment, :on_created, :on_reopened, :on_spike, :every_n, :quiet_hours,
                 :channel_id, :is_paused)
         on conflict (id) do update
         set project = :project, environment = :environment, on_created = :on_created, on_reopened = :on_reopened,
             on_spike = :on_spike, every_n = :every_n, quiet_hours = :quiet_hours, channel_id = :channel_id,
             is_paused = :is_paused
         returning id",
    )?;
    let rule = &stored.rule;
    let values = named_params! {
        ":id": stored.id,
        ":project": rule.project,
        ":environment": rule.environment,
        ":on_created": rule.on_created,
        ":on_reopened": rule.on_reopened,
        ":on_spike": rule.on_spike,
        ":every_n": rule.every_n,
        ":quiet_hours": stored.quiet_hours,
        ":channel_id": stored.target.number(),
        ":is_paused": stored.is_paused,
    };
    statement.query_row(values, |row| row.get(0))
}

/// False if there is no such rule.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    Ok(tx
        .prepare_cached("delete from rules where id = ?1")?
        .execute([id])?
        > 0)
}

/// Deletes the rules that mean only this channel.
pub fn delete_of_channel(tx: &Connection, channel_id: i64) -> rusqlite::Result<()> {
    tx.prepare_cached("delete from rules where channel_id = ?1")?
        .execute([channel_id])?;
    Ok(())
}
