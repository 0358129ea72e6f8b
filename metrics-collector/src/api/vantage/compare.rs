//! `POST /compare/services`, `POST /compare/time-periods`: whether a metric became better or worse.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::unprocessable;
use crate::app::App;
use crate::domain::vantage::comparison;
use crate::vantage::{self, Side};

#[derive(Deserialize)]
struct Services {
    baseline_service: String,
    candidate_service: String,
    metric_name: String,
    time_start: i64,
    time_end: i64,
}

#[derive(Deserialize)]
struct TimePeriods {
    service_name: String,
    metric_name: String,
    baseline_start: i64,
    baseline_end: i64,
    candidate_start: i64,
    candidate_end: i64,
}

/// Two services over the same time.
pub(crate) async fn services(app: Arc<App>, mut request: Request) -> Result<Response> {
    let asked: Services = match read(&mut request).await? {
        Ok(asked) => asked,
        Err(refusal) => return Ok(*refusal),
    };
    let side = |service: String| Side {
        service,
        metric: asked.metric_name.clone(),
        from_ms: asked.time_start,
        to_ms: asked.time_end,
    };
    let sides = [side(asked.baseline_service), side(asked.candidate_service)];
    compare(&app, &asked.metric_name, sides).await
}

/// One service over two times.
pub(crate) async fn time_periods(app: Arc<App>, mut request: Request) -> Result<Response> {
    let asked: TimePeriods = match read(&mut request).await? {
        Ok(asked) => asked,
        Err(refusal) => return Ok(*refusal),
    };
    let side = |from_ms, to_ms| Side {
        service: asked.service_name.clone(),
        metric: asked.metric_name.clone(),
        from_ms,
        to_ms,
    };
    let sides = [
        side(asked.baseline_start, asked.baseline_end),
        side(asked.candidate_start, asked.candidate_end),
    ];
    compare(&app, &asked.metric_name, sides).await
}

async fn read<T: DeserializeOwned>(request: &mut Request) -> Result<Result<T, Box<Response>>> {
    let body = request.bytes().await?;
    let refused = |problem: serde_json::Error| Box::new(unprocessable(&["body"], &problem.to_string()));
    Ok(serde_json::from_slice(&body).map_err(refused))
}

async fn compare(app: &Arc<App>, metric: &str, sides: [Side; 2]) -> Result<Response> {
    let [baseline, candidate] = vantage::values(app, sides).await?;
    let comparison = comparison::compare(metric, baseline, candidate).ok_or_else(|| {
        Error::bad_request("one side has no values of this metric; rows are kept for eight days")
    })?;
    Ok(Response::json(StatusCode::OK, &comparison))
}
