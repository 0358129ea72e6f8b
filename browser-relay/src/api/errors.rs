//! `POST /api/browser/errors`: an error of a page, on its way to the tracker.

use std::sync::Arc;

use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::admission::admit;
use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::browser_error::{self, Added};
use crate::domain::privacy::Wish;
use crate::domain::traffic::{Kind, Outcome};
use crate::forward::{Forwarded, Parcel, forward};
use crate::mapping;
use crate::store::source_maps::Build;

/// The tracker's own answer, 201 or 200, where it gives one in time; else 202: it will have it later.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let caller = admit(&app, &request, Kind::Errors)?;
    let body = caller.body(&app, &mut request).await?;
    let mut error = browser_error::read(&body).map_err(|refusal| caller.refuse(&app, &refusal))?;
    drop(body);
    if caller.wish == Wish::Drop {
        caller.count(&app, Outcome::DoNotTrack);
        return Ok(accepted());
    }
    error.grant(caller.wish);
    let build = Build {
        project: caller.project().to_owned(),
        release: error.release.clone().filter(|release| !release.is_empty()),
        debug_ids: error.debug_ids.clone(),
    };
    let mapped = mapping::map(&app, build, &error.kind, &error.message, &error.stack).await?;
    let event_id = app.event_id(error.event_id.take())?;
    let keeps_address = app.settings.stores_ip && caller.wish == Wish::None;
    let report = error.report(&Added {
        project: caller.project(),
        event_id: &event_id,
        traceback: mapped.as_ref().map(|mapped| mapped.traceback.as_str()),
        exception: mapped.as_ref().map(|mapped| &*mapped.exception),
        address: keeps_address.then(|| request.client().to_string()),
    });
    let parcel = Parcel {
        backend: Backend::Tracker,
        event_id,
        project: caller.project().to_owned(),
        body: report.map_err(Error::internal)?,
    };
    match forward(&app, Kind::Errors, parcel).await? {
        Forwarded::Taken(answer) => Ok(Response::json_text(answer.status, answer.body)),
        Forwarded::Refused => Err(upstream_error()),
        Forwarded::Queued | Forwarded::Nowhere => Ok(accepted()),
    }
}

fn accepted() -> Response {
    Response::json_text(StatusCode::ACCEPTED, "{\"status\": \"accepted\"}")
}

/// The service behind will not have it: 502 in the contract's words.
pub(crate) fn upstream_error() -> Error {
    Error::new(StatusCode::BAD_GATEWAY, "Upstream error")
}
