//! `/api/rules`: saved searches that are told of.

use std::sync::Arc;

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::alert_rule::{self, NewRule, rule_id};
use crate::app::App;
use crate::store::alert_rules::{self, StoredRule};

const MINUTE_MS: i64 = 60_000;

fn row(stored: &StoredRule) -> Value {
    let rule = &stored.rule;
    json!({
        "id": stored.id,
        "name": rule.name,
        "query": rule.query,
        "matches": rule.n_matches,
        "within_minutes": rule.window_ms / MINUTE_MS,
        "pause_minutes": rule.pause_ms / MINUTE_MS,
        "quiet_hours": stored.quiet_hours,
        "channel_id": stored.target.number(),
        "is_paused": stored.is_paused,
        "told_at": stored.told_at.map(rfc3339),
    })
}

/// `GET /api/rules`
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    let all = app.common.read(alert_rules::all).await?;
    let rows: Vec<Value> = all.iter().map(row).collect();
    Ok(Response::json(StatusCode::OK, &json!({ "rules": rows })))
}

/// What a rule is made of, for refusals.
const SHAPE: &str = "{\"name\", \"query\", \"quiet_hours\": a string, \"matches\", \"within_minutes\", \
                     \"pause_minutes\", \"channel_id\": a number, \"is_paused\": true or false}";

/// `POST /api/rules`: 201 with the rule's number.
pub(crate) async fn create(app: Arc<App>, mut request: Request) -> Result<Response> {
    let new: NewRule = request.json(SHAPE).await?;
    let id = alert_rule::add(&app, new).await?;
    Ok(Response::json(StatusCode::CREATED, &json!({ "id": id })))
}

/// `PUT /api/rules/{id}`: the whole rule, as it is to be from now on.
pub(crate) async fn change(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    let new: NewRule = request.json(SHAPE).await?;
    alert_rule::change(&app, id, new).await?;
    let answer = json!({ "status": "changed", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// `DELETE /api/rules/{id}`
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    alert_rule::remove(&app, id).await?;
    let answer = json!({ "status": "deleted", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}
