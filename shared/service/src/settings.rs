//! Settings that all four services have.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use config::{Reader, Secret, Unit};
use ipnet::IpNet;
use sqlite::Synchronous;
use ui::Service;

use crate::log::{Format, Level};
use crate::program::Program;

/// One field per environment variable; `--help` prints the same table.
#[derive(Debug, Clone)]
pub struct CommonSettings {
    /// `LISTEN_ADDR`
    pub listen_addr: SocketAddr,
    /// `DATABASE_PATH`
    pub database_path: PathBuf,
    /// `API_KEY` (the relay: `ADMIN_API_KEY`)
    pub api_key: Option<Secret>,
    /// `API_KEYS_FILE`
    pub api_keys_file: Option<PathBuf>,
    /// `SESSION_SECRET`
    pub session_secret: Option<Secret>,
    /// `BASE_URL`, without a slash at the end; see [`CommonSettings::base_url`].
    base_url: Option<String>,
    /// `TRUSTED_PROXIES`
    pub trusted_proxies: Vec<IpNet>,
    /// `RATE_LIMIT`: requests a minute of an address without a key.
    pub rate_limit: u32,
    /// `RATE_LIMIT_KEY`: requests a minute of a holder of a key.
    pub rate_limit_key: u32,
    /// `MAX_CONNECTIONS`
    pub max_connections: usize,
    /// `MAX_CONNECTIONS_PER_ADDRESS`
    pub max_connections_per_address: usize,
    /// `SHUTDOWN_TIMEOUT`
    pub shutdown_timeout: Duration,
    /// `SYNCHRONOUS`
    pub synchronous: Synchronous,
    /// `MAX_BATCH`
    pub max_batch: usize,
    /// Addresses of the other services' pages.
    pub siblings: Vec<(Service, String)>,
    /// `LOG_LEVEL`
    pub(crate) log_level: Level,
    /// `LOG_FORMAT`
    pub(crate) log_format: Format,
}

/// The contract's limits for callers without a key, per minute (§0.4).
fn contract_rate_limit(service: Service) -> u32 {
    match service {
        Service::Errors => 100,
        Service::Logs => 60,
        Service::Metrics => 200,
        Service::Browser => 300,
    }
}

const PAGES: [(Service, &str); 4] = [
    (Service::Errors, "ERROR_TRACKER_PAGE"),
    (Service::Logs, "LOG_VIEWER_PAGE"),
    (Service::Metrics, "METRICS_COLLECTOR_PAGE"),
    (Service::Browser, "BROWSER_RELAY_PAGE"),
];

impl CommonSettings {
    pub(crate) fn read<P: Program>(reader: &mut Reader<'_>) -> Self {
        let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), P::PORT);
        let listen_addr = reader.address(
            "LISTEN_ADDR",
            loopback,
            "Where to listen; port 0 takes any free one.",
        );
        let base_url = reader.optional_text(
            "BASE_URL",
            "Address of this service as people reach it, for links in mails; default: where it listens.",
        );
        if let Some(url) = base_url.as_deref().filter(|url| !is_web(url)) {
            reader.problem(format!(
                "BASE_URL is '{url}': it must begin with http:// or https://"
            ));
        }
        let default_path = format!("./data/{}", P::DATABASE);
        Self {
            listen_addr,
            base_url: base_url.map(|url| url.trim_end_matches('/').to_owned()),
            database_path: reader
                .text("DATABASE_PATH", &default_path, "The SQLite file; its folder is made if it is missing.")
                .into(),
            api_key: reader.secret(
                P::API_KEY,
                "Key with all rights. Not set: one is made at first start and kept beside the database.",
            ),
            api_keys_file: reader
                .optional_text("API_KEYS_FILE", "TOML file of further keys with scopes; read again when it changes.")
                .map(PathBuf::from),
            session_secret: reader.secret(
                "SESSION_SECRET",
                "Signs page sessions; services that share it share one sign-in. Not set: made at first start.",
            ),
            trusted_proxies: reader.networks(
                "TRUSTED_PROXIES",
                "",
                "Addresses of reverse proxies whose X-Forwarded-For and X-Forwarded-Proto count.",
            ),
            rate_limit: reader.number(
                "RATE_LIMIT",
                contract_rate_limit(P::SERVICE),
                0..=1_000_000_000,
                "Requests a minute for an address that shows no key; 0 for no limit.",
            ),
            rate_limit_key: reader.number(
                "RATE_LIMIT_KEY",
                600_000,
                0..=1_000_000_000,
                "Requests a minute for a holder of a key; 0 for no limit.",
            ),
            max_connections: reader.number("MAX_CONNECTIONS", 2048, 8..=100_000, "Connections open at once."),
            max_connections_per_address: reader.number(
                "MAX_CONNECTIONS_PER_ADDRESS",
                256,
                1..=100_000,
                "Connections open at once from one address; this machine and trusted proxies are exempt.",
            ),
            shutdown_timeout: reader.duration(
                "SHUTDOWN_TIMEOUT",
                Duration::from_secs(8),
                Duration::ZERO..=Duration::from_secs(600),
                Unit::Seconds,
                "How long running requests may take to finish after SIGTERM.",
            ),
            synchronous: reader.choice(
                "SYNCHRONOUS",
                "full",
                &[("full", Synchronous::Full), ("normal", Synchronous::Normal)],
                "full: what was acknowledged survives a power cut; normal: it survives a crash of the process only.",
            ),
            max_batch: reader.number(
                "MAX_BATCH",
                512,
                1..=65_536,
                "Writes that share one commit; 1 commits each alone (slower, for comparison).",
            ),
            siblings: siblings::<P>(reader),
            log_level: reader.choice(
                "LOG_LEVEL",
                "info",
                &Level::NAMES,
                "How much is logged.",
            ),
            log_format: reader.choice(
                "LOG_FORMAT",
                "plain",
                &[("plain", Format::Plain), ("json", Format::Json)],
                "How it is logged, on standard error.",
            ),
        }
    }
}

impl CommonSettings {
    /// `BASE_URL`, where it is set. No slash at the end.
    pub(crate) fn public_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// Where people reach this service: as set, or where it listens. No slash at the end.
    pub fn base_url(&self) -> String {
        self.base_url
            .clone()
            .unwrap_or_else(|| format!("http://{}", self.listen_addr))
    }
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn siblings<P: Program>(reader: &mut Reader<'_>) -> Vec<(Service, String)> {
    let others = PAGES.into_iter().filter(|(service, _)| *service != P::SERVICE);
    let meaning = "Address of that service's pages as a browser reaches them; the header links to it.";
    others
        .filter_map(|(service, name)| Some((service, reader.optional_text(name, meaning)?)))
        .collect()
}
