//! `POST /v1/metrics`: metrics of Vantage's agents. OTLP has the same path and is told apart by what it sends.

use std::sync::Arc;

use serde_json::json;
use service::unix_ms;
use web::header::CONTENT_TYPE;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::unprocessable;
use crate::app::App;
use crate::domain::vantage::batch::{self, BadBatch, Batch};
use crate::vantage;

const NO_OTLP: &str = "OTLP is not taken here: this path takes Vantage's JSON, {\"metrics\": […], \"service_name\": …}; \
     send samples to POST /api/metrics, or have an exporter scraped (SCRAPE_TARGETS)";

/// Takes a batch. 202 once all that is right in it is on the disk, with reasons for what is not.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    if is_protobuf(&request) {
        return Err(Error::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, NO_OTLP));
    }
    let body = request.bytes().await?;
    let ids = request
        .header("x-vantage-trace-id")
        .zip(request.header("x-vantage-span-id"));
    let batch = match batch::read(&body, ids, unix_ms()) {
        Ok(batch) => batch,
        Err(BadBatch::Json) => return Ok(unprocessable(&["body"], "JSON decode error")),
        Err(BadBatch::Otlp) => return Err(Error::new(StatusCode::NOT_IMPLEMENTED, NO_OTLP)),
        Err(BadBatch::Field(field, problem)) => return Ok(unprocessable(&["body", field], &problem)),
    };
    let answer = answer(&batch);
    vantage::keep(&app, batch, &body).await?;
    Ok(answer)
}

fn is_protobuf(request: &Request) -> bool {
    let kind = request.header(CONTENT_TYPE);
    kind.is_some_and(|kind| kind.to_ascii_lowercase().contains("protobuf"))
}

fn answer(batch: &Batch) -> Response {
    let (n_received, n_accepted) = (batch.n_received(), batch.metrics.len());
    let (status, message) = match (n_accepted, batch.n_refused) {
        (_, 0) => ("accepted", format!("{n_accepted} metrics accepted")),
        (0, _) => ("rejected", "no metric was accepted".to_owned()),
        (_, n_refused) => (
            "partial",
            format!("{n_accepted} metrics accepted, {n_refused} rejected"),
        ),
    };
    let body = json!({
        "status": status,
        "metrics_received": n_received,
        "metrics_accepted": n_accepted,
        "metrics_rejected": batch.n_refused,
        "message": message,
        "errors": batch.reasons,
    });
    Response::json(StatusCode::ACCEPTED, &body)
}
