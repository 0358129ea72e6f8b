//! `POST /api/browser/errors`: an error of a page, on its way to the tracker.

use std::sync::Arc;

use service::unix_ms;
use ui::moment::rfc3339;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::admission::admit;
use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::browser_error::{self, Added};
use crate::domain::privacy::Wish;
use crate::domain::traffic::{Kind, Outcome};
use crate::forward::{Forwarded, Parcel, forward};
use crate::mapping;
use crate::store::remaps;
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
    let (project, release) = (build.project.clone(), build.release.clone());
    let lookup = mapping::map(&app, build, &error.kind, &error.message, &error.stack).await;
    // The tracker may be well: a stack without its sources is worth more than none.
    let is_failed = lookup.is_err();
    let mapped = lookup.unwrap_or_else(|failure| {
        tracing::warn!(%failure, "source maps cannot be read; an error goes on without");
        None
    });
    let event_id = app.event_id(error.event_id.take())?;
    let keeps_address = app.settings.stores_ip && caller.wish == Wish::None;
    let report = error.report(&Added {
        project: caller.project(),
        event_id: &event_id,
        traceback: mapped.as_ref().map(|mapped| mapped.traceback.as_str()),
        exception: mapped.as_ref().map(|mapped| &*mapped.exception),
        received_at: &rfc3339(unix_ms()),
        address: keeps_address.then(|| request.client().to_string()),
    });
    let parcel = Parcel {
        backend: Backend::Tracker,
        event_id,
        project: caller.project().to_owned(),
        body: report.map_err(Error::internal)?,
    };
    let forwarded = forward(&app, Kind::Errors, parcel).await?;
    if let Some(release) = release.filter(|_| is_failed) {
        map_later(&app, project, release).await;
    }
    match forwarded {
        Forwarded::Taken(answer) => Ok(Response::json_text(answer.status, answer.body)),
        Forwarded::Refused => Err(upstream_error()),
        Forwarded::Queued | Forwarded::Nowhere => Ok(accepted()),
    }
}

/// As if a map of this release had come after its events.
async fn map_later(app: &App, project: String, release: String) {
    let asked = app
        .common
        .write(move |tx| remaps::request(tx, &project, &release, unix_ms()));
    match asked.await {
        Ok(()) => app.remaps_waiting.notify_one(),
        Err(failure) => tracing::warn!(%failure, "an error keeps its generated places"),
    }
}

fn accepted() -> Response {
    Response::json_text(StatusCode::ACCEPTED, "{\"status\": \"accepted\"}")
}

/// The service behind will not have it: 502 in the contract's words.
pub(crate) fn upstream_error() -> Error {
    Error::new(StatusCode::BAD_GATEWAY, "Upstream error")
}
