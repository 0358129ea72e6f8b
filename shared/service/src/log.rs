//! The log of a service: standard error, one event a line, plain or JSON.

use std::io;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Form of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Plain,
    Json,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Level(LevelFilter);

impl Level {
    /// The names that `LOG_LEVEL` takes, old ones of the contract included.
    pub(crate) const NAMES: [(&'static str, Level); 7] = [
        ("error", Level(LevelFilter::ERROR)),
        ("err", Level(LevelFilter::ERROR)),
        ("warn", Level(LevelFilter::WARN)),
        ("warning", Level(LevelFilter::WARN)),
        ("info", Level(LevelFilter::INFO)),
        ("debug", Level(LevelFilter::DEBUG)),
        ("trace", Level(LevelFilter::TRACE)),
    ];
}

/// Starts logging. Libraries speak only from `warn` up, so that no wire content reaches the log.
pub(crate) fn start(level: Level, format: Format) {
    let ours = [
        "auth",
        "config",
        "service",
        "sqlite",
        "web",
        "error_tracker",
        "log_viewer",
        "metrics_collector",
        "browser_relay",
    ];
    let filter = Targets::new()
        .with_default(level.0.min(LevelFilter::WARN))
        .with_targets(ours.map(|name| (name, level.0)));
    let layer = match format {
        Format::Plain => fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(false)
            .with_target(false)
            .boxed(),
        Format::Json => fmt::layer()
            .json()
            .flatten_event(true)
            .with_writer(io::stderr)
            .boxed(),
    };
    // A second start in one process (tests) keeps the first.
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
}
