//! Exact counts of a group for ever: reports by hour and by tag, and which users it hit.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension, named_params};
use sha2::{Digest, Sha256};

/// Length of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Length of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
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

/// Counts reports by hour. Returns what each hour comes to.
pub(super) fn count_hours(
    tx: &Connection,
    group_id: i64,
    hours: impl IntoIterator<Item = (i64, i64)>,
) -> rusqlite::Result<BTreeMap<i64, i64>> {
    let mut before = tx.prepare_cached("select n from group_hours where group_id = ?1 and hour = ?2")?;
    let mut add = tx.prepare_cached("update group_hours set n = ?3 where group_id = ?1 and hour = ?2")?;
    let mut begin = tx.prepare_cached("insert into group_hours (group_id, hour, n) values (?1, ?2, ?3)")?;
    let mut totals = BTreeMap::new();
    for (hour, n) in hours {
        let n_before: Option<i64> = before.query_row((group_id, hour), |row| row.get(0)).optional()?;
        let total = n_before.unwrap_or(0) + n;
        let write = if n_before.is_some() { &mut add } else { &mut begin };
        write.execute((group_id, hour, total))?;
        totals.insert(hour, total);
    }
    Ok(totals)
}

/// Counts `n` reports with a tag, the newest of them received at `at`. Whether the value is new to the group.
pub(super) fn count_tag(
    tx: &Connection,
    group_id: i64,
    name: &str,
    value: &str,
    n: i64,
    at: i64,
) -> rusqlite::Result<bool> {
    if add_to_tag(tx, group_id, name, value, n, at)? {
        return Ok(false);
    }
    let is_full = n_values(tx, group_id, name)? >= MAX_VALUES;
    if is_full && add_to_tag(tx, group_id, name, OTHER, n, at)? {
        return Ok(false);
    }
    let value = if is_full { OTHER } else { value };
    let mut statement = tx.prepare_cached(
        "insert into group_tags (group_id, name, value, n, first_seen_at, last_seen_at, day, n_of_day)
         values (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?4)",
    )?;
    statement.execute((group_id, name, value, n, at, at.div_euclid(DAY_MS)))?;
    Ok(!is_full)
}

/// False if the group has no such tag yet.
fn add_to_tag(
    tx: &Connection,
    group_id: i64,
    name: &str,
    value: &str,
    n: i64,
    at: i64,
) -> rusqlite::Result<bool> {
    let day = at.div_euclid(DAY_MS);
    let add = || {
        let mut statement = tx.prepare_cached(
            "update group_tags
             set n = n + ?4, last_seen_at = max(last_seen_at, ?5), n_of_day = n_of_day + ?4
             where group_id = ?1 and name = ?2 and value = ?3 and day = ?6",
        )?;
        statement.execute((group_id, name, value, n, at, day))
    };
    if add()? > 0 {
        return Ok(true);
    }
    // The day that is over gets a row of its own.
    let mut keep_day = tx.prepare_cached(
        "insert into group_tag_days (group_id, name, value, day, n)
         select group_id, name, value, day, n_of_day from group_tags
         where group_id = ?1 and name = ?2 and value = ?3 and n_of_day > 0
         on conflict do update set n = n + excluded.n",
    )?;
    keep_day.execute((group_id, name, value))?;
    let mut next_day = tx.prepare_cached(
        "update group_tags set day = ?4, n_of_day = 0 where group_id = ?1 and name = ?2 and value = ?3",
    )?;
    next_day.execute((group_id, name, value, day))?;
    Ok(add()? > 0)
}

fn n_values(tx: &Connection, group_id: i64, name: &str) -> rusqlite::Result<i64> {
    let mut statement =
        tx.prepare_cached("select count(*) from group_tags where group_id = ?1 and name = ?2")?;
    statement.query_row((group_id, name), |row| row.get(0))
}

/// Returns those that are new to the group.
pub(super) fn note_users(
    tx: &Connection,
    group_id: i64,
    users: &BTreeSet<i64>,
) -> rusqlite::Result<Vec<i64>> {
    let mut statement =
        tx.prepare_cached("insert into group_users (group_id, user) values (?1, ?2) on conflict do nothing")?;
    let mut new = Vec::new();
    for user in users {
        if statement.execute((group_id, user))? > 0 {
            new.push(*user);
        }
    }
    Ok(new)
}

/// How many of `users` another group of `root`'s family than `group_id` has as well.
pub(super) fn n_known_users(
    tx: &Connection,
    root: i64,
    group_id: i64,
    users: &[i64],
) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "select exists (select 1 from group_users u
                        join groups g on g.id = u.group_id
                        where u.user = ?3 and u.group_id <> ?2 and ifnull(g.merged_into, g.id) = ?1)",
    )?;
    let mut n = 0;
    for user in users {
        n += statement.query_row((root, group_id, user), |row| row.get::<_, i64>(0))?;
    }
    Ok(n)
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
         from (select name, value, sum(n) as n,
                      row_number() over (partition by name order by sum(n) desc, value) as rank
               from group_tags
               where group_id = :group_id or group_id in (select id from groups where merged_into = :group_id)
               group by name, value)
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
        "select hour - ?2, n from group_hours
         where (group_id = ?1 or group_id in (select id from groups where merged_into = ?1))
           and hour between ?2 and ?3",
    )?;
    let mut rows = statement.query((group_id, first, last))?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += row.get::<_, i64>(1)?;
        }
    }
    Ok(counts)
}

/// Groups that show at least `n` reports of one group in an hour.
pub fn full(connection: &Connection, hour: i64, n: i64) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "select distinct ifnull(g.merged_into, g.id)
         from group_hours h
         join groups g on g.id = h.group_id
         where h.hour = ?1 and h.n >= ?2",
    )?;
    statement.query_map((hour, n), |row| row.get(0))?.collect()
}

/// Reports of each of several groups in the `n_hours` hours up to the one of `now`, oldest first.
pub fn hours_of(
    connection: &Connection,
    groups: &[i64],
    now: i64,
    n_hours: i64,
) -> rusqlite::Result<Vec<Vec<i64>>> {
    groups
        .iter()
        .map(|id| hours(connection, *id, now, n_hours))
        .collect()
}

/// Reports of a group on each of `n_days` days (of UTC) up to that of `now`, oldest first.
pub fn days(connection: &Connection, group_id: i64, now: i64, n_days: i64) -> rusqlite::Result<Vec<i64>> {
    let last = now.div_euclid(DAY_MS);
    let first = last - n_days + 1;
    let mut counts = vec![0; usize::try_from(n_days).unwrap_or(0)];
    let mut statement = connection.prepare_cached(
        "with family (id) as (select ?1 union select id from groups where merged_into = ?1)
         select day - ?2, n from group_days
         where group_id in (select id from family) and day between ?2 and ?3
         union all
         select hour / 24 - ?2, n from group_hours
         where group_id in (select id from family) and hour between ?2 * 24 and ?3 * 24 + 23",
    )?;
    let mut rows = statement.query((group_id, first, last))?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += row.get::<_, i64>(1)?;
        }
    }
    Ok(counts)
}

/// Reports of a group with one value of a tag on each of `n_days` days (of UTC) up to that of `now`, oldest first.
pub fn tag_days(
    connection: &Connection,
    group_id: i64,
    (name, value): (&str, &str),
    now: i64,
    n_days: i64,
) -> rusqlite::Result<Vec<i64>> {
    let last = now.div_euclid(DAY_MS);
    let first = last - n_days + 1;
    let mut counts = vec![0; usize::try_from(n_days).unwrap_or(0)];
    let mut statement = connection.prepare_cached(
        "with family (id) as (select ?1 union select id from groups where merged_into = ?1)
         select day - ?4, n from group_tag_days
         where group_id in (select id from family) and name = ?2 and value = ?3 and day between ?4 and ?5
         union all
         select day - ?4, n_of_day from group_tags
         where group_id in (select id from family) and name = ?2 and value = ?3 and day between ?4 and ?5",
    )?;
    let mut rows = statement.query((group_id, name, value, first, last))?;
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        if let Some(count) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
            *count += row.get::<_, i64>(1)?;
        }
    }
    Ok(counts)
}

/// Adds the hours before `before` (Unix time / 3600 s) up by day, about `limit` of them. Returns how many it took.
pub fn roll_up(tx: &Connection, before: i64, limit: u32) -> rusqlite::Result<usize> {
    // Whole days only, so that no day is half in one table and half in the other.
    let before = before.div_euclid(24) * 24;
    let mut oldest =
        tx.prepare_cached("select hour from group_hours where hour < ?1 order by hour limit 1 offset ?2")?;
    let end: Option<i64> = oldest.query_row((before, limit), |row| row.get(0)).optional()?;
    let end = end
        .map_or(before, |hour| (hour.div_euclid(24) + 1) * 24)
        .min(before);
    let mut add = tx.prepare_cached(
        "insert into group_days (group_id, day, n)
         select group_id, hour / 24, sum(n) from group_hours where hour < ?1 group by 1, 2
         on conflict do update set n = n + excluded.n",
    )?;
    add.execute([end])?;
    tx.prepare_cached("delete from group_hours where hour < ?1")?
        .execute([end])
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{database, file, filing_of};

    fn reported(database: &Connection, region: &str, at: i64) -> i64 {
        let report = serde_json::json!({
            "project": "shop", "exception_type": "E", "message": "m", "traceback": "", "tags": {"region": region},
        });
        file(database, filing_of(&report, at)).group_id
    }

    #[test]
    fn each_day_of_a_tag_is_counted_whatever_the_order() {
        let database = database();
        let mut id = 0;
        for day in [10, 10, 12, 10, 12, 13] {
            id = reported(&database, "eu", day * DAY_MS + 5);
        }
        reported(&database, "us", 12 * DAY_MS);
        let days = |region| tag_days(&database, id, ("region", region), 13 * DAY_MS, 5).unwrap();
        assert_eq!(days("eu"), [0, 3, 0, 2, 1]);
        assert_eq!(days("us"), [0, 0, 0, 1, 0]);
    }

    #[test]
    fn hours_become_days_and_nothing_is_lost_or_doubled() {
        let database = database();
        let mut id = 0;
        for hour in [0, 0, 5, 23, 24, 30, 47, 100] {
            id = reported(&database, "eu", hour * HOUR_MS);
        }
        let now = 100 * HOUR_MS;
        let before = days(&database, id, now, 5).unwrap();
        assert_eq!(before, [4, 3, 0, 0, 1]);
        assert!(roll_up(&database, 50, 1).unwrap() > 0);
        assert_eq!(days(&database, id, now, 5).unwrap(), before);
        while roll_up(&database, 50, 1).unwrap() > 0 {}
        assert_eq!(days(&database, id, now, 5).unwrap(), before);
        let left: i64 = database
            .query_row("select count(*) from group_hours", [], |row| row.get(0))
            .unwrap();
        assert_eq!(left, 1, "only the young hour");
    }
}
