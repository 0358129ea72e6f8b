//! `/alerts`: who is told of what. Where alerts go and what came of it are parts that all services have.

use std::sync::Arc;

use serde_json::Number;
use ui::{Excerpt, Frame, Template};
use web::{Error, Query, Request, Response, Result};

use super::inbox_view::project_line;
use crate::app::App;
use crate::domain::spike;
use crate::rule::{self, NewRule, rule_id};
use crate::store::groups;
use crate::store::rules::{self, StoredRule};
use alerts::{View, done};

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

/// The form that adds a rule: as it begins, or as it was when it was refused.
#[derive(Default)]
pub(crate) struct RuleForm {
    is_open: bool,
    on_created: bool,
    on_reopened: bool,
    on_spike: bool,
    every_n: String,
    project: String,
    environment: String,
}

impl RuleForm {
    /// What most want.
    pub(crate) fn fresh() -> Self {
        Self {
            on_created: true,
            on_reopened: true,
            ..Self::default()
        }
    }

    fn of(form: &Query) -> Self {
        let text = |name| form.get(name).unwrap_or_default().to_owned();
        Self {
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
    id: i64,
    /// `new, reopened, spikes, each 100 events`
    what: String,
    /// `of shop in prod`
    scope: String,
    to: String,
    quiet_hours: Option<String>,
}

impl RuleRow {
    fn of(stored: &StoredRule, view: &View) -> Self {
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
        Self {
            id: stored.id,
            what: what.join(", "),
            scope: if scope.is_empty() {
                "everything".to_owned()
            } else {
                scope.join(" ")
            },
            to: view.target_words(stored.target),
            quiet_hours: stored.quiet_hours.clone(),
        }
    }
}

/// The page.
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
    let page = AlertsPage {
        frame: app.common.frame(request, "Alerts"),
        rules: rules.iter().map(|stored| RuleRow::of(stored, &view)).collect(),
        projects: projects.into_iter().filter(|name| !name.is_empty()).collect(),
        environments,
        view,
        form,
    };
    Ok(service::page(status, &page))
}

/// `POST /alerts/rules`
pub(crate) async fn add_rule(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let outcome = match new_rule(&form) {
        Ok(new) => rule::add(&app, new).await.map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Err(error) => {
            let view = View::refused(&*app, &request, error, &form).await?;
            page(&app, &request, view, RuleForm::of(&form)).await
        }
        Ok(()) => done(&*app, &request, Ok(()), "added", "../").await,
    }
}

fn new_rule(form: &Query) -> Result<NewRule> {
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
    })
}

/// `POST /alerts/rules/{id}/delete`
pub(crate) async fn delete_rule(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = rule::remove(&app, rule_id(&request)?).await;
    done(&*app, &request, outcome, "deleted", "../../../").await
}
