//! A request as a handler sees it: who asks, what for, and the body on demand.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use auth::Identity;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use hyper::http::request::Parts;
use hyper::{HeaderMap, Method, header};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, watch};

use crate::decode::{DecodeError, Encoding};
use crate::{Error, Query, Result};

/// Compressed bodies above this are decoded off the async threads.
const DECODE_INLINE_BYTES: usize = 64 * 1024;

/// What the server already found out about a request.
pub struct Request {
    pub(crate) parts: Parts,
    pub(crate) body: Option<Incoming>,
    pub(crate) params: Vec<(String, String)>,
    pub(crate) query: Query,
    pub(crate) identity: Option<Identity>,
    pub(crate) client: IpAddr,
    pub(crate) is_https: bool,
    pub(crate) max_body_bytes: usize,
    pub(crate) body_timeout: Duration,
    pub(crate) decoders: Arc<Semaphore>,
    /// Whether the server wants to end.
    pub(crate) is_closing: watch::Receiver<bool>,
}

impl Request {
    /// The method; `HEAD` arrives at handlers of `GET` as itself.
    pub fn method(&self) -> &Method {
        &self.parts.method
    }

    /// The path as sent, still percent-encoded.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query string as sent.
    pub fn query_text(&self) -> &str {
        self.parts.uri.query().unwrap_or("")
    }

    /// The decoded query string.
    pub fn query(&self) -> &Query {
        &self.query
    }

    /// A decoded path parameter. Empty if the route has none of this name.
    pub fn param(&self, name: &str) -> &str {
        self.params
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// A header, if it is given and visible ASCII.
    pub fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Who asks; present on every route that wants a key.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// The client's address, seen through trusted proxies.
    pub fn client(&self) -> IpAddr {
        self.client
    }

    /// Whether the browser spoke TLS to a trusted proxy.
    pub fn is_https(&self) -> bool {
        self.is_https
    }

    /// `http://host:port` as the caller knows us: for examples on pages, never for security decisions.
    pub fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        let host = self
            .header(header::HOST)
            .filter(|host| is_plain_host(host))
            .unwrap_or("localhost");
        format!("{scheme}://{host}")
    }

    /// Relative way from this path to the service's root: `""` at `/x`, `"../"` at `/x/y`.
    pub fn root(&self) -> String {
        root_of(self.path())
    }

    /// A cookie's value.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        cookie(&self.parts.headers, name)
    }

    /// The whole body, decoded. 413 beyond the route's limit, 415 for an unknown coding, 408 if it is slow.
    pub async fn bytes(&mut self) -> Result<Bytes> {
        let encoding = self.encoding().map_err(|()| unsupported_encoding())?;
        let Some(body) = self.body.take() else {
            return Ok(Bytes::new());
        };
        let wire = match tokio::time::timeout(self.body_timeout, collect(body, self.max_body_bytes)).await {
            Ok(wire) => wire?,
            Err(_) => {
                return Err(Error::new(
                    hyper::StatusCode::REQUEST_TIMEOUT,
                    "Request body took too long",
                ));
            }
        };
        match encoding {
            Some(encoding) if !wire.is_empty() => self.decode(encoding, wire).await,
            _ => Ok(wire),
        }
    }

    /// An `application/x-www-form-urlencoded` body.
    pub async fn form(&mut self) -> Result<Query> {
        let bytes = self.bytes().await?;
        Ok(Query::parse(&String::from_utf8_lossy(&bytes)))
    }

    /// A JSON body. 400 that says what it must be: `shape`, such as `{"text": a string}`.
    pub async fn json<T: DeserializeOwned>(&mut self, shape: &str) -> Result<T> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes).map_err(|_| Error::bad_request(format!("the body must be {shape}")))
    }

    /// The coding of the body; `Err` for one that we don't know or cannot read, or several.
    fn encoding(&self) -> Result<Option<Encoding>, ()> {
        let mut lines = self.parts.headers.get_all(header::CONTENT_ENCODING).iter();
        let first = lines.next().map(|line| line.to_str().map_err(drop)).transpose()?;
        match lines.next() {
            Some(_) => Err(()),
            None => Encoding::parse(first),
        }
    }

    async fn decode(&self, encoding: Encoding, wire: Bytes) -> Result<Bytes> {
        let max_bytes = self.max_body_bytes;
        let permit = self
            .decoders
            .clone()
            .acquire_owned()
            .await
            .map_err(Error::internal)?;
        let decoded = if wire.len() <= DECODE_INLINE_BYTES {
            encoding.decode(&wire, max_bytes)
        } else {
            tokio::task::spawn_blocking(move || encoding.decode(&wire, max_bytes))
                .await
                .map_err(Error::internal)?
        };
        drop(permit);
        match decoded {
            Ok(bytes) => Ok(bytes.into()),
            Err(DecodeError::TooLarge) => Err(Error::too_large()),
            Err(DecodeError::Malformed) => Err(Error::bad_request("Failed to decode request body")),
        }
    }
}

/// Reads a body of at most `max_bytes`; a body that came in one piece is not copied.
async fn collect(mut body: Incoming, max_bytes: usize) -> Result<Bytes> {
    let mut first = Bytes::new();
    let mut all = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|cause| Error::bad_request("Failed to read request body").with_cause(cause))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len() + all.len() + data.len() > max_bytes {
            return Err(Error::too_large());
        }
        if first.is_empty() && all.is_empty() {
            first = data;
            continue;
        }
        if all.is_empty() {
            all.reserve(body.size_hint().lower() as usize + first.len() + data.len());
            all.extend_from_slice(&std::mem::take(&mut first));
        }
        all.extend_from_slice(&data);
    }
    Ok(if all.is_empty() { first } else { all.freeze() })
}

fn unsupported_encoding() -> Error {
    Error::new(
        hyper::StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "Content-Encoding must be gzip, deflate, br or zstd",
    )
    .with_header(
        header::ACCEPT_ENCODING,
        header::HeaderValue::from_static("gzip, deflate, br, zstd"),
    )
}

/// See [`Request::root`].
pub(crate) fn root_of(path: &str) -> String {
    "../".repeat(path.matches('/').count().saturating_sub(1))
}

pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let lines = headers
        .get_all(header::COOKIE)
        .into_iter()
        .filter_map(|value| value.to_str().ok());
    let mut pairs = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(n, _)| *n == name).map(|(_, value)| value)
}

fn is_plain_host(host: &str) -> bool {
    !host.is_empty()
        && host.len() <= 255
        && host
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_climbs_one_step_for_each_folder() {
        for (path, root) in [
            ("/", ""),
            ("/login", ""),
            ("/errors/12", "../"),
            ("/errors/12/resolve", "../../"),
            ("*", ""),
        ] {
            assert_eq!(root_of(path), root, "{path}");
        }
    }

    #[test]
    fn cookies_are_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(
            header::COOKIE,
            header::HeaderValue::from_static("a=1; monlight=x.y=; b=2"),
        );
        assert_eq!(cookie(&headers, "monlight"), Some("x.y="));
        assert_eq!(cookie(&headers, "c"), None);
    }
}
