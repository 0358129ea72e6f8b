//! `/`: says what this service will show.

use std::sync::Arc;

use service::page;
use web::{Request, Response, Result, StatusCode};

use crate::app::App;

/// What is planned, in the order of a reader's interest.
const COMING: &[&str] = &[
    "Public keys per project, with origins and budgets",
    "Errors of minified code shown with their original source",
    "Web Vitals and network metrics of real visits",
    "Nothing lost while a service behind it is down",
];

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let template = ui::Soon {
        frame: app.common.frame(&request, ui::Service::Browser.title()),
        lead: "The browser relay is running. Taking in what browsers report comes next.".to_owned(),
        coming: COMING.iter().map(|line| (*line).to_owned()).collect(),
    };
    Ok(page(StatusCode::OK, &template))
}
