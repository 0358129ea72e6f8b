//! `/api/source-maps`: maps of minified scripts, uploaded by builds.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use service::unix_ms;
use ui::moment::rfc3339;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::refusal::object;
use crate::domain::source_map::{self, Compiled};
use crate::store::remaps;
use crate::store::source_maps::{self, Listed, Named};

/// Longest names, in characters.
const MAX_PROJECT_CHARS: usize = 100;
const MAX_RELEASE_CHARS: usize = 100;
const MAX_FILE_URL_CHARS: usize = 500;
/// Maps of one answer.
const MAX_LISTED: u32 = 10_000;

/// `POST /api/source-maps`: `{"project", "release", "file_url", "map_content"}`, the map as a JSON string.
pub(crate) async fn upload(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize)]
    struct Given<'a> {
        #[serde(borrow, default)]
        project: api_types::Text<'a>,
        #[serde(borrow, default)]
        release: api_types::Text<'a>,
        #[serde(borrow, default)]
        file_url: api_types::Text<'a>,
        #[serde(default)]
        map_content: OwnedText,
        #[serde(borrow, default)]
        debug_id: api_types::Text<'a>,
    }
    let turn = app.uploads.acquire().await.map_err(Error::internal)?;
    let body = request.bytes().await?;
    let read = tokio::task::spawn_blocking(move || {
        let text = object(&body).map_err(|refusal| Error::bad_request(refusal.to_string()))?;
        let given: Given<'_> = serde_json::from_str(&text).map_err(|_| Error::bad_request("Invalid JSON"))?;
        let required = |text: &api_types::Text<'_>, name: &str| {
            let text = text.as_str().map(str::to_owned);
            text.ok_or_else(|| Error::bad_request(format!("Missing required field: {name}")))
        };
        let named = Named {
            project: required(&given.project, "project")?,
            release: required(&given.release, "release")?,
            file_url: required(&given.file_url, "file_url")?,
        };
        let map = given.map_content.0;
        let map = map.ok_or_else(|| Error::bad_request("Missing required field: map_content"))?;
        let debug_id = given.debug_id.as_str().and_then(source_map::debug_id);
        Ok((named, debug_id, Bytes::from(map)))
    });
    let (named, debug_id, map) = read.await.map_err(Error::internal)??;
    let answer = store(&app, named, debug_id, map).await;
    drop(turn);
    answer
}

/// A string that is not borrowed from the body, so that the body can go while it stays.
#[derive(Default)]
struct OwnedText(Option<String>);

impl<'de> Deserialize<'de> for OwnedText {
    fn deserialize<D: serde::Deserializer<'de>>(value: D) -> Result<Self, D::Error> {
        let text = api_types::Text::deserialize(value)?;
        Ok(Self(text.0.map(|text| text.into_owned())))
    }
}

/// `PUT /api/source-maps?project=&release=&file_url=[&debug_id=]`: the map itself as the body.
pub(crate) async fn put(app: Arc<App>, mut request: Request) -> Result<Response> {
    let required = |name: &str| {
        let value = request.query().get(name).map(str::to_owned);
        value.ok_or_else(|| Error::bad_request(format!("Missing required parameter: {name}")))
    };
    let named = Named {
        project: required("project")?,
        release: required("release")?,
        file_url: required("file_url")?,
    };
    let debug_id = request.query().get("debug_id").and_then(source_map::debug_id);
    let turn = app.uploads.acquire().await.map_err(Error::internal)?;
    let body = request.bytes().await?;
    let answer = store(&app, named, debug_id, body).await;
    drop(turn);
    answer
}

async fn store(app: &Arc<App>, named: Named, debug_id: Option<String>, map: Bytes) -> Result<Response> {
    for (name, value, max) in [
        ("project", &named.project, MAX_PROJECT_CHARS),
        ("release", &named.release, MAX_RELEASE_CHARS),
        ("file_url", &named.file_url, MAX_FILE_URL_CHARS),
    ] {
        if value.is_empty() || value.chars().count() > max {
            return Err(Error::bad_request(format!(
                "Field '{name}' must be 1-{max} characters"
            )));
        }
    }
    // The body goes as soon as it is read.
    let compiled = tokio::task::spawn_blocking(move || source_map::compile(&map));
    let compiled = compiled.await.map_err(Error::internal)?;
    let mut compiled: Compiled = compiled.map_err(|cause| Error::bad_request(cause.to_string()))?;
    compiled.debug_id = debug_id.or(compiled.debug_id);
    let told = Uploaded::of(&named, &compiled);
    let body = serde_json::to_vec(&told).map_err(Error::internal)?;
    app.change_maps(move |tx| {
        let now = unix_ms();
        remaps::request(tx, &named.project, &named.release, now)?;
        source_maps::replace(tx, &named, &compiled, now)
    })
    .await?;
    app.remaps_waiting.notify_one();
    Ok(Response::json_text(StatusCode::CREATED, body))
}

/// What is told of an upload; the first four fields are the contract's.
#[derive(Serialize)]
struct Uploaded<'a> {
    status: &'static str,
    project: &'a str,
    release: &'a str,
    file_url: &'a str,
    debug_id: Option<&'a str>,
    sources: usize,
    tokens: usize,
    bytes: usize,
    problems: &'a [String],
}

impl<'a> Uploaded<'a> {
    fn of(named: &'a Named, compiled: &'a Compiled) -> Self {
        Self {
            status: "uploaded",
            project: &named.project,
            release: &named.release,
            file_url: &named.file_url,
            debug_id: compiled.debug_id.as_deref(),
            sources: compiled.sources.len(),
            tokens: compiled.n_tokens,
            bytes: compiled.n_bytes(),
            problems: &compiled.problems,
        }
    }
}

/// A map as lists show it; the first five fields are the contract's.
#[derive(Serialize)]
struct Shown<'a> {
    id: i64,
    project: &'a str,
    release: &'a str,
    file_url: &'a str,
    uploaded_at: String,
    debug_id: Option<&'a str>,
    sources: i64,
    tokens: i64,
    bytes: i64,
    problems: &'a [String],
}

impl<'a> Shown<'a> {
    fn of(map: &'a Listed) -> Self {
        Self {
            id: map.id,
            project: &map.project,
            release: &map.release,
            file_url: &map.file_url,
            uploaded_at: rfc3339(map.uploaded_at),
            debug_id: map.debug_id.as_deref(),
            sources: map.n_sources,
            tokens: map.n_tokens,
            bytes: map.n_bytes,
            problems: &map.problems,
        }
    }
}

/// `GET /api/source-maps[?project=][&after=]`: maps by number; an empty project is a project.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Maps<'a> {
        source_maps: Vec<Shown<'a>>,
        total: i64,
    }
    let project = request.query().raw("project").map(str::to_owned);
    let after = request
        .query()
        .number("after")
        .and_then(|n| i64::try_from(n).ok())
        .unwrap_or(0);
    let (maps, total) = app
        .common
        .read(move |connection| {
            let project = project.as_deref();
            let maps = source_maps::list(connection, project, after, MAX_LISTED)?;
            Ok((maps, source_maps::count(connection, project)?))
        })
        .await?;
    let source_maps = maps.iter().map(Shown::of).collect();
    Ok(Response::json(StatusCode::OK, &Maps { source_maps, total }))
}

/// `DELETE /api/source-maps/{id}`
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = request
        .param("id")
        .parse()
        .map_err(|_| Error::bad_request("Invalid ID"))?;
    remove(&app, id).await?;
    Ok(Response::json_text(StatusCode::OK, "{\"status\": \"deleted\"}"))
}

/// Deletes a map.
pub(crate) async fn remove(app: &Arc<App>, id: i64) -> Result<()> {
    let is_there = app.change_maps(move |tx| source_maps::delete(tx, id)).await?;
    is_there
        .then_some(())
        .ok_or_else(|| Error::not_found("Source map not found"))
}
