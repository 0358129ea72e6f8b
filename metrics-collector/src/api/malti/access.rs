//! Who may, in Malti's words; and what browsers of other origins, and addresses with a slash at the end, are told.

use std::sync::Arc;

use auth::Scope;
use rate_limit::{Client, Decision};
use web::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue,
    LOCATION, VARY,
};
use web::{Error, HeaderMap, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::malti::schema::Problem;
use crate::malti::Caller;

/// The service whose key it is. `None`: a key of our own that may send, for whichever service a record names.
pub(super) fn service(app: &App, request: &Request) -> Result<Option<String>> {
    let own = presented(request).and_then(|key| app.common.gate.keys.authenticate(key));
    if own.is_some_and(|identity| identity.scopes.allow(Scope::Ingest)) {
        return Ok(None);
    }
    match caller(app, request)? {
        Caller::Service(name) => Ok(Some(name)),
        Caller::User(_) => Err(Error::forbidden("Service API key required for ingest endpoint")),
    }
}

/// The user whose key it is; whoever holds a key of our own that may read is one, too.
pub(super) fn user(app: &App, request: &Request) -> Result<String> {
    match caller(app, request)? {
        Caller::User(name) => Ok(name),
        Caller::Service(_) => Err(Error::forbidden("User API key required for metrics endpoints")),
    }
}

fn presented(request: &Request) -> Option<&str> {
    let text = |name: &str| {
        let value = request.headers().get(name);
        value.map(|value| value.to_str().unwrap_or(""))
    };
    auth::presented(text("x-api-key"), text("authorization"), None)
}

fn caller(app: &App, request: &Request) -> Result<Caller> {
    let presented = presented(request);
    let known = presented.and_then(|key| app.malti.authenticate(key).or_else(|| own(app, key)));
    if let Some(caller) = known {
        return Ok(caller);
    }
    let gate = &app.common.gate;
    let spent = gate
        .anonymous
        .check(Client::Address(request.client()), gate.uptime());
    if let Decision::Refuse { retry_after } = spent {
        return Err(Error::too_many(retry_after));
    }
    let detail = match presented {
        Some(key) if !key.is_empty() => "Invalid API key",
        _ => "API key required",
    };
    Err(Error::new(StatusCode::UNAUTHORIZED, detail))
}

fn own(app: &App, key: &str) -> Option<Caller> {
    let identity = app.common.gate.keys.authenticate(key)?;
    let may_read = identity.scopes.allow(Scope::Read);
    may_read.then_some(Caller::User(identity.name))
}

/// 422 as Malti's server says it.
pub(super) fn unprocessable(problems: &[Problem]) -> Response {
    let body = serde_json::json!({ "detail": problems });
    Response::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// Pages of any origin may call, as with Malti. Nothing is lost by it: only keys in headers count here, never cookies.
pub(crate) fn cross_origin(_: &App, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// `OPTIONS`: all methods and headers.
pub(crate) async fn preflight(_: Arc<App>, request: Request) -> Result<Response> {
    let methods = HeaderValue::from_static("DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
    let allowed = asked.cloned().unwrap_or(HeaderValue::from_static("X-API-Key"));
    Ok(Response::text(StatusCode::OK, "OK")
        .with_header(ACCESS_CONTROL_ALLOW_METHODS, methods)
        .with_header(ACCESS_CONTROL_ALLOW_HEADERS, allowed)
        .with_header(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")))
}

/// A path with a slash at its end: 307 to the one without.
pub(crate) async fn without_slash(app: Arc<App>, request: Request) -> Result<Response> {
    let mut location = app.common.address(&request) + request.path().trim_end_matches('/');
    if !request.query_text().is_empty() {
        location = location + "?" + request.query_text();
    }
    let location = HeaderValue::try_from(location).map_err(|_| Error::not_found("Not found"))?;
    Ok(Response::empty(StatusCode::TEMPORARY_REDIRECT).with_header(LOCATION, location))
}
