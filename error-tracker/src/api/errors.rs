//! `/api/errors`: list groups, show one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use service::unix_ms;
use ui::moment::rfc3339;
use web::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::exception;
use crate::domain::markdown;
use crate::domain::rich::Rich;
use crate::domain::search_query;
use crate::domain::time_text;
use crate::store::activities::{self, Activity};
use crate::store::groups::{self, Filter, Group, Sort, State};
use crate::store::listing::{self, Start};
use crate::store::occurrences::{self, Occurrence};
use crate::store::snoozes::{self, Snooze};
use crate::store::tallies::{self, DAY_MS};
use crate::store::{families, merged};
use crate::work::{group_id, no_such_group};

/// Groups on a page, unless asked otherwise, and at most (contract §1.4).
const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;
/// Kept occurrences in a group's answer, unless asked otherwise (contract §1.5).
const DEFAULT_OCCURRENCES: u64 = 5;
/// Days of a group's chart, unless asked otherwise, and at most.
const DEFAULT_DAYS: u64 = 30;
const MAX_DAYS: u64 = 3660;
/// Values shown of each tag: the most frequent.
const SHOWN_TAG_VALUES: u32 = 20;
/// Lines of a group's history shown: the newest.
const SHOWN_ACTIVITIES: u32 = 100;

/// `GET /api/errors`: groups, newest report first.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Page<'a> {
        errors: Vec<Row<'a>>,
        total: i64,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        total_is_lower_bound: bool,
        limit: u64,
        offset: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        next_cursor: Option<&'a str>,
    }
    let filter = filter(request.query())?;
    let limit = limit(request.query());
    let offset = request.query().number("offset").unwrap_or(0);
    let start = match request.query().get("cursor") {
        None => Start::Offset(offset),
        Some(cursor) => Start::read_cursor(cursor)
            .ok_or_else(|| Error::bad_request("cursor must be the next_cursor of a page before"))?,
    };
    let is_search = filter.search.is_some();
    let page = app
        .read_searching(is_search, move |connection| {
            listing::list(connection, &filter, limit, start)
        })
        .await?;
    let errors = page.groups.iter().map(Row::of).collect();
    Ok(Response::json(
        StatusCode::OK,
        &Page {
            errors,
            total: page.n_total,
            total_is_lower_bound: !page.is_exact,
            limit,
            offset,
            next_cursor: page.next_cursor.as_deref(),
        },
    ))
}

/// Filters shared by the list and the inbox page.
pub(crate) fn filter(query: &Query) -> Result<Filter> {
    let text = |name| query.get(name).map(str::to_owned);
    let since = query.get("since").map(|since| {
        time_text::parse(since)
            .ok_or_else(|| Error::bad_request("since must be a time such as 2026-01-31T12:00:00Z"))
    });
    Ok(Filter {
        project: text("project"),
        environment: text("environment"),
        is_browser: query.get("source").and_then(|source| match source {
            "browser" => Some(true),
            "server" => Some(false),
            _ => None,
        }),
        session_id: text("session_id"),
        level: text("level"),
        user_id: text("user"),
        tags: tags(query)?,
        sort: match query.get("sort") {
            None => Sort::default(),
            Some(name) => Sort::read(name).ok_or_else(|| {
                Error::bad_request("sort must be one of last_seen, first_seen, count, users")
            })?,
        },
        new_in: text("new_in"),
        state: match (query.get("state"), query.get("resolved")) {
            (Some("all"), _) | (None, Some("all")) => None,
            (Some("resolved"), _) | (None, Some("true" | "1")) => Some(State::Resolved),
            (Some("snoozed"), _) => Some(State::Snoozed),
            (Some("open"), _) | (None, _) => Some(State::Open),
            (Some(_), _) => {
                return Err(Error::bad_request(
                    "state must be one of open, snoozed, resolved, all",
                ));
            }
        },
        until: None,
        since: since.transpose()?,
        search: query
            .get("search")
            .or_else(|| query.get("q"))
            .and_then(search_query::parse),
    })
}

/// `release=1.2`, and each `tag=name:value`.
fn tags(query: &Query) -> Result<Vec<(String, String)>> {
    let mut tags = Vec::new();
    if let Some(release) = query.get("release") {
        tags.push(("release".to_owned(), release.to_owned()));
    }
    for (name, value) in query.pairs() {
        if name == "tag" {
            let (name, value) = value.split_once(':').ok_or_else(|| {
                Error::bad_request("tag must be a name and a value with a colon between them")
            })?;
            tags.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(tags)
}

fn limit(query: &Query) -> u64 {
    match query.number("limit") {
        None | Some(0) => DEFAULT_LIMIT,
        Some(limit) => limit.min(MAX_LIMIT),
    }
}

/// `GET /api/errors/{id}[?occurrences=n]`: one group with its newest occurrences, flat.
pub(crate) async fn detail(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Detail<'a> {
        #[serde(flatten)]
        row: Row<'a>,
        traceback: &'a str,
        resolved_at: Option<String>,
        resolved_after: Option<&'a str>,
        snoozed_until: Option<Until>,
        merged_into: Option<i64>,
        merged: Vec<i64>,
        activity: Vec<Line<'a>>,
        grouping: Option<&'a RawValue>,
        tags: BTreeMap<&'a str, BTreeMap<&'a str, i64>>,
        occurrences: Vec<Kept<'a>>,
    }
    let id = group_id(&request)?;
    if request
        .header(ACCEPT)
        .is_some_and(|accept| accept.contains("text/markdown"))
    {
        return markdown(&app, &request, id).await;
    }
    let n_shown = request
        .query()
        .number("occurrences")
        .unwrap_or(DEFAULT_OCCURRENCES);
    let n_shown = n_shown.min(u64::from(occurrences::MAX_KEPT)) as u32;
    let found = app.read(move |connection| {
        let found = groups::find(connection, id)?;
        let kept = occurrences::of_group(connection, id, n_shown)?;
        let tags = tallies::tags(connection, id, SHOWN_TAG_VALUES)?;
        let grouping = tallies::grouping(connection, id)?;
        let work = Work {
            snooze: snoozes::find(connection, id)?,
            merged: merged::into(connection, id)?,
            activity: activities::of_group(connection, id, SHOWN_ACTIVITIES)?,
        };
        Ok(found.map(|(group, traceback)| (group, traceback, kept, tags, grouping, work)))
    });
    let (group, traceback, kept, tags, grouping, work) = found.await?.ok_or_else(no_such_group)?;
    let mut by_name: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for tag in &tags {
        by_name.entry(&tag.name).or_default().insert(&tag.value, tag.n);
    }
    let detail = Detail {
        row: Row::of(&group),
        traceback: &traceback,
        resolved_at: group.resolved_at.map(rfc3339),
        resolved_after: group.resolved_after.as_deref(),
        snoozed_until: work.snooze.as_ref().map(Until::of),
        merged_into: group.merged_into,
        merged: work.merged,
        activity: work.activity.iter().map(Line::of).collect(),
        grouping: grouping
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok()),
        tags: by_name,
        occurrences: kept.iter().map(Kept::of).collect(),
    };
    Ok(Response::json(StatusCode::OK, &detail))
}

/// `GET /api/errors/{id}/days[?days=n][&tag=name:value]`: reports by day of UTC, oldest first; those with a tag.
pub(crate) async fn days(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Day {
        day: String,
        count: i64,
    }
    let id = group_id(&request)?;
    let n_days = request
        .query()
        .number("days")
        .unwrap_or(DEFAULT_DAYS)
        .clamp(1, MAX_DAYS) as i64;
    let tag = tags(request.query())?.pop();
    let now = unix_ms();
    let counts = app.read(move |connection| {
        if families::root(connection, id)?.is_none() {
            return Ok(None);
        }
        let counts = match &tag {
            Some((name, value)) => tallies::tag_days(connection, id, (name, value), now, n_days)?,
            None => tallies::days(connection, id, now, n_days)?,
        };
        Ok(Some(counts))
    });
    let counts = counts.await?.ok_or_else(no_such_group)?;
    let first = now.div_euclid(DAY_MS) - n_days + 1;
    let days = counts.into_iter().zip(first..).map(|(count, day)| Day {
        day: rfc3339(day * DAY_MS).chars().take(10).collect(),
        count,
    });
    let days: Vec<Day> = days.collect();
    Ok(Response::json(
        StatusCode::OK,
        &serde_json::json!({ "days": days }),
    ))
}

/// What people did with a group.
struct Work {
    snooze: Option<Snooze>,
    merged: Vec<i64>,
    activity: Vec<Activity>,
}

/// When a snoozed group wakes: whichever comes first.
#[derive(Serialize)]
struct Until {
    at: Option<String>,
    count: Option<i64>,
    users: Option<i64>,
}

impl Until {
    fn of(snooze: &Snooze) -> Self {
        Self {
            at: snooze.until_at.map(rfc3339),
            count: snooze.until_n_occurrences,
            users: snooze.until_n_users,
        }
    }
}

/// One line of a group's history.
#[derive(Serialize)]
struct Line<'a> {
    id: i64,
    at: String,
    kind: activities::Kind,
    author: Option<&'a str>,
    detail: Option<&'a str>,
}

impl<'a> Line<'a> {
    fn of(activity: &'a Activity) -> Self {
        Self {
            id: activity.id,
            at: rfc3339(activity.at),
            kind: activity.kind,
            author: activity.author.as_deref(),
            detail: activity.detail.as_deref(),
        }
    }
}

/// The group with its newest event, to paste into a ticket.
async fn markdown(app: &App, request: &Request, id: i64) -> Result<Response> {
    let found = app.read(move |connection| {
        let newest = occurrences::of_group(connection, id, 1)?.pop();
        Ok(groups::find(connection, id)?.map(|(group, traceback)| (group, traceback, newest)))
    });
    let (group, first_traceback, newest) = found.await?.ok_or_else(no_such_group)?;
    let traceback = newest
        .as_ref()
        .map_or(&first_traceback, |newest| &newest.traceback);
    let exceptions = match &newest {
        Some(newest) if !newest.rich.exceptions.is_empty() => newest.rich.exceptions.clone(),
        _ => exception::of_trace(stacktrace::parse(traceback)),
    };
    let mut facts = vec![
        ("Project", group.project.clone()),
        ("Level", group.level.clone()),
        ("Events", group.n_occurrences.to_string()),
        ("Users", group.n_users.to_string()),
        ("First seen", rfc3339(group.first_seen_at)),
        ("Last seen", rfc3339(group.last_seen_at)),
    ];
    facts.extend(group.environment.clone().map(|it| ("Environment", it)));
    facts.extend(group.release.clone().map(|it| ("Release", it)));
    let text = markdown::group(&markdown::Facts {
        exception_type: &group.exception_type,
        message: newest.as_ref().map_or(&group.message, |newest| &newest.message),
        facts: &facts,
        exceptions: &exceptions,
        traceback,
        url: &format!(
            "{}/errors/{id}",
            app.common.address(request).trim_end_matches('/')
        ),
    });
    let mut response = Response::text(StatusCode::OK, text);
    let markdown = HeaderValue::from_static("text/markdown; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, markdown);
    Ok(response)
}

/// One group in a list.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    id: i64,
    fingerprint: &'a str,
    project: &'a str,
    environment: Option<&'a str>,
    exception_type: &'a str,
    message: &'a str,
    culprit: Option<&'a str>,
    count: i64,
    first_seen: String,
    last_seen: String,
    resolved: bool,
    state: &'static str,
    source: &'static str,
    level: &'a str,
    release: Option<&'a str>,
    users: i64,
    first_release: Option<&'a str>,
}

impl<'a> Row<'a> {
    pub(super) fn of(group: &'a Group) -> Self {
        Self {
            id: group.id,
            fingerprint: &group.fingerprint,
            project: &group.project,
            environment: group.environment.as_deref(),
            exception_type: &group.exception_type,
            message: &group.message,
            culprit: group.culprit.as_deref(),
            count: group.n_occurrences,
            first_seen: rfc3339(group.first_seen_at),
            last_seen: rfc3339(group.last_seen_at),
            resolved: group.is_resolved,
            state: match (group.is_resolved, group.is_snoozed) {
                (true, _) => "resolved",
                (false, true) => "snoozed",
                (false, false) => "open",
            },
            source: if group.is_browser { "browser" } else { "server" },
            level: &group.level,
            release: group.release.as_deref(),
            users: group.n_users,
            first_release: group.first_release.as_deref(),
        }
    }
}

/// One kept occurrence of a group.
#[derive(Serialize)]
pub(super) struct Kept<'a> {
    id: i64,
    timestamp: String,
    environment: Option<&'a str>,
    request_url: Option<&'a str>,
    request_method: Option<&'a str>,
    request_headers: Option<&'a RawValue>,
    user_id: Option<&'a str>,
    extra: Option<&'a RawValue>,
    message: &'a str,
    traceback: &'a str,
    #[serde(flatten)]
    rich: &'a Rich,
}

impl<'a> Kept<'a> {
    pub(super) fn of(occurrence: &'a Occurrence) -> Self {
        let details = &occurrence.details;
        Self {
            id: occurrence.id,
            timestamp: rfc3339(occurrence.received_at),
            environment: occurrence.environment.as_deref(),
            request_url: details.request_url.as_deref(),
            request_method: details.request_method.as_deref(),
            request_headers: details.request_headers.as_deref(),
            user_id: details.user_id.as_deref(),
            extra: details.extra.as_deref(),
            message: &occurrence.message,
            traceback: &occurrence.traceback,
            rich: &occurrence.rich,
        }
    }
}
