//! The statements behind [`super::intake`]: look a group up, make one, journal a report, count and keep reports.

use rusqlite::{Connection, OptionalExtension, named_params};

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
    /// See [`crate::domain::fingerprint::of`].
    pub fingerprint: String,
    /// See [`crate::domain::fingerprint::text_hash`].
    pub text_hash: i64,
    /// See [`Report::details`].
    pub details: String,
    /// Unix milliseconds.
    pub received_at: i64,
    /// Who is to be told of a new or reopened group.
    pub recipients: std::sync::Arc<[String]>,
}

/// What filing needs to know of a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    pub(super) id: i64,
    pub(super) is_resolved: bool,
    /// Counted ones and those that wait.
    pub(super) n_occurrences: i64,
    pub(super) text_hash: i64,
}

/// A journalled report that waits to be counted and kept; the rest of it is in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) seq: i64,
    /// 1 is the group's first report.
    pub(super) number: i64,
}

/// The group of this report, if there is one.
pub(super) fn find(tx: &Connection, filing: &Filing) -> rusqlite::Result<Option<Known>> {
    let mut statement = tx.prepare_cached(
        "select id, is_resolved, n_occurrences, text_hash
         from groups
         where fingerprint = :fingerprint and project = :project and exception_type = :exception_type",
    )?;
    let known = named_params! {
        ":fingerprint": filing.fingerprint,
        ":project": filing.report.project,
        ":exception_type": filing.report.exception_type,
    };
    let row = statement.query_row(known, |row| {
        Ok(Known {
            id: row.get(0)?,
            is_resolved: row.get(1)?,
            n_occurrences: row.get(2)?,
            text_hash: row.get(3)?,
        })
    });
    row.optional()
}

/// Makes the group of this report, which is itself not counted yet.
pub(super) fn create(tx: &Connection, filing: &Filing) -> rusqlite::Result<Known> {
    let report = &filing.report;
    let culprit = stacktrace::parse(&report.traceback).culprit();
    let mut group = tx.prepare_cached(
        "insert into groups (fingerprint, project, exception_type, n_occurrences, first_seen_at, last_seen_at, text_hash)
         values (:fingerprint, :project, :exception_type, 0, :now, :now, :text_hash)",
    )?;
    group.execute(named_params! {
        ":fingerprint": filing.fingerprint,
        ":project": report.project,
        ":exception_type": report.exception_type,
        ":now": filing.received_at,
        ":text_hash": filing.text_hash,
    })?;
    let id = tx.last_insert_rowid();
    let mut texts = tx.prepare_cached(
        "insert into first_reports (group_id, message, traceback, culprit)
         values (:id, :message, :traceback, :culprit)",
    )?;
    texts.execute(named_params! {
        ":id": id,
        ":message": report.message,
        ":traceback": report.traceback,
        ":culprit": culprit,
    })?;
    let mut search = tx.prepare_cached(
        "insert into group_search (rowid, exception_type, message, culprit)
         values (:id, :exception_type, :message, :culprit)",
    )?;
    search.execute(named_params! {
        ":id": id,
        ":exception_type": report.exception_type,
        ":message": searched(&report.message),
        ":culprit": culprit,
    })?;
    Ok(Known {
        id,
        is_resolved: false,
        n_occurrences: 0,
        text_hash: filing.text_hash,
    })
}

/// The part of a message that the search index covers: a bound on what one report can cost.
fn searched(message: &str) -> &str {
    const MAX_CHARS: usize = 2000;
    message
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(message, |(end, _)| &message[..end])
}

/// Opens a resolved group because it came back.
pub(super) fn reopen(tx: &Connection, group_id: i64, now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update groups set is_resolved = 0, resolved_at = null, reopened_at = :now where id = :id",
    )?;
    statement.execute(named_params! { ":id": group_id, ":now": now })?;
    Ok(())
}

/// Appends a report to the journal, without the texts if they are those of the group.
pub(super) fn journal(tx: &Connection, known: &Known, entry: Entry, filing: &Filing) -> rusqlite::Result<()> {
    let report = &filing.report;
    let has_own_text = filing.text_hash != known.text_hash;
    let mut statement = tx.prepare_cached(
        "insert into journal (seq, group_id, number, received_at, environment, is_browser, session_id,
                              message, traceback, details)
         values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?;
    statement.execute((
        entry.seq,
        known.id,
        entry.number,
        filing.received_at,
        &report.environment,
        report.is_browser(),
        &report.session_id,
        has_own_text.then_some(&report.message),
        has_own_text.then_some(&report.traceback),
        &filing.details,
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
        "select j.group_id, j.seq, j.number
         from journal j
         join groups g on g.id = j.group_id
         where j.seq > g.folded_seq
         order by j.seq",
    )?;
    let rows = statement.query_map([], |row| {
        let entry = Entry {
            seq: row.get(1)?,
            number: row.get(2)?,
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

/// What of several reports of one group its row keeps.
#[derive(Default)]
struct Summary {
    last_seen_at: i64,
    is_browser: bool,
    environment: Option<String>,
}

/// Counts `entries`, oldest first, in their group, and keeps the newest `keep` of all that the group has.
pub(super) fn fold(tx: &Connection, group_id: i64, entries: &[Entry], keep: i64) -> rusqlite::Result<()> {
    let Some(last) = entries.last() else {
        return Ok(());
    };
    let summary = summary(tx, group_id, entries)?;
    let mut group = tx.prepare_cached(
        "update groups
         set n_occurrences = n_occurrences + :n,
             last_seen_at = max(last_seen_at, :last_seen_at),
             environment = coalesce(:environment, environment),
             is_browser = is_browser or :is_browser,
             folded_seq = :seq
         where id = :id",
    )?;
    group.execute(named_params! {
        ":id": group_id,
        ":n": entries.len() as i64,
        ":last_seen_at": summary.last_seen_at,
        ":environment": summary.environment,
        ":is_browser": summary.is_browser,
        ":seq": last.seq,
    })?;
    let n_kept = usize::try_from(keep).unwrap_or(usize::MAX);
    for entry in &entries[entries.len().saturating_sub(n_kept)..] {
        super::occurrences::keep(tx, group_id, entry.seq, keep)?;
    }
    Ok(())
}

/// Reads what was journalled of `entries`, and notes the environments among them.
fn summary(tx: &Connection, group_id: i64, entries: &[Entry]) -> rusqlite::Result<Summary> {
    let mut journalled =
        tx.prepare_cached("select received_at, is_browser, environment from journal where seq = ?1")?;
    let mut summary = Summary::default();
    for entry in entries {
        let mut rows = journalled.query([entry.seq])?;
        let Some(row) = rows.next()? else { continue };
        summary.last_seen_at = summary.last_seen_at.max(row.get(0)?);
        summary.is_browser |= row.get::<_, bool>(1)?;
        let Some(environment) = row.get_ref(2)?.as_str_or_null()? else {
            continue;
        };
        if summary.environment.as_deref() != Some(environment) {
            note_environment(tx, group_id, environment)?;
            summary.environment = Some(environment.to_owned());
        }
    }
    Ok(summary)
}

fn note_environment(tx: &Connection, group_id: i64, environment: &str) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into group_environments (group_id, environment)
         values (:group_id, :environment)
         on conflict (group_id, environment) do nothing",
    )?;
    statement.execute(named_params! { ":group_id": group_id, ":environment": environment })?;
    Ok(())
}
