//! `/api/test-alert`: does the way out for alerts work?

use std::sync::Arc;

use serde_json::json;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::alerting::Alerting;
use crate::channel;

/// `POST /api/test-alert`: queues a test to everybody who may be told. 503 if nobody can be.
pub(crate) async fn test<A: Alerting>(app: Arc<A>, _: Request) -> Result<Response> {
    if channel::test_all(app.alerts()).await? == 0 {
        let name = match app.alerts().settings.has_mail() {
            true => "ALERT_EMAILS",
            false => "SMTP_HOST",
        };
        return Err(Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("SMTP not configured: {name} is not set"),
        ));
    }
    let answer = json!({
        "status": "test alert dispatched",
        "detail": "Check service logs for SMTP transaction result",
    });
    Ok(Response::json(StatusCode::ACCEPTED, &answer))
}
