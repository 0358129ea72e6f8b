//! Slack's incoming webhooks, in blocks: <https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks>.
//!
//! A message's text goes out as `plain_text`, which no markup is read in; what must be `mrkdwn` is escaped, so that
//! `<!channel>` in an error calls nobody. The link is text and no button: Slack warns of buttons whose app takes no
//! answers. `text` is for notifications, and for servers such as Mattermost that know no blocks.

use serde_json::{Value, json};

use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;

/// Limits in characters: <https://docs.slack.dev/reference/block-kit/blocks/header-block> and `section-block`.
const MAX_HEADER: usize = 150;
const MAX_SECTION: usize = 3000;
const MAX_FIELD: usize = 2000;
const MAX_FIELDS: usize = 10;
/// A field's name and value are cut sooner, so that one does not fill the screen.
const MAX_FIELD_NAME: usize = 100;
const MAX_FIELD_VALUE: usize = 500;
const _: () = assert!(MAX_FIELD_NAME + MAX_FIELD_VALUE + 3 <= MAX_FIELD);

/// Where to.
#[derive(Debug, Clone)]
pub struct Slack {
    /// `https://hooks.slack.com/services/…`, or that of a server that speaks the same.
    pub url: Endpoint,
}

impl Slack {
    pub(crate) fn request(&self, message: &Message) -> OutgoingRequest {
        OutgoingRequest::json(self.url.clone(), &body(message))
    }
}

fn body(message: &Message) -> Value {
    // Room for the label and for `&`, which takes five characters when escaped.
    let link = message
        .link(2000)
        .map(|url| link_text(&url))
        .filter(|text| text.len() <= MAX_SECTION);
    json!({
        "text": fallback(message, link.as_deref()),
        "blocks": blocks(message, link.as_deref()),
        "unfurl_links": false,
    })
}

fn fallback(message: &Message, link: Option<&str>) -> String {
    let headline = cut::escaped(&message.headline(), MAX_HEADER, entity);
    match link {
        Some(link) => format!("{headline} {link}"),
        None => headline,
    }
}

fn blocks(message: &Message, link: Option<&str>) -> Vec<Value> {
    let header = json!({"type": "header", "text": plain(&message.headline(), MAX_HEADER)});
    let mut blocks = vec![header];
    if !message.text.trim().is_empty() {
        blocks.push(json!({"type": "section", "text": plain(&message.text, MAX_SECTION)}));
    }
    let fields: Vec<Value> = message.named().iter().take(MAX_FIELDS).map(field).collect();
    if !fields.is_empty() {
        blocks.push(json!({"type": "section", "fields": fields}));
    }
    if let Some(link) = link {
        blocks.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": link}}));
    }
    blocks
}

fn plain(text: &str, max: usize) -> Value {
    json!({"type": "plain_text", "text": cut::units(text, max), "emoji": false})
}

fn field((name, value): &(String, String)) -> Value {
    let name = cut::escaped(name, MAX_FIELD_NAME, entity);
    let value = cut::escaped(value, MAX_FIELD_VALUE, entity);
    // `verbatim`: names of channels and people, and bare URLs, are not made into links.
    json!({"type": "mrkdwn", "text": format!("*{name}*\n{value}"), "verbatim": true})
}

fn link_text(url: &str) -> String {
    let url = url
        .replace('|', "%7C")
        .replace('&', "&amp;")
        .replace('<', "%3C")
        .replace('>', "%3E");
    format!("<{url}|Open in Monlight>")
}

/// The three characters that Slack reads: <https://docs.slack.dev/messaging/formatting-message-text>.
fn entity(c: char) -> Option<&'static str> {
    match c {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::samples;

    #[test]
    fn a_message_becomes_blocks() {
        let link = "<https://errors.example.com/errors/12?tab=a&amp;b=c|Open in Monlight>";
        let field = |text: &str| json!({"type": "mrkdwn", "text": text, "verbatim": true});
        let expected = json!({
            "text": format!("ValueError in checkout {link}"),
            "blocks": [
                {"type": "header", "text": {"type": "plain_text", "text": "ValueError in checkout", "emoji": false}},
                {"type": "section", "text": {"type": "plain_text", "text": "invalid literal for int(): '<12>'", "emoji": false}},
                {"type": "section", "fields": [
                    field("*Project*\nshop"), field("*Environment*\nprod"), field("*Count*\n3"), field("*Release*\n1.4.2"),
                ]},
                {"type": "section", "text": {"type": "mrkdwn", "text": link}},
            ],
            "unfurl_links": false,
        });
        assert_eq!(body(&samples::message()), expected);
    }

    #[test]
    fn an_error_calls_nobody() {
        let message = Message {
            title: "<!channel> a & b".to_owned(),
            facts: vec![("<@U1>".to_owned(), "<http://evil|good>".to_owned())],
            ..Message::default()
        };
        let body = body(&message);
        assert_eq!(body["text"], "&lt;!channel&gt; a &amp; b");
        assert_eq!(
            body["blocks"][1]["fields"][0]["text"],
            "*&lt;@U1&gt;*\n&lt;http://evil|good&gt;"
        );
    }

    fn check_limits(message: &Message) {
        let body = body(message);
        let length = |text: &Value| text.as_str().unwrap().encode_utf16().count();
        for block in body["blocks"].as_array().unwrap() {
            let max = if block["type"] == "header" { 150 } else { 3000 };
            if block["text"].is_object() {
                assert!((1..=max).contains(&length(&block["text"]["text"])));
            }
            let fields = block["fields"].as_array().cloned().unwrap_or_default();
            assert!(fields.len() <= 10 && fields.iter().all(|field| length(&field["text"]) <= 2000));
        }
    }

    #[test]
    fn a_huge_message_keeps_to_the_limits() {
        check_limits(&samples::huge());
        check_limits(&Message::default());
    }

    proptest! {
        #[test]
        fn any_message_keeps_to_the_limits(message in samples::any_message()) {
            check_limits(&message);
        }
    }
}
