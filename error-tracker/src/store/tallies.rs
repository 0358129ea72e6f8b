//! Exact counts of a group for ever: reports by hour and by tag, and which users it hit.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, named_params};
use sha2::{Digest, Sha256};

/// Length of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Values of one tag counted by themselves in a group; further ones count as [`OTHER`].
const MAX_VALUES: i64 = 200;
/// Stands for the values that are not counted by themselves.
pub const OTHER: &str = "__other__";

/// By which a user is known in `group_users`.
pub(super) fn user_number(user: &str) -> i64 {
    digest_number(user)
}

/// The first 8 bytes of SHA-256.
pub(super) fn digest_number(text: &str) -> i64 {
    let digest = Sha256::digest(text);
    i64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"))
}

pub(super) fn count_hours(
    tx: &Connection,
    group_id: i64,
    hours: &BTreeMap<i64, i64>,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into group_hours (group_id, hour, n) values (?1, ?2, ?3)
         on conflict (group_id, hour) do update set n = n + excluded.n",
    )?;
    for (hour, n) in hours {
        statement.execute((group_id, hour, n))?;
    }
    Ok(())
}

/// `tags`: by name and value, the number of reports and when the newest came.
pub(super) fn count_tags(
    tx: &Connection,
    group_id: i64,
    tags: &BTreeMap<(String, String), (i64, i64)>,
) -> rusqlite::Result<()> {
    for ((name, value), (n, at)) in tags {
        if count_tag(tx, group_id, name, value, *n, *at)? {
            continue;
        }
        let is_full = n_values(tx, group_id, name)? >= MAX_VALUES;
        let value = if is_full { OTHER } else { value };
        if !is_full || !count_tag(tx, group_id, name, value, *n, *at)? {
            let mut statement = tx.prepare_cached(
                "insert into group_tags (group_id, name, value, n, first_seen_at, last_seen_at)
                 values (?1, ?2, ?3, ?4, ?5, ?5)",
            )?;
            statement.execute((group_id, name, value, n, at))?;
        }
    }
    Ok(())
}

/// False if the group has no such tag yet.
fn count_tag(
    tx: &Connection,
    group_id: i64,
    name: &str,
    value: &str,
    n: i64,
    at: i64,
) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(
        "update group_tags set n = n + ?4, last_seen_at = max(last_seen_at, ?5)
         where group_id = ?1 and name = ?2 and value = ?3",
    )?;
    Ok(statement.execute((group_id, name, value, n, at))? > 0)
}

fn n_values(tx: &Connection, group_id: i64, name: &str) -> rusqlite::Result<i64> {
    let mut statement =
        tx.prepare_cached("select count(*) from group_tags where group_id = ?1 and name = ?2")?;
    statement.query_row((group_id, name), |row| row.get(0))
}

/// Returns how many of them are new to the group.
pub(super) fn note_users(tx: &Connection, group_id: i64, users: &BTreeSet<i64>) -> rusqlite::Result<i64> {
    let mut statement =
        tx.prepare_cached("insert into group_users (group_id, user) values (?1, ?2) on conflict do nothing")?;
    let mut n_new = 0;
    for user in users {
        n_new += statement.execute((group_id, user))? as i64;
    }
    Ok(n_new)
}

/// One value of a tag, with its share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// Reports that had it.
    pub n: i64,
}

/// The most frequent values of each tag of a group, names in order.
pub fn tags(connection: &Connection, group_id: i64, n_values: u32) -> rusqlite::Result<Vec<Tag>> {
    let mut statement = connection.prepare_cached(
        "select name, value, n
         from (select name, value, n, row_number() over (partition by name order by n desc, value) as rank
               from group_tags
               where group_id = :group_id)
         where rank <= :n_values
         order by name, n desc, value",
    )?;
    let rows = statement.query_map(
        named_params! { ":group_id": group_id, ":n_values": n_values },
        |row| {
            Ok(Tag {
                name: row.get(0)?,
                value: row.get(1)?,
                n: row.get(2)?,
            })
        },
    )?;
    rows.collect()
}

/// Reports of a group in each of `n_hours` hours up to the one of `now`, oldest first.
pub fn hours(connection: &Connection, group_id: i64, now: i64, n_hours: i64) -> rusqlite::Result<Vec<i64>> {
    let last = now.div_euclid(HOUR_MS);
    let first = last - n_hours + 1;
    let mut counts = vec![0; usize::try_from(n_hours).unwrap_or(0)];
    let mut statement = connection.prepare_cached(
        "select hour - ?2, n from group_hours where group_id = ?1 and hour between ?2 and ?3",
    )?;
    let mut rows = statement.query((group_id, first, last))?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count = row.get(1)?;
        }
    }
    Ok(counts)
}

/// Why the reports of a group are one: JSON of [`crate::domain::grouping::Grouping`]; none for groups made before.
pub fn grouping(connection: &Connection, group_id: i64) -> rusqlite::Result<Option<String>> {
    let mut statement =
        connection.prepare_cached("select grouping from first_reports where group_id = ?1")?;
    Ok(statement
        .query_row([group_id], |row| row.get(0))
        .optional()?
        .flatten())
}
