//! The statements by which [`super::intake`] looks a group up, makes one, and opens it again.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::fingerprint;
use crate::domain::grouping::Grouping;
use crate::domain::recognition::Recognised;
use crate::domain::report::Report;

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

/// Whether there are groups that the search index does not have.
pub(super) fn has_unsearched(tx: &Connection) -> rusqlite::Result<bool> {
    let mut statement =
        tx.prepare_cached("select searched_id < (select ifnull(max(id), 0) from groups) from intake")?;
    statement.query_row([], |row| row.get(0))
}

/// Adds up to `n` groups to the search index that are not in it, as far as their first reports are counted. Whether
/// there may be more.
pub(super) fn index_new(tx: &Connection, n: u32) -> rusqlite::Result<bool> {
    let mut new = tx.prepare_cached(
        "select g.id, g.exception_type, f.message, f.culprit, f.grouping, substr(f.traceback, 1, 4000),
                (select group_concat(t.name || ':' || t.value, char(10)) from group_tags t where t.group_id = g.id),
                g.folded_seq = 0 and g.n_occurrences = 0
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
        // Its tags come when its first report is counted.
        if row.get(7)? {
            break;
        }
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
    let mut members = super::merged::into(tx, root)?;
    members.push(root);
    Ok((n_counted, members))
}
