//! A stored channel as what `notify` sends to; checked in the same way when it is added.

use config::Secret;
use notify::{BadSetting, Discord, Endpoint, Ntfy, Slack, Teams, Template, Webhook};

use crate::store::channels::Channel;
use crate::store::deliveries::Address;

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
pub(crate) fn of(stored: &Channel) -> Result<notify::Channel, BadSetting> {
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

/// The addresses of a mail channel.
pub(crate) fn addresses(target: &str) -> impl Iterator<Item = &str> {
    target
        .split([',', ';', '\n'])
        .map(str::trim)
        .filter(|it| !it.is_empty())
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

/// To whom something for this channel goes; nobody, if it is mail and there is no way out for that.
pub(crate) fn addressed(stored: &Channel, has_mail: bool) -> Vec<Address> {
    let to = |recipient: Option<&str>| Address {
        channel_id: Some(stored.id),
        recipient: recipient.map(str::to_owned),
    };
    match (stored.kind.as_str(), has_mail) {
        ("mail", true) => addresses(stored.target.expose())
            .map(|address| to(Some(address)))
            .collect(),
        ("mail", false) => Vec::new(),
        _ => vec![to(None)],
    }
}
