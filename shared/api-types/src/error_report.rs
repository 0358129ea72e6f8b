//! What an app, or the browser relay, reports to the error tracker.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Text;

/// Body of `POST /api/errors`. The first four are required unless there is an `exception` or a `logentry`;
/// which are missing is for the tracker to say.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct ErrorReport<'a> {
    /// Who owns the data; at most 100 characters.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub project: Text<'a>,
    /// Name of the exception's type; at most 200 characters.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub exception_type: Text<'a>,
    /// The exception's message.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub message: Text<'a>,
    /// Stack trace as text, in whatever form the language prints it.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub traceback: Text<'a>,
    /// prod, staging, …
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub environment: Text<'a>,
    /// URL of the request in which it happened.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub request_url: Text<'a>,
    /// Method of that request; `BROWSER` marks reports of the browser relay.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub request_method: Text<'a>,
    /// Any JSON; usually an object of header names and values.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request_headers: Option<&'a RawValue>,
    /// The user it happened to.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub user_id: Text<'a>,
    /// Any JSON. A top-level `session_id` can be searched for.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<&'a RawValue>,
    /// fatal, error, warning, info, debug; a name or one of Python's numbers.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub level: Option<&'a RawValue>,
    /// Version of the app.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub release: Text<'a>,
    /// Host it ran on.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub server_name: Text<'a>,
    /// Object of names and values, or a list of pairs.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<&'a RawValue>,
    /// Object with id, username, email, ip_address.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub user: Option<&'a RawValue>,
    /// What happened before: a list, or an object that holds it as `values`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub breadcrumbs: Option<&'a RawValue>,
    /// List of strings that decides the group; `{{ default }}` stands for our own rule.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<&'a RawValue>,
    /// 32 hexadecimal digits, with or without hyphens: the same id twice counts once.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub event_id: Text<'a>,
    /// When it happened by the client's clock: RFC 3339, or Unix seconds as a number.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<&'a RawValue>,
    /// The exception with its causes and frames, in the shape of a Sentry event's.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<&'a RawValue>,
    /// Message of an event without an exception: text, or an object with `formatted` and `message`.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub logentry: Option<&'a RawValue>,
    /// `message` where it is an object, of the same shape.
    #[serde(skip)]
    pub message_object: Option<&'a RawValue>,
    /// Language or runtime: python, javascript, java, …
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub platform: Text<'a>,
    /// Route or job in which it happened.
    #[serde(borrow, default, skip_serializing_if = "Text::is_absent")]
    pub transaction: Text<'a>,
    /// The HTTP request in which it happened, in the shape of a Sentry event's.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub request: Option<&'a RawValue>,
    /// Runtime, device, system, …: an object of objects.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub contexts: Option<&'a RawValue>,
}
