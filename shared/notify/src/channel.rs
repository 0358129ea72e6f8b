//! The kinds of channel, and the one function that turns a message into a request for any of them.

use crate::discord::Discord;
use crate::message::Message;
use crate::ntfy::Ntfy;
use crate::outgoing::OutgoingRequest;
use crate::postmark::Postmark;
use crate::slack::Slack;
use crate::teams::Teams;
use crate::webhook::Webhook;

/// Where alerts go. All its parts were checked when they were made, so a request can always be made.
#[derive(Debug, Clone)]
pub enum Channel {
    /// Our own JSON, or a template's, signed.
    Webhook(Webhook),
    /// An incoming webhook.
    Slack(Slack),
    /// A channel's webhook.
    Discord(Discord),
    /// A workflow that begins with a webhook.
    Teams(Teams),
    /// A topic.
    Ntfy(Ntfy),
    /// Mail by the API.
    Postmark(Postmark),
}

impl Channel {
    /// The request that carries this message. `delivery` is the same over all tries of one message and free of
    /// control characters; `now` is in Unix milliseconds.
    pub fn request(&self, message: &Message, delivery: &str, now: i64) -> OutgoingRequest {
        match self {
            Channel::Webhook(webhook) => webhook.request(message, delivery, now),
            Channel::Slack(slack) => slack.request(message),
            Channel::Discord(discord) => discord.request(message, now),
            Channel::Teams(teams) => teams.request(message),
            Channel::Ntfy(ntfy) => ntfy.request(message),
            Channel::Postmark(postmark) => postmark.request(message, delivery),
        }
    }

    /// The word for settings, pages and metrics.
    pub fn kind(&self) -> &'static str {
        match self {
            Channel::Webhook(_) => "webhook",
            Channel::Slack(_) => "slack",
            Channel::Discord(_) => "discord",
            Channel::Teams(_) => "teams",
            Channel::Ntfy(_) => "ntfy",
            Channel::Postmark(_) => "postmark",
        }
    }

    /// The host it goes to: all of the URL that may be shown.
    pub fn host(&self) -> String {
        match self {
            Channel::Webhook(webhook) => webhook.url.host(),
            Channel::Slack(slack) => slack.url.host(),
            Channel::Discord(discord) => discord.url.host(),
            Channel::Teams(teams) => teams.url.host(),
            Channel::Ntfy(ntfy) => ntfy.url.host(),
            Channel::Postmark(postmark) => postmark.api.host(),
        }
    }
}

#[cfg(test)]
mod tests {
    use config::Secret;

    use super::*;
    use crate::message::samples;

    const TOKEN: &str = "hush-hush-1234";

    fn all() -> Vec<Channel> {
        let url = || {
            format!("https://example.com/hooks/{TOKEN}?key={TOKEN}")
                .parse()
                .unwrap()
        };
        let secret = || Secret::new(TOKEN);
        vec![
            Channel::Webhook(Webhook::new(url(), secret(), None).unwrap()),
            Channel::Slack(Slack { url: url() }),
            Channel::Discord(Discord { url: url() }),
            Channel::Teams(Teams { url: url() }),
            Channel::Ntfy(Ntfy::new(url(), Some(secret())).unwrap()),
            Channel::Postmark(Postmark::new(secret(), "a@example.com", &["b@example.com"]).unwrap()),
        ]
    }

    #[test]
    fn no_secret_is_in_debug_output() {
        for channel in all() {
            let request = channel.request(&samples::message(), "d-1", 0);
            let shown = format!("{channel:?} {request:?} {:?}", channel.host());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }

    #[test]
    fn a_request_knows_its_own_secrets() {
        for channel in all() {
            let request = channel.request(&samples::message(), "d-1", 0);
            assert!(
                request.gives_itself_away_in("no such hook: HUSH-hush-1234"),
                "{}",
                channel.kind()
            );
            assert!(
                !request.gives_itself_away_in("no such thing"),
                "{}",
                channel.kind()
            );
        }
    }
}
