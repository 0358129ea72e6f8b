//! A webhook of our own: JSON, signed with a secret that only the two ends know.
//!
//! Without a template the body is
//! `{"kind", "title", "text", "project", "environment", "url", "count", "facts": [{"name", "value"}], "delivery",
//! "time"}`, where `environment`, `url` and `count` may be null, and `time` is when this try was made, in RFC 3339.
//!
//! A receiver recomputes `X-Monlight-Signature` over `X-Monlight-Timestamp`, a dot and the body as it came, compares
//! in constant time, and refuses timestamps older than five minutes. `X-Monlight-Delivery` is the same for every try
//! of one message: one that it has seen is answered with 200 and forgotten.

use config::Secret;
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::bad_setting::BadSetting;
use crate::cut;
use crate::endpoint::Endpoint;
use crate::message::Message;
use crate::outgoing::OutgoingRequest;
use crate::template::Template;

/// Longest text, in bytes. Ours to choose: a mail's is 12 KB.
const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Longest of any other value, in bytes.
const MAX_VALUE_BYTES: usize = 2048;
/// Most facts.
const MAX_FACTS: usize = 50;

/// Where to, and what with.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub(crate) url: Endpoint,
    secret: Secret,
    template: Option<Template>,
}

impl Webhook {
    /// Refuses the empty secret, with which anyone could sign.
    pub fn new(url: Endpoint, secret: Secret, template: Option<Template>) -> Result<Webhook, BadSetting> {
        if secret.expose().is_empty() {
            return Err(BadSetting::new("a webhook needs a secret to sign with"));
        }
        Ok(Webhook {
            url,
            secret,
            template,
        })
    }

    pub(crate) fn request(&self, message: &Message, delivery: &str, now: i64) -> OutgoingRequest {
        let body = self.body(&shortened(message), delivery, &rfc3339(now));
        let timestamp = now.div_euclid(1000);
        OutgoingRequest {
            url: self.url.clone(),
            headers: vec![
                ("content-type", "application/json".to_owned()),
                ("x-monlight-delivery", delivery.to_owned()),
                ("x-monlight-timestamp", timestamp.to_string()),
                (
                    "x-monlight-signature",
                    signature(&self.secret, timestamp, body.as_bytes()),
                ),
            ],
            body: body.into_bytes(),
        }
    }

    fn body(&self, message: &Message, delivery: &str, time: &str) -> String {
        let Some(template) = &self.template else {
            return default_body(message, delivery, time).to_string();
        };
        let count = message.count.map(|count| count.to_string()).unwrap_or_default();
        template.fill(|name| match name {
            "kind" => &message.kind,
            "title" => &message.title,
            "text" => &message.text,
            "project" => &message.project,
            "environment" => message.environment.as_deref().unwrap_or_default(),
            "url" => message.url.as_deref().unwrap_or_default(),
            "count" => &count,
            "delivery" => delivery,
            "time" => time,
            other => fact(message, other),
        })
    }
}

/// `sha256=` and the hex of HMAC-SHA256 over `timestamp`, a dot and `body`; `timestamp` is in Unix seconds.
pub fn signature(secret: &Secret, timestamp: i64, body: &[u8]) -> String {
    let key = secret.expose().as_bytes();
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    let mac = mac
        .chain_update(timestamp.to_string())
        .chain_update(".")
        .chain_update(body);
    format!("sha256={}", HEXLOWER.encode(&mac.finalize().into_bytes()))
}

pub(crate) fn rfc3339(now: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(now) * 1_000_000);
    let text = time.ok().and_then(|time| time.format(&Rfc3339).ok());
    text.unwrap_or_default()
}

fn default_body(message: &Message, delivery: &str, time: &str) -> Value {
    let facts = message
        .facts
        .iter()
        .map(|(name, value)| json!({"name": name, "value": value}));
    json!({
        "kind": message.kind,
        "title": message.title,
        "text": message.text,
        "project": message.project,
        "environment": message.environment,
        "url": message.url,
        "count": message.count,
        "facts": facts.collect::<Vec<_>>(),
        "delivery": delivery,
        "time": time,
    })
}

fn fact<'a>(message: &'a Message, placeholder: &str) -> &'a str {
    let wanted = placeholder.strip_prefix("fact.").unwrap_or_default();
    let fact = message.facts.iter().find(|(name, _)| name == wanted);
    fact.map_or("", |(_, value)| value)
}

fn shortened(message: &Message) -> Message {
    let value = |text: &str| cut::bytes(text, MAX_VALUE_BYTES);
    let facts = message.facts.iter().take(MAX_FACTS);
    Message {
        kind: value(&message.kind),
        title: value(&message.title),
        text: cut::bytes(&message.text, MAX_TEXT_BYTES),
        project: value(&message.project),
        environment: message.environment.as_deref().map(value),
        url: message.link(MAX_VALUE_BYTES),
        count: message.count,
        facts: facts.map(|(name, text)| (value(name), value(text))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::samples;

    fn webhook(template: Option<&str>) -> Webhook {
        let url = "https://example.com/hook".parse().unwrap();
        let template = template.map(|text| text.parse().unwrap());
        Webhook::new(url, Secret::new("key"), template).unwrap()
    }

    fn body(request: &OutgoingRequest) -> Value {
        serde_json::from_slice(&request.body).unwrap()
    }

    #[test]
    fn the_default_body_is_as_documented() {
        let request = webhook(None).request(&samples::message(), "d-1", 1_700_000_000_999);
        let expected = json!({
            "kind": "created",
            "title": "ValueError in checkout",
            "text": "invalid literal for int(): '<12>'",
            "project": "shop",
            "environment": "prod",
            "url": "https://errors.example.com/errors/12?tab=a&b=c",
            "count": 3,
            "facts": [{"name": "Release", "value": "1.4.2"}],
            "delivery": "d-1",
            "time": "2023-11-14T22:13:20.999Z",
        });
        assert_eq!(body(&request), expected);
        assert_eq!(request.header("x-monlight-delivery"), Some("d-1"));
        assert_eq!(request.header("x-monlight-timestamp"), Some("1700000000"));
    }

    #[test]
    fn the_signature_is_what_openssl_computes() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac key
        let expected = "sha256=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03";
        assert_eq!(
            signature(&Secret::new("key"), 1_700_000_000, br#"{"a":1}"#),
            expected
        );
        let request = webhook(Some(r#"{"a":1}"#)).request(&samples::message(), "d-1", 1_700_000_000_000);
        assert_eq!(request.header("x-monlight-signature"), Some(expected));
    }

    #[test]
    fn a_try_later_is_signed_anew_under_the_same_delivery() {
        let webhook = webhook(None);
        let first = webhook.request(&samples::message(), "d-1", 0);
        let second = webhook.request(&samples::message(), "d-1", 30_000);
        assert_eq!(
            first.header("x-monlight-delivery"),
            second.header("x-monlight-delivery")
        );
        assert_ne!(
            first.header("x-monlight-signature"),
            second.header("x-monlight-signature")
        );
    }

    #[test]
    fn every_placeholder_is_filled() {
        let template = r#"["{{kind}} {{title}} {{text}}", "{{project}} {{environment}} {{url}} {{count}}", "{{delivery}} {{time}} {{fact.Release}} {{fact.x}}."]"#;
        let request = webhook(Some(template)).request(&samples::message(), "d-1", 0);
        let expected = json!([
            "created ValueError in checkout invalid literal for int(): '<12>'",
            "shop prod https://errors.example.com/errors/12?tab=a&b=c 3",
            "d-1 1970-01-01T00:00:00Z 1.4.2 .",
        ]);
        assert_eq!(body(&request), expected);
    }

    #[test]
    fn the_empty_secret_is_refused() {
        let url = "https://example.com/hook".parse().unwrap();
        assert!(Webhook::new(url, Secret::new(""), None).is_err());
    }

    #[test]
    fn a_huge_message_makes_a_bounded_body() {
        let request = webhook(None).request(&samples::huge(), "d-1", 0);
        assert!(body(&request)["facts"].as_array().unwrap().len() == MAX_FACTS);
        assert!(request.body.len() < 1 << 20);
    }

    proptest! {
        #[test]
        fn the_body_is_always_json(message in samples::any_message(), now: i64) {
            let request = webhook(None).request(&message, "d", now);
            prop_assert_eq!(&body(&request)["count"], &json!(message.count));
            let template = r#"{"a":"{{title}}{{fact.a}}","b":["{{text}}"]}"#;
            body(&webhook(Some(template)).request(&message, "d", now));
        }
    }
}
