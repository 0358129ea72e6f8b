//! What every answer carries: request id, caching, and for pages the policy that keeps foreign script out.

use hyper::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};

use crate::Response;
use crate::compress::{self, Coding};

/// Only our own files; no inline script; Trusted Types, so that text can never become script.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

pub(crate) struct Finish {
    pub(crate) request_id: HeaderValue,
    pub(crate) coding: Option<Coding>,
    pub(crate) is_https: bool,
}

impl Finish {
    pub(crate) fn apply(self, response: &mut Response) {
        compress::compress(response, self.coding);
        let is_page = response
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
        let headers = response.headers_mut();
        headers.insert(HeaderName::from_static("x-request-id"), self.request_id);
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
        headers
            .entry("cross-origin-resource-policy")
            .or_insert(HeaderValue::from_static("same-origin"));
        if is_page {
            headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(PAGE_POLICY));
            // Not `no-referrer`: with it browsers send `Origin: null` for our own forms.
            headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
            headers.insert(
                "cross-origin-opener-policy",
                HeaderValue::from_static("same-origin"),
            );
            headers.insert(
                "cross-origin-embedder-policy",
                HeaderValue::from_static("require-corp"),
            );
        }
        if self.is_https {
            let year = HeaderValue::from_static("max-age=31536000");
            headers.insert(STRICT_TRANSPORT_SECURITY, year);
        }
    }
}
