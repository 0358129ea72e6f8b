//! `/`: says what this service will show.

use std::sync::Arc;

use service::page;
use web::{Request, Response, Result, StatusCode};

use crate::app::App;

/// What is planned, in the order of a reader's interest.
const COMING: &[&str] = &[
    "Every line of every container, joined where a stack trace spans many",
    "Full-text search that answers at once, and a live tail",
    "Levels found in JSON, logfmt and plain text, with a histogram over time",
    "A cap on storage that holds",
];

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let template = ui::Soon {
        frame: app.common.frame(&request, ui::Service::Logs.title()),
        lead: "The log viewer is running. Following Docker's logs comes next.".to_owned(),
        coming: COMING.iter().map(|line| (*line).to_owned()).collect(),
    };
    Ok(page(StatusCode::OK, &template))
}
