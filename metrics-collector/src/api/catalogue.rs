//! What is there: `GET /api/metrics/names`, `/api/metrics/labels`, `/api/metrics/series`, `/api/projects`,
//! `/api/sessions`.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use service::unix_ms;
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use crate::api::select_query::{matchers, range};
use crate::app::App;
use crate::catalogue;
use crate::domain::series::Series;

/// Values and series in one answer, unless asked otherwise, and at most.
const DEFAULT_LIMIT: usize = 100;
const MAX_LIMIT: usize = 10_000;

#[derive(Serialize)]
struct Metric {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    series: usize,
}

/// `GET /api/metrics/names`: every metric with its type (contract §3.4).
pub(crate) async fn names(app: Arc<App>, request: Request) -> Result<Response> {
    let metrics = catalogue::names(&app.ingest.registry(), request.query().get("project"));
    let metrics: Vec<Metric> = metrics
        .into_iter()
        .map(|metric| Metric {
            name: metric.name.to_string(),
            kind: metric.kind.name(),
            series: metric.n_series,
        })
        .collect();
    Ok(Response::json(StatusCode::OK, &json!({ "metrics": metrics })))
}

/// `GET /api/metrics/labels?name=`: the labels of a metric and some of their values.
pub(crate) async fn labels(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let (name, limit) = (name(query)?, limit(query)?);
    let labels = catalogue::labels(&app.ingest.registry(), name, query.get("project"), limit);
    let labels: Vec<Value> = labels
        .into_iter()
        .map(|label| json!({ "key": label.key, "count": label.n_values, "values": label.values }))
        .collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "name": name, "labels": labels }),
    ))
}

/// `GET /api/metrics/series?name=`: the series of a metric.
pub(crate) async fn series(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct One<'a> {
        labels: Map<String, Value>,
        #[serde(rename = "type")]
        kind: &'static str,
        project: Option<&'a str>,
    }
    let query = request.query();
    let (name, limit, matchers) = (name(query)?, limit(query)?, matchers(query)?);
    let registry = app.ingest.registry();
    let all = catalogue::series(&registry, name, query.get("project"), &matchers);
    let one = |series: &Series| One {
        labels: series
            .labels
            .iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect(),
        kind: series.kind.name(),
        project: None,
    };
    let mut n_series = 0;
    let mut listed = Vec::new();
    for (_, series) in all {
        n_series += 1;
        if listed.len() < limit {
            listed.push(One {
                project: series.project.as_deref(),
                ..one(series)
            });
        }
    }
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "name": name, "total": n_series, "series": listed }),
    ))
}

/// `GET /api/sessions`: how many browser sessions there were, in all and by page.
pub(crate) async fn sessions(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let range = range(query, unix_ms())?;
    let project = query.get("project").map(str::to_owned);
    let counts = app.sessions(project, range.from_ms, range.to_ms).await?;
    let pages: Vec<Value> = counts
        .pages
        .iter()
        .map(|(page, sessions)| json!({ "page": page, "sessions": sessions }))
        .collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "total": counts.total, "pages": pages }),
    ))
}

/// `GET /api/projects`: every project (contract §3.5).
pub(crate) async fn projects(app: Arc<App>, _: Request) -> Result<Response> {
    let projects: Vec<String> = app
        .ingest
        .registry()
        .projects()
        .iter()
        .map(ToString::to_string)
        .collect();
    Ok(Response::json(StatusCode::OK, &json!({ "projects": projects })))
}

fn name(query: &Query) -> Result<&str> {
    query
        .get("name")
        .ok_or_else(|| Error::bad_request("Missing required parameter: name"))
}

fn limit(query: &Query) -> Result<usize> {
    let Some(text) = query.get("limit") else {
        return Ok(DEFAULT_LIMIT);
    };
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| Error::bad_request(format!("limit must be from 1 to {MAX_LIMIT}")))
}
