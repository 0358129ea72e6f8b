//! Discord's webhooks, one embed a message: <https://docs.discord.com/developers/resources/webhook#execute-webhook>.
//!
//! The text stands in a code block, and markdown elsewhere is escaped: an error must not set a link or call anybody.

use serde_json::{Value, json};

use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;
use crate::webhook::rfc3339;

/// Limits in characters: <https://docs.discord.com/developers/resources/message#embed-object-embed-limits>.
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4096;
const MAX_FIELDS: usize = 25;
const MAX_NAME: usize = 256;
const MAX_VALUE: usize = 1024;
/// Of title, description, names, values and footer together.
const MAX_TOTAL: usize = 6000;
/// What fields may take of the total, so that some of the text is always there.
const MAX_FIELDS_TOTAL: usize = 3000;
const MAX_FOOTER: usize = 100;
const MAX_URL: usize = 2048;

/// Where to.
#[derive(Debug, Clone)]
pub struct Discord {
    /// `https://discord.com/api/webhooks/…`.
    pub url: Endpoint,
}

impl Discord {
    pub(crate) fn request(&self, message: &Message, now: i64) -> OutgoingRequest {
        // Without `wait`, Discord answers before it stored the message, and says nothing if it does not.
        let url = match self.url.has_query("wait") {
            true => self.url.clone(),
            false => self.url.with_query("wait", "true"),
        };
        OutgoingRequest::json(url, &body(message, now))
    }
}

fn body(message: &Message, now: i64) -> Value {
    let title = cut::escaped(&message.headline(), MAX_TITLE, markdown);
    let footer = cut::units(
        &cut::one_line(&format!("Monlight · {}", message.kind)),
        MAX_FOOTER,
    );
    let (fields, n_fields) = fields(message);
    let left = MAX_TOTAL - n_units(&title) - n_units(&footer) - n_fields;
    let mut embed = json!({
        "title": title,
        "color": color(&message.kind),
        "fields": fields,
        "footer": {"text": footer},
    });
    if !message.text.trim().is_empty() {
        embed["description"] = code_block(&message.text, left.min(MAX_DESCRIPTION)).into();
    }
    if let Some(url) = message.link(MAX_URL) {
        embed["url"] = url.into();
    }
    if let time @ 1.. = now {
        embed["timestamp"] = rfc3339(time).into();
    }
    json!({"embeds": [embed], "allowed_mentions": {"parse": []}})
}

/// As many as fit, and how many characters they take.
fn fields(message: &Message) -> (Vec<Value>, usize) {
    let mut fields = Vec::new();
    let mut n_total = 0;
    for (name, value) in message.named().iter().take(MAX_FIELDS) {
        let name = cut::escaped(name, MAX_NAME, markdown);
        let value = cut::escaped(value, MAX_VALUE, markdown);
        let n = n_units(&name) + n_units(&value);
        if n_total + n > MAX_FIELDS_TOTAL {
            break;
        }
        n_total += n;
        fields.push(json!({"name": name, "value": value, "inline": true}));
    }
    (fields, n_total)
}

fn code_block(text: &str, max: usize) -> String {
    const FENCES: usize = "```\n\n```".len();
    // A blank of no width after each backtick: three in a row would end the block.
    let backtick = |c| (c == '`').then_some("`\u{200b}");
    format!(
        "```\n{}\n```",
        cut::escaped(text.trim_end(), max - FENCES, backtick)
    )
}

fn n_units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Red for what is new or back, orange for more of the same, blue for news.
fn color(kind: &str) -> u32 {
    match kind {
        "created" | "reopened" => 0xd1_34_38,
        "spike" | "every_n" => 0xe0_7b_00,
        _ => 0x2f_6f_d0,
    }
}

fn markdown(c: char) -> Option<&'static str> {
    Some(match c {
        '\\' => "\\\\",
        '*' => "\\*",
        '_' => "\\_",
        '~' => "\\~",
        '`' => "\\`",
        '|' => "\\|",
        '>' => "\\>",
        '<' => "\\<",
        '#' => "\\#",
        '[' => "\\[",
        ']' => "\\]",
        '(' => "\\(",
        ')' => "\\)",
        '@' => "@\u{200b}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::samples;

    #[test]
    fn a_message_becomes_an_embed() {
        let field = |name: &str, value: &str| json!({"name": name, "value": value, "inline": true});
        let expected = json!({
            "embeds": [{
                "title": "ValueError in checkout",
                "description": "```\ninvalid literal for int(): '<12>'\n```",
                "url": "https://errors.example.com/errors/12?tab=a&b=c",
                "color": 0xd13438,
                "fields": [
                    field("Project", "shop"), field("Environment", "prod"), field("Count", "3"), field("Release", "1.4.2"),
                ],
                "footer": {"text": "Monlight · created"},
                "timestamp": "2023-11-14T22:13:20Z",
            }],
            "allowed_mentions": {"parse": []},
        });
        assert_eq!(body(&samples::message(), 1_700_000_000_000), expected);
    }

    #[test]
    fn it_waits_for_the_message_to_be_stored() {
        let path = |url: &str| {
            let discord = Discord {
                url: url.parse().unwrap(),
            };
            let request = discord.request(&samples::message(), 0);
            request.url.path_and_query().to_owned()
        };
        assert_eq!(
            path("https://discord.com/api/webhooks/1/t"),
            "/api/webhooks/1/t?wait=true"
        );
        assert_eq!(
            path("https://discord.com/1/t?thread_id=5"),
            "/1/t?thread_id=5&wait=true"
        );
        assert_eq!(path("https://discord.com/1/t?wait=false"), "/1/t?wait=false");
    }

    #[test]
    fn an_error_sets_no_link_and_ends_no_block() {
        let message = Message {
            title: "[x](http://evil) @everyone".to_owned(),
            text: "a ``` b".to_owned(),
            ..Message::default()
        };
        let body = body(&message, 0);
        assert_eq!(
            body["embeds"][0]["title"],
            "\\[x\\]\\(http://evil\\) @\u{200b}everyone"
        );
        assert_eq!(
            body["embeds"][0]["description"],
            "```\na `\u{200b}`\u{200b}`\u{200b} b\n```"
        );
    }

    fn check_limits(message: &Message) {
        let body = body(message, 0);
        let embed = &body["embeds"][0];
        let length = |text: &Value| n_units(text.as_str().unwrap_or_default());
        let fields = embed["fields"].as_array().unwrap();
        let (name, value) = (
            |field: &Value| length(&field["name"]),
            |field: &Value| length(&field["value"]),
        );
        let n_fields: usize = fields.iter().map(|field| name(field) + value(field)).sum();
        let (title, description, footer) = (
            length(&embed["title"]),
            length(&embed["description"]),
            length(&embed["footer"]["text"]),
        );
        assert!((1..=256).contains(&title) && description <= 4096 && footer <= 2048);
        assert!(fields.len() <= 25);
        assert!(
            fields
                .iter()
                .all(|field| (1..=256).contains(&name(field)) && (1..=1024).contains(&value(field)))
        );
        assert!(title + description + footer + n_fields <= 6000);
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
