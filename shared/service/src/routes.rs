//! The URLs that all four services have.

use std::sync::Arc;
use std::time::Duration;

use auth::{Identity, Scope};
use web::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use web::{Error, Policy, Request, Response, ResponseExt, Result, Routes, StatusCode};

use crate::common::{Common, page};
use crate::login;
use crate::program::Program;

/// What Prometheus is told we speak.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Health, metrics, documents, assets and signing in.
pub(crate) fn common<P: Program>(common: &Arc<Common>) -> Routes<P::App> {
    let door = |common: &Arc<Common>| common.clone();
    let (c1, c2, c3, c4, c5) = (
        door(common),
        door(common),
        door(common),
        door(common),
        door(common),
    );
    Routes::new()
        .with(Policy::public().exempt())
        .get("/health", |app, _| health::<P>(app))
        .get("/ready", move |_, _| ready(c1.clone()))
        .get("/assets/{name}", move |_, request| asset(c2.clone(), request))
        .get("/favicon.ico", |_, _| favicon())
        .with(Policy::key(Scope::Read))
        .get("/metrics", move |_, request| metrics(c3.clone(), request))
        .with(Policy::public())
        .get("/openapi.json", move |_, _| openapi(c4.clone()))
        .get("/docs", move |_, request| docs(c5.clone(), request))
        .and(login::routes(common))
}

/// `GET /health`: the process answers, and says what the service adds.
async fn health<P: Program>(app: Arc<P::App>) -> Result<Response> {
    // Blanks as the contract has them: scripts look for `"status": "ok"` as text.
    let more: String = P::health(app)
        .await
        .iter()
        .map(|(name, value)| format!(", \"{name}\": {value}"))
        .collect();
    Ok(Response::json_text(
        StatusCode::OK,
        format!("{{\"status\": \"ok\"{more}}}"),
    ))
}

/// `GET /ready`: a write would be stored. 503 says why not.
async fn ready(common: Arc<Common>) -> Result<Response> {
    match common.readiness.of(&common.store).await {
        Ok(()) => Ok(Response::json_text(StatusCode::OK, "{\"status\": \"ready\"}")),
        Err(reason) => Err(Error::unavailable(reason, Duration::from_secs(5))),
    }
}

/// `GET /metrics`: the service's own figures, OpenMetrics text. A browser gets them as text that it shows
/// rather than saves.
async fn metrics(common: Arc<Common>, request: Request) -> Result<Response> {
    let mut text = String::new();
    common.register(|registry| {
        if let Err(cause) = prometheus_client::encoding::text::encode(&mut text, registry) {
            tracing::error!(%cause, "cannot encode metrics");
        }
    });
    let mut response = Response::text(StatusCode::OK, text);
    if !request
        .header(ACCEPT)
        .is_some_and(|accept| accept.contains("text/html"))
    {
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(OPENMETRICS));
    }
    Ok(response)
}

/// `GET /assets/{name}`
async fn asset(common: Arc<Common>, request: Request) -> Result<Response> {
    common.assets.serve(&request, request.param("name"))
}

/// `GET /favicon.ico`: browsers ask for it beside what is no page.
async fn favicon() -> Result<Response> {
    let icon = ui::assets().iter().find(|asset| asset.name == "favicon.svg");
    let icon = icon.ok_or_else(|| Error::not_found("Not found"))?;
    Ok(Response::see_other(&icon.path))
}

/// `GET /openapi.json`
async fn openapi(common: Arc<Common>) -> Result<Response> {
    Ok(Response::json_text(StatusCode::OK, common.openapi))
}

/// `GET /docs`: the same as a page.
async fn docs(common: Arc<Common>, request: Request) -> Result<Response> {
    let document = serde_json::from_str(common.openapi).map_err(Error::internal)?;
    let frame = common.frame(&request, "API");
    Ok(page(
        StatusCode::OK,
        &ui::Docs::new(frame, &document, &common.address(&request), "openapi.json"),
    ))
}

/// An error as a page.
pub(crate) fn error_page(common: &Common, error: &Error, path: &str, visitor: Option<&Identity>) -> Response {
    let status = error.status.as_u16();
    let template = ui::ErrorPage {
        frame: common.frame_at(path, visitor, ui::ErrorPage::title_of(status)),
        status,
        detail: error.detail.to_string(),
        request_id: None,
    };
    page(error.status, &template)
}
