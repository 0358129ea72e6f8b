//! An id per request, for the log line and the answer's `X-Request-Id`.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::header::HeaderValue;

/// Longest id taken over from a caller.
const MAX_GIVEN_BYTES: usize = 64;

/// Makes ids: a random part per process, then a counter.
pub(crate) struct RequestIds {
    process: u32,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        let process = getrandom::u32().unwrap_or_else(|_| std::process::id());
        Self {
            process,
            next: AtomicU64::new(1),
        }
    }

    /// The caller's id if it is harmless text (a proxy traces by it), else a fresh one.
    pub(crate) fn assign(&self, given: Option<&HeaderValue>) -> HeaderValue {
        if let Some(given) = given.filter(|id| is_harmless(id.as_bytes())) {
            return given.clone();
        }
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        HeaderValue::try_from(format!("{:08x}-{n:x}", self.process))
            .expect("hexadecimal digits are a valid header value")
    }
}

fn is_harmless(id: &[u8]) -> bool {
    (1..=MAX_GIVEN_BYTES).contains(&id.len())
        && id
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_ids_are_kept_others_replaced() {
        let ids = RequestIds::new();
        let given = HeaderValue::from_static("trace-1.a:b_C");
        assert_eq!(ids.assign(Some(&given)), given);
        let hostile = HeaderValue::from_static("a b\"<script>");
        assert_ne!(ids.assign(Some(&hostile)), hostile);
        assert_ne!(ids.assign(None), ids.assign(None));
    }
}
