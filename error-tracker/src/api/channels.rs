//! `/api/channels`: where alerts go beside ALERT_EMAILS.

use std::sync::Arc;

use config::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::work::body;
use crate::app::App;
use crate::channel;
use crate::store::channels::{self, Channel};
use crate::store::deliveries;

/// Most channels: each is asked whenever something happens.
const MAX_CHANNELS: usize = 50;
const MAX_NAME_CHARS: usize = 100;
const MAX_TARGET_BYTES: usize = 4000;
const MAX_TEMPLATE_BYTES: usize = 16 << 10;

/// A channel as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct NewChannel {
    /// One of [`channel::KINDS`].
    pub(crate) kind: String,
    /// As people call it; none: the kind.
    pub(crate) name: Option<String>,
    /// URL, or mail addresses with commas between.
    pub(crate) target: String,
    /// What a webhook is signed with; none: one is made up. An access token of ntfy.
    pub(crate) secret: Option<String>,
    /// Of a webhook: its own JSON.
    pub(crate) template: Option<String>,
}

/// A channel that was added.
pub(crate) struct Added {
    pub(crate) id: i64,
    /// What a webhook is signed with: shown this once.
    pub(crate) secret: Option<String>,
}

/// `GET /api/channels`: without what must not be shown.
pub(crate) async fn list(app: Arc<App>, _: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Row<'a> {
        id: i64,
        name: &'a str,
        kind: &'a str,
        to: String,
    }
    let all = app.common.read(channels::all).await?;
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
pub(crate) async fn create(app: Arc<App>, mut request: Request) -> Result<Response> {
    let shape =
        "{\"kind\": one of webhook, slack, discord, teams, ntfy, mail, \"target\": a URL or addresses}";
    let new: NewChannel = body(&mut request, shape).await?;
    let added = add(&app, new).await?;
    let answer = json!({ "id": added.id, "secret": added.secret });
    Ok(Response::json(StatusCode::CREATED, &answer))
}

/// Checks and adds a channel.
pub(crate) async fn add(app: &App, new: NewChannel) -> Result<Added> {
    let stored = checked(new)?;
    let secret = match stored.kind.as_str() {
        "webhook" => stored.secret.as_ref().map(|secret| secret.expose().to_owned()),
        _ => None,
    };
    let id = app.common.write(move |tx| {
        if channels::all(tx)?.len() >= MAX_CHANNELS {
            return Ok(None);
        }
        channels::add(tx, &stored, unix_ms()).map(Some)
    });
    let too_many = || {
        Error::new(
            StatusCode::CONFLICT,
            format!("there are {MAX_CHANNELS} channels already"),
        )
    };
    Ok(Added {
        id: id.await?.ok_or_else(too_many)?,
        secret,
    })
}

fn checked(new: NewChannel) -> Result<Channel> {
    let bad = |words: String| Error::bad_request(words);
    if !channel::KINDS.iter().any(|(kind, _)| *kind == new.kind) {
        return Err(bad(
            "kind must be one of webhook, slack, discord, teams, ntfy, mail".to_owned(),
        ));
    }
    let target = new.target.trim().to_owned();
    if target.is_empty() || target.len() > MAX_TARGET_BYTES {
        return Err(bad(format!("target must have 1 to {MAX_TARGET_BYTES} bytes")));
    }
    let text = |text: Option<String>| text.map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let template = text(new.template);
    if template.as_ref().is_some_and(|it| it.len() > MAX_TEMPLATE_BYTES) {
        return Err(bad(format!("template has at most {MAX_TEMPLATE_BYTES} bytes")));
    }
    let name = text(new.name).unwrap_or_else(|| new.kind.clone());
    let secret = text(new.secret).or_else(|| (new.kind == "webhook").then(auth::generate_key));
    let stored = Channel {
        id: 0,
        name: name.chars().take(MAX_NAME_CHARS).collect(),
        kind: new.kind,
        target: Secret::new(target),
        secret: secret.map(Secret::new),
        template,
    };
    if stored.kind == "mail" {
        let mut addresses = channel::addresses(stored.target.expose());
        if let Some(wrong) = addresses.find(|it| it.parse::<lettre::Address>().is_err()) {
            return Err(bad(format!("'{wrong}' is no mail address")));
        }
    } else {
        channel::of(&stored).map_err(|setting| bad(setting.to_string()))?;
    }
    Ok(stored)
}

/// `DELETE /api/channels/{id}`: with the rules that mean only it; what waits for it is given up.
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    let id = channel_id(&request)?;
    remove(&app, id).await?;
    let answer = json!({ "status": "deleted", "id": id });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// Deletes a channel.
pub(crate) async fn remove(app: &App, id: i64) -> Result<()> {
    match app.change(move |tx| channels::delete(tx, id)).await? {
        true => Ok(()),
        false => Err(no_such_channel()),
    }
}

/// `POST /api/channels/{id}/test`: queues a test. 202 with the numbers of the deliveries, to look at what came of it.
pub(crate) async fn test(app: Arc<App>, request: Request) -> Result<Response> {
    let deliveries = send_test(&app, channel_id(&request)?).await?;
    Ok(Response::json(
        StatusCode::ACCEPTED,
        &json!({ "deliveries": deliveries }),
    ))
}

/// Queues a test of a channel: one delivery, or one for each address.
pub(crate) async fn send_test(app: &App, id: i64) -> Result<Vec<i64>> {
    let has_mail = app.settings.has_mail();
    let queued = app.common.write(move |tx| {
        let Some(stored) = channels::find(tx, id)? else {
            return Ok(None);
        };
        let to = channel::addressed(&stored, has_mail);
        to.iter()
            .map(|to| deliveries::queue_test(tx, to, unix_ms()))
            .collect::<rusqlite::Result<Vec<i64>>>()
            .map(Some)
    });
    let queued = queued.await?.ok_or_else(no_such_channel)?;
    if queued.is_empty() {
        return Err(Error::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "there is no way out for mail: set SMTP_HOST or POSTMARK_API_TOKEN",
        ));
    }
    app.mails_waiting.notify_one();
    app.channels_waiting.notify_one();
    Ok(queued)
}

/// The path's id; what is no number cannot be found.
pub(crate) fn channel_id(request: &Request) -> Result<i64> {
    let id = request.param("id").parse().ok();
    id.filter(|id| *id > 0).ok_or_else(no_such_channel)
}

fn no_such_channel() -> Error {
    Error::not_found("Channel not found")
}
