//! Single reports, as they are kept.

use rusqlite::types::{ToSqlOutput, Type};
use rusqlite::{Connection, Error, OptionalExtension, named_params, params_from_iter};

use crate::domain::report::Details;
use crate::domain::rich::Rich;

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

/// Which of a group's reports are kept, and where. Each has one place, chosen when it comes: the very first, the first
/// of an hour, the first of a release or environment, or one in the ring of the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Places {
    /// 1 if the first report has a place of its own, else 0.
    n_first: i64,
    /// Two for each level: hours thin out with age, see [`Places::of_hour`].
    n_levels: i64,
    n_variants: i64,
    n_ring: i64,
}

impl Places {
    /// For `keep` reports of a group, at least one and at most [`MAX_KEPT`].
    pub fn new(keep: u32) -> Self {
        let keep = i64::from(keep.clamp(1, MAX_KEPT));
        let n_first = i64::from(keep > 1);
        let n_levels = (keep / 5).min(12);
        let n_variants = (keep - 1) / 6;
        Self {
            n_first,
            n_levels,
            n_variants,
            n_ring: keep - n_first - 2 * n_levels - n_variants,
        }
    }

    /// So many of the newest reports are kept for sure.
    pub(super) fn n_ring(self) -> i64 {
        self.n_ring
    }

    /// Of the group's first report.
    pub(super) fn of_first(self) -> Option<i64> {
        (self.n_first > 0).then_some(0)
    }

    /// Of the first report in an hour (Unix time / 3600 s). Each level takes every second hour that the one before
    /// left, and has room for the newest two: the last hours are all there, older ones ever more sparsely.
    pub(super) fn of_hour(self, hour: i64) -> Option<i64> {
        if self.n_levels == 0 {
            return None;
        }
        let level = i64::from(hour.trailing_zeros()).min(self.n_levels - 1);
        let turn = hour >> (level + 1) & 1;
        Some(self.n_first + 2 * level + turn)
    }

    /// Of the first report of a release or environment, whose digest is `variant`.
    pub(super) fn of_variant(self, variant: i64) -> Option<i64> {
        if self.n_variants == 0 {
            return None;
        }
        Some(self.n_first + 2 * self.n_levels + variant.rem_euclid(self.n_variants))
    }

    /// Of any other.
    pub(super) fn in_ring(self, number: i64) -> i64 {
        self.n_first + 2 * self.n_levels + self.n_variants + number.rem_euclid(self.n_ring)
    }
}

/// Keeps a journalled report in a place of its group, instead of what is there.
///
/// One statement would do, but SQLite guards one that may touch several rows with copies of the pages it changes.
pub(super) fn keep(tx: &Connection, group_id: i64, seq: i64, turn: i64) -> rusqlite::Result<()> {
    let mut journalled = tx.prepare_cached(
        "select number, received_at, environment, session_id, message, traceback, details, rich
         from journal
         where seq = ?1",
    )?;
    let mut rows = journalled.query([seq])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let mut values = std::array::from_fn::<_, 9, _>(|_| ToSqlOutput::from(place(group_id, turn)));
    for (column, value) in values[1..].iter_mut().enumerate() {
        *value = ToSqlOutput::Borrowed(row.get_ref(column)?);
    }
    let mut replace = tx.prepare_cached(
        "update occurrences
         set number = ?2, received_at = ?3, environment = ?4, session_id = ?5, message = ?6, traceback = ?7,
             details = ?8, rich = ?9
         where place = ?1",
    )?;
    if replace.execute(params_from_iter(&values))? == 0 {
        let mut add = tx.prepare_cached(
            "insert into occurrences (place, number, received_at, environment, session_id,
                                      message, traceback, details, rich)
             values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?;
        add.execute(params_from_iter(&values))?;
    }
    Ok(())
}

/// Whether nothing is kept in a place of a group.
pub(super) fn is_free(tx: &Connection, group_id: i64, turn: i64) -> rusqlite::Result<bool> {
    let mut statement =
        tx.prepare_cached("select not exists (select 1 from occurrences where place = ?1)")?;
    statement.query_row([place(group_id, turn)], |row| row.get(0))
}

/// Drops what is kept of a group.
pub(super) fn drop_of_group(tx: &Connection, group_id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from occurrences where place between ?1 and ?2")?;
    statement.execute(places(group_id))?;
    Ok(())
}

/// The group of a place.
pub(super) fn group_of(place: i64) -> i64 {
    place >> PLACE_BITS
}

/// The id of a group's report.
pub(super) fn id_of(group_id: i64, number: i64) -> i64 {
    (group_id << NUMBER_BITS) + number % (1 << NUMBER_BITS)
}

/// Where the occurrence of an id is kept, if it is.
pub(super) fn place_of(connection: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    let (group_id, number) = (id >> NUMBER_BITS, id & ((1 << NUMBER_BITS) - 1));
    let mut statement = connection.prepare_cached(
        "select place from occurrences where place between ?1 and ?2 and number % ?3 = ?4 limit 1",
    )?;
    let (first, last) = places(group_id);
    let found = statement.query_row((first, last, 1_i64 << NUMBER_BITS, number), |row| row.get(0));
    found.optional()
}

fn place(group_id: i64, turn: i64) -> i64 {
    group_id << PLACE_BITS | turn
}

/// The first and the last place of a group.
pub(super) fn places(group_id: i64) -> (i64, i64) {
    (place(group_id, 0), place(group_id, i64::from(MAX_KEPT) - 1))
}

/// The kept occurrences of a group and of what is merged into it, newest first.
pub fn of_group(connection: &Connection, group_id: i64, limit: u32) -> rusqlite::Result<Vec<Occurrence>> {
    let mut all = of_one(connection, group_id, limit)?;
    for merged in super::merged::into(connection, group_id)? {
        all.extend(of_one(connection, merged, limit)?);
    }
    all.sort_by_key(|occurrence| std::cmp::Reverse((occurrence.received_at, occurrence.id)));
    all.truncate(limit as usize);
    Ok(all)
}

fn of_one(connection: &Connection, group_id: i64, limit: u32) -> rusqlite::Result<Vec<Occurrence>> {
    let mut statement = connection.prepare_cached(
        "select o.number, o.received_at, o.environment, o.details,
                coalesce(o.message, f.message), coalesce(o.traceback, f.traceback), o.rich
         from occurrences o
         join first_reports f on f.group_id = :group_id
         where o.place between :first and :last
         order by o.number desc
         limit :limit",
    )?;
    let (first, last) = places(group_id);
    let page = named_params! { ":group_id": group_id, ":first": first, ":last": last, ":limit": limit };
    let rows = statement.query_map(page, |row| {
        let number: i64 = row.get(0)?;
        let details: String = row.get(3)?;
        Ok(Occurrence {
            id: id_of(group_id, number),
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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_place_is_one_of_so_many_and_no_two_kinds_share_one() {
        for keep in 1..=MAX_KEPT {
            let places = Places::new(keep);
            let first: BTreeSet<i64> = places.of_first().into_iter().collect();
            let hours: BTreeSet<i64> = (0..20_000).filter_map(|hour| places.of_hour(hour)).collect();
            let variants: BTreeSet<i64> = (-2000..2000).filter_map(|it| places.of_variant(it)).collect();
            let ring: BTreeSet<i64> = (0..2000).map(|number| places.in_ring(number)).collect();
            let n = first.len() + hours.len() + variants.len() + ring.len();
            let all: BTreeSet<i64> = [first, hours, variants, ring].into_iter().flatten().collect();
            assert_eq!(all.len(), n, "{keep}: two kinds share a place");
            assert_eq!(all, (0..i64::from(keep)).collect(), "{keep}");
        }
    }

    proptest! {
        #[test]
        fn the_last_two_hours_are_kept_and_old_ones_too(start in 0..1_000_000_i64, n in 50..2000_i64) {
            let places = Places::new(50);
            let mut kept: BTreeMap<i64, i64> = BTreeMap::new();
            for hour in start..start + n {
                kept.insert(places.of_hour(hour).unwrap(), hour);
            }
            let ages: BTreeSet<i64> = kept.values().map(|hour| start + n - 1 - hour).collect();
            prop_assert!(ages.contains(&0) && ages.contains(&1), "{ages:?}");
            let oldest = ages.iter().last().copied().unwrap();
            prop_assert!(oldest >= (n / 3).min(500), "reaches back: {ages:?}");
            let older: Vec<i64> = ages.iter().copied().filter(|age| *age > 0).collect();
            let is_spread = older.windows(2).all(|pair| pair[1] <= 4 * pair[0] + 2);
            prop_assert!(is_spread, "no great hole: {ages:?}");
        }
    }
}
