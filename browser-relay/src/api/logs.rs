//! `POST /api/browser/logs`: console output of a page, on its way to the log viewer.

use std::sync::Arc;

use web::{Request, Response, Result};

use super::admission::admit;
use super::errors::upstream_error;
use super::metrics::accepted;
use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::browser_logs;
use crate::domain::privacy::Wish;
use crate::domain::traffic::{Kind, Outcome};
use crate::forward::{Forwarded, Parcel, forward};

/// 202 when the log viewer has it, or will have it later.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let caller = admit(&app, &request, Kind::Logs)?;
    let body = caller.body(&app, &mut request).await?;
    let forwarded = browser_logs::forward(&body, caller.project(), caller.wish);
    let batch = forwarded.map_err(|refusal| caller.refuse(&app, &refusal))?;
    drop(body);
    if caller.wish == Wish::Drop {
        caller.count(&app, Outcome::DoNotTrack);
        return Ok(accepted(0));
    }
    let parcel = Parcel {
        backend: Backend::LogViewer,
        event_id: app.event_id(batch.event_id)?,
        project: caller.project().to_owned(),
        body: batch.body,
    };
    match forward(&app, Kind::Logs, parcel).await? {
        Forwarded::Taken(_) | Forwarded::Queued => Ok(accepted(batch.n)),
        Forwarded::Refused => Err(upstream_error()),
        Forwarded::Nowhere => Ok(accepted(0)),
    }
}
