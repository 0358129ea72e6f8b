//! `/api/test-alert`: does the way out for alerts work?

use std::sync::Arc;

use serde_json::json;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::channel;
use crate::store::channels;
use crate::store::deliveries::{self, Address};

/// `POST /api/test-alert`: queues a test to everybody who may be told of errors. 503 if nobody can be.
pub(crate) async fn test(app: Arc<App>, _: Request) -> Result<Response> {
    if queue(&app).await? == 0 {
        let name = match app.settings.has_mail() {
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

/// Queues a test to all. Returns to how many.
pub(crate) async fn queue(app: &App) -> Result<usize> {
    let recipients = app.recipients.clone();
    let has_mail = app.settings.has_mail();
    let queued = app.common.write(move |tx| {
        let emails = recipients.iter().map(|recipient| Address {
            channel_id: None,
            recipient: Some(recipient.clone()),
        });
        let mut to: Vec<Address> = emails.collect();
        for stored in channels::all(tx)? {
            to.extend(channel::addressed(&stored, has_mail));
        }
        for to in &to {
            deliveries::queue_test(tx, to, unix_ms())?;
        }
        Ok(to.len())
    });
    let queued = queued.await?;
    app.mails_waiting.notify_one();
    app.channels_waiting.notify_one();
    Ok(queued)
}
