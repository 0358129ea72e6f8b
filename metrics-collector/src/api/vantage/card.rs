//! What programs are told of the service: `GET /live`, the card on `GET /`, what `/health` says besides.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use service::unix_ms;
use ui::moment::rfc3339;
use web::header::ACCEPT;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `GET /live`: the process answers.
pub(crate) async fn live(_: Arc<App>, _: Request) -> Result<Response> {
    Ok(Response::json(StatusCode::OK, &json!({"status": "alive"})))
}

/// Whether who asks for `/` wants a card and no page.
pub(crate) fn is_wanted(request: &Request) -> bool {
    let accepts = |kind: &str| request.header(ACCEPT).is_some_and(|accept| accept.contains(kind));
    accepts("application/json") && !accepts("text/html")
}

/// Which service this is.
pub(crate) fn card(app: &App) -> Response {
    Response::json(
        StatusCode::OK,
        &json!({"service": app.common.name, "version": VERSION}),
    )
}

/// What Vantage's health says besides the status. Where it has a queue, ours is the disk.
pub(crate) fn health(app: &App) -> Map<String, Value> {
    let is_full = app.is_full.load(std::sync::atomic::Ordering::Relaxed);
    let (status, message) = match is_full {
        true => ("unhealthy", "MAX_DATABASE_MB is reached: nothing is stored"),
        false => ("healthy", "metrics are stored on the disk"),
    };
    let mut health = Map::new();
    health.insert("service".into(), app.common.name.into());
    health.insert("version".into(), VERSION.into());
    health.insert("timestamp".into(), rfc3339(unix_ms()).into());
    let checks = json!({
        "kafka": {"status": status, "message": message},
        "api": {"status": "healthy", "message": "it answers"},
    });
    health.insert("checks".into(), checks);
    health
}
