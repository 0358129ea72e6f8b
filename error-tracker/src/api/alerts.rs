//! `/api/test-alert`: does the way out for mail work?

use std::sync::Arc;

use serde_json::json;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::store::mails::{self, Kind};

/// `POST /api/test-alert`: queues a test mail to everybody who is told of errors. 503 if nobody can be.
pub(crate) async fn test(app: Arc<App>, _: Request) -> Result<Response> {
    let missing = |name| {
        Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            format!("SMTP not configured: {name} is not set"),
        )
    };
    if app.settings.smtp.is_none() {
        return Err(missing("SMTP_HOST"));
    }
    if app.recipients.is_empty() {
        return Err(missing("ALERT_EMAILS"));
    }
    let recipients = app.recipients.clone();
    let queue = move |tx: &rusqlite::Connection| {
        recipients
            .iter()
            .try_for_each(|to| mails::queue(tx, None, Kind::Test, to, unix_ms()))
    };
    app.common.write(queue).await?;
    app.mails_waiting.notify_one();
    let answer = json!({
        "status": "test alert dispatched",
        "detail": "Check service logs for SMTP transaction result",
    });
    Ok(Response::json(StatusCode::ACCEPTED, &answer))
}
