//! The tracker's own settings; those of all services are in `service::CommonSettings`.

use config::Reader;

use crate::domain::noise::Noise;

/// One field per environment variable.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RETENTION_DAYS`: resolved groups are deleted this many days after they were resolved.
    pub retention_days: u32,
    /// `KEEP_OCCURRENCES`: reports kept of each group.
    pub keep_occurrences: u32,
    /// `MAX_DATABASE_MB`: largest database, in bytes; none: as large as it gets.
    pub max_database_bytes: Option<u64>,
    /// `MAX_BODY_BYTES`: largest report.
    pub max_body_bytes: usize,
    /// `MAX_BATCH_BYTES`: largest batch of reports.
    pub max_batch_bytes: usize,
    /// `SCRUB_FIELDS`: names whose values are never stored, beside the usual ones.
    pub scrub_fields: Vec<String>,
    /// `NOISE_FILTERS`: which events are counted and not stored.
    pub noise_filters: Vec<Noise>,
    /// `ALERT_*`, `SMTP_*`, `POSTMARK_*`.
    pub alerts: alerts::Settings,
}

/// Largest body of the contract, in bytes (§0.5).
const CONTRACT_MAX_BODY_BYTES: u64 = 262_144;

impl Settings {
    /// Reads the variables.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let retention_days = reader.number(
            "RETENTION_DAYS",
            90,
            1..=36_500,
            "Days after which a resolved group is deleted with all its occurrences.",
        );
        let keep_occurrences = reader.number(
            "KEEP_OCCURRENCES",
            50,
            1..=1000,
            "Reports kept of each group, the first, the newest and a spread between; all are counted.",
        );
        let max_body_bytes = reader.bytes(
            "MAX_BODY_BYTES",
            CONTRACT_MAX_BODY_BYTES,
            1024..=16 << 20,
            "Largest report.",
        );
        let max_batch_bytes = reader.bytes(
            "MAX_BATCH_BYTES",
            4 << 20,
            1024..=64 << 20,
            "Largest batch of reports.",
        );
        let scrub_fields = reader.list(
            "SCRUB_FIELDS",
            "",
            "Names whose values are never stored, beside password, token, cookie, … A leading ! takes one of those out.",
        );
        let max_database_mb = reader.number(
            "MAX_DATABASE_MB",
            2000,
            0..=1_000_000,
            "Largest database, in MB: what tells least leaves first, counts stay. 0: as large as it gets.",
        );
        let noise_filters = noise_filters(reader);
        let alerts = alerts::Settings::read(
            reader,
            "Who gets a mail of new and reopened errors.",
            "errors@example.com",
        );
        Self {
            retention_days,
            keep_occurrences,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(usize::MAX),
            max_database_bytes: (max_database_mb > 0).then_some(max_database_mb * 1_000_000),
            scrub_fields,
            noise_filters,
            alerts,
        }
    }
}

fn noise_filters(reader: &mut Reader<'_>) -> Vec<Noise> {
    let all = Noise::ALL.map(Noise::name).join(",");
    let names = reader.list(
        "NOISE_FILTERS",
        &all,
        "Events of browsers that are counted and not stored: extensions, scripts of others, crawlers, … none: all are.",
    );
    let names = names.iter().filter(|name| *name != "none");
    let filters = names.filter_map(|name| {
        let noise = Noise::read(name);
        if noise.is_none() {
            reader.problem(format!("NOISE_FILTERS holds '{name}', which is none of {all}"));
        }
        noise
    });
    filters.collect()
}
