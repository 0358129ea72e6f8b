//! `GET /api/ingest`: how taking in goes, and what the limits did.

use std::sync::Arc;

use serde_json::{Value, json};
use ui::moment::rfc3339_seconds;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::intake::Refusal;

/// Counts are since the start of the process.
pub(crate) async fn show(app: Arc<App>, _: Request) -> Result<Response> {
    let health = app.ingest_health();
    let refused = Refusal::ALL
        .into_iter()
        .zip(health.tally.refused)
        .filter(|(_, n)| *n > 0);
    let refused: Vec<Value> = refused
        .map(|(refusal, n)| json!({ "reason": refusal.reason(), "count": n }))
        .collect();
    let folded: Vec<Value> = health
        .folded
        .iter()
        .map(|(name, label, n)| json!({ "name": name, "label": label, "values": n }))
        .collect();
    let requests = app.requests.health();
    let folded_values: Vec<Value> = requests
        .folded
        .iter()
        .map(|(dimension, n)| json!({ "dimension": dimension, "count": n }))
        .collect();
    let body = json!({
        "accepted": health.tally.n_taken,
        "refused": refused,
        "folded": health.tally.n_folded,
        "folded_labels": folded,
        "series": health.n_series,
        "max_series": health.max_series,
        "last_accepted": health.last_taken_at.map(rfc3339_seconds),
        "requests": {
            "accepted": requests.n_taken,
            "refused": requests.n_refused,
            "folded": folded_values,
            "last_accepted": requests.last_taken_at.map(rfc3339_seconds),
        },
        "malti_config_problem": app.malti.problem(),
    });
    Ok(Response::json(StatusCode::OK, &body))
}
