//! `GET /traces/`, `/traces/{id}`, `/traces/search/`: what rows with ids of traces tell of requests through services.

use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::{service, unprocessable};
use crate::app::App;
use crate::domain::vantage::trace::{Filter, Spans, Summaries};
use crate::store::vantage as store;

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;
const MAX_OFFSET: u64 = 10_000;

/// The latest first; `service`, `limit`, `offset`.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    let filter = Filter {
        service: service(&request),
        ..Filter::default()
    };
    match (limit(&request), number(&request, "offset", 0, MAX_OFFSET)) {
        (Ok(limit), Ok(offset)) => told(&app, filter, offset, limit).await,
        (Err(refusal), _) | (_, Err(refusal)) => Ok(*refusal),
    }
}

/// Those that match; `service`, `min_duration`, `max_duration` (ms), `error`, `limit`.
pub(crate) async fn search(app: Arc<App>, request: Request) -> Result<Response> {
    let limit = match limit(&request) {
        Ok(limit) => limit,
        Err(refusal) => return Ok(*refusal),
    };
    match filter(&request) {
        Ok(filter) => told(&app, filter, 0, limit).await,
        Err(refusal) => Ok(*refusal),
    }
}

/// A trace and its spans, the earliest first. 404 for one that nobody told of.
pub(crate) async fn one(app: Arc<App>, request: Request) -> Result<Response> {
    let mut spans = Spans::of(request.param("id"));
    let read = move |connection: &rusqlite::Connection| {
        store::traced(connection, |row| {
            spans.add(&row);
            ControlFlow::Continue(())
        })?;
        Ok(spans.finish())
    };
    let found = app.common.read(read).await?;
    let (trace, spans) = found.ok_or_else(|| Error::not_found("Trace not found"))?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({"trace": trace, "spans": spans}),
    ))
}

async fn told(app: &App, filter: Filter, offset: u64, limit: u64) -> Result<Response> {
    let read = move |connection: &rusqlite::Connection| {
        let mut traces = Summaries::default();
        store::traced(connection, |row| match traces.add(&row) {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        })?;
        Ok(traces.finish(&filter, offset as usize, limit as usize))
    };
    let traces = app.common.read(read).await?;
    Ok(Response::json(StatusCode::OK, &traces))
}

fn limit(request: &Request) -> Result<u64, Box<Response>> {
    let limit = number(request, "limit", DEFAULT_LIMIT, MAX_LIMIT)?;
    match limit {
        0 => Err(refused("limit", "must be from 1 to 1000")),
        limit => Ok(limit),
    }
}

fn number(request: &Request, name: &str, default: u64, max: u64) -> Result<u64, Box<Response>> {
    let Some(text) = request.query().get(name) else {
        return Ok(default);
    };
    let number = text.trim().parse().ok().filter(|number| *number <= max);
    number.ok_or_else(|| refused(name, &format!("must be a whole number up to {max}")))
}

fn filter(request: &Request) -> Result<Filter, Box<Response>> {
    let duration = |name: &str| match request.query().get(name) {
        None => Ok(None),
        Some(text) => {
            let ms = text.trim().parse().ok().filter(|ms: &f64| ms.is_finite());
            ms.map(Some).ok_or_else(|| refused(name, "must be milliseconds"))
        }
    };
    let has_failed = match request
        .query()
        .get("error")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None => None,
        Some("true" | "1") => Some(true),
        Some("false" | "0") => Some(false),
        Some(_) => return Err(refused("error", "must be true or false")),
    };
    Ok(Filter {
        service: service(request),
        min_duration: duration("min_duration")?,
        max_duration: duration("max_duration")?,
        has_failed,
    })
}

fn refused(name: &str, problem: &str) -> Box<Response> {
    Box::new(unprocessable(&["query", name], problem))
}
