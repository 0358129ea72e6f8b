//! Files one report under its group: the hot path of the service, one transaction with whatever else waits.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::fingerprint;
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
    /// See [`fingerprint::of`].
    pub fingerprint: String,
    /// Short place where it happened.
    pub culprit: Option<String>,
    /// Unix milliseconds.
    pub received_at: i64,
    /// Occurrences kept per group, at least 1.
    pub keep_occurrences: u32,
    /// Who is to be told of a new or reopened group.
    pub recipients: std::sync::Arc<[String]>,
}

struct Known {
    id: i64,
    is_resolved: bool,
    n_occurrences: i64,
    text_hash: i64,
}

/// Counts the report, keeps it as an occurrence, drops the oldest beyond the limit, and queues the mails.
pub fn file(tx: &Connection, filing: &Filing) -> rusqlite::Result<Filed> {
    let text_hash = fingerprint::text_hash(&filing.report);
    let (group_id, outcome, n_occurrences, is_same_text) = match find(tx, filing)? {
        None => (create(tx, filing, text_hash)?, Outcome::Created, 1, true),
        Some(known) => {
            count(tx, filing, &known)?;
            let outcome = if known.is_resolved {
                Outcome::Reopened
            } else {
                Outcome::Incremented
            };
            (
                known.id,
                outcome,
                known.n_occurrences + 1,
                known.text_hash == text_hash,
            )
        }
    };
    if let Some(environment) = &filing.report.environment {
        note_environment(tx, group_id, environment)?;
    }
    keep(tx, filing, group_id, is_same_text)?;
    if n_occurrences > i64::from(filing.keep_occurrences) {
        trim(tx, group_id, filing.keep_occurrences)?;
    }
    if outcome != Outcome::Incremented {
        for recipient in filing.recipients.iter() {
            super::mails::queue(
                tx,
                Some(group_id),
                kind_of(outcome),
                recipient,
                filing.received_at,
            )?;
        }
    }
    Ok(Filed {
        group_id,
        outcome,
        n_occurrences,
        fingerprint: filing.fingerprint.clone(),
    })
}

fn kind_of(outcome: Outcome) -> super::mails::Kind {
    match outcome {
        Outcome::Reopened => super::mails::Kind::Reopened,
        Outcome::Created | Outcome::Incremented => super::mails::Kind::Created,
    }
}

fn find(tx: &Connection, filing: &Filing) -> rusqlite::Result<Option<Known>> {
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

fn create(tx: &Connection, filing: &Filing, text_hash: i64) -> rusqlite::Result<i64> {
    let report = &filing.report;
    let mut group = tx.prepare_cached(
        "insert into groups (fingerprint, project, exception_type, environment, is_browser, n_occurrences,
                             first_seen_at, last_seen_at, text_hash)
         values (:fingerprint, :project, :exception_type, :environment, :is_browser, 1, :now, :now, :text_hash)",
    )?;
    group.execute(named_params! {
        ":fingerprint": filing.fingerprint,
        ":project": report.project,
        ":exception_type": report.exception_type,
        ":environment": report.environment,
        ":is_browser": is_browser(report),
        ":now": filing.received_at,
        ":text_hash": text_hash,
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
        ":culprit": filing.culprit,
    })?;
    let mut search = tx.prepare_cached(
        "insert into group_search (rowid, exception_type, message, culprit)
         values (:id, :exception_type, :message, :culprit)",
    )?;
    search.execute(named_params! {
        ":id": id,
        ":exception_type": report.exception_type,
        ":message": searched(&report.message),
        ":culprit": filing.culprit,
    })?;
    Ok(id)
}

/// The part of a message that the search index covers: a bound on what one report can cost.
fn searched(message: &str) -> &str {
    const MAX_CHARS: usize = 2000;
    message
        .char_indices()
        .nth(MAX_CHARS)
        .map_or(message, |(end, _)| &message[..end])
}

fn count(tx: &Connection, filing: &Filing, known: &Known) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update groups
         set n_occurrences = n_occurrences + 1,
             last_seen_at = max(last_seen_at, :now),
             environment = coalesce(:environment, environment),
             is_browser = is_browser or :is_browser,
             reopened_at = iif(is_resolved, :now, reopened_at),
             is_resolved = 0,
             resolved_at = null
         where id = :id",
    )?;
    statement.execute(named_params! {
        ":id": known.id,
        ":now": filing.received_at,
        ":environment": filing.report.environment,
        ":is_browser": is_browser(&filing.report),
    })?;
    Ok(())
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

fn keep(tx: &Connection, filing: &Filing, group_id: i64, is_same_text: bool) -> rusqlite::Result<()> {
    let report = &filing.report;
    let text = |text: &'_ str| (!is_same_text).then(|| text.to_owned());
    let mut statement = tx.prepare_cached(
        "insert into occurrences (group_id, received_at, environment, request_url, request_method,
                                  request_headers, user_id, extra, session_id, message, traceback)
         values (:group_id, :received_at, :environment, :request_url, :request_method,
                 :request_headers, :user_id, :extra, :session_id, :message, :traceback)",
    )?;
    statement.execute(named_params! {
        ":group_id": group_id,
        ":received_at": filing.received_at,
        ":environment": report.environment,
        ":request_url": report.request_url,
        ":request_method": report.request_method,
        ":request_headers": report.request_headers,
        ":user_id": report.user_id,
        ":extra": report.extra,
        ":session_id": report.session_id,
        ":message": text(&report.message),
        ":traceback": text(&report.traceback),
    })?;
    Ok(())
}

fn trim(tx: &Connection, group_id: i64, keep: u32) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from occurrences
         where group_id = :group_id
           and id <= (select id from occurrences where group_id = :group_id order by id desc limit 1 offset :keep)",
    )?;
    statement.execute(named_params! { ":group_id": group_id, ":keep": keep })?;
    Ok(())
}

fn is_browser(report: &Report) -> bool {
    report.request_method.as_deref() == Some("BROWSER")
}
