//! `/errors/{id}`: one group, one of its occurrences, and the buttons that change its state.

use std::sync::Arc;

use serde_json::Value;
use serde_json::value::RawValue;
use service::{page, unix_ms};
use stacktrace::Trace;
use ui::{Count, Excerpt, Moment};
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use super::group_view::{
    ActivityView, BrowserView, CrumbView, ExceptionView, FrameView, GroupPage, History, Mark, OccurrenceLink,
    OccurrenceView, Related, Relation, TagView, Why,
};
use super::inbox::{source_of, state_of, unsigned};
use crate::app::App;
use crate::domain::exception::{self, Exception};
use crate::domain::grouping::{By, Grouping};
use crate::domain::pieces;
use crate::domain::report::{BROWSER_METHOD, Rich};
use crate::store::activities::{self, Activity, Kind};
use crate::store::families::{self, Member};
use crate::store::groups::{self, Group};
use crate::store::occurrences::{self, Occurrence};
use crate::store::releases;
use crate::store::snoozes::{self, Snooze};
use crate::store::tallies::{self, HOUR_MS, Tag};
use crate::work::{self, Done, SnoozeFor, Work, group_id, merge_all, no_such_group, note_text};

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
            days: tallies::days(connection, id, now, SHOWN_DAYS)?,
            grouping: tallies::grouping(connection, id)?,
            snooze: snoozes::find(connection, id)?,
            members: families::members(connection, id)?,
            activities: activities::of_group(connection, id, SHOWN_ACTIVITIES)?,
            releases: releases::since(connection, &group.project, now - SHOWN_HOURS * HOUR_MS)?,
            has_releases: releases::newest(connection, &group.project)?.is_some(),
        };
        let kept = occurrences::of_group(connection, id, keep)?;
        Ok(Some((group, traceback, kept, about)))
    });
    let (group, first_traceback, kept, about) = found.await?.ok_or_else(no_such_group)?;
    if let Some(root) = group.merged_into {
        return Ok(Response::see_other(&root.to_string()));
    }
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
/// Days of the longer one.
const SHOWN_DAYS: i64 = 90;
/// Values shown of each tag: the most frequent.
const SHOWN_TAG_VALUES: u32 = 5;

/// Lines of a group's history shown: the newest.
const SHOWN_ACTIVITIES: u32 = 50;

/// Counts of a group, why it is one, and what people did with it.
struct About {
    tags: Vec<Tag>,
    hours: Vec<i64>,
    days: Vec<i64>,
    grouping: Option<String>,
    snooze: Option<Snooze>,
    members: Vec<Member>,
    activities: Vec<Activity>,
    /// Of its project, in the time that is shown: version and first sight.
    releases: Vec<(String, i64)>,
    has_releases: bool,
}

/// `POST /errors/{id}/resolve`, with `in=next_release` if so: then back to where the button was.
pub(crate) async fn resolve(app: Arc<App>, request: Request) -> Result<Response> {
    let work = |form: &Query| {
        Ok(match form.get("in") {
            Some("next_release") => Work::ResolveInNextRelease,
            _ => Work::Resolve,
        })
    };
    act(app, request, work).await
}

/// `POST /errors/{id}/reopen`
pub(crate) async fn reopen(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |_| Ok(Work::Reopen)).await
}

/// `POST /errors/{id}/snooze`: `for=24h`, `for=100events`, `for=10users`.
pub(crate) async fn snooze(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |form| {
        Ok(Work::Snooze(snooze_for(form.get("for"))?))
    })
    .await
}

/// From a button's value: a number and what it counts.
fn snooze_for(text: Option<&str>) -> Result<SnoozeFor> {
    let text = text.unwrap_or_default();
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let n = text[..end].parse().ok();
    let long = SnoozeFor::default();
    match &text[end..] {
        "h" => SnoozeFor { hours: n, ..long },
        "events" => SnoozeFor { events: n, ..long },
        "users" => SnoozeFor { users: n, ..long },
        _ => long,
    }
    .checked()
}

/// `POST /errors/{id}/merge`: the group with the number in `other` is merged into this one.
pub(crate) async fn merge(app: Arc<App>, request: Request) -> Result<Response> {
    let work = |form: &Query| {
        let number = form
            .get("other")
            .unwrap_or_default()
            .trim()
            .trim_start_matches('#');
        let other = number
            .parse()
            .map_err(|_| Error::bad_request("other must be the number of an error"))?;
        Ok(Work::Merge(vec![other]))
    };
    act(app, request, work).await
}

/// `POST /errors/{id}/unmerge`
pub(crate) async fn unmerge(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |_| Ok(Work::Unmerge)).await
}

/// `POST /errors/{id}/notes`
pub(crate) async fn note(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |form| {
        Ok(Work::Note(note_text(form.raw("text").unwrap_or_default())?))
    })
    .await
}

/// `POST /errors/{id}/notes/{note}/delete`
pub(crate) async fn delete_note(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let note: i64 = request.param("note").parse().unwrap_or(0);
    app.common
        .write(move |tx| activities::drop_note(tx, id, note))
        .await?;
    Ok(Response::see_other(&format!("../../../{id}")))
}

/// `POST /errors/{id}/delete`: then to the inbox, since its page is gone.
pub(crate) async fn delete(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    request.form().await?;
    let done = work::act_on(&app, id, Work::Delete, work::author(&request)).await?;
    done.or_error()?;
    Ok(Response::see_other("../../"))
}

/// `POST /errors/bulk`: `action` on each `id`, then back to the inbox with the query it had.
pub(crate) async fn bulk(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let ids = form.pairs().filter(|(name, _)| *name == "id");
    let mut ids: Vec<i64> = ids.filter_map(|(_, id)| id.parse().ok()).collect();
    let work = match form.get("action") {
        Some("resolve") => Work::Resolve,
        Some("resolve_in_next_release") => Work::ResolveInNextRelease,
        Some("reopen") => Work::Reopen,
        Some("snooze") => Work::Snooze(SnoozeFor::A_DAY),
        Some("merge") => merge_all(&mut ids),
        Some("delete") => Work::Delete,
        _ => return Err(Error::bad_request("there is no such action")),
    };
    let done = work::act(&app, ids, work, work::author(&request)).await?;
    let refused = done.into_iter().find_map(|(_, done)| match done {
        Done::Refused(why) => Some(why),
        Done::To(_) | Done::Noted(_) | Done::NoSuchGroup => None,
    });
    match refused {
        Some(why) => Err(Error::new(StatusCode::CONFLICT, why)),
        None => Ok(Response::see_other(&format!(
            "../{}",
            next(&form).unwrap_or_default()
        ))),
    }
}

async fn act(
    app: Arc<App>,
    mut request: Request,
    work: impl FnOnce(&Query) -> Result<Work>,
) -> Result<Response> {
    let id = group_id(&request)?;
    let form = request.form().await?;
    let done = work::act_on(&app, id, work(&form)?, work::author(&request)).await?;
    done.or_error()?;
    // The inbox with the query it had, if the form came from there, else the group's page.
    Ok(
        match (next(&form), form.get("to").and_then(|to| to.parse::<i64>().ok())) {
            (Some(query), _) => Response::see_other(&format!("../../{query}")),
            (None, Some(to)) => Response::see_other(&format!("../{to}")),
            (None, None) => Response::see_other(&format!("../{id}")),
        },
    )
}

/// A query of the inbox; anything else could lead elsewhere.
fn next(form: &Query) -> Option<&str> {
    let is_query = |next: &&str| {
        next.is_empty() || (next.starts_with('?') && next.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    form.raw("next").filter(is_query)
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
        state: state_of(group, now),
        resolved_after: group.resolved_after.clone(),
        first_release: group.first_release.clone(),
        snoozed_until: about
            .snooze
            .as_ref()
            .and_then(|it| Some(Moment::new(it.until_at?, now))),
        snoozed_until_counts: about.snooze.as_ref().and_then(until_counts),
        has_releases: about.has_releases,
        members: about
            .members
            .iter()
            .map(|it| {
                (
                    it.id,
                    it.exception_type.clone(),
                    it.message.clone(),
                    Count::new(unsigned(it.n_occurrences)),
                )
            })
            .collect(),
        activities: about.activities.iter().map(|it| activity(it, now)).collect(),
        marks: about
            .releases
            .iter()
            .map(|(version, at)| mark(version, *at, now))
            .collect(),
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
        related: related(app, shown),
        fingerprint: group.fingerprint.clone(),
        level: group.level.clone(),
        why: about.grouping.as_deref().and_then(why),
        tags: tags(&about.tags, group.n_occurrences),
        history: History {
            counts: about.hours.iter().map(|count| unsigned(*count)).collect(),
            step: "hour",
        },
        days: History {
            counts: about.days.iter().map(|count| unsigned(*count)).collect(),
            step: "day",
        },
    }
}

/// With which counts a snoozed group wakes.
fn until_counts(snooze: &Snooze) -> Option<String> {
    let events = snooze.until_n_occurrences.map(|n| format!("{n} events in all"));
    let users = snooze.until_n_users.map(|n| format!("{n} users in all"));
    let all: Vec<String> = [events, users].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" or "))
}

fn activity(activity: &Activity, now: i64) -> ActivityView {
    let detail = activity.detail.clone().unwrap_or_default();
    let words = match activity.kind {
        Kind::Resolved if detail.is_empty() => "resolved it".to_owned(),
        Kind::Resolved => format!("resolved it in the release after {detail}"),
        Kind::Reopened => "reopened it".to_owned(),
        Kind::Regressed if detail.is_empty() => "came back".to_owned(),
        Kind::Regressed => format!("came back in {detail}"),
        Kind::Snoozed => format!("snoozed it {detail}"),
        Kind::Woken => "woke up".to_owned(),
        Kind::Spiked => format!("spiked: {detail} events in an hour"),
        Kind::Merged => format!("merged #{detail} into it"),
        Kind::Unmerged => format!("took it apart from #{detail}"),
        Kind::Note => "wrote".to_owned(),
    };
    let is_note = activity.kind == Kind::Note;
    ActivityView {
        id: activity.id,
        author: match activity.author.as_deref() {
            Some("session") => "Somebody signed in".to_owned(),
            Some(name) => name.to_owned(),
            None => "It".to_owned(),
        },
        words,
        note: is_note.then_some(detail),
        at: Moment::new(activity.at, now),
    }
}

/// Where in the chart a release begins.
fn mark(version: &str, at: i64, now: i64) -> Mark {
    let first_hour = now.div_euclid(HOUR_MS) - SHOWN_HOURS + 1;
    let hour = (at.div_euclid(HOUR_MS) - first_hour).clamp(0, SHOWN_HOURS - 1);
    Mark {
        step: usize::try_from(hour).unwrap_or(0),
        version: version.to_owned(),
    }
}

/// Time of logs before and after an event.
const LOGS_AROUND_MS: i64 = 30_000;
/// Time of metrics before and after an event.
const METRICS_AROUND_MS: i64 = 30 * 60_000;

/// The logs of that minute, and the metrics of that endpoint, where those services are set.
fn related(app: &App, shown: Option<&Occurrence>) -> Vec<Related> {
    let Some(shown) = shown else {
        return Vec::new();
    };
    let at = shown.rich.occurred_at.unwrap_or(shown.received_at);
    let range = |around: i64| (ui::moment::rfc3339(at - around), ui::moment::rfc3339(at + around));
    let siblings = app.common.settings.siblings.iter();
    let links = siblings.filter_map(|(service, url)| {
        let (title, query) = match service {
            ui::Service::Logs => {
                let (from, to) = range(LOGS_AROUND_MS);
                let query = ui::link::query([("from", Some(from.as_str())), ("to", Some(to.as_str()))]);
                ("Logs of that minute", query)
            }
            ui::Service::Metrics => {
                let (from, to) = range(METRICS_AROUND_MS);
                let endpoint = endpoint(shown);
                let query = ui::link::query([
                    ("from", Some(from.as_str())),
                    ("to", Some(to.as_str())),
                    ("endpoint", endpoint.as_deref()),
                ]);
                ("Metrics of that endpoint", query)
            }
            ui::Service::Errors | ui::Service::Browser => return None,
        };
        Some(Related {
            title: title.to_owned(),
            url: format!("{url}{query}"),
        })
    });
    links.collect()
}

/// The route, or the path of the request.
fn endpoint(shown: &Occurrence) -> Option<String> {
    if let Some(route) = &shown.rich.transaction {
        return Some(route.clone());
    }
    let url = shown.details.request_url.as_deref()?;
    let path = url
        .split_once("://")
        .map_or(url, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
    path.split(['?', '#'])
        .next()
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
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
        generated: frame.generated.clone(),
        unmapped: frame.unmapped.clone(),
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
