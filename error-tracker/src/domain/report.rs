//! One error report, read from a request body and checked.

use std::borrow::Cow;

use api_types::{ErrorReport, Text};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use thiserror::Error;

use crate::domain::exception::{self, Exception};
use crate::domain::level::Level;
use crate::domain::noise::{self, Noise};
use crate::domain::rich::{MAX_TYPE_CHARS, Rich};
use crate::domain::{json_text, pieces};

/// Longest project name, in characters.
pub const MAX_PROJECT_CHARS: usize = 100;
/// An environment name is cut here, in characters: it is a filter, not a text.
const MAX_ENVIRONMENT_CHARS: usize = 100;
/// The `request_method` by which the browser relay marks what it forwards (contract §4.6).
pub const BROWSER_METHOD: &str = "BROWSER";

/// A report that may be filed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Who owns the data. May be empty.
    pub project: String,
    /// The exception's type.
    pub exception_type: String,
    /// The exception's message.
    pub message: String,
    /// Stack trace as text.
    pub traceback: String,
    /// prod, staging, …
    pub environment: Option<String>,
    /// URL of the request in which it happened.
    pub request_url: Option<String>,
    /// Its method; `BROWSER` for reports of the browser relay.
    pub request_method: Option<String>,
    /// Its headers: JSON text.
    pub request_headers: Option<String>,
    /// The user it happened to.
    pub user_id: Option<String>,
    /// JSON text.
    pub extra: Option<String>,
    /// Top-level `session_id` of `extra`.
    pub session_id: Option<String>,
    /// Version of the app.
    pub release: Option<String>,
    /// How bad it is.
    pub level: Level,
    /// Names and values to filter by; at most [`MAX_TAGS`].
    pub tags: Vec<(String, String)>,
    /// The client's own words on which reports are one bug; empty: none.
    pub fingerprint: Vec<String>,
    /// 32 lower-case hexadecimal digits.
    pub event_id: Option<String>,
    /// What is only shown of an event in pieces.
    pub rich: Option<Rich>,
}

impl Report {
    /// Whether the browser relay sent it.
    pub fn is_browser(&self) -> bool {
        self.request_method.as_deref() == Some(BROWSER_METHOD)
    }

    /// Why nobody can mend it, if so: only events of browsers are looked at.
    pub fn noise(&self) -> Option<Noise> {
        let platform = self.rich.as_ref().and_then(|rich| rich.platform.as_deref());
        if !self.is_browser() && platform != Some("javascript") {
            return None;
        }
        let headers = self
            .request_headers
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok());
        let extra = self
            .extra
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok());
        let user_agent =
            text_in(headers.as_ref(), "user-agent").or_else(|| text_in(extra.as_ref(), "user_agent"));
        let is_of_a_browser = |agent: &str| agent.starts_with("Mozilla/");
        if !self.is_browser() && !user_agent.is_some_and(is_of_a_browser) {
            return None;
        }
        noise::of(&noise::Facts {
            exception_type: &self.exception_type,
            message: &self.message,
            exceptions: &self.exceptions(),
            traceback: &self.traceback,
            is_from_browser: true,
            user_agent,
            page_url: text_in(extra.as_ref(), "page_url").or(self.request_url.as_deref()),
        })
    }

    /// With their frames, cause first; read from `traceback` where the client sent only that.
    pub fn exceptions(&self) -> Vec<Exception> {
        match &self.rich {
            Some(rich) if !rich.exceptions.is_empty() => rich.exceptions.clone(),
            _ => exception::of_trace(stacktrace::parse(&self.traceback)),
        }
    }

    /// [`Rich`] as bytes; none if there is nothing in it.
    pub fn packed(&self) -> Option<Vec<u8>> {
        self.rich.as_ref()?.pack()
    }

    /// What it can be found by, as the JSON text of a list of pairs; none if there is nothing.
    pub fn all_tags(&self) -> Option<String> {
        let named = [
            ("environment", self.environment.as_ref()),
            ("release", self.release.as_ref()),
            (
                "server_name",
                self.rich.as_ref().and_then(|rich| rich.server_name.as_ref()),
            ),
        ];
        let named = named.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
        let sent = self.tags.iter().map(|(name, value)| (name.as_str(), value));
        let own = |name: &str| !matches!(name, "environment" | "release" | "server_name");
        let all: Vec<_> = named.chain(sent.filter(|(name, _)| own(name))).collect();
        (!all.is_empty())
            .then(|| serde_json::to_string(&all).ok())
            .flatten()
    }

    /// What of it is only shown, as the JSON text that [`Details`] reads.
    pub fn details(&self) -> String {
        let texts = [
            ("request_url", &self.request_url),
            ("request_method", &self.request_method),
            ("user_id", &self.user_id),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(name, text)| Some((name, serde_json::to_string(text.as_deref()?).ok()?.into())));
        let json = [("request_headers", &self.request_headers), ("extra", &self.extra)];
        let json = json
            .into_iter()
            .filter_map(|(name, json)| Some((name, Cow::from(json.as_deref()?))));
        let mut out = String::from("{");
        for (name, value) in texts.chain(json) {
            let comma = if out.len() == 1 { "" } else { "," };
            out.extend([comma, "\"", name, "\":", &value]);
        }
        out.push('}');
        out
    }
}

/// A text in an object, whatever the case of its name.
fn text_in<'a>(object: Option<&'a Value>, name: &str) -> Option<&'a str> {
    let mut fields = object?.as_object()?.iter();
    let (_, value) = fields.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    value.as_str()
}

/// What of a report is only shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Details {
    /// URL of the request in which it happened.
    pub request_url: Option<String>,
    /// Its method; [`BROWSER_METHOD`] for reports of the browser relay.
    pub request_method: Option<String>,
    /// Its headers, as sent without blanks.
    pub request_headers: Option<Box<RawValue>>,
    /// The user it happened to.
    pub user_id: Option<String>,
    /// As sent without blanks.
    pub extra: Option<Box<RawValue>>,
}

/// Why a report is refused. The words are part of the contract.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No JSON at all.
    #[error("Invalid JSON")]
    NoJson,
    /// JSON, but a list, a number, …
    #[error("Request body must be a JSON object")]
    NoObject,
    /// Neither a list nor an object that holds one.
    #[error("Request body must be a JSON list of reports, or an object with it as 'errors'")]
    NoList,
    /// A required field is absent or no string.
    #[error("Missing required field: {0}")]
    Missing(&'static str),
    /// A field is over its limit.
    #[error("Field '{0}' exceeds maximum length of {1} characters")]
    TooLong(&'static str, usize),
    /// JSON nested beyond what any reader of our answers could take.
    #[error("Field '{0}' is nested deeper than {limit} levels", limit = json_text::MAX_DEPTH)]
    TooDeep(&'static str),
}

/// Reads and checks a request body. Broken text inside strings is mended rather than refused.
/// `default_project` is for reports that name none.
pub fn read(body: &[u8], default_project: Option<&str>) -> Result<Report, Refusal> {
    match parse(body) {
        Ok(report) if is_object(body) => check(report, default_project),
        _ => {
            let mended = json_text::mend(body);
            if !is_object(mended.as_bytes()) {
                let is_json = serde_json::from_str::<serde::de::IgnoredAny>(&mended).is_ok();
                return Err(if is_json {
                    Refusal::NoObject
                } else {
                    Refusal::NoJson
                });
            }
            check(
                parse(mended.as_bytes()).map_err(|_| Refusal::NoJson)?,
                default_project,
            )
        }
    }
}

/// The reports of a batch: a JSON list, or an object that holds it as `errors`.
pub fn items(body: &str) -> Result<Vec<&[u8]>, Refusal> {
    #[derive(Deserialize)]
    struct Batch<'a> {
        #[serde(borrow)]
        errors: Vec<&'a RawValue>,
    }
    if serde_json::from_str::<serde::de::IgnoredAny>(body).is_err() {
        return Err(Refusal::NoJson);
    }
    let items = match body.trim_start().starts_with('[') {
        true => serde_json::from_str::<Vec<&RawValue>>(body),
        false => serde_json::from_str::<Batch<'_>>(body).map(|batch| batch.errors),
    };
    let items = items.map_err(|_| Refusal::NoList)?;
    Ok(items.into_iter().map(|item| item.get().as_bytes()).collect())
}

fn parse(body: &[u8]) -> serde_json::Result<ErrorReport<'_>> {
    #[derive(Deserialize)]
    struct Message<'a> {
        #[serde(borrow, default)]
        message: Option<&'a RawValue>,
    }
    let mut report: ErrorReport<'_> = serde_json::from_slice(body)?;
    // An event's message may be an object; a plain report's may not, and is not looked for again.
    if report.message.is_absent() && report.traceback.is_absent() {
        report.message_object = serde_json::from_slice(body)
            .ok()
            .and_then(|it: Message<'_>| it.message);
    }
    Ok(report)
}

/// serde reads a struct from a list as well; the contract does not.
fn is_object(body: &[u8]) -> bool {
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn check(report: ErrorReport<'_>, default_project: Option<&str>) -> Result<Report, Refusal> {
    let pieces = pieces::read(&report);
    let text = |given: Text<'_>, found: Option<String>, name| match (optional(given), found) {
        (Some(text), _) | (None, Some(text)) => Ok(text),
        (None, None) => Err(Refusal::Missing(name)),
    };
    let default_project = default_project.map(str::to_owned);
    let default_project = default_project.or_else(|| pieces.is_event.then(String::new));
    let project = text(report.project, default_project, "project")?;
    let exception_type = text(report.exception_type, pieces.exception_type, "exception_type")?;
    let message = text(report.message, pieces.message, "message")?;
    let traceback = text(report.traceback, pieces.traceback, "traceback")?;
    bounded(&project, "project", MAX_PROJECT_CHARS)?;
    bounded(&exception_type, "exception_type", MAX_TYPE_CHARS)?;
    let request_headers = compacted(report.request_headers.map(|json| json.get()), "request_headers")?;
    let extra = compacted(report.extra.map(|json| json.get()), "extra")?;
    let environment = optional(report.environment).filter(|name| !name.is_empty());
    Ok(Report {
        project,
        exception_type,
        message,
        traceback,
        environment: environment.map(|name| name.chars().take(MAX_ENVIRONMENT_CHARS).collect()),
        request_url: optional(report.request_url).or(pieces.request_url),
        request_method: optional(report.request_method).or(pieces.request_method),
        request_headers: request_headers.or(pieces.request_headers),
        user_id: optional(report.user_id).or(pieces.user_id),
        session_id: extra.as_deref().and_then(session_id),
        extra,
        release: pieces.rich.release.clone(),
        level: pieces.rich.level.unwrap_or_default(),
        tags: pieces.rich.tags.clone(),
        fingerprint: pieces.fingerprint,
        event_id: pieces.rich.event_id.clone(),
        rich: (pieces.rich != Rich::default()).then_some(pieces.rich),
    })
}

fn optional(text: Text<'_>) -> Option<String> {
    text.0.map(|text| text.into_owned())
}

fn bounded(text: &str, name: &'static str, max_chars: usize) -> Result<(), Refusal> {
    let is_too_long = text.len() > max_chars && text.chars().count() > max_chars;
    if is_too_long {
        Err(Refusal::TooLong(name, max_chars))
    } else {
        Ok(())
    }
}

fn compacted(json: Option<&str>, name: &'static str) -> Result<Option<String>, Refusal> {
    // serde_json looks at escapes only where it unescapes, and this text it leaves alone.
    json.map(|json| json_text::mend(json.as_bytes()))
        .map(|json| json_text::compact(&json).ok_or(Refusal::TooDeep(name)))
        .transpose()
}

fn session_id(extra: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Extra<'a> {
        #[serde(borrow, default)]
        session_id: Text<'a>,
    }
    let is_candidate = extra.starts_with('{') && extra.contains("session_id");
    let extra: Extra<'_> = serde_json::from_str(extra).ok().filter(|_| is_candidate)?;
    optional(extra.session_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINIMAL: &str = r#"{"project":"p","exception_type":"E","message":"m","traceback":"t""#;

    fn with(rest: &str) -> Report {
        read(format!("{MINIMAL}{rest}}}").as_bytes(), None).unwrap()
    }

    fn check_refusal(body: &str, expected: &str) {
        assert_eq!(
            read(body.as_bytes(), None).unwrap_err().to_string(),
            expected,
            "{body}"
        );
    }

    #[test]
    fn refusals_use_the_words_of_the_contract() {
        check_refusal("", "Invalid JSON");
        check_refusal("{", "Invalid JSON");
        check_refusal("nonsense", "Invalid JSON");
        check_refusal("{\"project\":\"a\",\"project\":\"b\"}", "Invalid JSON");
        check_refusal("[\"a\",\"b\",\"c\",\"d\"]", "Request body must be a JSON object");
        check_refusal("12", "Request body must be a JSON object");
        check_refusal("{}", "Missing required field: project");
        check_refusal("{\"project\":1}", "Missing required field: project");
        check_refusal("{\"project\":\"p\"}", "Missing required field: exception_type");
        check_refusal(
            "{\"project\":\"p\",\"exception_type\":\"E\"}",
            "Missing required field: message",
        );
        check_refusal(
            "{\"project\":\"p\",\"exception_type\":\"E\",\"message\":\"\"}",
            "Missing required field: traceback",
        );
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        let body = |project: &str, kind: &str| {
            format!(r#"{{"project":"{project}","exception_type":"{kind}","message":"","traceback":""}}"#)
        };
        assert!(read(body(&"é".repeat(100), &"語".repeat(200)).as_bytes(), None).is_ok());
        check_refusal(
            &body(&"é".repeat(101), "E"),
            "Field 'project' exceeds maximum length of 100 characters",
        );
        check_refusal(
            &body("p", &"x".repeat(201)),
            "Field 'exception_type' exceeds maximum length of 200 characters",
        );
    }

    #[test]
    fn optional_fields_of_a_wrong_type_are_ignored() {
        let report =
            with(r#","request_url":7,"user_id":{"a":1},"environment":["x"],"unknown":null,"extra":null"#);
        assert_eq!(
            (
                report.request_url,
                report.user_id,
                report.environment,
                report.extra
            ),
            (None, None, None, None)
        );
    }

    #[test]
    fn any_json_is_kept_as_sent_without_blanks() {
        let report = with(r#","request_headers":{"A": "b  c"},"extra":[1.50, {"x" : null}]"#);
        assert_eq!(report.request_headers.as_deref(), Some(r#"{"A":"b  c"}"#));
        assert_eq!(report.extra.as_deref(), Some(r#"[1.50,{"x":null}]"#));
    }

    #[test]
    fn what_is_only_shown_is_read_back_as_it_came() {
        let report = with(
            r#","request_url":"/a?\"q\"=\u0000","request_headers":{"A": "b"},"user_id":"é","extra":[1.50]"#,
        );
        let details: Details = serde_json::from_str(&report.details()).unwrap();
        assert_eq!(details.request_url.as_deref(), Some("/a?\"q\"=\0"));
        assert_eq!(details.user_id.as_deref(), Some("é"));
        assert_eq!(details.request_headers.unwrap().get(), r#"{"A":"b"}"#);
        assert_eq!(details.extra.unwrap().get(), "[1.50]");
        assert_eq!(details.request_method, None);
        assert_eq!(with("").details(), "{}");
    }

    #[test]
    fn the_session_is_found_only_at_the_top_level_of_extra() {
        assert_eq!(
            with(r#","extra":{"a":{"session_id":"no"},"session_id":"s-1"}"#)
                .session_id
                .as_deref(),
            Some("s-1")
        );
        assert_eq!(with(r#","extra":{"a":{"session_id":"no"}}"#).session_id, None);
        assert_eq!(with(r#","extra":{"session_id":5}"#).session_id, None);
        assert_eq!(with(r#","extra":["session_id"]"#).session_id, None);
    }

    #[test]
    fn broken_text_is_mended_and_depth_refused() {
        assert_eq!(
            with(r#","user_id":"\ud800""#).user_id.as_deref(),
            Some("\u{fffd}")
        );
        let report = with(r#","extra":{"\udc00":"\ud800","session_id":"\ud800"}"#);
        assert_eq!(
            report.extra.as_deref(),
            Some(r#"{"\ufffd":"\ufffd","session_id":"\ufffd"}"#)
        );
        assert_eq!(report.session_id.as_deref(), Some("\u{fffd}"));
        let deep = format!(r#"{MINIMAL},"extra":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
        check_refusal(&deep, "Field 'extra' is nested deeper than 100 levels");
        let deep_unknown = format!(r#"{MINIMAL},"other":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
        assert!(read(deep_unknown.as_bytes(), None).is_ok());
    }
}
