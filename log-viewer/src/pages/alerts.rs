//! `/alerts`: saved searches that are told of. Where alerts go and what came of it are parts that all services have.

use std::sync::Arc;

use alerts::{RuleAsked, RuleButtons, View};
use serde_json::Number;
use service::unix_ms;
use ui::{Excerpt, Frame, Moment, Template};
use web::{Error, Query, Request, Response, ResponseExt, Result};

use super::asked_view::Asked;
use crate::alert_rule::{DEFAULT_PAUSE_MINUTES, NewRule, search_of};
use crate::app::App;
use crate::store::alert_rules::{self, StoredRule};
use crate::store::firings;
use crate::telling::{minutes, search_path};

/// `alerts.html`.
#[derive(Template)]
#[template(path = "pages/alerts.html")]
struct AlertsPage {
    frame: Frame,
    view: View,
    rules: Vec<RuleRow>,
    form: RuleForm,
}

struct RuleRow {
    name: String,
    /// `10 matches within 5 minutes`
    when: String,
    /// `timeout, at least ERROR, of web`
    search: String,
    query: String,
    to: String,
    pause: String,
    quiet_hours: Option<String>,
    told_at: Option<Moment>,
    is_paused: bool,
    buttons: RuleButtons,
}

/// The form that adds or changes a rule: as it begins, filled from a search or from a rule, or as it was when it was
/// refused.
pub struct RuleForm {
    /// Of the rule that is changed.
    id: Option<i64>,
    is_open: bool,
    name: String,
    asked: Asked,
    containers: String,
    matches: String,
    within_minutes: String,
    pause_minutes: String,
}

impl RuleForm {
    /// What it is filled with.
    pub(crate) fn new(asked: RuleAsked<'_, StoredRule>) -> Self {
        match asked {
            RuleAsked::New(query) => Self::asked(query),
            RuleAsked::Stored(stored) => Self::of_stored(stored),
            RuleAsked::Refused(id, form) => Self { id, ..Self::of(form) },
        }
    }

    /// Of the page's own URL, which may hold a search: `/alerts?search=timeout`.
    fn asked(query: &Query) -> Self {
        Self {
            is_open: !search_of(query).is_empty(),
            matches: "10".to_owned(),
            within_minutes: "5".to_owned(),
            pause_minutes: DEFAULT_PAUSE_MINUTES.to_string(),
            ..Self::of(query)
        }
    }

    /// Of a rule that is to be changed.
    fn of_stored(stored: &StoredRule) -> Self {
        let rule = &stored.rule;
        let minutes = |ms: i64| (ms / 60_000).to_string();
        Self {
            id: Some(stored.id),
            name: rule.name.clone(),
            matches: rule.n_matches.to_string(),
            within_minutes: minutes(rule.window_ms),
            pause_minutes: minutes(rule.pause_ms),
            ..Self::of(&Query::parse(&rule.query))
        }
    }

    fn of(form: &Query) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        let asked = Asked::read(form);
        Self {
            id: None,
            is_open: true,
            name: text("name"),
            containers: match form.get("containers") {
                Some(names) => names.to_owned(),
                None => asked.containers.join(", "),
            },
            asked,
            matches: text("matches"),
            within_minutes: text("within_minutes"),
            pause_minutes: text("pause_minutes"),
        }
    }
}

impl RuleRow {
    fn of(stored: &StoredRule, (root, view): (&str, &View), now: i64) -> Self {
        let rule = &stored.rule;
        let es = if rule.n_matches == 1 { "" } else { "es" };
        Self {
            buttons: RuleButtons::new(root, stored.id, &rule.name, stored.is_paused),
            name: rule.name.clone(),
            when: format!("{} match{es} within {}", rule.n_matches, minutes(rule.window_ms)),
            search: search_words(&rule.query),
            query: rule.query.clone(),
            to: view.target_words(stored.target),
            pause: match rule.pause_ms {
                0 => "no pause".to_owned(),
                ms => format!("pause of {}", minutes(ms)),
            },
            quiet_hours: stored.quiet_hours.clone(),
            told_at: stored.told_at.map(|at| Moment::new(at, now)),
            is_paused: stored.is_paused,
        }
    }
}

fn search_words(query: &str) -> String {
    let asked = Asked::read(&Query::parse(query));
    let mut words: Vec<String> = Vec::new();
    words.push(Excerpt::line(&asked.search, 120));
    words.push(match asked.level.strip_prefix(">=") {
        Some(least) => format!("{least} or worse"),
        None => asked.level,
    });
    words.push(asked.stream);
    words.retain(|word| !word.is_empty());
    if !asked.containers.is_empty() {
        words.push(format!("of {}", Excerpt::line(&asked.containers.join(", "), 120)));
    }
    match words.is_empty() {
        true => "everything".to_owned(),
        false => words.join(", "),
    }
}

/// The page, with the parts that all services have and the form.
pub(crate) async fn page(app: &App, request: &Request, view: View, form: RuleForm) -> Result<Response> {
    let rules = app.common.read(alert_rules::all).await?;
    let (status, now) = (view.status, unix_ms());
    let frame = app.common.frame(request, "Alerts");
    let rows = rules
        .iter()
        .map(|stored| RuleRow::of(stored, (&frame.root, &view), now));
    let page = AlertsPage {
        rules: rows.collect(),
        frame,
        form,
        view,
    };
    Ok(service::page(status, &page))
}

/// What the form asks for.
pub(crate) fn new_rule(form: &Query, is_paused: bool) -> Result<NewRule> {
    let text = |name| form.get(name).map(str::to_owned);
    let number = |name: &str| -> Result<Option<Number>> {
        form.get(name)
            .map(|text| text.trim().parse::<u64>().map(Number::from))
            .transpose()
            .map_err(|_| Error::bad_request(format!("{name} must be a whole number")))
    };
    let pairs = ["search", "level", "stream"].map(|name| (name, form.get(name)));
    let names = form
        .get("containers")
        .unwrap_or_default()
        .split(',')
        .map(str::trim);
    let containers = names.map(|name| ("container", Some(name).filter(|name| !name.is_empty())));
    Ok(NewRule {
        name: text("name").unwrap_or_default(),
        query: ui::link::query(pairs.into_iter().chain(containers)),
        matches: number("matches")?,
        within_minutes: number("within_minutes")?,
        pause_minutes: number("pause_minutes")?,
        quiet_hours: text("quiet_hours"),
        channel_id: number("channel_id")?,
        is_paused,
    })
}

/// `GET /alerts/firings/{id}`: leads to what matched.
pub(crate) async fn firing(app: Arc<App>, request: Request) -> Result<Response> {
    let gone = || Error::not_found("Alert not found");
    let id = request.param("id").parse::<i64>().map_err(|_| gone())?;
    let found = app.common.read(move |connection| firings::find(connection, id));
    let firing = found.await?.ok_or_else(gone)?;
    Ok(Response::see_other(&format!("../../{}", search_path(&firing))))
}
