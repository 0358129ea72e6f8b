//! Answers compressed for those who can read it: gzip and zstd, text of more than 1 KiB.

use std::io::Write;

use bytes::Bytes;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, VARY};

use crate::{Body, Response};

/// Below this the header costs more than is saved.
const MIN_BYTES: usize = 1024;

/// A coding of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// The best coding that `Accept-Encoding` allows; a quality of 0 forbids.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let allows = |wanted: &str| {
            let lines = headers
                .get_all(ACCEPT_ENCODING)
                .into_iter()
                .filter_map(|value| value.to_str().ok());
            lines.flat_map(|line| line.split(',')).any(|item| {
                let mut parts = item.split(';').map(str::trim);
                let name = parts.next().unwrap_or("");
                let is_forbidden = parts.any(|q| matches!(q, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
                name.eq_ignore_ascii_case(wanted) && !is_forbidden
            })
        };
        if allows("zstd") {
            Some(Self::Zstd)
        } else if allows("gzip") {
            Some(Self::Gzip)
        } else {
            None
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// `level` 1 while a request waits, higher for assets at start.
    pub(crate) fn encode(self, bytes: &[u8], level: u32) -> Option<Bytes> {
        let encoded = match self {
            // Knowing the length beforehand: a stream at level 12 begins with tables of 47 MB, for any length.
            Self::Zstd => zstd::bulk::compress(bytes, level as i32).ok()?,
            Self::Gzip => {
                let out = Vec::with_capacity(bytes.len() / 3);
                let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(level.min(9)));
                encoder.write_all(bytes).ok()?;
                encoder.finish().ok()?
            }
        };
        (encoded.len() < bytes.len()).then(|| encoded.into())
    }
}

/// Compresses the body where that helps.
pub(crate) fn compress(response: &mut Response, coding: Option<Coding>) {
    let Body::Full(bytes) = response.body() else {
        return;
    };
    if bytes.len() < MIN_BYTES
        || !is_text(response.headers())
        || response.headers().contains_key(CONTENT_ENCODING)
    {
        return;
    }
    let encoded = coding.and_then(|coding| Some((coding, coding.encode(bytes, 1)?)));
    response
        .headers_mut()
        .append(VARY, HeaderValue::from_static("accept-encoding"));
    if let Some((coding, encoded)) = encoded {
        response
            .headers_mut()
            .insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
        *response.body_mut() = Body::Full(encoded);
    }
}

fn is_text(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("");
    [
        "text/",
        "application/json",
        "application/javascript",
        "application/openmetrics-text",
        "image/svg+xml",
    ]
    .iter()
    .any(|prefix| content_type.starts_with(prefix) && !content_type.starts_with("text/event-stream"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(accept: &str, expected: Option<Coding>) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(accept).unwrap());
        assert_eq!(Coding::accepted(&headers), expected, "{accept}");
    }

    #[test]
    fn the_best_accepted_coding_is_taken() {
        check("gzip, deflate, br, zstd", Some(Coding::Zstd));
        check("gzip, deflate", Some(Coding::Gzip));
        check("zstd;q=0, GZIP;q=0.5", Some(Coding::Gzip));
        check("br", None);
        check("", None);
    }
}
