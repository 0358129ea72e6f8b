//! Journalled reports are counted: group, hours, tags, users, and which of them are kept.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};

use super::entry::Entry;
use super::occurrences::Places;
use super::releases::Addition;
use super::summary::Summary;

/// What counting the reports of a group led to.
pub(super) struct Folded {
    /// The group that shows them.
    pub(super) root: i64,
    /// Its reports, these included.
    pub(super) n_after: i64,
    /// Reports of the fullest hour they fell into, these included.
    pub(super) n_in_hour: i64,
    /// Environment of the newest of them that named one.
    pub(super) environment: Option<String>,
    /// When the newest of them came.
    pub(super) at: i64,
}

/// Counts `entries`, oldest first, in their group, and keeps those of them for which there is a place.
pub(super) fn fold(
    tx: &Connection,
    group_id: i64,
    entries: &[Entry],
    places: Places,
) -> rusqlite::Result<Option<Folded>> {
    let Some(last) = entries.last() else {
        return Ok(None);
    };
    let summary = Summary::of(entries);
    let new_users = super::tallies::note_users(tx, group_id, &summary.users)?;
    // Not by `returning`, which would make SQLite copy each page before it changes it.
    let mut standing =
        tx.prepare_cached("select project, n_occurrences, n_merged, merged_into from groups where id = ?1")?;
    let standing = standing.query_row([group_id], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    });
    let (project, n_before, n_merged, merged_into): (String, i64, i64, Option<i64>) = standing?;
    let mut group = tx.prepare_cached(
        "update groups
         set n_occurrences = n_occurrences + :n,
             n_users = n_users + :n_new_users,
             last_seen_at = max(last_seen_at, :last_seen_at),
             level = coalesce(:level, level),
             environment = coalesce(:environment, environment),
             release = coalesce(:release, release),
             is_browser = is_browser or :is_browser,
             folded_seq = :seq
         where id = :id",
    )?;
    let n = entries.len() as i64;
    group.execute(named_params! {
        ":id": group_id,
        ":n": n,
        ":n_new_users": new_users.len() as i64,
        ":last_seen_at": summary.last_seen_at,
        ":level": summary.level,
        ":environment": summary.environment,
        ":release": summary.release,
        ":is_browser": summary.is_browser,
        ":seq": last.seq,
    })?;
    let n_after = match merged_into {
        Some(root) => add_to_root(tx, root, group_id, n, &new_users, &summary)?,
        None => n_before + n + n_merged,
    };
    let root = merged_into.unwrap_or(group_id);
    if merged_into.is_none() && n_merged > 0 && !new_users.is_empty() {
        drop_known_users(
            tx,
            root,
            super::tallies::n_known_users(tx, root, group_id, &new_users)?,
        )?;
    }
    let hours = count(tx, group_id, &project, &summary)?;
    let special = special_places(tx, group_id, entries, &summary, &hours, places)?;
    keep(tx, group_id, entries, places, &special)?;
    Ok(Some(Folded {
        root,
        n_after,
        n_in_hour: hours.values().copied().max().unwrap_or_default(),
        environment: summary.environment,
        at: summary.last_seen_at,
    }))
}

/// Counts reports of a merged group in the one that shows them. Returns what that has now.
fn add_to_root(
    tx: &Connection,
    root: i64,
    group_id: i64,
    n: i64,
    new_users: &[i64],
    summary: &Summary,
) -> rusqlite::Result<i64> {
    let n_known = super::tallies::n_known_users(tx, root, group_id, new_users)?;
    let mut statement = tx.prepare_cached(
        "update groups
         set n_merged = n_merged + :n,
             n_users = n_users + :n_new_users,
             last_seen_at = max(last_seen_at, :last_seen_at),
             level = coalesce(:level, level),
             environment = coalesce(:environment, environment),
             release = coalesce(:release, release),
             is_browser = is_browser or :is_browser
         where id = :root
         returning n_occurrences + n_merged",
    )?;
    let values = named_params! {
        ":root": root,
        ":n": n,
        ":n_new_users": new_users.len() as i64 - n_known,
        ":last_seen_at": summary.last_seen_at,
        ":level": summary.level,
        ":environment": summary.environment,
        ":release": summary.release,
        ":is_browser": summary.is_browser,
    };
    statement.query_row(values, |row| row.get(0))
}

fn drop_known_users(tx: &Connection, root: i64, n: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("update groups set n_users = n_users - ?2 where id = ?1")?;
    statement.execute((root, n))?;
    Ok(())
}

/// Counts by hour and release. Returns what each hour comes to.
fn count(
    tx: &Connection,
    group_id: i64,
    project: &str,
    summary: &Summary,
) -> rusqlite::Result<BTreeMap<i64, i64>> {
    let releases = summary.tags.iter().filter(|((name, _), _)| name == "release");
    let releases = releases.map(|((_, version), tagged)| {
        let addition = Addition {
            n: tagged.n,
            first_seen_at: tagged.first_seen_at,
            last_seen_at: tagged.last_seen_at,
        };
        (version.clone(), addition)
    });
    super::releases::count(tx, project, &releases.collect())?;
    let hours = summary.hours.iter().map(|(hour, (n, _))| (*hour, *n));
    super::tallies::count_hours(tx, group_id, hours)
}

/// Counts by tag; says which reports have a place of their own: by seq, the place.
fn special_places(
    tx: &Connection,
    group_id: i64,
    entries: &[Entry],
    summary: &Summary,
    hours: &BTreeMap<i64, i64>,
    places: Places,
) -> rusqlite::Result<BTreeMap<i64, i64>> {
    let mut special = BTreeMap::new();
    for ((name, value), tagged) in &summary.tags {
        let at = tagged.last_seen_at;
        let is_new = super::tallies::count_tag(tx, group_id, name, value, tagged.n, at)?;
        if is_new && matches!(name.as_str(), "environment" | "release") {
            let place = places.of_variant(super::tallies::digest_number(value));
            special.extend(place.map(|place| (tagged.first_seq, place)));
        }
    }
    for (hour, (n, first_seq)) in &summary.hours {
        if hours.get(hour) == Some(n) {
            special.extend(places.of_hour(*hour).map(|place| (*first_seq, place)));
        }
    }
    let first = entries.first().filter(|entry| entry.number == 1);
    special.extend(
        first
            .zip(places.of_first())
            .map(|(entry, place)| (entry.seq, place)),
    );
    Ok(special)
}

/// Of reports of one group that are counted at once, so many of the newest take a place in a full ring: those of one
/// moment are much alike, and what they would push out tells of other moments.
const MAX_OF_BURST: usize = 4;

fn keep(
    tx: &Connection,
    group_id: i64,
    entries: &[Entry],
    places: Places,
    special: &BTreeMap<i64, i64>,
) -> rusqlite::Result<()> {
    let n_ring = usize::try_from(places.n_ring()).unwrap_or(usize::MAX);
    let first_in_ring = entries.len().saturating_sub(n_ring);
    let first_of_burst = entries.len().saturating_sub(MAX_OF_BURST);
    for (at, entry) in entries.iter().enumerate() {
        let is_wanted = at >= first_in_ring && (at >= first_of_burst || entry.number <= places.n_ring());
        let in_ring = places.in_ring(entry.number);
        let place = match special.get(&entry.seq) {
            // As long as there is room, nothing makes way.
            Some(place) if !has_better(tx, group_id, *place, in_ring)? => *place,
            Some(_) => in_ring,
            None if is_wanted => in_ring,
            None => continue,
        };
        super::occurrences::keep(tx, group_id, entry.seq, place)?;
    }
    Ok(())
}

/// Whether a place is taken, and the one in the ring is not.
fn has_better(tx: &Connection, group_id: i64, place: i64, in_ring: i64) -> rusqlite::Result<bool> {
    Ok(!super::occurrences::is_free(tx, group_id, place)?
        && super::occurrences::is_free(tx, group_id, in_ring)?)
}

#[cfg(test)]
mod tests {
    use crate::store::intake::Intake;
    use crate::store::occurrences::{self, Places};
    use crate::store::testing::{database, filing_of};

    #[test]
    fn nothing_makes_way_as_long_as_there_is_room() {
        let database = database();
        let intake = Intake::new(20);
        let mut id = 0;
        for number in 0..12 {
            let report = serde_json::json!({
                "project": "shop", "exception_type": "E", "message": "m", "traceback": "",
                "release": format!("1.{number}"), "environment": format!("e{number}"),
            });
            id = intake
                .file(&database, &filing_of(&report, number * 3_600_000))
                .unwrap()
                .group_id;
        }
        intake.settle(&database).unwrap();
        let kept = occurrences::of_group(&database, id, 50).unwrap();
        let numbers: Vec<i64> = kept.iter().rev().map(|it| it.number).collect();
        assert!(numbers.len() >= 11, "{numbers:?}");
        assert_eq!((numbers[0], numbers.last().copied()), (1, Some(12)));
    }

    #[test]
    fn a_burst_does_not_push_out_what_was_before() {
        let database = database();
        let intake = Intake::new(50);
        let report =
            serde_json::json!({ "project": "shop", "exception_type": "E", "message": "m", "traceback": "" });
        let file = |n: i64| {
            let filed = (0..n).map(|at| intake.file(&database, &filing_of(&report, at)).unwrap());
            let id = filed.last().unwrap().group_id;
            intake.settle(&database).unwrap();
            let kept = occurrences::of_group(&database, id, 50).unwrap();
            kept.iter().map(|it| it.number).collect::<Vec<i64>>()
        };
        let n_ring = Places::new(50).n_ring();
        let before = file(n_ring);
        assert_eq!(before.len() as i64, n_ring, "none makes way while there is room");
        let after = file(100);
        let newest: Vec<i64> = (n_ring + 97..=n_ring + 100).rev().collect();
        assert_eq!(after[..4], newest);
        assert_eq!(
            after.iter().filter(|number| before.contains(number)).count(),
            before.len() - 4
        );
    }
}
