//! `/alerts`: where alerts go, who is told of what, and what came of it.

use std::sync::Arc;

use serde_json::Number;
use service::{page, unix_ms};
use ui::{Excerpt, Frame, Moment, Template};
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use super::inbox_view::project_line;
use crate::alerts::channel::{self, NewChannel, channel_id};
use crate::alerts::store::channels::{self, Channel};
use crate::alerts::store::deliveries::{self, Line};
use crate::app::App;
use crate::domain::alerting::Kind;
use crate::domain::spike;
use crate::rule::{self, NewRule, rule_id};
use crate::store::groups;
use crate::store::rules::{self, StoredRule, Target};

/// `alerts.html`.
#[derive(Template)]
#[template(path = "pages/alerts.html")]
struct AlertsPage {
    frame: Frame,
    /// ALERT_EMAILS, as far as mail can leave.
    emails: Vec<String>,
    has_mail: bool,
    channels: Vec<ChannelRow>,
    kinds: &'static [(&'static str, &'static str)],
    rules: Vec<RuleRow>,
    projects: Vec<String>,
    environments: Vec<String>,
    history: Vec<HistoryRow>,
    /// What was done, or why it was not.
    said: Option<Said>,
}

/// A line above the page.
struct Said {
    is_bad: bool,
    words: String,
    /// Shown this once.
    secret: Option<String>,
}

struct ChannelRow {
    id: i64,
    name: String,
    kind: &'static str,
    to: String,
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

struct HistoryRow {
    at: Moment,
    what: String,
    group_id: Option<i64>,
    to: String,
    state: &'static str,
    n_attempts: u32,
    next: Option<Moment>,
    error: Option<String>,
}

fn kind_label(kind: &str) -> &'static str {
    channel::KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .map_or("", |(_, label)| label)
}

impl RuleRow {
    fn of(stored: &StoredRule, channels: &[Channel]) -> Self {
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
            to: match stored.target {
                Target::All => "all channels".to_owned(),
                Target::Emails => "ALERT_EMAILS".to_owned(),
                Target::Channel(id) => channel_name(channels, id),
            },
            quiet_hours: stored.quiet_hours.clone(),
        }
    }
}

fn channel_name(channels: &[Channel], id: i64) -> String {
    let found = channels.iter().find(|channel| channel.id == id);
    found.map_or_else(
        || format!("channel {id}, deleted"),
        |channel| channel.name.clone(),
    )
}

impl HistoryRow {
    fn of(line: &Line, channels: &[Channel], now: i64) -> Self {
        let delivery = &line.delivery;
        let what = match delivery.kind {
            Kind::Created => "New error".to_owned(),
            Kind::Reopened => "Reopened error".to_owned(),
            Kind::Spike => "Spike".to_owned(),
            Kind::EveryN => "Goes on".to_owned(),
            Kind::Woken => "Awake again".to_owned(),
            Kind::Test => "Test".to_owned(),
            Kind::Digest => format!("Digest of {}", line.n_alerts),
        };
        let channel = delivery.to.channel_id.map(|id| channel_name(channels, id));
        let to: Vec<String> = channel.into_iter().chain(delivery.to.recipient.clone()).collect();
        Self {
            at: Moment::new(delivery.created_at, now),
            what,
            group_id: delivery.group_id,
            to: to.join(": "),
            state: line.state(),
            n_attempts: delivery.n_attempts,
            next: line.next_attempt_at.map(|at| Moment::new(at, now)),
            error: line.last_error.clone(),
        }
    }
}

/// `GET /alerts`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let said = match request.query().get("said") {
        Some("added") => Some("Added."),
        Some("deleted") => Some("Deleted."),
        Some("tested") => Some("A test is on its way: what comes of it shows in the history below."),
        _ => None,
    };
    let said = said.map(|words| Said {
        is_bad: false,
        words: words.to_owned(),
        secret: None,
    });
    shown(&app, &request, StatusCode::OK, said).await
}

async fn shown(app: &App, request: &Request, status: StatusCode, said: Option<Said>) -> Result<Response> {
    let found = app.read(|connection| {
        Ok((
            channels::all(connection)?,
            rules::all(connection)?,
            deliveries::newest(connection)?,
            groups::projects(connection)?,
            groups::environments(connection)?,
        ))
    });
    let (channels, rules, lines, projects, environments) = found.await?;
    let now = unix_ms();
    let rows = channels.iter().map(|stored| ChannelRow {
        id: stored.id,
        name: stored.name.clone(),
        kind: kind_label(&stored.kind),
        to: channel::shown(stored),
    });
    let view = AlertsPage {
        frame: app.common.frame(request, "Alerts"),
        emails: app.recipients.to_vec(),
        has_mail: app.settings.has_mail(),
        channels: rows.collect(),
        kinds: &channel::KINDS,
        rules: rules
            .iter()
            .map(|stored| RuleRow::of(stored, &channels))
            .collect(),
        projects: projects.into_iter().filter(|name| !name.is_empty()).collect(),
        environments,
        history: lines
            .iter()
            .map(|line| HistoryRow::of(line, &channels, now))
            .collect(),
        said,
    };
    Ok(page(status, &view))
}

/// Back to the page, or the page with why it was not done.
async fn done(app: &App, request: &Request, outcome: Result<()>, said: &str, up: &str) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(Response::see_other(&format!("{up}alerts?said={said}"))),
        Err(error) if error.status.is_client_error() || error.status == StatusCode::SERVICE_UNAVAILABLE => {
            let said = Said {
                is_bad: true,
                words: error.detail.to_string(),
                secret: None,
            };
            shown(app, request, error.status, Some(said)).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /alerts/test`: a test to everybody.
pub(crate) async fn test(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = channel::test_all(&app).await.and_then(|n| match n {
        0 => Err(Error::bad_request(
            "there is nobody to tell: add a channel, or set ALERT_EMAILS and SMTP_HOST",
        )),
        _ => Ok(()),
    });
    done(&app, &request, outcome, "tested", "../").await
}

/// `POST /alerts/channels`
pub(crate) async fn add_channel(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let text = |name| form.get(name).map(str::to_owned);
    let new = NewChannel {
        kind: text("kind").unwrap_or_default(),
        name: text("name"),
        target: text("target").unwrap_or_default(),
        secret: text("secret"),
        template: text("template"),
    };
    match channel::add(&app, new).await {
        Ok(added) if added.secret.is_some() => {
            let said = Said {
                is_bad: false,
                words: format!(
                    "Channel {} is added. Its receiver checks signatures with this secret:",
                    added.id
                ),
                secret: added.secret,
            };
            shown(&app, &request, StatusCode::OK, Some(said)).await
        }
        outcome => done(&app, &request, outcome.map(drop), "added", "../").await,
    }
}

/// `POST /alerts/channels/{id}/test`
pub(crate) async fn test_channel(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = channel::send_test(&app, channel_id(&request)?).await;
    done(&app, &request, outcome.map(drop), "tested", "../../../").await
}

/// `POST /alerts/channels/{id}/delete`
pub(crate) async fn delete_channel(app: Arc<App>, request: Request) -> Result<Response> {
    let outcome = channel::remove(&app, channel_id(&request)?).await;
    done(&app, &request, outcome, "deleted", "../../../").await
}

/// `POST /alerts/rules`
pub(crate) async fn add_rule(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let outcome = match new_rule(&form) {
        Ok(new) => rule::add(&app, new).await.map(drop),
        Err(error) => Err(error),
    };
    done(&app, &request, outcome, "added", "../").await
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
    done(&app, &request, outcome, "deleted", "../../../").await
}
