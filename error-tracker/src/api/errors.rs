//! `/api/errors`: take a report in, list groups, show one, resolve it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Number;
use serde_json::value::RawValue;
use service::unix_ms;
use ui::moment::rfc3339;
use web::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::exception;
use crate::domain::json_text;
use crate::domain::markdown;
use crate::domain::report::{self, Rich};
use crate::domain::search_query;
use crate::domain::time_text;
use crate::store::filing::{Filed, Outcome};
use crate::store::groups::{self, Filter, Group, Sort};
use crate::store::occurrences::{self, Occurrence};
use crate::store::tallies;

/// Groups on a page, unless asked otherwise, and at most (contract §1.4).
const DEFAULT_LIMIT: u64 = 50;
const MAX_LIMIT: u64 = 200;

/// `POST /api/errors`: files one report under its group. 201 if the group is new or reopened, else 200.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let body = request.bytes().await?;
    let project = request.query().get("project");
    let text = json_text::mend(&body);
    let clean = app.scrubber.json(&text);
    let report = report::read(clean.as_bytes(), project).map_err(|refusal| {
        app.metrics.refused.inc();
        Error::bad_request(refusal.to_string())
    })?;
    let filed = app.file(app.filing(report, unix_ms())).await?;
    count(&app, &filed);
    Ok(answer(&filed))
}

/// Values shown of each tag: the most frequent.
const SHOWN_TAG_VALUES: u32 = 20;
/// Most reports in one batch.
const MAX_BATCH: usize = 1000;

/// `POST /api/errors/batch`: a JSON list of reports. Each is taken or refused by itself; 200 if all were taken,
/// 207 if some were refused.
pub(crate) async fn submit_batch(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Answers<'a> {
        accepted: usize,
        refused: usize,
        results: Vec<Item<'a>>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Item<'a> {
        Taken(Answer<'a>),
        Refused { status: &'static str, detail: String },
    }
    let body = request.bytes().await?;
    let project = request.query().get("project");
    let text = json_text::mend(&body);
    let clean = app.scrubber.json(&text);
    let items = report::items(&clean).map_err(|refusal| Error::bad_request(refusal.to_string()))?;
    if items.len() > MAX_BATCH {
        return Err(Error::bad_request(format!(
            "a batch holds at most {MAX_BATCH} reports, this one has {}",
            items.len()
        )));
    }
    let now = unix_ms();
    let read = items.iter().map(|item| report::read(item, project));
    let (mut filings, mut refusals) = (Vec::new(), Vec::new());
    for item in read {
        refusals.push(match item {
            Ok(report) => {
                filings.push(app.filing(report, now));
                None
            }
            Err(refusal) => Some(refusal.to_string()),
        });
    }
    let refused = refusals.iter().flatten().count();
    app.metrics.refused.inc_by(refused as u64);
    let filed = match filings.is_empty() {
        true => Vec::new(),
        false => app.file_all(filings).await?,
    };
    filed.iter().for_each(|filed| count(&app, filed));
    let mut taken = filed.iter();
    let results = refusals.into_iter().filter_map(|refusal| match refusal {
        Some(detail) => Some(Item::Refused {
            status: "refused",
            detail,
        }),
        None => taken.next().map(|filed| Item::Taken(Answer::of(filed).0)),
    });
    let answers = Answers {
        accepted: filed.len(),
        refused,
        results: results.collect(),
    };
    let status = match refused {
        0 => StatusCode::OK,
        _ => StatusCode::MULTI_STATUS,
    };
    Ok(Response::json(status, &answers))
}

fn count(app: &App, filed: &Filed) {
    match filed.outcome {
        Outcome::Created => app.metrics.created.inc(),
        Outcome::Incremented => app.metrics.incremented.inc(),
        Outcome::Reopened => app.metrics.reopened.inc(),
        Outcome::Repeated => app.metrics.repeated.inc(),
    };
    if matches!(filed.outcome, Outcome::Created | Outcome::Reopened) {
        app.mails_waiting.notify_one();
    }
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer<'a> {
    Created { id: i64, fingerprint: &'a str },
    Incremented { id: i64, count: i64 },
    Reopened { id: i64, count: i64 },
}

impl<'a> Answer<'a> {
    fn of(filed: &'a Filed) -> (Self, StatusCode) {
        let (id, count) = (filed.group_id, filed.n_occurrences);
        match filed.outcome {
            Outcome::Created => {
                let fingerprint = &filed.fingerprint;
                (Self::Created { id, fingerprint }, StatusCode::CREATED)
            }
            // To a client that sends again, what it sent is counted.
            Outcome::Incremented | Outcome::Repeated => (Self::Incremented { id, count }, StatusCode::OK),
            Outcome::Reopened => (Self::Reopened { id, count }, StatusCode::CREATED),
        }
    }
}

fn answer(filed: &Filed) -> Response {
    let (answer, status) = Answer::of(filed);
    Response::json(status, &answer)
}

/// `GET /api/errors`: groups, newest report first.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Page<'a> {
        errors: Vec<Row<'a>>,
        total: i64,
        limit: u64,
        offset: u64,
    }
    let filter = filter(request.query())?;
    let limit = limit(request.query());
    let offset = request.query().number("offset").unwrap_or(0);
    let page = app
        .read(move |connection| groups::list(connection, &filter, limit, offset))
        .await?;
    let errors = page.groups.iter().map(Row::of).collect();
    Ok(Response::json(
        StatusCode::OK,
        &Page {
            errors,
            total: page.n_total,
            limit,
            offset,
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
        is_resolved: match query.get("resolved") {
            Some("true" | "1") => Some(true),
            Some("all") => None,
            _ => Some(false),
        },
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

/// `GET /api/errors/{id}`: one group with its newest occurrences, flat.
pub(crate) async fn detail(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Detail<'a> {
        #[serde(flatten)]
        row: Row<'a>,
        traceback: &'a str,
        resolved_at: Option<String>,
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
    let keep = app.settings.keep_occurrences;
    let found = app.read(move |connection| {
        let found = groups::find(connection, id)?;
        let kept = occurrences::of_group(connection, id, keep)?;
        let tags = tallies::tags(connection, id, SHOWN_TAG_VALUES)?;
        let grouping = tallies::grouping(connection, id)?;
        Ok(found.map(|(group, traceback)| (group, traceback, kept, tags, grouping)))
    });
    let (group, traceback, kept, tags, grouping) = found.await?.ok_or_else(no_such_group)?;
    let mut by_name: BTreeMap<&str, BTreeMap<&str, i64>> = BTreeMap::new();
    for tag in &tags {
        by_name.entry(&tag.name).or_default().insert(&tag.value, tag.n);
    }
    let detail = Detail {
        row: Row::of(&group),
        traceback: &traceback,
        resolved_at: group.resolved_at.map(rfc3339),
        grouping: grouping
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok()),
        tags: by_name,
        occurrences: kept.iter().map(Kept::of).collect(),
    };
    Ok(Response::json(StatusCode::OK, &detail))
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

/// `DELETE /api/errors/{id}`: the group and all that hangs on it.
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let is_known = app.change(move |tx| groups::delete(tx, id)).await?;
    state_answer(is_known, "deleted", id)
}

/// `POST /api/errors/bulk`: the same done to several groups, all in one transaction.
pub(crate) async fn bulk(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize, Clone, Copy)]
    #[serde(rename_all = "lowercase")]
    enum Action {
        Resolve,
        Reopen,
        Delete,
    }
    #[derive(Deserialize)]
    struct Bulk {
        action: Action,
        ids: Vec<Number>,
    }
    #[derive(Serialize)]
    struct Done {
        changed: usize,
        unknown: Vec<i64>,
    }
    let body = request.bytes().await?;
    let Bulk { action, ids } = serde_json::from_str(&json_text::mend(&body)).map_err(|_| {
        Error::bad_request(
            "the body must be {\"action\": resolve, reopen or delete, \"ids\": a list of numbers}",
        )
    })?;
    if ids.len() > MAX_BATCH {
        return Err(Error::bad_request(format!("at most {MAX_BATCH} ids at once")));
    }
    let ids: Option<Vec<i64>> = ids.iter().map(whole).collect();
    let ids = ids.ok_or_else(|| Error::bad_request("ids are whole numbers from 1"))?;
    let now = unix_ms();
    let unknown = app.change(move |tx| {
        let mut unknown = Vec::new();
        for id in &ids {
            let is_known = match action {
                Action::Resolve => groups::resolve(tx, *id, now)?,
                Action::Reopen => groups::reopen(tx, *id)?,
                Action::Delete => groups::delete(tx, *id)?,
            };
            if !is_known {
                unknown.push(*id);
            }
        }
        Ok((ids.len() - unknown.len(), unknown))
    });
    let (changed, unknown) = unknown.await?;
    Ok(Response::json(StatusCode::OK, &Done { changed, unknown }))
}

/// 26 and 26.0 are the same number in JSON.
fn whole(number: &Number) -> Option<i64> {
    let float = || number.as_f64().filter(|it| it.fract() == 0. && *it < 1e15);
    let id = number.as_i64().or_else(|| Some(float()? as i64))?;
    (id > 0).then_some(id)
}

/// `POST /api/errors/{id}/resolve`: the group is done until it comes back.
pub(crate) async fn resolve(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let is_known = app.change(move |tx| groups::resolve(tx, id, unix_ms())).await?;
    state_answer(is_known, "resolved", id)
}

/// `POST /api/errors/{id}/reopen`: takes that back.
pub(crate) async fn reopen(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let is_known = app.change(move |tx| groups::reopen(tx, id)).await?;
    state_answer(is_known, "reopened", id)
}

fn state_answer(is_known: bool, status: &'static str, id: i64) -> Result<Response> {
    #[derive(Serialize)]
    struct State {
        status: &'static str,
        id: i64,
    }
    if !is_known {
        return Err(no_such_group());
    }
    Ok(Response::json(StatusCode::OK, &State { status, id }))
}

/// The path's id; what is no number cannot be found.
pub(crate) fn group_id(request: &Request) -> Result<i64> {
    request
        .param("id")
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(no_such_group)
}

pub(crate) fn no_such_group() -> Error {
    Error::not_found("Error not found")
}

/// One group in a list.
#[derive(Serialize)]
struct Row<'a> {
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
    source: &'static str,
    level: &'a str,
    release: Option<&'a str>,
    users: i64,
}

impl<'a> Row<'a> {
    fn of(group: &'a Group) -> Self {
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
            source: if group.is_browser { "browser" } else { "server" },
            level: &group.level,
            release: group.release.as_deref(),
            users: group.n_users,
        }
    }
}

/// One kept occurrence of a group.
#[derive(Serialize)]
struct Kept<'a> {
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
    fn of(occurrence: &'a Occurrence) -> Self {
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
