//! `POST /api/browser/metrics` and `POST /api/browser/logs`: many small things of a page, on their way to the collector
//! and to the log viewer.

use std::sync::Arc;

use service::unix_ms;
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::admission::admit;
use super::errors::upstream_error;
use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::batch::Batch;
use crate::domain::privacy::Wish;
use crate::domain::refusal::Refusal;
use crate::domain::traffic::{Kind, Outcome};
use crate::domain::{browser_logs, browser_metrics};
use crate::forward::{Forwarded, Parcel, forward};

/// What is in a batch, who takes it, and how its body is read for them.
struct Way {
    kind: Kind,
    backend: Backend,
    read: fn(&[u8], project: &str, Wish, received_at: &str) -> Result<Batch, Refusal>,
}

/// 202 when the collector has them, or will have them later.
pub(crate) async fn submit_metrics(app: Arc<App>, request: Request) -> Result<Response> {
    let way = Way {
        kind: Kind::Metrics,
        backend: Backend::Collector,
        read: |body, project, wish, _| browser_metrics::forward(body, project, wish),
    };
    submit(&app, request, way).await
}

/// 202 when the log viewer has them, or will have them later.
pub(crate) async fn submit_logs(app: Arc<App>, request: Request) -> Result<Response> {
    let way = Way {
        kind: Kind::Logs,
        backend: Backend::LogViewer,
        read: browser_logs::forward,
    };
    submit(&app, request, way).await
}

async fn submit(app: &App, mut request: Request, way: Way) -> Result<Response> {
    let caller = admit(app, &request, way.kind)?;
    let body = caller.body(app, &mut request).await?;
    let read = (way.read)(&body, caller.project(), caller.wish, &rfc3339(unix_ms()));
    let batch = read.map_err(|refusal| caller.refuse(app, &refusal))?;
    drop(body);
    if caller.wish == Wish::Drop {
        caller.count(app, Outcome::DoNotTrack);
        return Ok(accepted(0));
    }
    let parcel = Parcel {
        backend: way.backend,
        event_id: app.event_id(batch.event_id)?,
        project: caller.project().to_owned(),
        body: batch.body,
    };
    match forward(app, way.kind, parcel).await? {
        Forwarded::Taken(_) | Forwarded::Queued => Ok(accepted(batch.n)),
        Forwarded::Refused => Err(upstream_error()),
        Forwarded::Nowhere => Ok(accepted(0)),
    }
}

/// 202 in the contract's words, with how many were taken.
fn accepted(n: usize) -> Response {
    Response::json_text(
        StatusCode::ACCEPTED,
        format!("{{\"status\": \"accepted\", \"count\": {n}}}"),
    )
}
