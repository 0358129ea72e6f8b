//! Answers: JSON, HTML, text, redirects. Headers common to all are added in `finish`.

use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION};
use hyper::{StatusCode, header};
use serde::Serialize;

use crate::{Body, Error};

/// An HTTP answer.
pub type Response = hyper::Response<Body>;

/// Constructors and small builders on [`Response`].
pub trait ResponseExt: Sized {
    /// JSON with the given status.
    fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Self;
    /// JSON text that is already written.
    fn json_text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Self;
    /// A page.
    fn html(status: StatusCode, page: String) -> Self;
    /// Plain text.
    fn text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Self;
    /// `303 See Other`: after a form, or to the login page. `location` is relative, so any path prefix works.
    fn see_other(location: &str) -> Self;
    /// No body.
    fn empty(status: StatusCode) -> Self;
    /// The same with one more header.
    fn with_header(self, name: HeaderName, value: HeaderValue) -> Self;
    /// `{"detail": …}` of an error.
    fn refusal(error: &Error) -> Self;
}

fn with_type(status: StatusCode, content_type: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

impl ResponseExt for Response {
    fn json<T: Serialize + ?Sized>(status: StatusCode, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(text) => Self::json_text(status, text),
            Err(cause) => Self::refusal(&Error::internal(cause)),
        }
    }

    fn json_text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Self {
        with_type(status, "application/json", Body::Full(text.into()))
    }

    fn html(status: StatusCode, page: String) -> Self {
        with_type(status, "text/html; charset=utf-8", page.into())
    }

    fn text(status: StatusCode, text: impl Into<bytes::Bytes>) -> Self {
        with_type(status, "text/plain; charset=utf-8", Body::Full(text.into()))
    }

    fn see_other(location: &str) -> Self {
        let Ok(location) = HeaderValue::try_from(location) else {
            return Self::refusal(&Error::bad_request("invalid redirect target"));
        };
        Self::empty(StatusCode::SEE_OTHER).with_header(LOCATION, location)
    }

    fn empty(status: StatusCode) -> Self {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() = status;
        response
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers_mut().append(name, value);
        self
    }

    fn refusal(error: &Error) -> Self {
        let mut body = serde_json::json!({ "detail": error.detail });
        let retry_after = error.retry_after_seconds();
        if error.status == StatusCode::TOO_MANY_REQUESTS {
            body["retry_after"] = retry_after.into();
        }
        let mut response = Self::json(error.status, &body);
        for (name, value) in &error.headers {
            response.headers_mut().append(name, value.clone());
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
            .headers_mut()
            .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
