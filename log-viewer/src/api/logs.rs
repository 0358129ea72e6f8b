//! `/api/logs`: entries found, one of them, and those around it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::asked;
use crate::domain::entry::Stored;
use crate::domain::fields;
use crate::domain::paging::Cursor;
use crate::row::Row;

/// Entries before and after one, where the URL names no number, and the most.
pub(crate) const DEFAULT_AROUND: usize = 50;
const MAX_AROUND: usize = 500;
/// Most characters of a message that `max_chars` may ask for.
const MAX_CHARS: u64 = 1 << 20;
/// Most fields that are told of one entry.
const MAX_FIELDS: usize = 500;

/// `GET /api/logs`: what matches, newest first; `cursor` goes on where a page ended.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct List<'e> {
        logs: Vec<Row<'e>>,
        total: u64,
        total_is_lower_bound: bool,
        limit: usize,
        offset: usize,
        next_cursor: Option<String>,
        is_complete: bool,
    }
    let query = request.query();
    let filter = asked::filter(query, unix_ms())?;
    let paging = asked::paging(query)?;
    let page = app.archive.page(filter, paging).await?;
    let total = page.total.unwrap_or_default();
    Ok(Response::json(
        StatusCode::OK,
        &List {
            logs: rows(&request, &page.entries),
            total: total.n,
            total_is_lower_bound: total.is_lower_bound,
            limit: paging.limit,
            offset: paging.offset,
            next_cursor: page.next.map(Cursor::text),
            is_complete: page.is_complete,
        },
    ))
}

/// `GET /api/logs/{id}`: all of one entry, with the fields of a JSON or logfmt message.
pub(crate) async fn detail(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Detail<'e> {
        #[serde(flatten)]
        row: Row<'e>,
        fields: Vec<Value>,
    }
    let stored = app.archive.one(id(&request)?).await?.ok_or_else(no_such)?;
    let fields = fields::all(&stored.entry.message).into_iter();
    let fields = fields
        .take(MAX_FIELDS)
        .map(|(name, value)| json!({ "name": name, "value": value }));
    let detail = Detail {
        row: Row::shown(stored.id, &stored.entry, usize::MAX),
        fields: fields.collect(),
    };
    Ok(Response::json(StatusCode::OK, &detail))
}

/// `GET /api/logs/{id}/context?before=&after=`: those of the same container around it, the oldest first.
pub(crate) async fn context(app: Arc<App>, request: Request) -> Result<Response> {
    let id = id(&request)?;
    let number = |name: &str| {
        let asked = request.query().number(name);
        asked.map_or(DEFAULT_AROUND, |n| {
            usize::try_from(n).unwrap_or(MAX_AROUND).min(MAX_AROUND)
        })
    };
    let found = app.archive.context(id, number("before"), number("after")).await?;
    let found = found.ok_or_else(no_such)?;
    let entry = std::slice::from_ref(&found.entry);
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "before": rows(&request, &found.before),
            "entry": rows(&request, entry).first(),
            "after": rows(&request, &found.after),
        }),
    ))
}

/// With `max_chars` only the beginning of long messages, and their colours.
fn rows<'e>(request: &Request, entries: &'e [Stored]) -> Vec<Row<'e>> {
    let max_chars = request
        .query()
        .number("max_chars")
        .map(|n| n.min(MAX_CHARS) as usize);
    let row = |stored: &'e Stored| match max_chars {
        Some(max_chars) => Row::shown(stored.id, &stored.entry, max_chars),
        None => Row::of(stored.id, &stored.entry),
    };
    entries.iter().map(row).collect()
}

/// The id in the path.
pub(crate) fn id(request: &Request) -> Result<u64> {
    let text = request.param("id");
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten().ok_or_else(no_such)
}

/// Ids are never used twice, so it is gone or was never there.
pub(crate) fn no_such() -> Error {
    Error::not_found("Log entry not found: it was never there, or made room for newer ones")
}
