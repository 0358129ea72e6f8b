//! A request ready to be sent. Always a POST; the sender adds `Host`, `User-Agent` and `Content-Length`.

use std::fmt;

use crate::endpoint::Endpoint;

/// What goes over the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingRequest {
    /// Where to.
    pub url: Endpoint,
    /// In lower case, with values that may be secret.
    pub headers: Vec<(&'static str, String)>,
    /// JSON, or text for ntfy.
    pub body: Vec<u8>,
}

/// Pieces shorter than this are no passwords, but words such as `api`.
const MIN_SECRET_BYTES: usize = 4;

impl OutgoingRequest {
    pub(crate) fn json(url: Endpoint, body: &serde_json::Value) -> OutgoingRequest {
        OutgoingRequest {
            url,
            headers: vec![("content-type", "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> OutgoingRequest {
        self.headers.push((name, value.into()));
        self
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(known, _)| *known == name);
        header.map(|(_, value)| value.as_str())
    }

    /// Whether a text holds a part of this request that may be a password: a server may echo what it got.
    pub(crate) fn gives_itself_away_in(&self, text: &str) -> bool {
        let credentials = ["authorization", "x-postmark-server-token"]
            .into_iter()
            .filter_map(|name| self.header(name))
            .flat_map(|value| value.split(' '))
            .map(str::to_owned);
        let text = text.to_lowercase();
        self.url
            .secrets()
            .into_iter()
            .chain(credentials)
            .filter(|secret| secret.len() >= MIN_SECRET_BYTES)
            .any(|secret| text.contains(&secret.to_lowercase()))
    }
}

impl fmt::Debug for OutgoingRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| *name).collect();
        f.debug_struct("OutgoingRequest")
            .field("url", &self.url)
            .field("headers", &names)
            .field("body_bytes", &self.body.len())
            .finish()
    }
}
