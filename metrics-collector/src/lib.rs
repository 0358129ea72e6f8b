//! Takes counters, gauges and histograms, and requests of APIs, rolls them up, draws dashboards.
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `dashboard`, `monitoring`, `vantage` → `app` → `engine`,
//! `catalogue` → `ingest` → `heads`, `intake`, `registry`, `sealed` → `store` → `domain`, `settings`.

mod agents;
mod alert_rule;
mod api;
mod app;
pub mod catalogue;
mod dashboard;
mod doctor;
pub mod domain;
pub mod engine;
pub mod heads;
mod import;
pub mod ingest;
pub mod intake;
mod jobs;
pub mod malti;
mod monitoring;
mod pages;
pub mod readers;
pub mod registry;
pub mod requests;
pub mod rolling;
mod routes;
mod rule_doors;
mod scrapes;
pub mod sealed;
pub mod sessions;
pub mod settings;
pub mod source;
pub mod store;
pub mod target;
mod telling;
mod vantage;
pub mod visits;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alerts::Alerts;
use config::Reader;
use serde_json::{Map, Value};
use service::{Built, Common, CommonSettings, Finding, Imported, Original, Program, Tasks};
use sqlite::Migration;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use web::sse::Places;

pub use crate::app::App;
use crate::ingest::Ingest;
use crate::malti::Malti;
use crate::requests::Requests;
use crate::scrapes::Scrapes;
use crate::settings::Settings;

/// WebSockets open at once.
const MAX_SOCKETS: usize = 64;

/// The service, for `service::main`.
pub struct MetricsCollector;

impl Program for MetricsCollector {
    type Settings = Settings;
    type App = App;

    const NAME: &'static str = "metrics-collector";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SERVICE: ui::Service = ui::Service::Metrics;
    const PORT: u16 = 5012;
    const DATABASE: &'static str = "metrics.db";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    const ORIGINAL_TABLES: &'static [&'static str] = import::TABLES;

    fn settings(reader: &mut Reader<'_>, _: &CommonSettings) -> Settings {
        Settings::read(reader)
    }

    async fn doctor(settings: &Settings) -> Vec<Finding> {
        let mut findings = doctor::examine(settings).await;
        findings.extend(alerts::examine(&settings.alerts).await);
        findings
    }

    async fn import(
        settings: Settings,
        common: Arc<Common>,
        _: &mut Tasks,
        original: Original,
    ) -> Result<Vec<Imported>, String> {
        import::run(&settings, &common, original).await
    }

    fn build(settings: Settings, common: Arc<Common>, tasks: &mut Tasks) -> Built<App> {
        // Nothing is served before all that is in the journal is in memory again.
        let loading = Ingest::load(&common, settings.limits);
        let ingest = block_in_place(|| Handle::current().block_on(loading)).unwrap_or_else(|error| {
            tracing::error!(
                cause = error.cause,
                "the journal cannot be read: {}",
                error.detail
            );
            std::process::exit(1);
        });
        let loading = Requests::load(&common, settings.limits, settings.requests_kept);
        let requests = block_in_place(|| Handle::current().block_on(loading)).unwrap_or_else(|error| {
            tracing::error!(
                cause = error.cause,
                "the names of API requests cannot be read: {}",
                error.detail
            );
            std::process::exit(1);
        });
        let malti = Malti::open(settings.malti_config.clone()).unwrap_or_else(|problem| {
            tracing::error!("MALTI_CONFIG_PATH: {problem}");
            std::process::exit(1);
        });
        let routes = routes::routes(&settings);
        let vantage = agents::Agents::new(settings.vantage_per_minute);
        let app = Arc::new(App {
            alerts: Alerts::new(settings.alerts.clone(), common.clone()),
            common,
            scrapes: Scrapes::new(settings.scrape.targets.clone()),
            settings,
            ingest: Arc::new(ingest),
            requests: Arc::new(requests),
            malti: Arc::new(malti),
            is_full: AtomicBool::new(false),
            vantage,
            sockets: Places::new(MAX_SOCKETS),
        });
        jobs::start(&app, tasks);
        Built { app, routes }
    }

    /// What Vantage's says; and where what is configured is not what is used, why is for the log and for those with a key.
    async fn health(app: Arc<App>) -> Map<String, Value> {
        let mut health = api::vantage::card::health(&app);
        if app.malti.problem().is_some() {
            let text = "the file of MALTI_CONFIG_PATH cannot be used; keys stay as they were";
            health.insert("malti_config".to_owned(), text.into());
        }
        health
    }
}
