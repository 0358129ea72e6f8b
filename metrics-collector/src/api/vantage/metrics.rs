//! `GET /api/metrics/timeseries`, `/api/metrics/aggregated`, `/api/services`: rows as they came, and their sums.

use std::sync::Arc;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::{seconds, service};
use crate::app::App;
use crate::store;
use crate::vantage;

const RANGE: std::ops::RangeInclusive<i64> = 60..=86_400;

/// Rows of the last `range` seconds, the earliest first; of all services or of `service`.
pub(crate) async fn timeseries(app: Arc<App>, request: Request) -> Result<Response> {
    let range = match seconds(&request, "range", RANGE) {
        Ok(range) => range,
        Err(refusal) => return Ok(*refusal),
    };
    let rows = vantage::rows(&app, service(&request), range).await?;
    Ok(Response::json_text(StatusCode::OK, rows))
}

/// All rows of the last `range` seconds that have a duration, summed up.
pub(crate) async fn aggregated(app: Arc<App>, request: Request) -> Result<Response> {
    let range = match seconds(&request, "range", RANGE) {
        Ok(range) => range,
        Err(refusal) => return Ok(*refusal),
    };
    let totals = vantage::totals(&app, service(&request), range).await?;
    let body = json!({
        "total_requests": totals.n,
        "avg_duration": totals.bounds_ms.map(|_| totals.sum_ms / totals.n as f64),
        "min_duration": totals.bounds_ms.map(|(least, _)| least),
        "max_duration": totals.bounds_ms.map(|(_, greatest)| greatest),
        "error_count": totals.bounds_ms.map(|_| totals.n_failed),
    });
    Ok(Response::json(StatusCode::OK, &body))
}

/// The services whose agents ever sent something, in order.
pub(crate) async fn services(app: Arc<App>, _: Request) -> Result<Response> {
    let services = app.common.read(store::vantage::services).await?;
    Ok(Response::json(StatusCode::OK, &services))
}
