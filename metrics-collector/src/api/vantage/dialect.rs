//! What all of Vantage's doors have there and ours do not: a budget of its own for each address, its words for refusals,
//! and any origin where no key is wanted.

use std::net::IpAddr;
use std::sync::Arc;

use rate_limit::{Client, Decision};
use serde_json::json;
use service::unix_ms;
use web::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, HeaderName, HeaderValue, LOCATION, RETRY_AFTER,
    WWW_AUTHENTICATE,
};
use web::{Caller, Dialect, Error, HeaderMap, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;

/// For all of Vantage's paths but those that say whether the process is well.
pub(crate) const DIALECT: Dialect<App> = Dialect { admit, answer };

const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset");
/// When a budget is full again, as Vantage tells it of any.
const RESET_SECONDS: i64 = 60;

fn admit(app: &App, address: IpAddr) -> Result<()> {
    let budget = &app.vantage.budget;
    match budget.check(Client::Address(address), app.common.gate.uptime()) {
        Decision::Allow { .. } => Ok(()),
        Decision::Refuse { retry_after } => Err(Error::too_many(retry_after)),
    }
}

fn answer(app: &App, caller: &Caller, response: Response) -> Response {
    let mut response = match response.status() {
        StatusCode::UNAUTHORIZED => unauthorized(caller),
        StatusCode::TOO_MANY_REQUESTS => too_many(&response),
        _ => response,
    };
    // Its agent tries again after 503, and gives up after what it does not know.
    if response.status() == StatusCode::INSUFFICIENT_STORAGE {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    tell_budget(app, caller, response.headers_mut());
    response
}

fn unauthorized(caller: &Caller) -> Response {
    let detail = match caller.has_credentials {
        true => "Invalid API key",
        false => "Missing API key. Include 'X-API-Key' header.",
    };
    let challenge = HeaderValue::from_static("ApiKey");
    let error = Error::new(StatusCode::UNAUTHORIZED, detail);
    Response::refusal(&error.with_header(WWW_AUTHENTICATE, challenge))
}

fn too_many(refusal: &Response) -> Response {
    let wait = refusal.headers().get(RETRY_AFTER).cloned();
    let wait = wait.unwrap_or(HeaderValue::from_static("1"));
    let seconds: u64 = wait.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let body = json!({
        "error": "Rate limit exceeded",
        "message": format!("Too many requests. Please retry after {seconds} seconds."),
        "retry_after_seconds": seconds,
        // As all our doors say it.
        "detail": "Rate limit exceeded",
    });
    Response::json(StatusCode::TOO_MANY_REQUESTS, &body).with_header(RETRY_AFTER, wait)
}

fn tell_budget(app: &App, caller: &Caller, headers: &mut HeaderMap) {
    let limit = app.settings.vantage_per_minute;
    if limit == 0 {
        return;
    }
    let address = Client::Address(caller.address);
    let remaining = match app.vantage.budget.peek(address, app.common.gate.uptime()) {
        Decision::Allow { remaining } => remaining,
        Decision::Refuse { .. } => 0,
    };
    headers.insert(LIMIT, limit.into());
    headers.insert(REMAINING, remaining.into());
    headers.insert(RESET, (unix_ms() / 1000 + RESET_SECONDS).into());
}

/// Any origin, as in Vantage. Cookies do not count: a browser keeps what it got with them from pages of others.
pub(crate) fn cross_origin(_: &App, _: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
}

/// `OPTIONS`: what a page of another origin may send.
pub(crate) async fn preflight(_: Arc<App>, request: Request) -> Result<Response> {
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS);
    let allowed = asked.cloned().unwrap_or(HeaderValue::from_static("X-API-Key"));
    Ok(Response::text(StatusCode::OK, "OK")
        .with_header(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("GET, HEAD, OPTIONS, POST"),
        )
        .with_header(ACCESS_CONTROL_ALLOW_HEADERS, allowed)
        .with_header(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")))
}

/// A path with a slash too many or too few at its end: 307 to the other one.
pub(crate) async fn other_slash(app: Arc<App>, request: Request) -> Result<Response> {
    let path = match request.path().strip_suffix('/') {
        Some(without) => without.to_owned(),
        None => format!("{}/", request.path()),
    };
    let query = match request.query_text() {
        "" => String::new(),
        text => format!("?{text}"),
    };
    let location = HeaderValue::try_from(format!("{}{path}{query}", app.common.address(&request)));
    let location = location.map_err(|_| Error::not_found("Not found"))?;
    Ok(Response::empty(StatusCode::TEMPORARY_REDIRECT).with_header(LOCATION, location))
}
