//! `/api/rules`: metrics that are told of, and how they stand.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::alert_rule::{self, NewRule, length_text, rule_id};
use crate::app::App;
use crate::domain::alert_rule::State;
use crate::store::alert_rules::{self, StoredRule};

fn row(stored: &StoredRule, states: Option<&BTreeMap<String, State>>) -> Value {
    let rule = &stored.rule;
    let states = states.into_iter().flatten().map(|(labels, state)| {
        let labels: Vec<(String, String)> = serde_json::from_str(labels).unwrap_or_default();
        json!({
            "labels": BTreeMap::from_iter(labels),
            "state": state.name(),
            "since": rfc3339(state.since()),
        })
    });
    json!({
        "id": stored.id,
        "name": rule.name,
        "query": rule.query,
        "condition": rule.condition.name(),
        "threshold": rule.condition.threshold(),
        "window": length_text(rule.window_ms),
        "hold": length_text(rule.hold_ms),
        "quiet_hours": stored.quiet_hours,
        "channel_id": stored.target.number(),
        "is_paused": stored.is_paused,
        "states": states.collect::<Vec<Value>>(),
    })
}

/// `GET /api/rules`
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    let found = app
        .common
        .read(|connection| Ok((alert_rules::all(connection)?, alert_rules::states(connection)?)));
    let (all, states) = found.await?;
    let rows: Vec<Value> = all
        .iter()
        .map(|stored| row(stored, states.get(&stored.id)))
        .collect();
    Ok(Response::json(StatusCode::OK, &json!({ "rules": rows })))
}

/// What a rule is made of, for refusals.
const SHAPE: &str = "{\"name\", \"query\", \"condition\", \"window\", \"hold\", \"quiet_hours\": a string, \
                     \"threshold\", \"channel_id\": a number, \"is_paused\": true or false}";

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
