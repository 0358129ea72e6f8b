//! `POST /api/v1/ingest`: API requests in, as Malti's client sends them.

use std::sync::Arc;

use serde::Serialize;
use serde::de::IgnoredAny;
use service::unix_ms;
use web::header::{CONTENT_LENGTH, CONTENT_TYPE};
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};
use xxhash_rust::xxh3::xxh3_128;

use super::access;
use crate::app::App;
use crate::domain::malti::schema::Problem;
use crate::domain::malti::submission;
use crate::domain::requests::record::{Record, clean};

/// Without a key, a longer body is not read: a batch of Malti's client has about 100 KB.
const MAX_STRANGE_BYTES: u64 = 256 << 10;

/// Malti's answer, and what was left out if anything was.
#[derive(Serialize)]
struct Stored<'a> {
    message: &'static str,
    count: usize,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<usize>,
}

/// Exactly 200, once all is on the disk: the client drops a batch at anything else. It sends one again when no answer
/// came; where each request says when it was, the same body is stored once.
pub(crate) async fn ingest(app: Arc<App>, mut request: Request) -> Result<Response> {
    let service = match access::service(&app, &request) {
        Ok(service) => service,
        Err(refusal) => return refuse(request, refusal).await,
    };
    let body = request.bytes().await.map_err(unreadable)?;
    let submission = match submission::read(&body, unix_ms()) {
        Ok(submission) => submission,
        Err(problems) => return Ok(access::unprocessable(&problems)),
    };
    if submission.records.is_empty() {
        return Err(Error::bad_request("Empty requests array is not allowed"));
    }
    if let Some(service) = &service {
        check_service(service, &submission.records)?;
    }
    // A key of our own sends for any.
    let service = service.unwrap_or_else(|| submission.records[0].service.clone());
    let id = submission.is_dated.then(|| batch_id(&service, &body));
    let taken = app
        .record_requests(&submission.records, id)
        .await
        .map_err(not_stored)?;
    let stored = Stored {
        message: "Telemetry data ingested successfully",
        count: taken.n_taken,
        service: &service,
        refused: Some(taken.n_refused).filter(|n| *n > 0),
    };
    Ok(Response::json(StatusCode::OK, &stored))
}

/// A service tells of its own requests only.
fn check_service(service: &str, records: &[Record]) -> Result<()> {
    let own = clean(service);
    match records.iter().find(|record| record.service != own) {
        None => Ok(()),
        Some(other) => Err(Error::forbidden(format!(
            "Service mismatch: expected {own}, got {}",
            other.service
        ))),
    }
}

/// Malti's server looks at the body before the key: what is no JSON is told first.
async fn refuse(mut request: Request, refusal: Error) -> Result<Response> {
    let header = |name| request.header(name);
    let is_json = header(CONTENT_TYPE).is_none_or(|media| media.contains("json"));
    let length = header(CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    let is_short = length.is_some_and(|length| (1..=MAX_STRANGE_BYTES).contains(&length));
    if is_json
        && is_short
        && refusal.status != StatusCode::TOO_MANY_REQUESTS
        && let Ok(body) = request.bytes().await
        && let Err(error) = serde_json::from_slice::<IgnoredAny>(&body)
    {
        return Ok(access::unprocessable(&[Problem::json(&error, &body)]));
    }
    Err(refusal)
}

/// The same for the same service and body.
fn batch_id(service: &str, body: &[u8]) -> String {
    format!(
        "malti-{:032x}-{:032x}",
        xxh3_128(service.as_bytes()),
        xxh3_128(body)
    )
}

fn unreadable(mut error: Error) -> Error {
    if error.status == StatusCode::BAD_REQUEST {
        error.detail = "There was an error parsing the body".into();
    }
    error
}

fn not_stored(mut error: Error) -> Error {
    error.detail = format!("Failed to store telemetry: {}", error.detail).into();
    error
}
