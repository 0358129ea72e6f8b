//! The log viewer's own settings.

use std::path::PathBuf;
use std::time::Duration;

use config::{Reader, Unit};
use glob::Pattern;

/// One field per environment variable; `--help` prints the same table.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `LOG_SOURCES`
    pub log_sources: PathBuf,
    /// `CONTAINERS`; none means all.
    pub containers: Vec<Pattern>,
    /// `LOG_FILES`, each `[name=]glob`.
    pub log_files: Vec<String>,
    /// `POLL_INTERVAL`
    pub poll_interval: Duration,
    /// `TAIL_BUFFER`, in bytes; 0 means all.
    pub tail_buffer_bytes: u64,
    /// `MAX_LINE_BYTES`
    pub max_line_bytes: usize,
    /// `MAX_TAILS`
    pub max_tails: usize,
    /// `MAX_BATCH_BYTES`
    pub max_batch_bytes: usize,
    /// `MAX_ENTRIES`: entries kept.
    pub max_entries: u64,
    /// `MAX_DATABASE_MB`: largest database, in bytes; none: as large as it gets.
    pub max_database_bytes: Option<u64>,
    /// `RETENTION_DAYS`: how long an entry is kept; none: as long as there is room.
    pub retention_days: Option<u32>,
    /// `ALERT_*`, `SMTP_*`, `POSTMARK_*`
    pub alerts: alerts::Settings,
}

impl Settings {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let max_line_bytes = reader.bytes(
            "MAX_LINE_BYTES",
            1 << 20,
            1 << 10..=16 << 20,
            "Longest line, and largest entry, that is kept; the rest is cut off and the entry marked.",
        );
        let max_batch_bytes = reader.bytes(
            "MAX_BATCH_BYTES",
            8 << 20,
            1 << 10..=64 << 20,
            "Largest body of POST /api/logs, decoded.",
        );
        let max_database_mb = reader.number(
            "MAX_DATABASE_MB",
            2000,
            0..=1_000_000_u64,
            "Largest database, in MB: the oldest entries leave first. 0: as large as it gets.",
        );
        let retention_days = reader.number(
            "RETENTION_DAYS",
            30,
            0..=36_500_u32,
            "Days after which an entry is dropped. 0: it stays as long as there is room.",
        );
        Self {
            log_sources: PathBuf::from(reader.text(
                "LOG_SOURCES",
                "/var/lib/docker/containers",
                "Docker's folder of containers; it is only read. It may be missing.",
            )),
            containers: patterns(reader),
            log_files: log_files(reader),
            poll_interval: reader.duration(
                "POLL_INTERVAL",
                Duration::from_secs(2),
                Duration::from_millis(100)..=Duration::from_secs(3600),
                Unit::Seconds,
                "How often new logs are looked for, beside the watch on Docker's folder. Lines do not wait for it.",
            ),
            tail_buffer_bytes: reader.bytes(
                "TAIL_BUFFER",
                64 << 10,
                0..=1 << 50,
                "How much is taken of a log that is older than the first start of this service; 0 takes all of it.",
            ),
            max_line_bytes: usize::try_from(max_line_bytes).unwrap_or(usize::MAX),
            max_entries: reader.number(
                "MAX_ENTRIES",
                10_000_000,
                1..=10_000_000_000_u64,
                "Entries kept; the oldest leave first, of each container a fair share stays.",
            ),
            max_database_bytes: (max_database_mb > 0).then_some(max_database_mb * 1_000_000),
            retention_days: (retention_days > 0).then_some(retention_days),
            max_tails: reader.number("MAX_TAILS", 1000, 1..=100_000, "Live tails open at once."),
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(usize::MAX),
            alerts: alerts::Settings::read(
                reader,
                "Who gets a mail of logs that match a saved search.",
                "logs@example.com",
            ),
        }
    }
}

/// `CONTAINERS`: patterns of names.
fn patterns(reader: &mut Reader<'_>) -> Vec<Pattern> {
    let texts = reader.list(
        "CONTAINERS",
        "",
        "Names of the containers to follow; * and ? stand for any letters. Empty: all.",
    );
    let mut patterns = Vec::new();
    for text in texts {
        match Pattern::new(&text) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => reader.problem(format!("CONTAINERS: \"{text}\" is no pattern: {error}")),
        }
    }
    patterns
}

/// `LOG_FILES`: patterns of paths, each with or without a name before it.
fn log_files(reader: &mut Reader<'_>) -> Vec<String> {
    let texts = reader.list(
        "LOG_FILES",
        "",
        "Plain log files to follow, as patterns: /var/log/app/*.log, or name=/var/log/app/*.log. Rotated ones are found by themselves.",
    );
    for text in &texts {
        let glob = text.split_once('=').map_or(text.as_str(), |(_, glob)| glob);
        if let Err(error) = Pattern::new(glob) {
            reader.problem(format!("LOG_FILES: \"{text}\" is no pattern: {error}"));
        }
    }
    texts
}
