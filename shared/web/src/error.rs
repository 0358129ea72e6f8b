//! The one error of a handler: what the caller is told, and what only the log is told.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

/// Result of a handler.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A refusal: `{"detail": …}` with a status. The cause goes to the log, never to the caller.
#[derive(Debug)]
pub struct Error {
    /// Status of the answer.
    pub status: StatusCode,
    /// Sentence for the caller.
    pub detail: Cow<'static, str>,
    /// When to try again: `Retry-After`, whole seconds rounded up.
    pub retry_after: Option<Duration>,
    /// For the log only.
    pub cause: Option<String>,
    /// Further headers, for example `Allow`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Error {
    /// An error with any status.
    pub fn new(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            detail: detail.into(),
            retry_after: None,
            cause: None,
            headers: Vec::new(),
        }
    }

    /// 400: the request is malformed; `detail` names what is wrong with it.
    pub fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// 401: no valid key. RFC 9110 §11.6.1 wants a challenge.
    pub fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Invalid API key").with_header(
            hyper::header::WWW_AUTHENTICATE,
            HeaderValue::from_static("Bearer realm=\"monlight\""),
        )
    }

    /// 403: known, but not allowed.
    pub fn forbidden(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// 404: no such thing.
    pub fn not_found(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    /// 413: more than `Policy::body_bytes`.
    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "Request body exceeds maximum size")
    }

    /// 429 with the time after which a try can succeed.
    pub fn too_many(retry_after: Duration) -> Self {
        let mut error = Self::new(StatusCode::TOO_MANY_REQUESTS, "Rate limit exceeded");
        error.retry_after = Some(retry_after);
        error
    }

    /// 503: overloaded or not able right now; the same request may succeed later.
    pub fn unavailable(detail: impl Into<Cow<'static, str>>, retry_after: Duration) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, detail);
        error.retry_after = Some(retry_after);
        error
    }

    /// 500: the caller learns nothing, the log everything.
    pub fn internal(cause: impl fmt::Display) -> Self {
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal server error");
        error.cause = Some(cause.to_string());
        error
    }

    /// Adds a header to the answer.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds a cause for the log.
    pub fn with_cause(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Whole seconds for `Retry-After`, at least one.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after
            .map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0))
            .map(|s| s.max(1))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status.as_u16(), self.detail)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let seconds = |ms| Error::too_many(Duration::from_millis(ms)).retry_after_seconds();
        assert_eq!(seconds(0), Some(1));
        assert_eq!(seconds(1), Some(1));
        assert_eq!(seconds(1000), Some(1));
        assert_eq!(seconds(1001), Some(2));
    }
}
