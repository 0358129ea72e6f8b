//! `/api/rules`: what is told, and to whom.

use std::sync::Arc;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::rules::{Rules, rule_id};

/// `GET /api/rules`
pub(crate) async fn list<A: Rules>(app: Arc<A>, _: Request) -> Result<Response> {
    let answer = json!({ "rules": app.rows().await? });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// `POST /api/rules`: 201 with the rule's number.
pub(crate) async fn create<A: Rules>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let new = request.json(A::SHAPE).await?;
    let id = app.add_rule(new).await?;
    Ok(Response::json(StatusCode::CREATED, &json!({ "id": id })))
}

/// `PUT /api/rules/{id}`: the whole rule, as it is to be from now on.
pub(crate) async fn change<A: Rules>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    let new = request.json(A::SHAPE).await?;
    app.change_rule(id, new).await?;
    let answer = json!({ "status": "changed", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// `DELETE /api/rules/{id}`
pub(crate) async fn delete<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let id = rule_id(&request)?;
    app.remove_rule(id).await?;
    let answer = json!({ "status": "deleted", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}
