//! `/errors/{id}`: one group, one of its occurrences, and the buttons that change its state.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use service::{page, unix_ms};
use stacktrace::Trace;
use ui::{Count, Excerpt, Moment};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::group_view::{
    BrowserView, CrumbView, ExceptionView, FrameView, GroupPage, History, OccurrenceLink, OccurrenceView,
    Relation, State, TagView, Why,
};
use super::inbox::{source_of, unsigned};
use crate::api::errors::{group_id, no_such_group};
use crate::app::App;
use crate::domain::exception::{self, Exception};
use crate::domain::grouping::{By, Grouping};
use crate::domain::pieces;
use crate::domain::report::{BROWSER_METHOD, Rich};
use crate::store::groups::{self, Group};
use crate::store::occurrences::{self, Occurrence};
use crate::store::tallies::{self, Tag};

/// `GET /errors/{id}[?occurrence=id]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let now = unix_ms();
    let keep = app.settings.keep_occurrences;
    let found = app.read(move |connection| {
        let Some((group, traceback)) = groups::find(connection, id)? else {
            return Ok(None);
        };
        let about = About {
            tags: tallies::tags(connection, id, SHOWN_TAG_VALUES)?,
            hours: tallies::hours(connection, id, now, SHOWN_HOURS)?,
            grouping: tallies::grouping(connection, id)?,
        };
        let kept = occurrences::of_group(connection, id, keep)?;
        Ok(Some((group, traceback, kept, about)))
    });
    let (group, first_traceback, kept, about) = found.await?.ok_or_else(no_such_group)?;
    let wanted = request.query().get("occurrence").and_then(|id| id.parse().ok());
    let shown = kept
        .iter()
        .find(|it| Some(it.id) == wanted)
        .or_else(|| kept.first());
    let traceback = shown.map_or(first_traceback.as_str(), |shown| &shown.traceback);

    Ok(page(
        StatusCode::OK,
        &view(&app, &request, now, &group, &kept, shown, traceback, about),
    ))
}

/// Hours of the chart: a week.
const SHOWN_HOURS: i64 = 7 * 24;
/// Values shown of each tag: the most frequent.
const SHOWN_TAG_VALUES: u32 = 5;

/// Counts of a group, and why it is one.
struct About {
    tags: Vec<Tag>,
    hours: Vec<i64>,
    grouping: Option<String>,
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

#[expect(clippy::too_many_arguments, reason = "what one page is made of")]
fn view(
    app: &App,
    request: &Request,
    now: i64,
    group: &Group,
    kept: &[Occurrence],
    shown: Option<&Occurrence>,
    traceback: &str,
    about: About,
) -> GroupPage {
    let in_pieces = shown.map(|shown| &shown.rich.exceptions[..]).unwrap_or_default();
    let exceptions = match in_pieces {
        [] => exceptions(stacktrace::parse(traceback)),
        pieces => pieces.iter().rev().enumerate().map(exception_in_pieces).collect(),
    };
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
        release: shown
            .and_then(|shown| shown.rich.release.clone())
            .or_else(|| group.release.clone()),
        source: source_of(group),
        state: State::of(
            group.is_resolved,
            group.reopened_at.is_some(),
            group.first_seen_at,
            now,
        ),
        resolved_at: group.resolved_at.map(|at| Moment::new(at, now)),
        count: Count::new(unsigned(group.n_occurrences)),
        users: (group.n_users > 0).then(|| Count::new(unsigned(group.n_users))),
        first_seen: Moment::new(group.first_seen_at, now),
        last_seen: Moment::new(group.last_seen_at, now),
        exceptions,
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
        level: group.level.clone(),
        why: about.grouping.as_deref().and_then(why),
        tags: tags(&about.tags, group.n_occurrences),
        history: History {
            counts: about.hours.iter().map(|count| unsigned(*count)).collect(),
            step: "hour",
        },
    }
}

fn why(grouping: &str) -> Option<Why> {
    let grouping: Grouping = serde_json::from_str(grouping).ok()?;
    let reason = match grouping.by {
        By::Fingerprint => "The app named a fingerprint of its own; reports with the same one are one group.",
        By::App => {
            "The same types and the same calls of the app's own code, whatever the lines. The words that counted:"
        }
        By::Stack => {
            "The same types and the same calls; none of them is known to be the app's own. The words that counted:"
        }
        By::Message => {
            "There are no calls to compare, so the type and the message counted, without what varies in it:"
        }
    };
    Some(Why {
        reason,
        parts: grouping.parts,
    })
}

fn tags(tags: &[Tag], n_occurrences: i64) -> Vec<TagView> {
    let share = |n: i64| unsigned(n * 100 / n_occurrences.max(1)).min(100);
    tags.chunk_by(|a, b| a.name == b.name)
        .map(|values| TagView {
            name: values[0].name.clone(),
            values: values
                .iter()
                .map(|tag| (tag.value.clone(), Count::new(unsigned(tag.n)), share(tag.n)))
                .collect(),
        })
        .collect()
}

/// The `number`th from the one that was raised last.
fn exception_in_pieces((number, exception): (usize, &Exception)) -> ExceptionView {
    ExceptionView {
        relation: match number {
            0 => Relation::Reported,
            _ => Relation::Cause,
        },
        exception_type: exception.kind.clone().unwrap_or_default(),
        message: exception.value.clone().unwrap_or_default(),
        frames: exception.frames.iter().rev().map(frame_in_pieces).collect(),
    }
}

fn frame_in_pieces(frame: &exception::Frame) -> FrameView {
    let file = frame
        .file
        .as_ref()
        .or(frame.path.as_ref())
        .or(frame.module.as_ref());
    let vars = frame.vars.as_ref().and_then(Value::as_object);
    FrameView {
        function: frame.function.clone(),
        file: file.or(frame.package.as_ref()).cloned().unwrap_or_default(),
        line: frame.line,
        column: frame.column,
        source: frame.source.clone(),
        in_app: frame.in_app,
        before: frame.before.clone(),
        after: frame.after.clone(),
        vars: vars
            .into_iter()
            .flatten()
            .map(|(name, value)| (name.clone(), text_of(value.clone())))
            .collect(),
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
        ..FrameView::default()
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
        user: shown.rich.user.clone(),
        breadcrumbs: shown
            .rich
            .breadcrumbs
            .iter()
            .rev()
            .map(|it| crumb(it, now))
            .collect(),
        facts: facts(&shown.rich),
        contexts: contexts(&shown.rich),
    }
}

fn crumb(crumb: &Value, now: i64) -> CrumbView {
    let text = |name: &str| {
        crumb
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let data = crumb
        .get("data")
        .filter(|data| data.as_object().is_some_and(|it| !it.is_empty()));
    let message = match (text("message"), data) {
        (message, None) => message,
        (message, Some(data)) => format!("{message} {data}").trim_start().to_owned(),
    };
    let category = match text("category") {
        category if category.is_empty() => text("type"),
        category => category,
    };
    CrumbView {
        category,
        level: text("level"),
        message,
        at: crumb
            .get("timestamp")
            .and_then(pieces::time)
            .map(|at| Moment::new(at, now)),
    }
}

fn facts(rich: &Rich) -> Vec<(&'static str, String)> {
    let facts = [
        ("Host", rich.server_name.clone()),
        ("Route", rich.transaction.clone()),
        ("Platform", rich.platform.clone()),
        ("Release", rich.release.clone()),
        ("Time of the client", rich.occurred_at.map(ui::moment::rfc3339)),
        ("Event id", rich.event_id.clone()),
    ];
    facts
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn contexts(rich: &Rich) -> Vec<(String, String)> {
    let indented = |value: &Value| ui::json::indent(&value.to_string());
    let contexts = rich.contexts.as_ref().and_then(Value::as_object);
    let contexts = contexts.into_iter().flatten();
    let contexts = contexts.map(|(name, value)| (format!("Context: {name}"), indented(value)));
    let request = rich
        .request
        .iter()
        .map(|it| ("More of the request".to_owned(), indented(it)));
    request.chain(contexts).collect()
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
