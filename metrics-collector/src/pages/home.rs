//! `/`: says what this service will show.

use std::sync::Arc;

use service::page;
use web::{Request, Response, Result, StatusCode};

use crate::app::App;

/// What is planned, in the order of a reader's interest.
const COMING: &[&str] = &[
    "Counters, gauges and histograms in batches, from the existing clients",
    "True percentiles over any range, from an hour to a year",
    "Dashboards for requests, errors, latency and Web Vitals",
    "Alerts on thresholds and on silence",
];

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let template = ui::Soon {
        frame: app.common.frame(&request, ui::Service::Metrics.title()),
        lead: "The metrics collector is running. Taking metrics in comes next.".to_owned(),
        coming: COMING.iter().map(|line| (*line).to_owned()).collect(),
    };
    Ok(page(StatusCode::OK, &template))
}
