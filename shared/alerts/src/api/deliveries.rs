//! `/api/deliveries`: what was sent to whom, and what came of it.

use std::sync::Arc;

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::alerting::Alerting;
use crate::store::deliveries::{self, Line};

const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 500;

/// `GET /api/deliveries`: the newest first; what a digest carries is not listed by itself.
pub(crate) async fn list<A: Alerting>(app: Arc<A>, request: Request) -> Result<Response> {
    let query = request.query();
    let cursor = query.get("cursor").map(|cursor| {
        cursor
            .parse::<i64>()
            .map_err(|_| Error::bad_request("cursor must be the next_cursor of a page before"))
    });
    let cursor = cursor.transpose()?;
    let limit = match query.number("limit") {
        None | Some(0) => DEFAULT_LIMIT,
        Some(limit) => limit.min(MAX_LIMIT),
    } as u32;
    let found = app
        .alerts()
        .common
        .read(move |connection| deliveries::page(connection, cursor, limit));
    let page = found.await?;
    let rows: Vec<Value> = page.lines.iter().map(row::<A>).collect();
    let mut answer = json!({ "deliveries": rows });
    if let Some(next) = page.next {
        answer["next_cursor"] = next.to_string().into();
    }
    Ok(Response::json(StatusCode::OK, &answer))
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
