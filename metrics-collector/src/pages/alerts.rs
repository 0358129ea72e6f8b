//! `/alerts`: metrics that are told of. Where alerts go and what came of it are parts that all services have.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerts::{RuleAsked, RuleButtons, View};
use serde_json::Number;
use service::unix_ms;
use ui::{Excerpt, Frame, Moment, Template, link};
use web::{Error, Query, Request, Response, ResponseExt, Result};

use crate::alert_rule::{DEFAULT_WINDOW, NewRule, USUAL, length_text, query_of};
use crate::app::App;
use crate::catalogue;
use crate::domain::alert_rule::State;
use crate::store::alert_events;
use crate::store::alert_rules::{self, StoredRule};
use crate::telling::{condition, explore_path, what};

/// Functions that the form offers; the API takes more.
const FUNCTIONS: [&str; 13] = [
    "avg", "sum", "min", "max", "last", "count", "rate", "increase", "total", "p50", "p75", "p95", "p99",
];
/// Conditions as the form offers them.
const CONDITIONS: [(&str, &str); 3] = [
    ("above", "is above"),
    ("below", "is below"),
    ("absent", "has no samples"),
];

/// `alerts.html`.
#[derive(Template)]
#[template(path = "pages/alerts.html")]
struct AlertsPage {
    frame: Frame,
    view: View,
    rules: Vec<RuleRow>,
    form: RuleForm,
    names: Vec<String>,
    projects: Vec<String>,
}

struct RuleRow {
    name: String,
    /// `p95 of http_request_duration_ms`
    what: String,
    /// `above 800 ms over 5m, for 2m`
    when: String,
    /// `of shop, where status=500, by path`
    scope: String,
    query: String,
    to: String,
    quiet_hours: Option<String>,
    is_paused: bool,
    /// Those that are not well.
    lines: Vec<LineRow>,
    n_more: usize,
    buttons: RuleButtons,
}

struct LineRow {
    state: &'static str,
    labels: String,
    since: Moment,
}

/// Lines of a rule that are shown.
const MAX_LINES: usize = 20;

/// The form that adds or changes a rule: as it begins, filled from a query or from a rule, or as it was when it was
/// refused.
pub struct RuleForm {
    /// Of the rule that is changed.
    id: Option<i64>,
    is_open: bool,
    name: String,
    metric: String,
    project: String,
    labels: String,
    function: String,
    group_by: String,
    condition: String,
    threshold: String,
    window: String,
    hold: String,
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

    /// Of the page's own URL, which may hold a query: `/alerts?name=http_requests&function=rate`.
    fn asked(query: &Query) -> Self {
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let labels: Vec<&str> = query
            .pairs()
            .filter(|(name, value)| *name == "labels" && !value.is_empty())
            .map(|(_, value)| value)
            .collect();
        Self {
            id: None,
            is_open: !query_of(query).is_empty(),
            name: String::new(),
            metric: text("name"),
            project: text("project"),
            labels: labels.join(", "),
            function: text("function"),
            group_by: text("group_by"),
            condition: String::new(),
            threshold: String::new(),
            window: DEFAULT_WINDOW.to_owned(),
            hold: "0s".to_owned(),
        }
    }

    /// Of a rule that is to be changed.
    fn of_stored(stored: &StoredRule) -> Self {
        let rule = &stored.rule;
        let asked = Self::asked(&Query::parse(&rule.query));
        Self {
            id: Some(stored.id),
            // What the API takes a rule for that names none.
            function: match asked.function.as_str() {
                "" => "avg".to_owned(),
                function => function.to_owned(),
            },
            name: rule.name.clone(),
            condition: rule.condition.name().to_owned(),
            threshold: rule
                .condition
                .threshold()
                .map_or_else(String::new, |it| it.to_string()),
            window: length_text(rule.window_ms),
            hold: length_text(rule.hold_ms),
            ..asked
        }
    }

    /// One that the API took and the form does not offer: a rule that is changed keeps it.
    fn other_function(&self) -> Option<&str> {
        let function = self.function.as_str();
        let is_offered = function.is_empty() || function == USUAL || FUNCTIONS.contains(&function);
        (!is_offered).then_some(function)
    }

    fn of(form: &Query) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        Self {
            is_open: true,
            name: text("rule_name"),
            metric: text("metric"),
            condition: text("condition"),
            threshold: text("threshold"),
            window: text("window"),
            hold: text("hold"),
            ..Self::asked(form)
        }
    }
}

impl RuleRow {
    fn of(
        stored: &StoredRule,
        states: Option<&BTreeMap<String, State>>,
        (root, view): (&str, &View),
        now: i64,
    ) -> Self {
        let rule = &stored.rule;
        let query = Query::parse(&rule.query);
        let mut when = format!("{} over {}", condition(rule, &query), length_text(rule.window_ms));
        if rule.hold_ms > 0 {
            when += &format!(", for {}", length_text(rule.hold_ms));
        }
        let lines = states.into_iter().flatten().map(|(labels, state)| LineRow {
            state: state.name(),
            labels: labels_words(labels),
            since: Moment::new(state.since(), now),
        });
        let mut lines: Vec<LineRow> = lines.collect();
        let n_more = lines.len().saturating_sub(MAX_LINES);
        lines.truncate(MAX_LINES);
        Self {
            buttons: RuleButtons::new(root, stored.id, &rule.name, stored.is_paused),
            name: rule.name.clone(),
            what: what(&query),
            when,
            scope: scope(&query),
            query: rule.query.clone(),
            to: view.target_words(stored.target),
            quiet_hours: stored.quiet_hours.clone(),
            is_paused: stored.is_paused,
            lines,
            n_more,
        }
    }
}

fn labels_words(json: &str) -> String {
    let labels: Vec<(String, String)> = serde_json::from_str(json).unwrap_or_default();
    let words: Vec<String> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    words.join(", ")
}

fn scope(query: &Query) -> String {
    let part = |before: &str, name: &str| Some(format!("{before} {}", Excerpt::line(query.get(name)?, 120)));
    let group_by = query.get("group_by").map(|keys| match keys {
        "*" => "each series".to_owned(),
        keys => format!("by {}", Excerpt::line(keys, 120)),
    });
    let parts = [part("of", "project"), part("where", "labels"), group_by];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(", ")
}

/// The page, with the parts that all services have and the form.
pub(crate) async fn page(app: &App, request: &Request, view: View, form: RuleForm) -> Result<Response> {
    let found = app
        .common
        .read(|connection| Ok((alert_rules::all(connection)?, alert_rules::states(connection)?)));
    let (rules, states) = found.await?;
    let (names, projects) = {
        let registry = app.ingest.registry();
        let names = catalogue::names(&registry, None);
        let mut names: Vec<String> = names.iter().map(|metric| metric.name.to_string()).collect();
        names.dedup();
        (
            names,
            registry.projects().iter().map(ToString::to_string).collect(),
        )
    };
    let (status, now) = (view.status, unix_ms());
    let frame = app.common.frame(request, "Alerts");
    let rows = rules
        .iter()
        .map(|stored| RuleRow::of(stored, states.get(&stored.id), (&frame.root, &view), now));
    let page = AlertsPage {
        rules: rows.collect(),
        frame,
        form,
        names,
        projects,
        view,
    };
    Ok(service::page(status, &page))
}

/// What the form asks for.
pub(crate) fn new_rule(form: &Query, is_paused: bool) -> Result<NewRule> {
    let text = |name| form.get(name).map(str::to_owned);
    let number = |name: &str| -> Result<Option<Number>> {
        let wrong = || Error::bad_request(format!("{name} must be a number"));
        let text = form.get(name).map(str::trim).filter(|text| !text.is_empty());
        text.map(|text| {
            text.replace(',', ".")
                .parse::<f64>()
                .ok()
                .and_then(Number::from_f64)
                .ok_or_else(wrong)
        })
        .transpose()
    };
    let pairs = ["project", "labels", "function", "group_by"].map(|name| (name, form.get(name)));
    let query = link::query([("name", form.get("metric"))].into_iter().chain(pairs));
    Ok(NewRule {
        name: text("rule_name").unwrap_or_default(),
        query,
        condition: text("condition").unwrap_or_default(),
        threshold: number("threshold")?,
        window: text("window"),
        hold: text("hold"),
        quiet_hours: text("quiet_hours"),
        channel_id: number("channel_id")?,
        is_paused,
    })
}

/// `GET /alerts/events/{id}`: leads to the metric around that time.
pub(crate) async fn event(app: Arc<App>, request: Request) -> Result<Response> {
    let gone = || Error::not_found("Alert not found");
    let id = request.param("id").parse::<i64>().map_err(|_| gone())?;
    let found = app
        .common
        .read(move |connection| alert_events::find(connection, id));
    let event = found.await?.ok_or_else(gone)?;
    Ok(Response::see_other(&format!("../../{}", explore_path(&event))))
}
