//! Single reports, as they are kept.

use rusqlite::types::Type;
use rusqlite::{Connection, Error, named_params};

use crate::domain::report::{Details, Rich};

/// Occurrences that a group can keep: the places that its id leaves in a row's number.
pub const MAX_KEPT: u32 = 1 << PLACE_BITS;
const PLACE_BITS: u32 = 10;
/// Bits of an occurrence's id that its number takes; its group's id takes the rest of the 53 that JSON readers keep.
const NUMBER_BITS: u32 = 28;

/// One kept report of a group.
#[derive(Debug, Clone)]
pub struct Occurrence {
    /// Of all occurrences no two have the same; rises with time within a group.
    pub id: i64,
    /// 1 is the group's first report.
    pub number: i64,
    /// Unix milliseconds.
    pub received_at: i64,
    /// prod, staging, …
    pub environment: Option<String>,
    /// What is only shown.
    pub details: Details,
    /// Its own message.
    pub message: String,
    /// Its own traceback.
    pub traceback: String,
    /// What an event in pieces has beyond that.
    pub rich: Rich,
}

/// Keeps a journalled report in the place of the one that is `keep` reports older.
pub(super) fn keep(tx: &Connection, group_id: i64, seq: i64, keep: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert or replace into occurrences (place, number, received_at, environment, session_id,
                                             message, traceback, details, rich)
         select :first + number % :keep, number, received_at, environment, session_id,
                message, traceback, details, rich
         from journal
         where seq = :seq",
    )?;
    statement.execute(named_params! { ":first": place(group_id, 0), ":keep": keep, ":seq": seq })?;
    Ok(())
}

/// Drops what is kept of a group.
pub(super) fn drop_of_group(tx: &Connection, group_id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from occurrences where place between :first and :last")?;
    statement.execute(named_params! {
        ":first": place(group_id, 0),
        ":last": place(group_id, i64::from(MAX_KEPT) - 1),
    })?;
    Ok(())
}

fn place(group_id: i64, turn: i64) -> i64 {
    group_id << PLACE_BITS | turn
}

/// The kept occurrences of a group, newest first.
pub fn of_group(connection: &Connection, group_id: i64, limit: u32) -> rusqlite::Result<Vec<Occurrence>> {
    let mut statement = connection.prepare_cached(
        "select o.number, o.received_at, o.environment, o.details,
                coalesce(o.message, f.message), coalesce(o.traceback, f.traceback), o.rich
         from occurrences o
         join first_reports f on f.group_id = :group_id
         where o.place between :first and :last
         order by o.number desc
         limit :limit",
    )?;
    let page = named_params! {
        ":group_id": group_id,
        ":first": place(group_id, 0),
        ":last": place(group_id, i64::from(MAX_KEPT) - 1),
        ":limit": limit,
    };
    let rows = statement.query_map(page, |row| {
        let number: i64 = row.get(0)?;
        let details: String = row.get(3)?;
        Ok(Occurrence {
            id: (group_id << NUMBER_BITS) + number % (1 << NUMBER_BITS),
            number,
            received_at: row.get(1)?,
            environment: row.get(2)?,
            details: serde_json::from_str(&details)
                .map_err(|error| Error::FromSqlConversionFailure(3, Type::Text, Box::new(error)))?,
            message: row.get(4)?,
            traceback: row.get(5)?,
            rich: row
                .get::<_, Option<Vec<u8>>>(6)?
                .as_deref()
                .and_then(Rich::unpack)
                .unwrap_or_default(),
        })
    })?;
    rows.collect()
}
