//! Rules: what is taken as one, and how its query is read; the same for the API, the page and the job.

use alerts::{Audience, Event, Reach, Target, no_such_rule, read_quiet_hours, too_many_rules};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::Number;
use service::unix_ms;
use ui::link;
use web::{Error, Query, Result};

use crate::api::select_query::{self, duration_ms};
use crate::app::App;
use crate::catalogue;
use crate::domain::alert_rule::{AlertRule, Condition, State, Told};
use crate::domain::kind::Kind;
use crate::domain::resolution::Step;
use crate::domain::select::{Function, Select, Split};
use crate::domain::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};
use crate::store::alert_events;
use crate::store::alert_rules::{self, StoredRule};

/// Most rules: each is a query whenever they are looked at.
const MAX_RULES: i64 = 200;
const MAX_NAME_CHARS: usize = 100;
const MAX_QUERY_BYTES: usize = 2000;
const MIN_WINDOW_MS: i64 = 10_000;
/// Where nobody says how long.
pub(crate) const DEFAULT_WINDOW: &str = "5m";

/// A rule as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct NewRule {
    pub(crate) name: String,
    /// The query of an explorer's or API's URL: `name=http_requests&function=rate&group_by=path`. Times in it don't count.
    pub(crate) query: String,
    /// above, below or absent.
    pub(crate) condition: String,
    pub(crate) threshold: Option<Number>,
    /// `5m`
    pub(crate) window: Option<String>,
    /// `2m`; none: at once.
    pub(crate) hold: Option<String>,
    pub(crate) quiet_hours: Option<String>,
    /// None: all. 0: ALERT_EMAILS.
    pub(crate) channel_id: Option<Number>,
    /// It is kept, and not looked at.
    #[serde(default)]
    pub(crate) is_paused: bool,
}

/// Checks and adds a rule.
pub(crate) async fn add(app: &App, new: NewRule) -> Result<i64> {
    let stored = checked(app, 0, &new)?;
    let id = app.common.write(move |tx| {
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        if alert_rules::count(tx)? >= MAX_RULES {
            return Ok(Err(too_many_rules(MAX_RULES)));
        }
        alert_rules::put(tx, &stored).map(Ok)
    });
    id.await?
}

/// Checks a rule and puts it in place of another. Where it asks for something else, its lines begin anew.
pub(crate) async fn change(app: &App, id: i64, new: NewRule) -> Result<()> {
    let stored = checked(app, id, &new)?;
    let reach = app.alerts.reach();
    let changed = app.common.write(move |tx| {
        let Some(before) = alert_rules::find(tx, id)? else {
            return Ok(Err(no_such_rule()));
        };
        if let Err(refusal) = stored.target.check(tx)? {
            return Ok(Err(refusal));
        }
        let is_same =
            before.rule.query == stored.rule.query && before.rule.condition == stored.rule.condition;
        if stored.is_paused || !is_same {
            withdraw(tx, &before, &reach)?;
        }
        alert_rules::put(tx, &stored).map(|_| Ok(()))
    });
    changed.await??;
    app.alerts.wake();
    Ok(())
}

/// Pauses a rule, or has it looked at again.
pub(crate) async fn set_paused(app: &App, id: i64, is_paused: bool) -> Result<()> {
    let reach = app.alerts.reach();
    let changed = app.common.write(move |tx| {
        let Some(stored) = alert_rules::find(tx, id)? else {
            return Ok(Err(no_such_rule()));
        };
        withdraw(tx, &stored, &reach)?;
        alert_rules::put(tx, &StoredRule { is_paused, ..stored }).map(|_| Ok(()))
    });
    changed.await??;
    app.alerts.wake();
    Ok(())
}

/// Forgets how the lines of a rule stand. Of those that were told, it is told that nobody looks any more.
fn withdraw(tx: &Connection, stored: &StoredRule, reach: &Reach) -> rusqlite::Result<()> {
    let (audience, now) = (Audience::read(tx, reach)?, unix_ms());
    for (labels, state) in alert_rules::states_of(tx, stored.id)? {
        alert_rules::set_state(tx, stored.id, &labels, None)?;
        let State::Firing { since } = state else { continue };
        let told = Told::Withdrawn { since };
        let event = Event {
            kind: told.name(),
            subject_id: alert_events::add(tx, (stored.id, &stored.rule), told, &labels, None, now)?,
            at: now,
        };
        let meant = (stored.target, stored.quiet_hours.as_deref());
        audience.hold(tx, std::iter::once(meant), &event)?;
    }
    Ok(())
}

fn checked(app: &App, id: i64, new: &NewRule) -> Result<StoredRule> {
    Ok(StoredRule {
        id,
        rule: checked_rule(app, new)?,
        quiet_hours: read_quiet_hours(new.quiet_hours.as_deref())?,
        target: Target::read(new.channel_id.as_ref())?,
        is_paused: new.is_paused,
    })
}

fn checked_rule(app: &App, new: &NewRule) -> Result<AlertRule> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME_CHARS {
        return Err(Error::bad_request(format!(
            "name must have 1 to {MAX_NAME_CHARS} characters"
        )));
    }
    let threshold = new.threshold.as_ref().and_then(Number::as_f64);
    let condition = Condition::read(&new.condition, threshold).ok_or_else(|| {
        Error::bad_request("condition must be above or below, with a number as threshold, or absent")
    })?;
    Ok(AlertRule {
        name: name.to_owned(),
        query: checked_query(app, &new.query)?,
        condition,
        window_ms: length("window", new.window.as_deref(), DEFAULT_WINDOW, MIN_WINDOW_MS)?,
        hold_ms: length("hold", new.hold.as_deref(), "0s", 0)?,
    })
}

/// `30s`, `5m`, `1h`, up to a day.
fn length(name: &str, asked: Option<&str>, default: &str, min_ms: i64) -> Result<i64> {
    let asked = asked.map(str::trim).filter(|text| !text.is_empty());
    let text = asked.unwrap_or(default);
    let ms = match text {
        "0" | "0s" | "0m" | "0h" => Some(0),
        text => duration_ms(text),
    };
    ms.filter(|ms| (min_ms..=DAY_MS).contains(ms)).ok_or_else(|| {
        let least = length_text(min_ms);
        Error::bad_request(format!("{name} must be a time from {least} to 24h, such as 5m"))
    })
}

/// `5m`: the way back.
pub(crate) fn length_text(ms: i64) -> String {
    match ms {
        ms if ms > 0 && ms % HOUR_MS == 0 => format!("{}h", ms / HOUR_MS),
        ms if ms > 0 && ms % MINUTE_MS == 0 => format!("{}m", ms / MINUTE_MS),
        ms => format!("{}s", ms / 1000),
    }
}

fn checked_query(app: &App, text: &str) -> Result<String> {
    if text.len() > MAX_QUERY_BYTES {
        return Err(Error::bad_request(format!(
            "query has at most {MAX_QUERY_BYTES} bytes"
        )));
    }
    let query = query_of(&named_function(app, Query::parse(text.trim_start_matches('?'))));
    let select = select(&query, 0, 1)?;
    let names = catalogue::names(&app.ingest.registry(), select.project.as_deref());
    let mut kinds = names
        .iter()
        .filter(|metric| *metric.name == *select.name)
        .filter(|metric| select.kind.is_none_or(|kind| kind == metric.kind))
        .map(|metric| metric.kind)
        .peekable();
    let function = select.function.unwrap_or(Function::Avg);
    if kinds.peek().is_some() && !kinds.any(|kind| function.is_of(kind)) {
        return Err(Error::bad_request("metrics of this kind have no such function"));
    }
    Ok(query)
}

/// What the form calls the function that suits a metric; a rule is kept with that function's own name.
pub(crate) const USUAL: &str = "usual";

/// The query with the usual function of its metric in place of the word.
fn named_function(app: &App, query: Query) -> Query {
    if query.get("function") != Some(USUAL) {
        return query;
    }
    let name = query.get("name").unwrap_or_default();
    let names = catalogue::names(&app.ingest.registry(), query.get("project"));
    let known = names.iter().filter(|metric| *metric.name == *name);
    let known = known
        .max_by_key(|metric| metric.n_series)
        .map(|metric| metric.kind);
    let function = known.unwrap_or_else(|| Kind::of_name(name)).usual_function();
    let pairs = query.pairs().map(|(key, value)| match key {
        "function" => (key, Some(function)),
        _ => (key, Some(value)),
    });
    Query::parse(link::query(pairs).trim_start_matches('?'))
}

/// Of a URL's query what makes the line or lines, in one form: no time, no step.
pub(crate) fn query_of(query: &Query) -> String {
    let group_by = match query.get("series") {
        Some("all") => Some("*"),
        _ => query.get("group_by"),
    };
    let pairs = [
        ("name", query.get("name")),
        ("project", query.get("project")),
        ("type", query.get("type")),
        ("function", query.get("function")),
        ("group_by", group_by),
    ];
    let labels = query
        .pairs()
        .filter(|(name, value)| *name == "labels" && !value.is_empty());
    let labels = labels.map(|(name, value)| (name, Some(value)));
    let text = link::query(pairs.into_iter().chain(labels));
    text.trim_start_matches('?').to_owned()
}

/// The query of a rule over this time, one value for each line.
pub(crate) fn select(query: &str, from_ms: i64, to_ms: i64) -> Result<Select> {
    let query = Query::parse(query);
    let (select, _) = select_query::read(&query)?;
    Ok(Select {
        split: match query.get("group_by") {
            Some("*") => Split::All,
            _ => select.split,
        },
        function: Some(select.function.unwrap_or(Function::Avg)),
        from_ms,
        to_ms,
        step: Step::Whole,
        ..select
    })
}

/// Deletes a rule. Whoever was told that something fires is told that nobody looks any more.
pub(crate) async fn remove(app: &App, id: i64) -> Result<()> {
    let reach = app.alerts.reach();
    let is_gone = app.common.write(move |tx| {
        if let Some(stored) = alert_rules::find(tx, id)? {
            withdraw(tx, &stored, &reach)?;
        }
        alert_rules::delete(tx, id)
    });
    if !is_gone.await? {
        return Err(no_such_rule());
    }
    app.alerts.wake();
    Ok(())
}

/// A rule by its number.
pub(crate) async fn find(app: &App, id: i64) -> Result<StoredRule> {
    let found = app
        .common
        .read(move |connection| alert_rules::find(connection, id));
    found.await?.ok_or_else(no_such_rule)
}
