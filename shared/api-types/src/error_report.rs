//! What an app, or the browser relay, reports to the error tracker.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Text;

/// Body of `POST /api/errors`. The first four are required; which are missing is for the tracker to say.
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
}
