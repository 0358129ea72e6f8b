//! One error of a browser: read from a request body, and as the tracker takes it.

use api_types::{ErrorReport, Text, json_text};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::privacy::{self, Wish};
use super::refusal::{Refusal, object};
use super::{event_id, page};

/// `request_method` by which the tracker knows events of browsers.
const BROWSER_METHOD: &str = "BROWSER";
/// Files of a page whose debug ids are looked at.
const MAX_DEBUG_IDS: usize = 200;

/// What a browser reports.
#[derive(Debug, Default)]
pub struct BrowserError {
    /// The error's type.
    pub kind: String,
    /// What it says.
    pub message: String,
    /// Stack trace as the browser prints it.
    pub stack: String,
    /// The page's address.
    pub url: Option<String>,
    /// The browser's own words about itself.
    pub user_agent: Option<String>,
    /// The visit.
    pub session_id: Option<String>,
    /// Version of the page's code.
    pub release: Option<String>,
    /// When, by the browser's clock, as sent.
    pub timestamp: Option<String>,
    /// prod, staging, …
    pub environment: Option<String>,
    /// The client's id of it, in our form.
    pub event_id: Option<String>,
    /// URLs of scripts with the debug ids of their builds.
    pub debug_ids: Vec<(String, String)>,
    /// JSON text of what is passed on as it is.
    raw: Raw,
}

#[derive(Debug, Default)]
struct Raw {
    context: Option<Box<RawValue>>,
    level: Option<Box<RawValue>>,
    tags: Option<Box<RawValue>>,
    user: Option<Box<RawValue>>,
    breadcrumbs: Option<Box<RawValue>>,
    fingerprint: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow, default)]
    message: Text<'a>,
    #[serde(borrow, default)]
    stack: Text<'a>,
    #[serde(borrow, default)]
    url: Text<'a>,
    #[serde(borrow, default)]
    user_agent: Text<'a>,
    #[serde(borrow, default)]
    session_id: Text<'a>,
    #[serde(borrow, default)]
    release: Text<'a>,
    #[serde(borrow, default)]
    timestamp: Text<'a>,
    #[serde(borrow, default)]
    environment: Text<'a>,
    #[serde(borrow, default)]
    event_id: Text<'a>,
    #[serde(borrow, default)]
    context: Option<&'a RawValue>,
    #[serde(borrow, default)]
    level: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tags: Option<&'a RawValue>,
    #[serde(borrow, default)]
    user: Option<&'a RawValue>,
    #[serde(borrow, default)]
    breadcrumbs: Option<&'a RawValue>,
    #[serde(borrow, default)]
    fingerprint: Option<&'a RawValue>,
    #[serde(borrow, default)]
    debug_ids: Option<&'a RawValue>,
}

/// Reads and checks a request body.
pub fn read(body: &[u8]) -> Result<BrowserError, Refusal> {
    let body = object(body)?;
    let wire: Wire<'_> = serde_json::from_str(&body).map_err(|_| Refusal::NoJson)?;
    let required = |text: Text<'_>, name| owned(text).ok_or(Refusal::Missing(name));
    Ok(BrowserError {
        kind: required(wire.kind, "type")?,
        message: required(wire.message, "message")?,
        stack: required(wire.stack, "stack")?,
        url: owned(wire.url),
        user_agent: owned(wire.user_agent),
        session_id: owned(wire.session_id),
        release: owned(wire.release),
        timestamp: owned(wire.timestamp),
        environment: owned(wire.environment),
        event_id: wire.event_id.as_str().and_then(event_id::read),
        debug_ids: wire.debug_ids.map(debug_ids).unwrap_or_default(),
        raw: Raw {
            context: kept(wire.context.filter(|it| it.get().starts_with('{')), "context")?,
            level: kept(wire.level, "level")?,
            tags: kept(wire.tags, "tags")?,
            user: kept(wire.user, "user")?,
            breadcrumbs: kept(wire.breadcrumbs, "breadcrumbs")?,
            fingerprint: kept(wire.fingerprint, "fingerprint")?,
        },
    })
}

fn owned(text: Text<'_>) -> Option<String> {
    text.0.map(|text| text.into_owned())
}

fn kept(value: Option<&RawValue>, name: &str) -> Result<Option<Box<RawValue>>, Refusal> {
    let Some(value) = value else { return Ok(None) };
    let too_deep = || {
        let limit = json_text::MAX_DEPTH;
        Refusal::Bad(format!("Field '{name}' is nested deeper than {limit} levels"))
    };
    let compact = json_text::compact(value.get()).ok_or_else(too_deep)?;
    RawValue::from_string(compact)
        .map(Some)
        .map_err(|_| Refusal::NoJson)
}

fn debug_ids(value: &RawValue) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(ids)) = serde_json::from_str(value.get()) else {
        return Vec::new();
    };
    let ids = ids.into_iter().take(MAX_DEBUG_IDS);
    ids.filter_map(|(url, id)| Some((url, event_id::read(id.as_str()?)?)))
        .collect()
}

/// What the relay adds.
#[derive(Debug, Default)]
pub struct Added<'a> {
    /// Who owns it.
    pub project: &'a str,
    /// By which the tracker knows it again.
    pub event_id: &'a str,
    /// The stack with original places, if it was mapped.
    pub traceback: Option<&'a str>,
    /// Exceptions with original frames: JSON text.
    pub exception: Option<&'a RawValue>,
    /// When it came, RFC 3339: its time, if the page told none. It may wait long before the tracker has it.
    pub received_at: &'a str,
    /// The visitor's address, where it is asked for.
    pub address: Option<String>,
}

impl BrowserError {
    /// Leaves out what a wish forbids.
    pub fn grant(&mut self, wish: Wish) {
        if wish != Wish::Anonymous {
            return;
        }
        self.session_id = None;
        self.raw.user = None;
        self.raw.breadcrumbs = None;
        self.url = self.url.as_deref().map(page::without_query);
        self.message = privacy::without_queries(&self.message);
        self.stack = privacy::stack_without_queries(&self.stack);
        for (url, _) in &mut self.debug_ids {
            *url = page::without_query(url);
        }
        for raw in [&mut self.raw.context, &mut self.raw.tags] {
            *raw = raw.take().and_then(|raw| {
                let mut value = serde_json::from_str(raw.get()).ok()?;
                privacy::anonymize(&mut value);
                serde_json::value::to_raw_value(&value).ok()
            });
        }
    }

    /// Body of `POST /api/errors` of the tracker.
    pub fn report(&self, added: &Added<'_>) -> serde_json::Result<Vec<u8>> {
        #[derive(Serialize)]
        struct Extra<'a> {
            #[serde(skip_serializing_if = "Option::is_none")]
            user_agent: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            session_id: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            release: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            timestamp: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            context: Option<&'a RawValue>,
            #[serde(skip_serializing_if = "Option::is_none")]
            ip_address: Option<&'a str>,
        }
        let text = |text: &'_ Option<String>| Text(text.clone().map(Into::into));
        let extra = serde_json::value::to_raw_value(&Extra {
            user_agent: self.user_agent.as_deref(),
            session_id: self.session_id.as_deref(),
            release: self.release.as_deref(),
            timestamp: self.timestamp.as_deref(),
            context: self.raw.context.as_deref(),
            ip_address: added.address.as_deref(),
        })?;
        let timestamp = self.timestamp.as_deref().unwrap_or(added.received_at);
        let timestamp = serde_json::value::to_raw_value(timestamp)?;
        serde_json::to_vec(&ErrorReport {
            project: added.project.into(),
            exception_type: self.kind.as_str().into(),
            message: self.message.as_str().into(),
            traceback: added.traceback.unwrap_or(&self.stack).into(),
            request_method: BROWSER_METHOD.into(),
            request_url: text(&self.url),
            environment: text(&self.environment),
            release: text(&self.release),
            extra: Some(&extra),
            event_id: added.event_id.into(),
            timestamp: Some(&timestamp),
            exception: added.exception,
            platform: "javascript".into(),
            level: self.raw.level.as_deref(),
            tags: self.raw.tags.as_deref(),
            user: self.raw.user.as_deref(),
            breadcrumbs: self.raw.breadcrumbs.as_deref(),
            fingerprint: self.raw.fingerprint.as_deref(),
            ..ErrorReport::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn refusal(body: &str) -> String {
        read(body.as_bytes()).unwrap_err().to_string()
    }

    fn report(body: &Value, wish: Wish) -> Value {
        let mut error = read(body.to_string().as_bytes()).unwrap();
        error.grant(wish);
        let added = Added {
            project: "shop",
            event_id: "e",
            received_at: "2026-11-20T14:00:00.000Z",
            ..Added::default()
        };
        serde_json::from_slice(&error.report(&added).unwrap()).unwrap()
    }

    #[test]
    fn what_is_missing_is_named_in_order() {
        assert_eq!(refusal(""), "Empty request body");
        assert_eq!(refusal("{"), "Invalid JSON");
        assert_eq!(refusal("[]"), "Request body must be a JSON object");
        assert_eq!(refusal("{}"), "Missing required field: type");
        assert_eq!(
            refusal(r#"{"type":"E","message":1}"#),
            "Missing required field: message"
        );
        assert_eq!(
            refusal(r#"{"type":"E","message":"m"}"#),
            "Missing required field: stack"
        );
        let deep = format!(
            r#"{{"type":"E","message":"m","stack":"","context":{{"a":{}{}}}}}"#,
            "[".repeat(300),
            "]".repeat(300)
        );
        assert_eq!(refusal(&deep), "Field 'context' is nested deeper than 100 levels");
    }

    #[test]
    fn all_goes_where_the_contract_has_it() {
        let all = json!({"type": "E", "message": "m \u{1f600}", "stack": "", "url": "http://h/p?q", "user_agent": "Mozilla/5.0",
            "session_id": "s", "release": "1", "timestamp": "2026-11-20T13:43:22.123Z", "context": {"user_id": "u", "x": [1]}});
        assert_eq!(
            report(&all, Wish::None),
            json!({
                "project": "shop", "exception_type": "E", "message": "m \u{1f600}", "traceback": "", "request_method": "BROWSER",
                "request_url": "http://h/p?q", "release": "1", "event_id": "e", "timestamp": "2026-11-20T13:43:22.123Z",
                "platform": "javascript",
                "extra": {"user_agent": "Mozilla/5.0", "session_id": "s", "release": "1", "timestamp": "2026-11-20T13:43:22.123Z",
                          "context": {"user_id": "u", "x": [1]}},
            })
        );
        let nobody = report(&all, Wish::Anonymous);
        assert_eq!(nobody["request_url"], "http://h/p");
        assert_eq!(nobody["extra"]["context"], json!({"x": [1]}));
        assert_eq!(nobody["extra"]["session_id"], Value::Null);
        let told = json!({"type": "E", "message": "GET http://h/p?S failed", "url": "http://h/p?S", "session_id": "S",
            "stack": "E\n    at f (http://h/a.js?S:1:2)", "user": {"id": "S"}, "tags": {"user_id": "S", "x": "y"},
            "context": {"session_id": "S", "url": "/p?S", "cart": {"user_id": "S", "n": 1}}});
        let nobody = report(&told, Wish::Anonymous);
        assert!(!nobody.to_string().contains("S\""), "{nobody}");
        assert_eq!(nobody["traceback"], "E\n    at f (http://h/a.js:1:2)");
        assert_eq!(nobody["tags"], json!({"x": "y"}));
        assert_eq!(nobody["extra"]["context"], json!({"url": "/p", "cart": {"n": 1}}));
        let bare = report(
            &json!({"type": "", "message": "", "stack": "", "context": 5, "url": 5}),
            Wish::None,
        );
        assert_eq!(bare["extra"], json!({}));
        assert_eq!(bare["timestamp"], "2026-11-20T14:00:00.000Z");
        assert_eq!(bare["request_url"], Value::Null);
    }

    #[test]
    fn half_of_a_surrogate_pair_loses_no_event() {
        let error = read(br#"{"type":"E","message":"cut \ud83d","stack":""}"#).unwrap();
        assert_eq!(error.message, "cut \u{fffd}");
    }
}
