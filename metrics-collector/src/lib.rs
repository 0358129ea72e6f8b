//! Takes counters, gauges and histograms, rolls them up, draws dashboards.
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `app` → `engine`, `catalogue` → `ingest` → `heads`,
//! `intake`, `registry` → `store` → `domain`, `settings`.

mod alert_rule;
mod api;
mod app;
pub mod catalogue;
mod dashboard;
pub mod domain;
pub mod engine;
pub mod heads;
pub mod ingest;
pub mod intake;
mod jobs;
mod pages;
pub mod readers;
pub mod registry;
pub mod requests;
pub mod rolling;
mod routes;
mod scrapes;
pub mod sessions;
pub mod settings;
pub mod source;
pub mod store;
pub mod target;
mod telling;
pub mod visits;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use alerts::Alerts;
use config::Reader;
use service::{Built, Common, CommonSettings, Program, Tasks};
use sqlite::Migration;
use tokio::runtime::Handle;
use tokio::task::block_in_place;

pub use crate::app::App;
use crate::ingest::Ingest;
use crate::requests::Requests;
use crate::scrapes::Scrapes;
use crate::settings::Settings;

/// The service, for `service::main`.
pub struct MetricsCollector;

impl Program for MetricsCollector {
    type Settings = Settings;
    type App = App;

    const NAME: &'static str = "metrics-collector";
    const SERVICE: ui::Service = ui::Service::Metrics;
    const PORT: u16 = 5012;
    const DATABASE: &'static str = "metrics.db";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;

    fn settings(reader: &mut Reader<'_>, _: &CommonSettings) -> Settings {
        Settings::read(reader)
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
        let routes = routes::routes(&settings);
        let app = Arc::new(App {
            alerts: Alerts::new(settings.alerts.clone(), common.clone()),
            common,
            scrapes: Scrapes::new(settings.scrape.targets.clone()),
            settings,
            ingest: Arc::new(ingest),
            requests: Arc::new(requests),
            is_full: AtomicBool::new(false),
        });
        jobs::start(&app, tasks);
        Built { app, routes }
    }
}
