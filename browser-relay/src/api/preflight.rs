//! Cross-origin requests: what browsers ask before they send, and what lets pages read our answers.

use std::sync::Arc;

use web::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, HeaderValue, ORIGIN, VARY,
};
use web::{Error, HeaderMap, Request, Response, ResponseExt, Result, StatusCode};

use super::admission::invalid_key;
use crate::app::App;

/// Seconds for which a browser need not ask again (contract §4.4).
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");

/// Added to every answer below `/api/browser/`, refusals too: a page that may not read why it was refused cannot do
/// better. Credentials are allowed because beacons always carry them; we look at none.
pub(crate) fn cross_origin(app: &App, origin: Option<&HeaderValue>, headers: &mut HeaderMap) {
    headers.append(VARY, HeaderValue::from_static("Origin"));
    let allowed = origin.filter(|origin| origin.to_str().is_ok_and(|origin| app.keys.allows(origin)));
    if let Some(origin) = allowed {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("Retry-After"),
        );
    }
}

/// `OPTIONS` of anything below `/api/browser/`.
pub(crate) async fn preflight(app: Arc<App>, request: Request) -> Result<Response> {
    let origin = request.header(ORIGIN);
    if !origin.is_some_and(|origin| app.keys.allows(origin)) {
        return Err(invalid_key());
    }
    // A page that packs its bodies asks for one header more.
    let packs = request
        .header(ACCESS_CONTROL_REQUEST_HEADERS)
        .is_some_and(|names| names.to_ascii_lowercase().contains("content-encoding"));
    let allowed = match packs {
        true => "X-Monlight-Key, Content-Type, Content-Encoding",
        false => "X-Monlight-Key, Content-Type",
    };
    Ok(Response::empty(StatusCode::NO_CONTENT)
        .with_header(
            ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST, OPTIONS"),
        )
        .with_header(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static(allowed))
        .with_header(ACCESS_CONTROL_MAX_AGE, MAX_AGE))
}

/// Anything else below `/api/browser/`: without a good key nobody learns what is there.
pub(crate) async fn unknown(app: Arc<App>, request: Request) -> Result<Response> {
    let key = request
        .headers()
        .get("x-monlight-key")
        .and_then(|key| key.to_str().ok());
    let key = key.or_else(|| request.query().get("key"));
    let is_good = key.is_some_and(|key| app.keys.find(key, service::unix_ms()).is_some());
    if !is_good {
        app.keys.spend_wrong(request.client()).map_err(Error::too_many)?;
        return Err(invalid_key());
    }
    Err(Error::not_found("Not found"))
}
