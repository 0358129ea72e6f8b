//! Who wants to be told of what.

use rusqlite::{Connection, Row, named_params};

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
    })
}

/// All rules, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredRule>> {
    let mut statement = connection.prepare_cached(
        "select id, project, environment, on_created, on_reopened, on_spike, every_n, quiet_hours, channel_id
         from rules
         order by id",
    )?;
    statement.query_map([], read)?.collect()
}

/// How many there are.
pub fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("select count(*) from rules")?
        .query_row([], |row| row.get(0))
}

/// The numbers of reports at which some rule wants to be told.
pub(super) fn every(tx: &Connection) -> rusqlite::Result<Vec<i64>> {
    let mut statement = tx.prepare_cached("select distinct every_n from rules where every_n > 0")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// Adds a rule. Returns its number.
pub fn add(tx: &Connection, rule: &Rule, quiet_hours: Option<&str>, target: Target) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into rules (project, environment, on_created, on_reopened, on_spike, every_n, quiet_hours, channel_id)
         values (:project, :environment, :on_created, :on_reopened, :on_spike, :every_n, :quiet_hours, :channel_id)",
    )?;
    statement.execute(named_params! {
        ":project": rule.project,
        ":environment": rule.environment,
        ":on_created": rule.on_created,
        ":on_reopened": rule.on_reopened,
        ":on_spike": rule.on_spike,
        ":every_n": rule.every_n,
        ":quiet_hours": quiet_hours,
        ":channel_id": target.number(),
    })?;
    Ok(tx.last_insert_rowid())
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
