//! What rich clients report beyond a message and a traceback, and its packed form in the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exception::Exception;
use super::level::Level;

/// Longest exception type, in characters.
pub const MAX_TYPE_CHARS: usize = 200;

/// Effort of zstd: a page of JSON takes some 20 µs.
const PACK_LEVEL: i32 = 3;

/// Largest [`Rich`] as JSON; it is cut to less when it is read.
const MAX_RICH_BYTES: usize = 16 << 20;

/// Most tags kept of a report.
pub const MAX_TAGS: usize = 50;

/// What an event in pieces has beyond a plain report, for its page only.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Rich {
    /// With their frames, cause first; empty where the traceback's text says all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
    /// What happened before, oldest first: objects.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub breadcrumbs: Vec<Value>,
    /// id, username, email, ip_address, …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<(String, String)>,
    /// Runtime, device, system, …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contexts: Option<Value>,
    /// Body, query and cookies of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    /// Host it ran on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// Route or job.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
    /// Language or runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// When it happened by the client's clock: Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<i64>,
    /// The client's id of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// Names and values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// How bad it is; none: an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// Version of the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
}

impl Rich {
    /// As bytes.
    pub fn pack(&self) -> Option<Vec<u8>> {
        let json = serde_json::to_vec(self).ok()?;
        zstd::bulk::compress(&json, PACK_LEVEL).ok()
    }

    /// The way back from [`Rich::pack`].
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let json = zstd::bulk::decompress(bytes, MAX_RICH_BYTES).ok()?;
        serde_json::from_slice(&json).ok()
    }
}
