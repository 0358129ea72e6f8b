//! What happened that somebody may want to be told of, until it is looked at.

use rusqlite::{Connection, named_params};

use crate::domain::alerting::Kind;

/// Something that happened to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its number; rises with time.
    pub id: i64,
    /// What.
    pub kind: Kind,
    /// To which group.
    pub group_id: i64,
    /// Who owns that.
    pub project: String,
    /// Of the report that caused it, or of the group's newest.
    pub environment: Option<String>,
    /// Unix milliseconds.
    pub at: i64,
    /// Reports of the group before it and with it, where they count.
    pub growth: Option<(i64, i64)>,
}

/// Writes down that something happened.
pub fn queue(
    tx: &Connection,
    kind: Kind,
    group_id: i64,
    environment: Option<&str>,
    at: i64,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into alerts (kind, group_id, environment, at) values (:kind, :group_id, :environment, :at)",
    )?;
    statement.execute(named_params! {
        ":kind": kind.name(),
        ":group_id": group_id,
        ":environment": environment,
        ":at": at,
    })?;
    Ok(())
}

/// Writes down that a group got a number of reports of which somebody wants to be told.
pub(super) fn queue_growth(
    tx: &Connection,
    group_id: i64,
    environment: Option<&str>,
    (before, after): (i64, i64),
    at: i64,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into alerts (kind, group_id, environment, at, n_before, n_after)
         values (:kind, :group_id, :environment, :at, :before, :after)",
    )?;
    statement.execute(named_params! {
        ":kind": Kind::EveryN.name(),
        ":group_id": group_id,
        ":environment": environment,
        ":at": at,
        ":before": before,
        ":after": after,
    })?;
    Ok(())
}

/// Takes the oldest `limit` out.
pub fn take(tx: &Connection, limit: u32) -> rusqlite::Result<Vec<Alert>> {
    let mut statement = tx.prepare_cached(
        "select a.id, a.kind, ifnull(g.merged_into, g.id), g.project, ifnull(a.environment, g.environment), a.at, a.n_before, a.n_after
         from alerts a
         join groups g on g.id = a.group_id
         order by a.id
         limit ?1",
    )?;
    let rows = statement.query_map([limit], |row| {
        let (before, after): (Option<i64>, Option<i64>) = (row.get(6)?, row.get(7)?);
        Ok(Alert {
            id: row.get(0)?,
            kind: Kind::read(row.get_ref(1)?.as_str()?).unwrap_or(Kind::Created),
            group_id: row.get(2)?,
            project: row.get(3)?,
            environment: row.get(4)?,
            at: row.get(5)?,
            growth: before.zip(after),
        })
    })?;
    let taken: Vec<Alert> = rows.collect::<rusqlite::Result<_>>()?;
    if let Some(last) = taken.last() {
        tx.prepare_cached("delete from alerts where id <= ?1")?
            .execute([last.id])?;
    }
    Ok(taken)
}

/// Whether there is anything to look at.
pub fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("select not exists (select 1 from alerts)")?;
    statement.query_row([], |row| row.get(0))
}
