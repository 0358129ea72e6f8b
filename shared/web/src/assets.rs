//! Files that are part of the binary: compressed when they are first asked for, immutable under a name with their hash.

use std::collections::HashMap;
use std::sync::OnceLock;

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY};

use crate::compress::Coding;
use crate::{Body, Error, Request, Response, ResponseExt, Result};

/// One embedded file.
pub struct File {
    /// Path below `/assets/`, with the content's hash in it.
    pub name: String,
    /// Value of `Content-Type`.
    pub content_type: &'static str,
    /// The content.
    pub bytes: &'static [u8],
}

struct Entry {
    content_type: &'static str,
    etag: HeaderValue,
    plain: Bytes,
    /// Made when a browser first asks: most ask for only one of them.
    gzip: OnceLock<Option<Bytes>>,
    zstd: OnceLock<Option<Bytes>>,
}

/// All embedded files, by name.
pub struct Assets {
    entries: HashMap<String, Entry>,
}

impl Assets {
    /// Nothing is compressed yet.
    pub fn new(files: impl IntoIterator<Item = File>) -> Self {
        let entries = files.into_iter().map(|file| {
            let entry = Entry {
                content_type: file.content_type,
                etag: HeaderValue::try_from(format!("\"{}\"", file.name))
                    .expect("asset names are plain ASCII"),
                plain: Bytes::from_static(file.bytes),
                gzip: OnceLock::new(),
                zstd: OnceLock::new(),
            };
            (file.name, entry)
        });
        Self {
            entries: entries.collect(),
        }
    }

    /// `GET /assets/{name}`.
    pub fn serve(&self, request: &Request, name: &str) -> Result<Response> {
        let entry = self
            .entries
            .get(name)
            .ok_or_else(|| Error::not_found("Not found"))?;
        let is_fresh = request
            .headers()
            .get(IF_NONE_MATCH)
            .is_some_and(|tags| names(tags, &entry.etag));
        let mut response = if is_fresh {
            Response::empty(StatusCode::NOT_MODIFIED)
        } else {
            entry.full(request)
        };
        let headers = response.headers_mut();
        headers.insert(ETAG, entry.etag.clone());
        headers.insert(
            CACHE_CONTROL,
            HeaderValue::from_static("public, max-age=31536000, immutable"),
        );
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        Ok(response)
    }
}

impl Entry {
    fn full(&self, request: &Request) -> Response {
        let encoded = Coding::accepted(request.headers()).and_then(|coding| self.encoded(coding));
        let (bytes, coding) = match encoded {
            Some((bytes, coding)) => (bytes, Some(coding)),
            None => (&self.plain, None),
        };
        let mut response = Response::new(Body::Full(bytes.clone()));
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(coding) = coding {
            response
                .headers_mut()
                .insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        }
        response
    }

    /// Whoever takes zstd takes gzip, should the first not make it smaller.
    fn encoded(&self, coding: Coding) -> Option<(&Bytes, Coding)> {
        let (kept, level, next) = match coding {
            Coding::Zstd => (&self.zstd, 12, Some(Coding::Gzip)),
            Coding::Gzip => (&self.gzip, 9, None),
        };
        let encoded = kept.get_or_init(|| coding.encode(&self.plain, level));
        match encoded {
            Some(bytes) => Some((bytes, coding)),
            None => self.encoded(next?),
        }
    }
}

/// Whether `If-None-Match` names the tag, weakly compared (RFC 9110 §13.1.2).
fn names(tags: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(tags), Ok(etag)) = (tags.to_str(), etag.to_str()) else {
        return false;
    };
    tags.trim() == "*"
        || tags
            .split(',')
            .any(|tag| tag.trim().trim_start_matches("W/") == etag)
}
