//! `/api/deliveries`: what was sent to whom, and what came of it.

use std::sync::Arc;

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::alerting::Alerting;
use crate::store::deliveries::{self, Line};

/// `GET /api/deliveries`: the newest first; what a digest carries is not listed by itself.
pub(crate) async fn list<A: Alerting>(app: Arc<A>, _: Request) -> Result<Response> {
    let lines = app.alerts().common.read(deliveries::newest).await?;
    let rows: Vec<Value> = lines.iter().map(row::<A>).collect();
    Ok(Response::json(StatusCode::OK, &json!({ "deliveries": rows })))
}

fn row<A: Alerting>(line: &Line) -> Value {
    let delivery = &line.delivery;
    json!({
        "id": delivery.id,
        "kind": delivery.kind,
        "state": line.state(),
        "channel_id": delivery.to.channel_id,
        "recipient": delivery.to.recipient,
        A::SUBJECT_ID: delivery.subject_id,
        "alerts": line.n_alerts.max(1),
        "created_at": rfc3339(delivery.created_at),
        "attempts": delivery.n_attempts,
        "next_attempt_at": line.next_attempt_at.map(rfc3339),
        "delivered_at": line.delivered_at.map(rfc3339),
        "last_error": line.last_error,
    })
}
