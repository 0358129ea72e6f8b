//! `POST /api/browser/metrics`: a batch of metrics of a page, on its way to the collector.

use std::sync::Arc;

use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::admission::admit;
use super::errors::upstream_error;
use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::browser_metrics;
use crate::domain::privacy::Wish;
use crate::domain::traffic::{Kind, Outcome};
use crate::forward::{Forwarded, Parcel, forward};

/// 202 when the collector has it, or will have it later.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let caller = admit(&app, &request, Kind::Metrics)?;
    let body = caller.body(&app, &mut request).await?;
    let forwarded = browser_metrics::forward(&body, caller.project(), caller.wish);
    let batch = forwarded.map_err(|refusal| caller.refuse(&app, &refusal))?;
    drop(body);
    if caller.wish == Wish::Drop {
        caller.count(&app, Outcome::DoNotTrack);
        return Ok(accepted(0));
    }
    let parcel = Parcel {
        backend: Backend::Collector,
        event_id: app.event_id(batch.event_id)?,
        project: caller.project().to_owned(),
        body: batch.body,
    };
    match forward(&app, Kind::Metrics, parcel).await? {
        Forwarded::Taken(_) | Forwarded::Queued => Ok(accepted(batch.n)),
        Forwarded::Refused => Err(upstream_error()),
        Forwarded::Nowhere => Ok(accepted(0)),
    }
}

/// 202 in the contract's words, with how many were taken.
pub(crate) fn accepted(n: usize) -> Response {
    Response::json_text(
        StatusCode::ACCEPTED,
        format!("{{\"status\": \"accepted\", \"count\": {n}}}"),
    )
}
