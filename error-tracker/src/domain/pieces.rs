//! What a report says beyond its plain fields, and an event in pieces says instead of them: the shape of Sentry's
//! events <https://develop.sentry.dev/sdk/data-model/event-payloads/>. Nothing here is refused: what has no sense
//! is left out, what is too large is cut.

use api_types::{ErrorReport, Text};
use serde_json::Value;
use serde_json::value::RawValue;

use super::exception::{self, Exception};
use super::lenient::{cut, field, items, pairs, text, trimmed};
use super::level::Level;
use super::rich::{MAX_TAGS, MAX_TYPE_CHARS, Rich};
use super::time_text;

const MAX_NAME_CHARS: usize = 200;
const MAX_MESSAGE_CHARS: usize = 8192;
const MAX_BREADCRUMBS: usize = 100;
/// Strings of a fingerprint.
const MAX_FINGERPRINT_PARTS: usize = 20;
/// Bounds of what is only shown: characters of a text, items of a list, levels.
const SHOWN: (usize, usize, usize) = (1024, 100, 6);

/// What the pieces of a report come to.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// It can do without the fields that a plain report must have.
    pub(super) is_event: bool,
    pub(super) exception_type: Option<String>,
    pub(super) message: Option<String>,
    pub(super) traceback: Option<String>,
    pub(super) request_url: Option<String>,
    pub(super) request_method: Option<String>,
    /// JSON text.
    pub(super) request_headers: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) fingerprint: Vec<String>,
    pub(super) rich: Rich,
}

pub(super) fn read(report: &ErrorReport<'_>) -> Pieces {
    let exceptions = value(report.exception)
        .map(|it| exception::read(&it))
        .unwrap_or_default();
    let log_message = value(report.logentry)
        .or_else(|| value(report.message_object))
        .and_then(|it| message_of(&it));
    let is_event = !exceptions.is_empty() || log_message.is_some() || is_bare_event(report);
    let (user_id, user) = user(report.user);
    let mut pieces = Pieces {
        is_event,
        user_id,
        fingerprint: value(report.fingerprint)
            .map(|it| fingerprint(&it))
            .unwrap_or_default(),
        ..Pieces::default()
    };
    if is_event {
        name(&mut pieces, report, &exceptions, log_message);
    }
    let request = value(report.request);
    if let Some(request) = &request {
        pieces.request_url = field(request, "url", SHOWN.0);
        pieces.request_method = field(request, "method", MAX_NAME_CHARS);
        let headers = request
            .get("headers")
            .map(|it| pairs(it, SHOWN.0))
            .unwrap_or_default();
        pieces.request_headers = (!headers.is_empty()).then(|| {
            Value::Object(
                headers
                    .into_iter()
                    .map(|(name, value)| (name, value.into()))
                    .collect(),
            )
            .to_string()
        });
    }
    let name = |given: &Text<'_>| {
        let given = given.as_str().map(str::trim).filter(|it| !it.is_empty());
        given.map(|it| cut(it.to_owned(), MAX_NAME_CHARS))
    };
    pieces.rich = Rich {
        exceptions,
        breadcrumbs: value(report.breadcrumbs)
            .map(|it| breadcrumbs(&it))
            .unwrap_or_default(),
        user,
        contexts: shown(value(report.contexts)),
        request: shown(request.map(without_headers)),
        server_name: name(&report.server_name),
        transaction: name(&report.transaction),
        platform: name(&report.platform),
        occurred_at: value(report.timestamp).and_then(|it| time(&it)),
        event_id: report.event_id.as_str().and_then(event_id),
        tags: value(report.tags).map(|it| tags(&it)).unwrap_or_default(),
        level: value(report.level).and_then(|it| Level::read(&it)),
        release: name(&report.release),
    };
    pieces
}

fn value(json: Option<&RawValue>) -> Option<Value> {
    serde_json::from_str(json?.get())
        .ok()
        .filter(|value: &Value| !value.is_null())
}

/// An event with neither exception nor message, such as one that holds only threads: its id tells that it is one.
fn is_bare_event(report: &ErrorReport<'_>) -> bool {
    let is_plain = !report.exception_type.is_absent() || !report.traceback.is_absent();
    !is_plain && (!report.event_id.is_absent() || !report.platform.is_absent())
}

/// Type, message and traceback of an event that has them in pieces.
fn name(
    pieces: &mut Pieces,
    report: &ErrorReport<'_>,
    exceptions: &[Exception],
    log_message: Option<String>,
) {
    let last = exceptions.last();
    let kind = last.and_then(|it| it.kind.clone());
    let kind = kind.unwrap_or_else(|| if last.is_some() { "Error" } else { "Message" }.to_owned());
    pieces.exception_type = Some(cut(kind, MAX_TYPE_CHARS - 1));
    let message = last.and_then(|it| it.value.clone()).or(log_message);
    let message = message.or_else(|| report.transaction.as_str().map(str::to_owned));
    pieces.message = Some(cut(message.unwrap_or_default(), MAX_MESSAGE_CHARS));
    pieces.traceback = Some(exception::to_text(exceptions));
}

/// Text, or an object with the formatted text, or with a pattern and its parameters.
fn message_of(value: &Value) -> Option<String> {
    let found = text(value)
        .or_else(|| field(value, "formatted", MAX_MESSAGE_CHARS))
        .or_else(|| field(value, "message", MAX_MESSAGE_CHARS))?;
    (!found.is_empty()).then_some(found)
}

fn user(json: Option<&RawValue>) -> (Option<String>, Vec<(String, String)>) {
    let Some(user) = value(json) else {
        return (None, Vec::new());
    };
    let mut fields = pairs(&user, MAX_NAME_CHARS);
    // What SDKs write for "take the address of the connection", which would be the app's server here.
    fields.retain(|(_, value)| value != "{{auto}}" && !value.is_empty());
    fields.truncate(MAX_TAGS);
    let id = ["id", "email", "username", "ip_address"]
        .iter()
        .find_map(|wanted| {
            let (_, value) = fields.iter().find(|(name, _)| name == wanted)?;
            Some(value.clone())
        });
    (id, fields)
}

fn fingerprint(value: &Value) -> Vec<String> {
    let parts = value
        .as_array()
        .map_or(std::slice::from_ref(value), Vec::as_slice);
    let parts = parts
        .iter()
        .filter_map(text)
        .map(|part| cut(part, MAX_NAME_CHARS));
    parts.take(MAX_FINGERPRINT_PARTS).collect()
}

fn tags(value: &Value) -> Vec<(String, String)> {
    let mut tags = pairs(value, MAX_NAME_CHARS);
    tags.retain(|(name, value)| !name.is_empty() && !value.is_empty());
    tags.sort();
    tags.dedup_by(|a, b| a.0 == b.0);
    tags.truncate(MAX_TAGS);
    tags
}

fn breadcrumbs(value: &Value) -> Vec<Value> {
    let all = items(value);
    let newest = &all[all.len().saturating_sub(MAX_BREADCRUMBS)..];
    newest
        .iter()
        .filter(|crumb| crumb.is_object())
        .map(|crumb| trimmed(crumb, SHOWN.0, SHOWN.1, SHOWN.2))
        .collect()
}

fn shown(value: Option<Value>) -> Option<Value> {
    let is_empty = |value: &Value| value.as_object().is_some_and(serde_json::Map::is_empty);
    let value = value.filter(|it| !is_empty(it))?;
    Some(trimmed(&value, SHOWN.0, SHOWN.1, SHOWN.2))
}

/// What of a request is not shown elsewhere.
fn without_headers(mut request: Value) -> Value {
    if let Value::Object(request) = &mut request {
        request
            .retain(|name, value| !matches!(name.as_str(), "url" | "method" | "headers") && !value.is_null());
    }
    request
}

/// RFC 3339 text, or Unix seconds as a number or text.
pub(crate) fn time(value: &Value) -> Option<i64> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => match text.parse() {
            Ok(seconds) => seconds,
            Err(_) => return time_text::parse(text),
        },
        _ => return None,
    };
    // Years 1970 to 2286: anything else is no time in seconds.
    (seconds > 0. && seconds < 1e10).then_some((seconds * 1000.) as i64)
}

/// 32 hexadecimal digits, with or without hyphens.
fn event_id(text: &str) -> Option<String> {
    let id: String = text.chars().filter(|digit| *digit != '-').collect();
    let is_id = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| id.to_ascii_lowercase())
}
