//! `/api/rules`: who is told of what.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::work::body;
use crate::app::App;
use crate::rule::{self, NewRule, rule_id};
use crate::store::rules::{self, StoredRule};

#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    project: Option<&'a str>,
    environment: Option<&'a str>,
    on_created: bool,
    on_reopened: bool,
    on_spike: bool,
    every_n: Option<u32>,
    quiet_hours: Option<&'a str>,
    channel_id: Option<i64>,
    is_paused: bool,
}

impl<'a> Row<'a> {
    fn of(stored: &'a StoredRule) -> Self {
        let rule = &stored.rule;
        Self {
            id: stored.id,
            project: rule.project.as_deref(),
            environment: rule.environment.as_deref(),
            on_created: rule.on_created,
            on_reopened: rule.on_reopened,
            on_spike: rule.on_spike,
            every_n: rule.every_n,
            quiet_hours: stored.quiet_hours.as_deref(),
            channel_id: stored.target.number(),
            is_paused: stored.is_paused,
        }
    }
}

/// `GET /api/rules`
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    let all = app.common.read(rules::all).await?;
    let rows: Vec<Row<'_>> = all.iter().map(Row::of).collect();
    Ok(Response::json(StatusCode::OK, &json!({ "rules": rows })))
}

/// What a rule is made of, for refusals.
const SHAPE: &str = "{\"project\", \"environment\", \"quiet_hours\": a string, \"on_created\", \"on_reopened\", \
                     \"on_spike\", \"is_paused\": true or false, \"every_n\", \"channel_id\": a number}";

/// `POST /api/rules`: 201 with the rule's number.
pub(crate) async fn create(app: Arc<App>, mut request: Request) -> Result<Response> {
    let new: NewRule = body(&mut request, SHAPE).await?;
    let id = rule::add(&app, new).await?;
    Ok(Response::json(StatusCode::CREATED, &json!({ "id": id })))
}

/// `PUT /api/rules/{id}`: the whole rule, as it is to be from now on.
pub(crate) async fn change(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    let new: NewRule = body(&mut request, SHAPE).await?;
    rule::change(&app, id, new).await?;
    let answer = json!({ "status": "changed", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// `DELETE /api/rules/{id}`
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    rule::remove(&app, id).await?;
    let answer = json!({ "status": "deleted", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}
