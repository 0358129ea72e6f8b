//! Channels: what is taken as one, what `notify` sends to, who is meant by it; the same for the API, the page and jobs.

use config::Secret;
use notify::{BadSetting, Discord, Endpoint, Ntfy, Slack, Teams, Template, Webhook};
use serde::Deserialize;
use service::unix_ms;
use web::{Error, Request, Result, StatusCode};

use crate::address::{addressed, addresses};
use crate::alerting::Alerting;
use crate::machinery::Alerts;
use crate::store::channels::{self, Channel};
use crate::store::deliveries;
use crate::told::{Audience, Target};

/// Most channels: each is asked whenever something happens.
pub(crate) const MAX_CHANNELS: usize = 50;
const MAX_NAME_CHARS: usize = 100;
const MAX_TARGET_BYTES: usize = 4000;
const MAX_TEMPLATE_BYTES: usize = 16 << 10;

/// Products that alerts can go to, beside mail: the words of the API and the page.
pub(crate) const KINDS: [(&str, &str); 6] = [
    ("webhook", "Webhook, signed JSON"),
    ("slack", "Slack"),
    ("discord", "Discord"),
    ("teams", "Microsoft Teams"),
    ("ntfy", "ntfy"),
    ("mail", "Mail"),
];

/// What to send to; a mail channel is none of these.
pub(crate) fn of(stored: &Channel) -> std::result::Result<notify::Channel, BadSetting> {
    let url: Endpoint = stored.target.expose().parse()?;
    Ok(match stored.kind.as_str() {
        "slack" => notify::Channel::Slack(Slack { url }),
        "discord" => notify::Channel::Discord(Discord { url }),
        "teams" => notify::Channel::Teams(Teams { url }),
        "ntfy" => notify::Channel::Ntfy(Ntfy::new(url, stored.secret.clone())?),
        _ => {
            let template = stored
                .template
                .as_deref()
                .map(str::parse::<Template>)
                .transpose()?;
            let secret = stored
                .secret
                .clone()
                .unwrap_or_else(|| Secret::new(String::new()));
            notify::Channel::Webhook(Webhook::new(url, secret, template)?)
        }
    })
}

/// What of a channel may be shown: a host, or the addresses.
pub(crate) fn shown(stored: &Channel) -> String {
    match stored.kind.as_str() {
        "mail" => addresses(stored.target.expose()).collect::<Vec<_>>().join(", "),
        _ => stored
            .target
            .expose()
            .parse::<Endpoint>()
            .map(|url| url.host())
            .unwrap_or_default(),
    }
}

/// A channel as it is asked for.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct NewChannel {
    /// One of [`KINDS`].
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

/// Checks and adds a channel.
pub(crate) async fn add(alerts: &Alerts, new: NewChannel) -> Result<Added> {
    let stored = checked(alerts, new)?;
    let secret = match stored.kind.as_str() {
        "webhook" => stored.secret.as_ref().map(|secret| secret.expose().to_owned()),
        _ => None,
    };
    let id = alerts.common.write(move |tx| {
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

/// The secret of a channel that was just added on the page: once, and of that channel only.
pub(crate) async fn unseen_secret(alerts: &Alerts, id: i64) -> Result<Option<Secret>> {
    if !alerts.unseen.take(id) {
        return Ok(None);
    }
    let found = alerts
        .common
        .read(move |connection| channels::find(connection, id))
        .await?;
    Ok(found.and_then(|stored| stored.secret))
}

fn checked(alerts: &Alerts, new: NewChannel) -> Result<Channel> {
    let bad = |words: String| Error::bad_request(words);
    if !KINDS.iter().any(|(kind, _)| *kind == new.kind) {
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
        let mut addresses = addresses(stored.target.expose());
        if let Some(wrong) = addresses.find(|it| it.parse::<lettre::Address>().is_err()) {
            return Err(bad(format!("'{wrong}' is no mail address")));
        }
    } else {
        let refused = |setting: BadSetting| bad(setting.to_string());
        of(&stored).map_err(refused)?;
        let url: Endpoint = stored.target.expose().parse().map_err(refused)?;
        if let Some(why) = alerts.sender.refusal(&url) {
            return Err(bad(advised(why)));
        }
    }
    Ok(stored)
}

/// Why something is not sent, with what the operator can do about it.
pub(crate) fn advised(why: String) -> String {
    let can_be_allowed = why.contains("is not connected to") && !why.contains("cannot be allowed");
    match can_be_allowed {
        true => why + "; ALERT_ALLOWED_HOSTS can allow it",
        false => why,
    }
}

/// Deletes a channel.
pub(crate) async fn remove<A: Alerting>(app: &A, id: i64) -> Result<()> {
    match app.delete_channel(id).await? {
        true => Ok(()),
        false => Err(no_such_channel()),
    }
}

/// Queues a test of a channel: one delivery, or one for each address.
pub(crate) async fn send_test(alerts: &Alerts, id: i64) -> Result<Vec<i64>> {
    let has_mail = alerts.settings.has_mail();
    let queued = alerts.common.write(move |tx| {
        let Some(stored) = channels::find(tx, id)? else {
            return Ok(None);
        };
        let to = addressed(&stored, has_mail);
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
    alerts.send();
    Ok(queued)
}

/// Queues a test to all. Returns to how many.
pub(crate) async fn test_all(alerts: &Alerts) -> Result<usize> {
    let reach = alerts.reach();
    let queued = alerts.common.write(move |tx| {
        let all = Audience::read(tx, &reach)?.meant(Target::All);
        for to in &all {
            deliveries::queue_test(tx, to, unix_ms())?;
        }
        Ok(all.len())
    });
    let queued = queued.await?;
    alerts.send();
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
