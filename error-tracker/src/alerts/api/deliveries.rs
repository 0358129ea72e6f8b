//! `/api/deliveries`: what was sent to whom, and what came of it.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::alerts::store::deliveries;
use crate::app::App;

/// `GET /api/deliveries`: the newest first; what a digest carries is not listed by itself.
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Row<'a> {
        id: i64,
        kind: &'static str,
        state: &'static str,
        channel_id: Option<i64>,
        recipient: Option<&'a str>,
        error_id: Option<i64>,
        alerts: i64,
        created_at: String,
        attempts: u32,
        next_attempt_at: Option<String>,
        delivered_at: Option<String>,
        last_error: Option<&'a str>,
    }
    let lines = app.common.read(deliveries::newest).await?;
    let rows = lines.iter().map(|line| Row {
        id: line.delivery.id,
        kind: line.delivery.kind.name(),
        state: line.state(),
        channel_id: line.delivery.to.channel_id,
        recipient: line.delivery.to.recipient.as_deref(),
        error_id: line.delivery.group_id,
        alerts: line.n_alerts.max(1),
        created_at: rfc3339(line.delivery.created_at),
        attempts: line.delivery.n_attempts,
        next_attempt_at: line.next_attempt_at.map(rfc3339),
        delivered_at: line.delivered_at.map(rfc3339),
        last_error: line.last_error.as_deref(),
    });
    let rows: Vec<Row<'_>> = rows.collect();
    Ok(Response::json(StatusCode::OK, &json!({ "deliveries": rows })))
}
