//! `/api/channels`: where alerts go beside ALERT_EMAILS.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::alerting::Alerting;
use crate::channel::{self, NewChannel, channel_id};
use crate::store::channels;

/// `GET /api/channels`: without what must not be shown.
pub(crate) async fn list<A: Alerting>(app: Arc<A>, _: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Row<'a> {
        id: i64,
        name: &'a str,
        kind: &'a str,
        to: String,
    }
    let all = app.alerts().common.read(channels::all).await?;
    let rows = all.iter().map(|stored| Row {
        id: stored.id,
        name: &stored.name,
        kind: &stored.kind,
        to: channel::shown(stored),
    });
    let rows: Vec<Row<'_>> = rows.collect();
    Ok(Response::json(StatusCode::OK, &json!({ "channels": rows })))
}

/// `POST /api/channels`: 201 with the secret that a webhook is signed with.
pub(crate) async fn create<A: Alerting>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let shape =
        "{\"kind\": one of webhook, slack, discord, teams, ntfy, mail, \"target\": a URL or addresses}";
    let new: NewChannel = request.json(shape).await?;
    let added = channel::add(app.alerts(), new).await?;
    let answer = json!({ "id": added.id, "secret": added.secret });
    Ok(Response::json(StatusCode::CREATED, &answer))
}

/// `DELETE /api/channels/{id}`: with the rules that mean only it; what waits for it is given up.
pub(crate) async fn delete<A: Alerting>(app: Arc<A>, request: Request) -> Result<Response> {
    let id = channel_id(&request)?;
    channel::remove(&*app, id).await?;
    let answer = json!({ "status": "deleted", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// `POST /api/channels/{id}/test`: queues a test. 202 with the numbers of the deliveries, to look at what came of it.
pub(crate) async fn test<A: Alerting>(app: Arc<A>, request: Request) -> Result<Response> {
    let deliveries = channel::send_test(app.alerts(), channel_id(&request)?).await?;
    Ok(Response::json(
        StatusCode::ACCEPTED,
        &json!({ "deliveries": deliveries }),
    ))
}
