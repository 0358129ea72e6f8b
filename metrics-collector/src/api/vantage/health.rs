//! `GET /health/score/{service}`, `GET /health/scores`: how services are, in one number.

use std::sync::Arc;

use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::seconds;
use crate::app::App;
use crate::domain::vantage::health::{self, Score};
use crate::vantage;

/// Two windows must lie within what is kept.
const WINDOW: std::ops::RangeInclusive<i64> = 1..=302_400;

/// One service; 85 for one that nobody knows, as in Vantage.
pub(crate) async fn one(app: Arc<App>, request: Request) -> Result<Response> {
    let seconds = match seconds(&request, "time_window_seconds", WINDOW) {
        Ok(seconds) => seconds,
        Err(refusal) => return Ok(*refusal),
    };
    let service = request.param("service").to_owned();
    let mut windows = vantage::windows(&app, Some(service.clone()), seconds).await?;
    let window = windows.remove(&service).unwrap_or_default();
    let score = health::score(&service, window, seconds);
    Ok(Response::json(StatusCode::OK, &score))
}

/// All, the worst first.
pub(crate) async fn all(app: Arc<App>, request: Request) -> Result<Response> {
    let seconds = match seconds(&request, "time_window_seconds", WINDOW) {
        Ok(seconds) => seconds,
        Err(refusal) => return Ok(*refusal),
    };
    let windows = vantage::windows(&app, None, seconds).await?;
    let mut scores: Vec<Score> = windows
        .into_iter()
        .map(|(service, window)| health::score(&service, window, seconds))
        .collect();
    scores.sort_by_key(|score| score.overall_score);
    Ok(Response::json(StatusCode::OK, &scores))
}
