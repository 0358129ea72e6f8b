//! The collector's own settings; those of all services are in `service::CommonSettings`.

use std::path::PathBuf;
use std::time::Duration;

use config::{Reader, Secret, Unit};

use crate::domain::requests::period::Kept;
use crate::domain::resolution::Retention;
use crate::domain::vantage::quartiles::Sensitivity;
use crate::registry::Limits;
use crate::target::{Target, Targets};

/// One field per environment variable.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `RETENTION_RAW`, `RETENTION_MINUTE`, `RETENTION_FIVE_MINUTES`, `RETENTION_HOURLY`
    pub retention: Retention,
    /// `RETENTION_REQUESTS_MINUTE`, `RETENTION_REQUESTS_FIVE_MINUTES`, `RETENTION_REQUESTS_HOURLY`
    pub requests_kept: Kept,
    /// `MAX_SERIES`, `MAX_LABEL_VALUES`
    pub limits: Limits,
    /// `MAX_BODY_BYTES`: largest request with metrics.
    pub max_body_bytes: usize,
    /// `FLUSH_INTERVAL`: how often what is over is written from memory to chunks.
    pub flush_interval: Duration,
    /// `MAX_DATABASE_MB`: largest database, in bytes; none: as large as it gets.
    pub max_database_bytes: Option<u64>,
    /// `MALTI_CONFIG_PATH`: keys and thresholds of Malti's clients.
    pub malti_config: Option<PathBuf>,
    /// `SCRAPE_…`
    pub scrape: ScrapeSettings,
    /// `VANTAGE_KEYS`: who may use Vantage's doors without a key.
    pub vantage_keys: VantageKeys,
    /// `VANTAGE_RATE_LIMIT`: requests a minute of an address on Vantage's paths; 0: as many as come.
    pub vantage_per_minute: u32,
    /// `VANTAGE_ALERTS`: how soon a value of Vantage's metrics is unusual; none: nobody looks.
    pub vantage_alerts: Option<Sensitivity>,
    /// `ALERT_INTERVAL`: how often the rules of alerts are looked at.
    pub alert_every: Duration,
    /// `ALERT_*`, `SMTP_*`, `POSTMARK_*`
    pub alerts: alerts::Settings,
}

/// Whether Vantage's doors want a key. Its agent sends none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VantageKeys {
    /// As all others do.
    Required,
    /// Not for metrics from programs on this machine.
    Local,
    /// Neither to send nor to read.
    Optional,
}

/// Whom to ask for metrics, and how.
#[derive(Debug, Clone)]
pub struct ScrapeSettings {
    /// `SCRAPE_TARGETS`
    pub targets: Vec<Target>,
    /// `SCRAPE_INTERVAL`
    pub every: Duration,
    /// `SCRAPE_TIMEOUT`; not longer than the interval.
    pub timeout: Duration,
    /// `SCRAPE_MAX_BODY_BYTES`
    pub max_body_bytes: usize,
    /// `SCRAPE_TOKEN`
    pub token: Option<Secret>,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl Settings {
    /// Reads the variables.
    pub fn read(reader: &mut Reader<'_>) -> Self {
        let mut kept = |name, default, unit, meaning| {
            let time = reader.duration(name, default, HOUR..=3660 * DAY, unit, meaning);
            i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
        };
        let retention = Retention {
            raw_ms: kept(
                "RETENTION_RAW",
                HOUR,
                Unit::Hours,
                "How long samples are kept one by one, and how late one may come.",
            ),
            minute_ms: kept(
                "RETENTION_MINUTE",
                24 * HOUR,
                Unit::Hours,
                "How long minutes are kept.",
            ),
            five_minutes_ms: kept(
                "RETENTION_FIVE_MINUTES",
                7 * DAY,
                Unit::Days,
                "How long buckets of five minutes are kept.",
            ),
            hour_ms: kept(
                "RETENTION_HOURLY",
                30 * DAY,
                Unit::Days,
                "How long hours are kept.",
            ),
        };
        let requests_kept = Kept {
            minutes_ms: kept(
                "RETENTION_REQUESTS_MINUTE",
                7 * DAY,
                Unit::Days,
                "How long minutes of API requests are kept.",
            ),
            five_minutes_ms: kept(
                "RETENTION_REQUESTS_FIVE_MINUTES",
                90 * DAY,
                Unit::Days,
                "How long five minutes of API requests are kept.",
            ),
            hours_ms: kept(
                "RETENTION_REQUESTS_HOURLY",
                720 * DAY,
                Unit::Days,
                "How long hours of API requests are kept, and how late one may come.",
            ),
        };
        let limits = Limits {
            series: reader.number(
                "MAX_SERIES",
                100_000,
                100..=10_000_000,
                "Series at once, and likewise groups of API requests; labels of what comes beyond say __other__.",
            ),
            label_values: reader.number(
                "MAX_LABEL_VALUES",
                2_000,
                1..=10_000_000,
                "Different values of one label of one metric, and different consumers, endpoints and so on of API requests; what comes beyond says __other__.",
            ),
        };
        let max_body_bytes = reader.bytes(
            "MAX_BODY_BYTES",
            4 << 20,
            1024..=64 << 20,
            "Largest request with metrics.",
        );
        let flush_interval = reader.duration(
            "FLUSH_INTERVAL",
            Duration::from_secs(30),
            Duration::from_millis(10)..=HOUR,
            Unit::Seconds,
            "How often windows of two hours that are over, and samples that came late, are packed; until then they are in memory and journal.",
        );
        let max_database_mb: u64 = reader.number(
            "MAX_DATABASE_MB",
            2000,
            0..=1_000_000,
            "Largest database, in MB: the oldest samples leave first, then minutes, then hours. 0: as large as it gets.",
        );
        Self {
            retention,
            requests_kept,
            limits,
            flush_interval,
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            max_database_bytes: (max_database_mb > 0).then_some(max_database_mb * 1_000_000),
            malti_config: reader
                .optional_text(
                    "MALTI_CONFIG_PATH",
                    "Malti's file (malti.toml) with the keys of services and users, and thresholds; taken up when it changes. Without it Malti's clients are refused.",
                )
                .map(PathBuf::from),
            scrape: ScrapeSettings::read(reader),
            vantage_keys: reader.choice(
                "VANTAGE_KEYS",
                "local",
                &[
                    ("required", VantageKeys::Required),
                    ("local", VantageKeys::Local),
                    ("optional", VantageKeys::Optional),
                ],
                "Whether Vantage's doors want a key, which its agent cannot send. local: not for metrics that programs on this machine send; optional: neither to send nor to read, from wherever this service is reached; required: always.",
            ),
            vantage_per_minute: reader.number(
                "VANTAGE_RATE_LIMIT",
                1000,
                0..=10_000_000,
                "Requests a minute, and at once, of one address on Vantage's paths, with a key or without; RATE_LIMIT does not count there. 0: as many as come.",
            ),
            vantage_alerts: reader.choice(
                "VANTAGE_ALERTS",
                "medium",
                &[
                    ("off", None),
                    ("low", Some(Sensitivity::LOW)),
                    ("medium", Some(Sensitivity::MEDIUM)),
                    ("high", Some(Sensitivity::HIGH)),
                    ("very_high", Some(Sensitivity::VERY_HIGH)),
                ],
                "Whether the newest value of each metric of Vantage's agents is held against its last week, and how soon it is unusual: from 3 (low) to 1.5 (very_high) standard deviations. Told by /alerts/ only, to nobody else.",
            ),
            alert_every: reader.duration(
                "ALERT_INTERVAL",
                Duration::from_secs(15),
                Duration::from_secs(1)..=HOUR,
                Unit::Seconds,
                "How often the rules of alerts are looked at; Vantage's metrics are each fourth time.",
            ),
            alerts: alerts::Settings::read(
                reader,
                "Who gets a mail of metrics beyond their thresholds.",
                "metrics@example.com",
            ),
        }
    }
}

impl ScrapeSettings {
    fn read(reader: &mut Reader<'_>) -> Self {
        let targets: Option<Targets> = reader.optional_parsed(
            "SCRAPE_TARGETS",
            "a list such as http://box:9100/metrics, shop=https://shop.example/metrics",
            "Exporters to ask for metrics in Prometheus' text format, or OpenMetrics, by commas or line ends, each with its job's name before it if you like: node=http://box:9100/metrics. SCRAPE_TARGETS_FILE names a file with such a list.",
        );
        let every = reader.duration(
            "SCRAPE_INTERVAL",
            Duration::from_secs(15),
            Duration::from_secs(1)..=HOUR,
            Unit::Seconds,
            "How often each target is asked.",
        );
        let timeout = reader.duration(
            "SCRAPE_TIMEOUT",
            Duration::from_secs(10),
            Duration::from_millis(100)..=HOUR,
            Unit::Seconds,
            "How long a target may take; never longer than the interval.",
        );
        let max_body_bytes = reader.bytes(
            "SCRAPE_MAX_BODY_BYTES",
            8 << 20,
            1024..=256 << 20,
            "Longest answer of a target; a longer one is not read.",
        );
        Self {
            targets: targets.unwrap_or_default().0,
            every,
            timeout: timeout.min(every),
            max_body_bytes: usize::try_from(max_body_bytes).unwrap_or(usize::MAX),
            token: reader.secret(
                "SCRAPE_TOKEN",
                "Sent to every target as `Authorization: Bearer …`; the services of this stack take their key so.",
            ),
        }
    }
}
