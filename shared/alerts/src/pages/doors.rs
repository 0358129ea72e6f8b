//! `/alerts` and the forms of its channels.

use std::sync::Arc;

use web::{Error, Request, Response, Result, StatusCode};

use super::page::{done, shown};
use super::said::Said;
use crate::channel::{self, NewChannel, channel_id};
use crate::rules::Rules;

/// `GET /alerts`: after a webhook was added (`?channel=`) with its secret, this once.
pub(crate) async fn show<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let query = request.query();
    let secret = match query.get("channel").and_then(|id| id.parse().ok()) {
        Some(id) => channel::unseen_secret(app.alerts(), id).await?,
        None => None,
    };
    let said = match secret {
        Some(secret) => {
            Said::done("Added. Its receiver checks signatures with this secret, which is shown only now:")
                .with_secret(secret)
        }
        None => Said::after(query.get("said")),
    };
    shown(&*app, &request, StatusCode::OK, said, None).await
}

/// `POST /alerts/test`: a test to everybody.
pub(crate) async fn test<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = channel::test_all(app.alerts()).await.and_then(|n| match n {
        0 => Err(Error::bad_request(
            "there is nobody to tell: add a channel, or set ALERT_EMAILS and SMTP_HOST",
        )),
        _ => Ok(()),
    });
    done(&*app, &request, outcome, "tested", "../").await
}

/// `POST /alerts/channels`
pub(crate) async fn add_channel<A: Rules>(app: Arc<A>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let text = |name| form.get(name).map(str::to_owned);
    let new = NewChannel {
        kind: text("kind").unwrap_or_default(),
        name: text("name"),
        target: text("target").unwrap_or_default(),
        secret: text("secret"),
        template: text("template"),
    };
    match channel::add(app.alerts(), new.clone()).await {
        Ok(added) if added.secret.is_some() => {
            app.alerts().unseen.note(added.id);
            let said = format!("added&channel={}", added.id);
            done(&*app, &request, Ok(()), &said, "../").await
        }
        Ok(_) => done(&*app, &request, Ok(()), "added", "../").await,
        Err(error) => {
            let (status, said) = Said::of_refusal(error)?;
            shown(&*app, &request, status, said, Some(new)).await
        }
    }
}

/// `POST /alerts/channels/{id}/test`
pub(crate) async fn test_channel<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = channel::send_test(app.alerts(), channel_id(&request)?).await;
    done(&*app, &request, outcome.map(drop), "tested", "../../../").await
}

/// `POST /alerts/channels/{id}/delete`
pub(crate) async fn delete_channel<A: Rules>(app: Arc<A>, request: Request) -> Result<Response> {
    let outcome = channel::remove(&*app, channel_id(&request)?).await;
    done(&*app, &request, outcome, "deleted", "../../../").await
}
