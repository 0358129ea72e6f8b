//! `/errors/{id}`: one group, one of its occurrences, and the buttons that change its state.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use service::{page, unix_ms};
use stacktrace::Trace;
use ui::{Count, Excerpt, Moment};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::group_view::{
    BrowserView, ExceptionView, FrameView, GroupPage, OccurrenceLink, OccurrenceView, Relation, State,
};
use super::inbox::{source_of, unsigned};
use crate::api::errors::{group_id, no_such_group};
use crate::app::App;
use crate::domain::report::BROWSER_METHOD;
use crate::store::groups::{self, Group};
use crate::store::occurrences::{self, Occurrence};

/// `GET /errors/{id}[?occurrence=id]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let keep = app.settings.keep_occurrences;
    let found = app.read(move |connection| {
        let Some((group, traceback)) = groups::find(connection, id)? else {
            return Ok(None);
        };
        Ok(Some((
            group,
            traceback,
            occurrences::of_group(connection, id, keep)?,
        )))
    });
    let (group, first_traceback, kept) = found.await?.ok_or_else(no_such_group)?;
    let wanted = request.query().get("occurrence").and_then(|id| id.parse().ok());
    let shown = kept
        .iter()
        .find(|it| Some(it.id) == wanted)
        .or_else(|| kept.first());
    let traceback = shown.map_or(first_traceback.as_str(), |shown| &shown.traceback);

    Ok(page(
        StatusCode::OK,
        &view(&app, &request, &group, &kept, shown, traceback),
    ))
}

/// `POST /errors/{id}/resolve`: then back to where the button was.
pub(crate) async fn resolve(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let back = back(&mut request, id).await?;
    let is_known = app.change(move |tx| groups::resolve(tx, id, unix_ms())).await?;
    if is_known { Ok(back) } else { Err(no_such_group()) }
}

/// `POST /errors/{id}/reopen`: then back to where the button was.
pub(crate) async fn reopen(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let back = back(&mut request, id).await?;
    let is_known = app.change(move |tx| groups::reopen(tx, id)).await?;
    if is_known { Ok(back) } else { Err(no_such_group()) }
}

/// The inbox with the query it had, if the form came from there (`next`), else the group's page.
async fn back(request: &mut Request, id: i64) -> Result<Response> {
    let form = request.form().await?;
    let is_query = |next: &&str| {
        next.is_empty() || (next.starts_with('?') && next.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    Ok(match form.raw("next").filter(is_query) {
        Some(query) => Response::see_other(&format!("../../{query}")),
        None => Response::see_other(&format!("../{id}")),
    })
}

fn view(
    app: &App,
    request: &Request,
    group: &Group,
    kept: &[Occurrence],
    shown: Option<&Occurrence>,
    traceback: &str,
) -> GroupPage {
    let now = unix_ms();
    let trace = stacktrace::parse(traceback);
    GroupPage {
        frame: app.common.frame(
            request,
            Excerpt::line(&format!("{}: {}", group.exception_type, group.message), 120),
        ),
        id: group.id,
        exception_type: group.exception_type.clone(),
        message: shown.map_or(&group.message, |shown| &shown.message).clone(),
        culprit: group.culprit.clone(),
        project: group.project.clone(),
        environment: shown
            .and_then(|shown| shown.environment.clone())
            .or_else(|| group.environment.clone()),
        release: None,
        source: source_of(group),
        state: State::of(
            group.is_resolved,
            group.reopened_at.is_some(),
            group.first_seen_at,
            now,
        ),
        resolved_at: group.resolved_at.map(|at| Moment::new(at, now)),
        count: Count::new(unsigned(group.n_occurrences)),
        users: None,
        first_seen: Moment::new(group.first_seen_at, now),
        last_seen: Moment::new(group.last_seen_at, now),
        exceptions: exceptions(trace),
        traceback: traceback.to_owned(),
        occurrence: shown.map(|shown| occurrence(shown, now)),
        occurrences: kept
            .iter()
            .map(|it| OccurrenceLink {
                id: it.id,
                at: Moment::new(it.received_at, now),
            })
            .collect(),
        related: Vec::new(),
        fingerprint: group.fingerprint.clone(),
    }
}

/// Newest first, both exceptions and calls: the page begins where it broke.
fn exceptions(trace: Trace) -> Vec<ExceptionView> {
    let newest_first = trace.exceptions.into_iter().rev();
    newest_first
        .map(|exception| ExceptionView {
            relation: match exception.relation {
                None => Relation::Reported,
                Some(stacktrace::Relation::Context) => Relation::Context,
                Some(stacktrace::Relation::Cause) => Relation::Cause,
                Some(stacktrace::Relation::Member) => Relation::Member,
            },
            exception_type: exception.kind.unwrap_or_default(),
            message: exception.message.unwrap_or_default(),
            frames: exception.frames.into_iter().rev().map(frame).collect(),
        })
        .collect()
}

fn frame(frame: stacktrace::Frame) -> FrameView {
    FrameView {
        function: frame.function,
        file: frame.file.unwrap_or_default(),
        line: frame.line,
        column: frame.column,
        source: frame.source,
        in_app: frame.in_app,
    }
}

fn occurrence(shown: &Occurrence, now: i64) -> OccurrenceView {
    let details = &shown.details;
    let is_browser = details.request_method.as_deref() == Some(BROWSER_METHOD);
    let extra = details.extra.as_deref().map(RawValue::get);
    OccurrenceView {
        id: shown.id,
        at: Moment::new(shown.received_at, now),
        request_url: details.request_url.clone(),
        request_method: details.request_method.clone(),
        request_headers: details
            .request_headers
            .as_deref()
            .map(|headers| header_rows(headers.get()))
            .unwrap_or_default(),
        user_id: details.user_id.clone(),
        browser: is_browser.then(|| browser(extra)),
        extra: extra.map(str::to_owned),
    }
}

/// An object of headers as rows; any other JSON as one row.
fn header_rows(json: &str) -> Vec<(String, String)> {
    match serde_json::from_str::<Value>(json) {
        Ok(Value::Object(headers)) => headers
            .into_iter()
            .map(|(name, value)| (name, text_of(value)))
            .collect(),
        Ok(value) => vec![(String::new(), text_of(value))],
        Err(_) => vec![(String::new(), json.to_owned())],
    }
}

fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What the relay puts into `extra` of a browser's report (contract §4.6).
fn browser(extra: Option<&str>) -> BrowserView {
    let extra: Value = extra
        .and_then(|extra| serde_json::from_str(extra).ok())
        .unwrap_or_default();
    let text = |name: &str| extra.get(name).and_then(Value::as_str).map(str::to_owned);
    BrowserView {
        page_url: text("page_url"),
        user_agent: text("user_agent"),
        session_id: text("session_id"),
    }
}
