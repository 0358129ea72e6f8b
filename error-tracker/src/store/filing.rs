//! The statements behind [`super::intake`]: look a group up, make one, journal a report, count and keep reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::fingerprint;
use crate::domain::grouping::Grouping;
use crate::domain::recognition::Recognised;
use crate::domain::report::{Level, Report};
use crate::store::occurrences::Places;
use crate::store::releases::Addition;
use crate::store::summary::Summary;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The first of its kind.
    Created,
    /// One more of an open group.
    Incremented,
    /// The group was resolved and is open again.
    Reopened,
    /// The very same event came before: it is not counted again.
    Repeated,
}

/// A filed report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filed {
    /// The group's id.
    pub group_id: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// Reports of the group, this one included.
    pub n_occurrences: i64,
    /// The group's fingerprint.
    pub fingerprint: String,
}

/// A report on its way to the store: what the rules made of it, and when it came.
#[derive(Debug, Clone)]
pub struct Filing {
    /// The checked report.
    pub report: Report,
    /// Where it belongs, and what it is called there.
    pub recognised: Arc<Recognised>,
    /// See [`fingerprint::text_hash`].
    pub text_hash: i64,
    /// See [`Report::details`].
    pub details: String,
    /// See [`Report::packed`].
    pub rich: Option<Vec<u8>>,
    /// JSON list of pairs: what can be filtered by; none if there is nothing.
    pub tags: Option<String>,
    /// Unix milliseconds.
    pub received_at: i64,
}

impl Filing {
    /// Makes a report ready for the store.
    pub fn new(mut report: Report, recognised: Arc<Recognised>, received_at: i64) -> Self {
        Self {
            recognised,
            text_hash: fingerprint::text_hash(&report),
            details: report.details(),
            rich: report.packed(),
            tags: report.all_tags(),
            report: {
                // In the bytes above; a queue of many reports should not hold it twice.
                report.rich = None;
                report
            },
            received_at,
        }
    }

    /// Key of the groups that were made before there were rules.
    fn old_key(&self) -> String {
        format!("0:{}:{}", self.recognised.fingerprint, self.report.exception_type)
    }
}

/// What a report does to its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    Open,
    /// It reopens it.
    Resolved,
    /// It reopens it if it is of a later release.
    ResolvedAfter,
}

/// What filing needs to know of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: i64,
    /// The group that shows its reports: itself unless it is merged into another.
    pub(super) root: i64,
    /// Whether it is merged, or others are merged into it.
    pub(super) is_merged: bool,
    /// Of the root.
    pub(super) standing: Standing,
    /// Its own: counted ones and those that wait.
    pub(super) n_occurrences: i64,
    pub(super) text_hash: i64,
}

/// A journalled report that waits to be counted and kept: what counting needs. The rest of it is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    /// 1 is the group's first report.
    pub(super) number: i64,
    pub(super) received_at: i64,
    pub(super) is_browser: bool,
    pub(super) level: Level,
    /// See [`super::tallies::user_number`].
    pub(super) user: Option<i64>,
    /// See [`Filing::tags`].
    pub(super) tags: Option<Arc<str>>,
}

impl Entry {
    /// `before` is the report of its group that came before: most have the same tags.
    pub(super) fn new(seq: i64, number: i64, filing: &Filing, before: Option<&Entry>) -> Self {
        let report = &filing.report;
        Self {
            seq,
            number,
            received_at: filing.received_at,
            is_browser: report.is_browser(),
            level: report.level,
            user: report.user_id.as_deref().map(super::tallies::user_number),
            tags: shared(filing.tags.as_deref(), before),
        }
    }
}

fn shared(tags: Option<&str>, before: Option<&Entry>) -> Option<Arc<str>> {
    let tags = tags?;
    let known = before.and_then(|before| before.tags.as_ref());
    Some(
        known
            .filter(|known| ***known == *tags)
            .map_or_else(|| tags.into(), Arc::clone),
    )
}

/// The group of this report, if there is one.
pub(super) fn find(tx: &Connection, filing: &Filing) -> rusqlite::Result<Option<Known>> {
    let project = &filing.report.project;
    if let Some(known) = find_by(tx, project, &filing.recognised.key)? {
        return Ok(Some(known));
    }
    // A group from before this rule: it gets the key as well, so the next report finds it at once.
    let old = find_by(tx, project, &filing.old_key())?;
    if let Some(known) = &old {
        add_key(tx, project, &filing.recognised.key, known.id)?;
    }
    Ok(old)
}

fn find_by(tx: &Connection, project: &str, key: &str) -> rusqlite::Result<Option<Known>> {
    let mut statement = tx.prepare_cached(
        "select g.id, g.n_occurrences, g.text_hash, r.id, r.is_resolved, r.resolved_after is not null,
                g.merged_into is not null or r.n_merged > 0
         from group_keys k
         join groups g on g.id = k.group_id
         join groups r on r.id = ifnull(g.merged_into, g.id)
         where k.project = :project and k.key = :key",
    )?;
    let row = statement.query_row(named_params! { ":project": project, ":key": key }, |row| {
        Ok(Known {
            id: row.get(0)?,
            n_occurrences: row.get(1)?,
            text_hash: row.get(2)?,
            root: row.get(3)?,
            standing: match (row.get(4)?, row.get(5)?) {
                (false, _) => Standing::Open,
                (true, false) => Standing::Resolved,
                (true, true) => Standing::ResolvedAfter,
            },
            is_merged: row.get(6)?,
        })
    });
    row.optional()
}

fn add_key(tx: &Connection, project: &str, key: &str, group_id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into group_keys (project, key, group_id) values (:project, :key, :group_id)",
    )?;
    statement.execute(named_params! { ":project": project, ":key": key, ":group_id": group_id })?;
    Ok(())
}

/// Makes the group of this report, which is itself not counted yet.
pub(super) fn create(tx: &Connection, filing: &Filing) -> rusqlite::Result<Known> {
    let report = &filing.report;
    let culprit = &filing.recognised.culprit;
    let mut number =
        tx.prepare_cached("update intake set last_group_id = last_group_id + 1 returning last_group_id")?;
    let id: i64 = number.query_row([], |row| row.get(0))?;
    let mut group = tx.prepare_cached(
        "insert into groups (id, fingerprint, project, exception_type, n_occurrences, first_seen_at, last_seen_at,
                             text_hash, level, first_release)
         values (:id, :fingerprint, :project, :exception_type, 0, :now, :now, :text_hash, :level, :release)",
    )?;
    group.execute(named_params! {
        ":id": id,
        ":fingerprint": filing.recognised.fingerprint,
        ":project": report.project,
        ":exception_type": report.exception_type,
        ":now": filing.received_at,
        ":text_hash": filing.text_hash,
        ":level": report.level.name(),
        ":release": report.release,
    })?;
    add_key(tx, &report.project, &filing.recognised.key, id)?;
    let mut texts = tx.prepare_cached(
        "insert into first_reports (group_id, message, traceback, culprit, grouping, received_at)
         values (:id, :message, :traceback, :culprit, :grouping, :now)",
    )?;
    texts.execute(named_params! {
        ":id": id,
        ":message": report.message,
        ":traceback": report.traceback,
        ":culprit": culprit,
        ":grouping": serde_json::to_string(&filing.recognised.grouping).ok(),
        ":now": filing.received_at,
    })?;
    Ok(Known {
        id,
        root: id,
        is_merged: false,
        standing: Standing::Open,
        n_occurrences: 0,
        text_hash: filing.text_hash,
    })
}

/// Adds up to `n` groups to the search index that are not in it. Whether there may be more.
pub(super) fn index_new(tx: &Connection, n: u32) -> rusqlite::Result<bool> {
    let mut new = tx.prepare_cached(
        "select g.id, g.exception_type, f.message, f.culprit, f.grouping, substr(f.traceback, 1, 4000),
                (select group_concat(t.name || ':' || t.value, char(10)) from group_tags t where t.group_id = g.id)
         from groups g
         join first_reports f on f.group_id = g.id
         where g.id > (select searched_id from intake)
         order by g.id
         limit ?1",
    )?;
    let mut add = tx.prepare_cached(
        "insert into group_search (rowid, exception_type, message, culprit, frames, tags)
         values (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let mut rows = new.query([n])?;
    let (mut n_added, mut last) = (0, None);
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let (kind, message): (String, String) = (row.get(1)?, row.get(2)?);
        let (culprit, tags): (Option<String>, Option<String>) = (row.get(3)?, row.get(6)?);
        // What counted for the group; a group from before there were rules has only its trace.
        let grouping: Option<Grouping> = row
            .get_ref(4)?
            .as_str_or_null()?
            .and_then(|json| serde_json::from_str(json).ok());
        let frames = match grouping {
            Some(grouping) => grouping.parts.join("\n"),
            None => row.get(5)?,
        };
        let tags = tags.unwrap_or_default();
        add.execute((
            id,
            kind,
            searched(&message),
            culprit,
            searched(&frames),
            searched(&tags),
        ))?;
        (n_added, last) = (n_added + 1, Some(id));
    }
    if let Some(last) = last {
        tx.prepare_cached("update intake set searched_id = ?1")?
            .execute([last])?;
    }
    Ok(n_added == n)
}

/// The part of a text that the search index covers: a bound on what one report can cost.
fn searched(text: &str) -> &str {
    const MAX_CHARS: usize = 2000;
    text.char_indices()
        .nth(MAX_CHARS)
        .map_or(text, |(end, _)| &text[..end])
}

/// Opens a resolved group because it came back.
pub(super) fn reopen(tx: &Connection, group_id: i64, now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update groups set is_resolved = 0, resolved_at = null, resolved_after = null, reopened_at = :now
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": group_id, ":now": now })?;
    Ok(())
}

/// Whether a report of `release` comes after the release in which a group was resolved.
pub(super) fn reopens(tx: &Connection, root: i64, report: &Report) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached("select resolved_after from groups where id = ?1")?;
    let after: Option<String> = statement.query_row([root], |row| row.get(0))?;
    match after {
        Some(after) => super::releases::is_newer(tx, &report.project, report.release.as_deref(), &after),
        None => Ok(true),
    }
}

/// Counted reports of a group and all that is merged into it, and which groups these are.
pub(super) fn family(tx: &Connection, root: i64) -> rusqlite::Result<(i64, Vec<i64>)> {
    let mut statement = tx.prepare_cached("select n_occurrences + n_merged from groups where id = ?1")?;
    let n_counted = statement.query_row([root], |row| row.get(0))?;
    let mut members = super::families::merged(tx, root)?;
    members.push(root);
    Ok((n_counted, members))
}

/// The group of an event that came before: the one that shows it.
pub(super) fn find_event(tx: &Connection, project: &str, event_id: &str) -> rusqlite::Result<Option<i64>> {
    let mut statement = tx.prepare_cached(
        "select ifnull(g.merged_into, g.id)
         from event_ids e
         join groups g on g.id = e.group_id
         where e.id = ?1",
    )?;
    statement
        .query_row([event_number(project, event_id)], |row| row.get(0))
        .optional()
}

pub(super) fn note_event(
    tx: &Connection,
    project: &str,
    event_id: &str,
    group_id: i64,
    now: i64,
) -> rusqlite::Result<()> {
    let mut statement =
        tx.prepare_cached("insert or replace into event_ids (id, group_id, day) values (?1, ?2, ?3)")?;
    statement.execute((
        event_number(project, event_id),
        group_id,
        now.div_euclid(super::tallies::DAY_MS),
    ))?;
    Ok(())
}

/// Forgets the ids of events received before `before`.
pub fn drop_events(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached("delete from event_ids where day < ?1")?;
    statement.execute([before.div_euclid(super::tallies::DAY_MS)])
}

/// By which an event is known in `event_ids`: two projects may use the same id.
fn event_number(project: &str, event_id: &str) -> i64 {
    // No id has a blank in it.
    super::tallies::digest_number(&format!("{event_id} {project}"))
}

/// Appends a report to the journal, without the texts if they are those of the group.
pub(super) fn journal(
    tx: &Connection,
    known: &Known,
    entry: &Entry,
    filing: &Filing,
) -> rusqlite::Result<()> {
    let report = &filing.report;
    let has_own_text = filing.text_hash != known.text_hash;
    let mut statement = tx.prepare_cached(
        "insert into journal (seq, group_id, number, received_at, environment, is_browser, session_id,
                              message, traceback, details, rich, level, user_id, tags)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?;
    statement.execute((
        entry.seq,
        known.id,
        entry.number,
        filing.received_at,
        &report.environment,
        entry.is_browser,
        &report.session_id,
        has_own_text.then_some(&report.message),
        has_own_text.then_some(&report.traceback),
        &filing.details,
        &filing.rich,
        report.level.name(),
        &report.user_id,
        &filing.tags,
    ))?;
    Ok(())
}

/// What the journal is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JournalState {
    /// Its newest row; 0 if it is empty.
    pub(super) last_seq: i64,
    /// Another one after each change that adds nothing to it.
    pub(super) version: i64,
    /// Above all numbers used up to the last such change.
    pub(super) next_seq: i64,
}

pub(super) fn journal_state(tx: &Connection) -> rusqlite::Result<JournalState> {
    let mut statement =
        tx.prepare_cached("select ifnull((select max(seq) from journal), 0), version, next_seq from intake")?;
    statement.query_row([], |row| {
        Ok(JournalState {
            last_seq: row.get(0)?,
            version: row.get(1)?,
            next_seq: row.get(2)?,
        })
    })
}

/// Notes that the journal was changed other than by adding to it.
pub(super) fn set_version(tx: &Connection, version: i64, next_seq: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("update intake set version = :version, next_seq = :next_seq")?;
    statement.execute(named_params! { ":version": version, ":next_seq": next_seq })?;
    Ok(())
}

/// What the journal holds that is not counted yet, oldest first, each with its group.
pub(super) fn uncounted(tx: &Connection) -> rusqlite::Result<Vec<(i64, Entry)>> {
    let mut statement = tx.prepare_cached(
        "select j.group_id, j.seq, j.number, j.received_at, j.is_browser, j.level, j.user_id, j.tags
         from journal j
         join groups g on g.id = j.group_id
         where j.seq > g.folded_seq
         order by j.seq",
    )?;
    let rows = statement.query_map([], |row| {
        let level = row.get_ref(5)?.as_str()?;
        let user = row.get_ref(6)?.as_str_or_null()?;
        let entry = Entry {
            seq: row.get(1)?,
            number: row.get(2)?,
            received_at: row.get(3)?,
            is_browser: row.get(4)?,
            level: Level::named(level).unwrap_or_default(),
            user: user.map(super::tallies::user_number),
            tags: row.get_ref(7)?.as_str_or_null()?.map(Arc::from),
        };
        Ok((row.get(0)?, entry))
    })?;
    rows.collect()
}

/// Drops what the journal holds before `seq`: it is counted.
pub(super) fn cut_journal(tx: &Connection, seq: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from journal where seq < :seq")?;
    statement.execute(named_params! { ":seq": seq })?;
    Ok(())
}

/// Empties the journal: all of it is counted.
pub(super) fn clear_journal(tx: &Connection) -> rusqlite::Result<()> {
    // Without a condition SQLite frees whole pages and looks at no row.
    tx.prepare_cached("delete from journal")?.execute([])?;
    Ok(())
}

/// What counting the reports of a group led to.
pub(super) struct Folded {
    /// The group that shows them.
    pub(super) root: i64,
    /// Its reports, these included.
    pub(super) n_after: i64,
    /// Reports of the fullest hour they fell into, before and after.
    pub(super) hour: (i64, i64),
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
    let fullest = hours
        .iter()
        .map(|(hour, after)| (after - summary.hours[hour].0, *after));
    Ok(Some(Folded {
        root,
        n_after,
        hour: fullest.max_by_key(|(_, after)| *after).unwrap_or_default(),
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
