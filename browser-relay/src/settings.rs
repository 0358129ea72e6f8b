//! The relay's own settings.

use std::time::Duration;

use config::{Reader, Secret, Unit};
use http_client::Base;
use service::CommonSettings;

use crate::domain::backend::Backend;
use crate::domain::dsn_key;
use crate::domain::origin::Pattern;
use crate::domain::privacy::DoNotTrack;

/// One field per environment variable.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `ERROR_TRACKER_URL`, `ERROR_TRACKER_API_KEY`; likewise for the other two. Only those that run.
    pub backends: Vec<(Backend, Base, Secret)>,
    /// `DSN_KEYS`: projects and keys.
    pub dsn_keys: Vec<(String, String)>,
    /// `CORS_ORIGINS`
    pub cors_origins: Vec<Pattern>,
    /// `MAX_BODY_SIZE`
    pub max_body_bytes: usize,
    /// `MAX_SOURCE_MAP_MB`, in bytes.
    pub max_source_map_bytes: usize,
    /// `RETENTION_DAYS`
    pub retention_days: u32,
    /// `DSN_RATE_LIMIT`: requests a minute of all holders of one key together.
    pub dsn_rate_limit: u32,
    /// `OUTBOX_MAX_MB`, in bytes.
    pub outbox_max_bytes: u64,
    /// `OUTBOX_MAX_AGE`
    pub outbox_max_age: Duration,
    /// `UPSTREAM_TIMEOUT`: how long a browser waits for a service behind before its event is queued.
    pub upstream_timeout: Duration,
    /// `STORE_IP`
    pub stores_ip: bool,
    /// `DO_NOT_TRACK`
    pub do_not_track: DoNotTrack,
    /// `SCRUB_FIELDS`
    pub scrub_fields: Vec<String>,
    /// `RATE_LIMIT`, of the common settings: requests a minute of one address.
    pub rate_limit: u32,
}

impl Settings {
    /// Reads the variables.
    pub fn read(reader: &mut Reader<'_>, common: &CommonSettings) -> Self {
        Self::read_with(reader, common.rate_limit)
    }

    pub(crate) fn read_with(reader: &mut Reader<'_>, rate_limit: u32) -> Self {
        Self {
            backends: backends(reader),
            dsn_keys: dsn_keys(reader),
            cors_origins: cors_origins(reader),
            max_body_bytes: bytes(reader.bytes(
                "MAX_BODY_SIZE",
                65_536,
                1024..=4 << 20,
                "Largest body from a browser, in bytes, packed and unpacked.",
            )),
            max_source_map_bytes: bytes(
                reader.number("MAX_SOURCE_MAP_MB", 50_u64, 1..=500, "Largest source map, in MB, unpacked.") << 20,
            ),
            retention_days: reader.number(
                "RETENTION_DAYS",
                90,
                1..=36_500,
                "Days after which a source map is deleted.",
            ),
            dsn_rate_limit: reader.number(
                "DSN_RATE_LIMIT",
                60_000,
                0..=1_000_000_000,
                "Requests a minute with one DSN key, unless the key has a limit of its own; 0 for no limit.",
            ),
            outbox_max_bytes: reader.number(
                "OUTBOX_MAX_MB",
                64_u64,
                1..=100_000,
                "Most that may wait for services that are down, in MB; when it is full, browsers are told to come back.",
            ) << 20,
            outbox_max_age: reader.duration(
                "OUTBOX_MAX_AGE",
                Duration::from_secs(24 * 3600),
                Duration::from_secs(1)..=Duration::from_secs(2 * 24 * 3600),
                Unit::Seconds,
                "How long an event may wait before it is given up.",
            ),
            upstream_timeout: reader.duration(
                "UPSTREAM_TIMEOUT",
                Duration::from_secs(3),
                Duration::from_millis(50)..=Duration::from_secs(20),
                Unit::Seconds,
                "How long a browser waits for the service behind before its event is queued instead.",
            ),
            stores_ip: reader.boolean(
                "STORE_IP",
                false,
                "Whether the visitor's address goes with an error.",
            ),
            do_not_track: reader.choice(
                "DO_NOT_TRACK",
                "anonymous",
                &[
                    ("anonymous", DoNotTrack::Anonymous),
                    ("drop", DoNotTrack::Drop),
                    ("ignore", DoNotTrack::Ignore),
                ],
                "For browsers that send DNT or Sec-GPC: anonymous leaves out session, user and query; drop keeps nothing.",
            ),
            scrub_fields: reader.list(
                "SCRUB_FIELDS",
                "",
                "Names whose values never reach the disk of the outbox, beside password, token, cookie, …",
            ),
            rate_limit,
        }
    }
}

fn bytes(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn backends(reader: &mut Reader<'_>) -> Vec<(Backend, Base, Secret)> {
    let rows = [
        (
            Backend::Tracker,
            (
                "ERROR_TRACKER_URL",
                "Address of the error tracker. Not set: errors are counted and dropped.",
            ),
            (
                "ERROR_TRACKER_API_KEY",
                "Its key, with the scope ingest; with read and admin too, late source maps reach events that it has already.",
            ),
        ),
        (
            Backend::Collector,
            (
                "METRICS_COLLECTOR_URL",
                "Address of the metrics collector. Not set: metrics are counted and dropped.",
            ),
            ("METRICS_COLLECTOR_API_KEY", "Its key, with the scope ingest."),
        ),
        (
            Backend::LogViewer,
            (
                "LOG_VIEWER_URL",
                "Address of the log viewer. Not set: logs are counted and dropped.",
            ),
            ("LOG_VIEWER_API_KEY", "Its key, with the scope ingest."),
        ),
    ];
    let mut found = Vec::new();
    for (backend, (url, url_meaning), (key, key_meaning)) in rows {
        let text = reader.optional_text(url, url_meaning);
        let secret = reader.secret(key, key_meaning);
        let Some(text) = text else { continue };
        match (text.parse::<Base>(), secret) {
            (Ok(base), Some(secret)) => found.push((backend, base, secret)),
            (Err(cause), _) => reader.problem(format!("{url} is '{text}': {cause}")),
            (Ok(_), None) => reader.problem(format!("{url} is set but {key} is not")),
        }
    }
    found
}

fn dsn_keys(reader: &mut Reader<'_>) -> Vec<(String, String)> {
    let items = reader.list(
        "DSN_KEYS",
        "",
        "Keys to make at start if they do not exist yet: a comma list of project:key.",
    );
    let keys = items.iter().filter_map(|item| {
        let seed = dsn_key::seed(item);
        if seed.is_none() {
            tracing::warn!("DSN_KEYS holds an item that is not of the form project:key; it is skipped");
        }
        seed
    });
    keys.collect()
}

fn cors_origins(reader: &mut Reader<'_>) -> Vec<Pattern> {
    let items = reader.list(
        "CORS_ORIGINS",
        "",
        "Origins whose pages may call, besides those of keys: https://shop.example.com, https://*.example.com, or *.",
    );
    match Pattern::read_all(items.iter().map(String::as_str)) {
        Ok(patterns) => patterns,
        Err(cause) => {
            reader.problem(format!("CORS_ORIGINS: {cause}"));
            Vec::new()
        }
    }
}
