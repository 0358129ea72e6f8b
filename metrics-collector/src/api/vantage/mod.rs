//! Vantage's doors: its collector's and its query API's, on the paths that they have there.

pub(crate) mod alerts;
pub(crate) mod card;
pub(crate) mod compare;
pub(crate) mod dialect;
pub(crate) mod health;
pub(crate) mod live;
pub(crate) mod metrics;
pub(crate) mod stats;
pub(crate) mod submit;
pub(crate) mod traces;
pub(crate) mod vql;

use serde_json::json;
use web::{Request, Response, ResponseExt, StatusCode};

/// What Vantage answers to a request that it cannot read: 422, and where it is wrong.
fn unprocessable(place: &[&str], message: &str) -> Response {
    let body = json!({"detail": [{"type": "value_error", "loc": place, "msg": message}]});
    Response::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

/// A parameter in seconds, within bounds.
fn seconds(
    request: &Request,
    name: &str,
    bounds: std::ops::RangeInclusive<i64>,
) -> Result<i64, Box<Response>> {
    const DEFAULT: i64 = 3600;
    let Some(text) = request.query().get(name) else {
        return Ok(DEFAULT);
    };
    let seconds = text
        .trim()
        .parse()
        .ok()
        .filter(|seconds| bounds.contains(seconds));
    seconds.ok_or_else(|| {
        let message = format!("must be seconds from {} to {}", bounds.start(), bounds.end());
        Box::new(unprocessable(&["query", name], &message))
    })
}

/// The service that is asked for; an empty one is none.
fn service(request: &Request) -> Option<String> {
    let service = request.query().get("service");
    service.filter(|service| !service.is_empty()).map(str::to_owned)
}
