//! `/api/logs/histogram`: volume over time, by level.

use std::sync::Arc;

use serde_json::{Value, json};
use service::unix_ms;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::containers::by_level;
use crate::app::App;
use crate::asked;
use crate::domain::time_text;

/// Buckets where the URL names no number, and the most.
const DEFAULT_BUCKETS: u64 = 60;
const MAX_BUCKETS: u64 = 1000;

/// `GET /api/logs/histogram?buckets=`: with the filters of the list. Every bucket is there, empty ones too.
pub(crate) async fn histogram(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let n_buckets = query
        .number("buckets")
        .unwrap_or(DEFAULT_BUCKETS)
        .clamp(1, MAX_BUCKETS);
    let found = app
        .archive
        .histogram(asked::filter(query, unix_ms())?, n_buckets as usize)
        .await?;
    let buckets = (0_i64..).zip(&found.buckets).map(|(i, counts)| {
        json!({
            "time": time_text::exact(found.start_ns.saturating_add(found.step_ns.saturating_mul(i))),
            "total": counts.iter().sum::<u64>(),
            "by_level": by_level(counts),
        })
    });
    let buckets: Vec<Value> = buckets.collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "step_seconds": found.step_ns as f64 / 1e9,
            "buckets": buckets,
            "is_complete": found.is_complete,
        }),
    ))
}
