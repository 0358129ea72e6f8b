//! `/api/releases`: deployed versions, and what each of them brought.

use std::sync::Arc;

use serde::Serialize;
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::store::releases;

/// Releases listed: the newest.
const MAX_RELEASES: u32 = 200;

/// `GET /api/releases[?project=name]`: the last one first seen comes first.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Page {
        releases: Vec<Row>,
    }
    #[derive(Serialize)]
    struct Row {
        project: String,
        version: String,
        first_seen: String,
        last_seen: String,
        count: i64,
        new_errors: i64,
        new_open_errors: i64,
    }
    let project = request.query().get("project").map(str::to_owned);
    let found = app.read(move |connection| releases::list(connection, project.as_deref(), MAX_RELEASES));
    let rows = found.await?.into_iter().map(|release| Row {
        project: release.project,
        version: release.version,
        first_seen: rfc3339(release.first_seen_at),
        last_seen: rfc3339(release.last_seen_at),
        count: release.n_occurrences,
        new_errors: release.n_new_groups,
        new_open_errors: release.n_new_open,
    });
    let page = Page {
        releases: rows.collect(),
    };
    Ok(Response::json(StatusCode::OK, &page))
}
