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
use alerts::{RuleButtons, View, done};

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
struct RuleForm {
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

/// The page with its form empty, or with the rule that `?rule=` names.
pub(crate) async fn asked(app: &App, request: &Request, mut view: View) -> Result<Response> {
    let id = request.query().get("rule").and_then(|id| id.parse().ok());
    let form = match id {
        Some(id) => {
            let stored = rule::find(app, id).await?;
            view.rule_fields
                .show(stored.target, stored.quiet_hours.as_deref());
            RuleForm::of_stored(&stored)
        }
        None => RuleForm::fresh(),
    };
    page(app, request, view, form).await
}

async fn page(app: &App, request: &Request, view: View, form: RuleForm) -> Result<Response> {
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

/// `POST /alerts/rules`
pub(crate) async fn add_rule(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let outcome = match new_rule(&form, false) {
        Ok(new) => rule::add(&app, new).await.map(drop),
        Err(error) => Err(error),
    };
    match outcome {
        Err(error) => refused(&app, &request, error, RuleForm::of(&form), &form).await,
        Ok(()) => done(&*app, &request, Ok(()), "added", "../").await,
    }
}

async fn refused(
    app: &App,
    request: &Request,
    error: Error,
    filled: RuleForm,
    form: &Query,
) -> Result<Response> {
    let view = View::refused(app, request, error, form).await?;
    page(app, request, view, filled).await
}

/// `POST /alerts/rules/{id}`
pub(crate) async fn change_rule(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    let form = request.form().await?;
    // Paused or not, it stays so.
    let is_paused = rule::find(&app, id).await?.is_paused;
    let outcome = match new_rule(&form, is_paused) {
        Ok(new) => rule::change(&app, id, new).await,
        Err(error) => Err(error),
    };
    let filled = RuleForm {
        id: Some(id),
        ..RuleForm::of(&form)
    };
    match outcome {
        Err(error) => refused(&app, &request, error, filled, &form).await,
        Ok(()) => done(&*app, &request, Ok(()), "changed", "../../").await,
    }
}

/// `POST /alerts/rules/{id}/pause`
pub(crate) async fn pause_rule(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = rule::set_paused(&app, rule_id(&request)?, true).await;
    done(&*app, &request, outcome, "paused", "../../../").await
}

/// `POST /alerts/rules/{id}/resume`
pub(crate) async fn resume_rule(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = rule::set_paused(&app, rule_id(&request)?, false).await;
    done(&*app, &request, outcome, "resumed", "../../../").await
}

fn new_rule(form: &Query, is_paused: bool) -> Result<NewRule> {
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

/// `POST /alerts/rules/{id}/delete`
pub(crate) async fn delete_rule(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = rule::remove(&app, rule_id(&request)?).await;
    done(&*app, &request, outcome, "deleted", "../../../").await
}
