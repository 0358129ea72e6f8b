//! Microsoft Teams: an adaptive card for a workflow that begins with "when a webhook request is received".
//! <https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using>
//!
//! Text goes into text runs, the one element in which Teams reads no markdown; a run holds one line.

use serde_json::{Value, json};

use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;

/// Largest body, in bytes. Microsoft says 28 KB, but 413 was seen from about 21 KB on
/// (<https://rubydoc.info/gems/msteams_hermes/MsTeamsHermes/Message>).
const MAX_BODY_BYTES: usize = 20_000;
const MAX_TITLE: usize = 250;
const MAX_FACTS: usize = 20;
const MAX_NAME: usize = 50;
const MAX_VALUE: usize = 300;
const MAX_LINES: usize = 30;
const MAX_LINE: usize = 500;
const MAX_URL: usize = 2048;

/// Where to.
#[derive(Debug, Clone)]
pub struct Teams {
    /// What the workflow shows after it was saved.
    pub url: Endpoint,
}

impl Teams {
    pub(crate) fn request(&self, message: &Message) -> OutgoingRequest {
        // JSON's escapes make bytes of unknown number, so it is tried: whole, then a half of everything, a quarter …
        let mut share = 1;
        loop {
            let request = OutgoingRequest::json(self.url.clone(), &body(message, share));
            if request.body.len() <= MAX_BODY_BYTES || share > MAX_LINE {
                return request;
            }
            share *= 2;
        }
    }
}

/// `share`: everything is cut to one part in so many.
fn body(message: &Message, share: usize) -> Value {
    let title = cut::units(&message.headline(), MAX_TITLE);
    let mut elements = vec![rich(
        &[run(&title, json!({"weight": "Bolder", "size": "Large"}))],
        "Default",
    )];
    elements.extend(text(message, share));
    elements.extend(facts(message, share));
    let mut card = json!({
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "fallbackText": title,
        "body": elements,
    });
    if let Some(url) = message.link(MAX_URL) {
        card["actions"] = json!([{"type": "Action.OpenUrl", "title": "Open in Monlight", "url": url}]);
    }
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": card,
        }],
    })
}

fn text(message: &Message, share: usize) -> Vec<Value> {
    let n_lines = (MAX_LINES / share).max(1);
    let lines: Vec<&str> = message.text.trim_end().lines().collect();
    let is_cut = lines.len() > n_lines;
    let shown = lines.iter().take(n_lines).enumerate().map(|(at, line)| {
        let spacing = if at == 0 { "Medium" } else { "None" };
        let line = cut::units(&indented(line), (MAX_LINE / share).max(1));
        rich(&[run(&line, json!({"fontType": "Monospace"}))], spacing)
    });
    shown
        .chain(is_cut.then(|| rich(&[run("…", json!({}))], "None")))
        .collect()
}

/// Blanks at the beginning would be dropped, and an empty run be refused.
fn indented(line: &str) -> String {
    let text = line.trim_start();
    let n_blanks = line.chars().take_while(|c| c.is_whitespace()).count();
    match text {
        "" => "\u{a0}".to_owned(),
        text => "\u{a0}".repeat(n_blanks) + &cut::one_line(text),
    }
}

fn facts(message: &Message, share: usize) -> Vec<Value> {
    let n_facts = (MAX_FACTS / share).max(3);
    let named = message.named();
    let shown = named.iter().take(n_facts).enumerate().map(|(at, (name, value))| {
        let name = cut::units(name, MAX_NAME);
        let value = cut::units(value, (MAX_VALUE / share).max(1));
        let runs = [
            run(&format!("{name}: "), json!({"weight": "Bolder"})),
            run(&value, json!({})),
        ];
        rich(&runs, if at == 0 { "Medium" } else { "None" })
    });
    shown.collect()
}

fn rich(runs: &[Value], spacing: &str) -> Value {
    json!({"type": "RichTextBlock", "inlines": runs, "spacing": spacing})
}

fn run(text: &str, style: Value) -> Value {
    let mut run = style;
    run["type"] = "TextRun".into();
    run["text"] = text.into();
    run
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::samples;

    #[test]
    fn a_message_becomes_a_card() {
        let fact = |name: &str, value: &str, spacing: &str| {
            let name = json!({"type": "TextRun", "text": name, "weight": "Bolder"});
            let value = json!({"type": "TextRun", "text": value});
            json!({"type": "RichTextBlock", "inlines": [name, value], "spacing": spacing})
        };
        let message = Message {
            text: "first\n  second".to_owned(),
            ..samples::message()
        };
        let expected = json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": null,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "msteams": {"width": "Full"},
                    "fallbackText": "ValueError in checkout",
                    "body": [
                        {"type": "RichTextBlock", "spacing": "Default", "inlines": [
                            {"type": "TextRun", "text": "ValueError in checkout", "weight": "Bolder", "size": "Large"}]},
                        {"type": "RichTextBlock", "spacing": "Medium", "inlines": [
                            {"type": "TextRun", "text": "first", "fontType": "Monospace"}]},
                        {"type": "RichTextBlock", "spacing": "None", "inlines": [
                            {"type": "TextRun", "text": "\u{a0}\u{a0}second", "fontType": "Monospace"}]},
                        fact("Project: ", "shop", "Medium"),
                        fact("Environment: ", "prod", "None"),
                        fact("Count: ", "3", "None"),
                        fact("Release: ", "1.4.2", "None"),
                    ],
                    "actions": [{"type": "Action.OpenUrl", "title": "Open in Monlight",
                        "url": "https://errors.example.com/errors/12?tab=a&b=c"}],
                },
            }],
        });
        assert_eq!(body(&message, 1), expected);
    }

    fn check_limits(message: &Message) {
        let teams = Teams {
            url: "https://example.com/".parse().unwrap(),
        };
        let request = teams.request(message);
        assert!(request.body.len() <= MAX_BODY_BYTES, "{}", request.body.len());
    }

    #[test]
    fn a_huge_message_keeps_to_the_limit() {
        check_limits(&samples::huge());
        let url = Some(format!("https://example.com/{}", "a".repeat(2000)));
        check_limits(&Message {
            url,
            ..samples::huge()
        });
        check_limits(&Message::default());
    }

    proptest! {
        #[test]
        fn any_message_keeps_to_the_limit(message in samples::any_message()) {
            check_limits(&message);
        }
    }
}
