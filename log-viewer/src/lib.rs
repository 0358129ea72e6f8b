//! Tails Docker's json-file logs, finds lines, shows them live.
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `asked`, `app` → `following`, `live` → `row`, `ingest` → `archive` → `store` →
//! `domain`, `settings`.

mod alert_rule;
mod api;
mod app;
pub mod archive;
mod asked;
mod doctor;
pub mod domain;
pub mod following;
mod import;
pub mod ingest;
mod jobs;
mod live;
mod pages;
mod routes;
mod row;
mod rule_doors;
mod sending;
pub mod settings;
pub mod store;
mod telling;

use std::sync::Arc;

use config::Reader;
use serde_json::{Map, Value};
use service::{Built, Common, CommonSettings, Finding, Imported, Original, Program, Tasks};
use sqlite::Migration;

pub use crate::app::App;
use crate::domain::time_text;
use crate::settings::Settings;

/// The service, for `service::main`.
pub struct LogViewer;

impl Program for LogViewer {
    type Settings = Settings;
    type App = App;

    const NAME: &'static str = "log-viewer";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SERVICE: ui::Service = ui::Service::Logs;
    const PORT: u16 = 5011;
    const DATABASE: &'static str = "logs.db";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    const ORIGINAL_TABLES: &'static [&'static str] = import::TABLES;

    fn settings(reader: &mut Reader<'_>, _: &CommonSettings) -> Settings {
        Settings::read(reader)
    }

    async fn doctor(settings: &Settings) -> Vec<Finding> {
        let mut findings = doctor::examine(settings);
        findings.extend(alerts::examine(&settings.alerts).await);
        findings
    }

    async fn import(
        settings: Settings,
        common: Arc<Common>,
        tasks: &mut Tasks,
        original: Original,
    ) -> Result<Vec<Imported>, String> {
        let app = App::new(settings, common, tasks);
        import::run(&app, &original).await
    }

    fn build(settings: Settings, common: Arc<Common>, tasks: &mut Tasks) -> Built<App> {
        let app = Arc::new(App::new(settings, common, tasks));
        jobs::start(&app, tasks);
        Built {
            routes: routes::routes(&app.settings),
            app,
        }
    }

    async fn health(app: Arc<App>) -> Map<String, Value> {
        // What cannot be told is left out: the process answers all the same.
        let Ok(brief) = app.archive.brief().await else {
            return Map::new();
        };
        let last_ingest = brief.newest_ns.map(time_text::seconds);
        Map::from_iter([
            ("logs_indexed".to_owned(), brief.n_entries.into()),
            ("last_ingest".to_owned(), last_ingest.into()),
        ])
    }
}
