//! Rules: what is taken as one; the same for the API and the page.

use alerts::{Target, no_such_rule, read_quiet_hours, too_many_rules};
use serde::Deserialize;
use serde_json::Number;
use service::unix_ms;
use ui::link;
use web::{Error, Query, Result};

use crate::app::App;
use crate::asked;
use crate::domain::alert_rule::{AlertRule, MAX_MATCHES};
use crate::domain::filter::Filter;
use crate::domain::levels::Levels;
use crate::store::alert_rules::{self, StoredRule};

/// Most rules: each is asked of every entry.
const MAX_RULES: i64 = 100;
const MAX_NAME_CHARS: usize = 100;
const MAX_QUERY_BYTES: usize = 2000;
const MINUTE_MS: i64 = 60_000;
/// A day.
const MAX_WINDOW_MINUTES: u32 = 1440;
/// A week.
const MAX_PAUSE_MINUTES: u32 = 10_080;
/// Where nobody says how long.
pub(crate) const DEFAULT_PAUSE_MINUTES: u32 = 60;

/// A rule as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewRule {
    pub(crate) name: String,
    /// The query of a search's URL: `search=timeout&level=>=ERROR`. Times and pages in it do not count.
    #[serde(default)]
    pub(crate) query: String,
    pub(crate) matches: Option<Number>,
    pub(crate) within_minutes: Option<Number>,
    pub(crate) pause_minutes: Option<Number>,
    pub(crate) quiet_hours: Option<String>,
    /// None: all. 0: ALERT_EMAILS.
    pub(crate) channel_id: Option<Number>,
    /// It is kept, and tells of nothing.
    #[serde(default)]
    pub(crate) is_paused: bool,
}

/// Checks and adds a rule.
pub(crate) async fn add(app: &App, new: NewRule) -> Result<i64> {
    let stored = checked(0, &new)?;
    let id = app.common.write(move |tx| {
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        if alert_rules::count(tx)? >= MAX_RULES {
            return Ok(Err(too_many_rules(MAX_RULES)));
        }
        alert_rules::put(tx, &stored).map(Ok)
    });
    let id = id.await??;
    app.rules_changed.notify_one();
    Ok(id)
}

/// Checks a rule and puts it in place of another. Its pause after an alert goes on.
pub(crate) async fn change(app: &App, id: i64, new: NewRule) -> Result<()> {
    let stored = checked(id, &new)?;
    let changed = app.common.write(move |tx| {
        let Some(before) = alert_rules::find(tx, id)? else {
            return Ok(Err(no_such_rule()));
        };
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        alert_rules::put(tx, &from_now_on(stored, &before)).map(|_| Ok(()))
    });
    changed.await??;
    app.rules_changed.notify_one();
    Ok(())
}

/// Pauses a rule, or lets it go on.
pub(crate) async fn set_paused(app: &App, id: i64, is_paused: bool) -> Result<()> {
    let changed = app.common.write(move |tx| {
        let Some(before) = alert_rules::find(tx, id)? else {
            return Ok(Err(no_such_rule()));
        };
        let stored = StoredRule {
            is_paused,
            ..before.clone()
        };
        alert_rules::put(tx, &from_now_on(stored, &before)).map(|_| Ok(()))
    });
    changed.await??;
    app.rules_changed.notify_one();
    Ok(())
}

/// What came while it was paused does not count.
fn from_now_on(stored: StoredRule, before: &StoredRule) -> StoredRule {
    let is_resumed = before.is_paused && !stored.is_paused;
    StoredRule {
        counts_from: match is_resumed {
            true => Some(unix_ms()),
            false => before.counts_from,
        },
        ..stored
    }
}

/// A rule by its number.
pub(crate) async fn find(app: &App, id: i64) -> Result<StoredRule> {
    let found = app
        .common
        .read(move |connection| alert_rules::find(connection, id));
    found.await?.ok_or_else(no_such_rule)
}

fn checked(id: i64, new: &NewRule) -> Result<StoredRule> {
    Ok(StoredRule {
        id,
        rule: checked_rule(new)?,
        quiet_hours: read_quiet_hours(new.quiet_hours.as_deref())?,
        target: Target::read(new.channel_id.as_ref())?,
        told_at: None,
        told_to_id: None,
        is_paused: new.is_paused,
        counts_from: None,
    })
}

fn checked_rule(new: &NewRule) -> Result<AlertRule> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::bad_request(format!(
            "name must have 1 to {MAX_NAME_CHARS} characters"
        )));
    }
    let n_matches = whole("matches", new.matches.as_ref(), None, 1..=MAX_MATCHES as u32)?;
    let minutes = |name, asked: &Option<Number>, default, range| {
        whole(name, asked.as_ref(), default, range).map(|n| i64::from(n) * MINUTE_MS)
    };
    Ok(AlertRule {
        name: name.to_owned(),
        query: checked_query(&new.query)?,
        n_matches,
        window_ms: minutes(
            "within_minutes",
            &new.within_minutes,
            None,
            1..=MAX_WINDOW_MINUTES,
        )?,
        pause_ms: minutes(
            "pause_minutes",
            &new.pause_minutes,
            Some(DEFAULT_PAUSE_MINUTES),
            0..=MAX_PAUSE_MINUTES,
        )?,
    })
}

/// A whole number in this range; 26 and 26.0 are the same number in JSON.
fn whole(
    name: &str,
    asked: Option<&Number>,
    default: Option<u32>,
    range: std::ops::RangeInclusive<u32>,
) -> Result<u32> {
    let asked = match asked {
        None => default.map(f64::from),
        Some(number) => number.as_f64(),
    };
    asked
        .filter(|n| n.fract() == 0. && (f64::from(*range.start())..=f64::from(*range.end())).contains(n))
        .map(|n| n as u32)
        .ok_or_else(|| {
            Error::bad_request(format!(
                "{name} must be a whole number from {} to {}",
                range.start(),
                range.end()
            ))
        })
}

fn checked_query(text: &str) -> Result<String> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(Error::bad_request(format!(
            "query has at most {MAX_QUERY_BYTES} bytes"
        )));
    }
    let query = search_of(&Query::parse(text.trim_start_matches('?')));
    if asked::filter(&Query::parse(&query), unix_ms())?.levels == Levels::NONE {
        return Err(Error::bad_request(
            "level in query must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, or >= and one of them",
        ));
    }
    Ok(query)
}

/// Of a URL's query what makes the search, in one form: no time, no page.
pub(crate) fn search_of(query: &Query) -> String {
    let containers = asked::containers(query);
    let search = query.get("search").or_else(|| query.get("q"));
    let pairs = [
        ("search", search),
        ("level", query.get("level")),
        ("stream", query.get("stream")),
    ];
    let containers = containers.iter().map(|name| ("container", Some(name.as_str())));
    let text = link::query(pairs.into_iter().chain(containers));
    text.trim_start_matches('?').to_owned()
}

/// The filter of a search.
pub(crate) fn filter(query: &str) -> Result<Filter> {
    asked::filter_of_any_size(&Query::parse(query), unix_ms())
}

/// Deletes a rule.
pub(crate) async fn remove(app: &App, id: i64) -> Result<()> {
    match app.common.write(move |tx| alert_rules::delete(tx, id)).await? {
        true => {
            app.rules_changed.notify_one();
            Ok(())
        }
        false => Err(no_such_rule()),
    }
}
