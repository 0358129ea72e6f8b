//! `/alerts`: who is told of what. Where alerts go and what came of it are parts that all services have.

use serde_json::Number;
use ui::{Excerpt, Frame, Template};
use web::{Error, Query, Request, Response, Result};

use super::source_view::project_line;
use crate::app::App;
use crate::domain::spike;
use crate::rule::NewRule;
use crate::store::groups;
use crate::store::rules::{self, StoredRule};
use alerts::{RuleAsked, RuleButtons, View};

/// `alerts.html`.
#[derive(Template)]
#[template(path = "pages/alerts.html")]
struct AlertsPage {
    frame: Frame,
    view: View,
    rules: Vec<RuleRow>,
    projects: Vec<String>,
    environments: Vec<String>,
    form: RuleForm,
}

/// The form that adds or changes a rule: as it begins, filled from a rule, or as it was when it was refused.
#[derive(Default)]
pub struct RuleForm {
    /// Of the rule that is changed.
    id: Option<i64>,
    is_open: bool,
    on_created: bool,
    on_reopened: bool,
    on_spike: bool,
    every_n: String,
    project: String,
    environment: String,
}

impl RuleForm {
    /// What it is filled with.
    pub(crate) fn new(asked: RuleAsked<'_, StoredRule>) -> Self {
        match asked {
            RuleAsked::New(_) => Self::fresh(),
            RuleAsked::Stored(stored) => Self::of_stored(stored),
            RuleAsked::Refused(id, form) => Self { id, ..Self::of(form) },
        }
    }

    /// What most want.
    fn fresh() -> Self {
        Self {
            on_created: true,
            on_reopened: true,
            ..Self::default()
        }
    }

    /// Of a rule that is to be changed.
    fn of_stored(stored: &StoredRule) -> Self {
        let rule = &stored.rule;
        Self {
            id: Some(stored.id),
            is_open: true,
            on_created: rule.on_created,
            on_reopened: rule.on_reopened,
            on_spike: rule.on_spike,
            every_n: rule.every_n.map_or_else(String::new, |n| n.to_string()),
            project: rule.project.clone().unwrap_or_default(),
            environment: rule.environment.clone().unwrap_or_default(),
        }
    }

    fn of(form: &Query) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        Self {
            id: None,
            is_open: true,
            on_created: form.get("on_created").is_some(),
            on_reopened: form.get("on_reopened").is_some(),
            on_spike: form.get("on_spike").is_some(),
            every_n: text("every_n"),
            project: text("project"),
            environment: text("environment"),
        }
    }
}

struct RuleRow {
    /// `new, reopened, spikes, each 100 events`
    what: String,
    /// `of shop in prod`
    scope: String,
    to: String,
    quiet_hours: Option<String>,
    is_paused: bool,
    buttons: RuleButtons,
}

impl RuleRow {
    fn of(stored: &StoredRule, root: &str, view: &View) -> Self {
        let rule = &stored.rule;
        let words = [
            (rule.on_created, "new".to_owned()),
            (rule.on_reopened, "reopened".to_owned()),
            (rule.on_spike, "spikes".to_owned()),
        ];
        let mut what: Vec<String> = words
            .into_iter()
            .filter(|(is_on, _)| *is_on)
            .map(|it| it.1)
            .collect();
        what.extend(rule.every_n.map(|n| format!("each {n} events")));
        let project = rule
            .project
            .as_deref()
            .map(|it| format!("of {}", project_line(it)));
        let environment = rule
            .environment
            .as_deref()
            .map(|it| format!("in {}", Excerpt::line(it, 60)));
        let scope: Vec<String> = project.into_iter().chain(environment).collect();
        let what = what.join(", ");
        let scope = match scope.is_empty() {
            true => "everything".to_owned(),
            false => scope.join(" "),
        };
        let name = format!("{what}, {scope}");
        Self {
            buttons: RuleButtons::new(root, stored.id, &name, stored.is_paused),
            what,
            scope,
            to: view.target_words(stored.target),
            quiet_hours: stored.quiet_hours.clone(),
            is_paused: stored.is_paused,
        }
    }
}

/// The page, with the parts that all services have and the form.
pub(crate) async fn page(app: &App, request: &Request, view: View, form: RuleForm) -> Result<Response> {
    let found = app.read(|connection| {
        Ok((
            rules::all(connection)?,
            groups::projects(connection)?,
            groups::environments(connection)?,
        ))
    });
    let (rules, projects, environments) = found.await?;
    let status = view.status;
    let frame = app.common.frame(request, "Alerts");
    let rows = rules.iter().map(|stored| RuleRow::of(stored, &frame.root, &view));
    let page = AlertsPage {
        rules: rows.collect(),
        frame,
        projects: projects.into_iter().filter(|name| !name.is_empty()).collect(),
        environments,
        view,
        form,
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
    Ok(NewRule {
        project: text("project"),
        environment: text("environment"),
        on_created: form.get("on_created").is_some(),
        on_reopened: form.get("on_reopened").is_some(),
        on_spike: form.get("on_spike").is_some(),
        every_n: number("every_n")?,
        quiet_hours: text("quiet_hours"),
        channel_id: number("channel_id")?,
        is_paused,
    })
}
