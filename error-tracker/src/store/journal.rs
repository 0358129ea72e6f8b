//! The journal: reports as they came, before they are counted.

use std::sync::Arc;

use rusqlite::{Connection, named_params};

use super::entry::Entry;
use super::filing::{Filing, Known};
use crate::domain::level::Level;

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
