//! The only service that browsers reach: takes their errors, metrics and logs, and forwards them.
//!
//! Floors, top to bottom: `routes` → `api`, `pages`, `jobs` → `forward`, `mapping` → `app` → `keys`, `link`, `sdk`, `traffic` →
//! `store` → `domain`, `settings`.

mod api;
mod app;
mod doctor;
pub mod domain;
mod forward;
mod import;
mod jobs;
mod keys;
mod link;
mod mapping;
mod pages;
mod routes;
mod sdk;
pub mod settings;
mod start;
pub mod store;
mod traffic;

use std::sync::Arc;

use config::Reader;
use service::{Built, Common, CommonSettings, Finding, Imported, Original, Program, Tasks};
use sqlite::Migration;

pub use crate::app::App;
use crate::settings::Settings;

/// The service, for `service::main`.
pub struct BrowserRelay;

impl Program for BrowserRelay {
    type Settings = Settings;
    type App = App;

    const NAME: &'static str = "browser-relay";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SERVICE: ui::Service = ui::Service::Browser;
    const PORT: u16 = 5013;
    const DATABASE: &'static str = "relay.db";
    const API_KEY: &'static str = "ADMIN_API_KEY";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    const ORIGINAL_TABLES: &'static [&'static str] = import::TABLES;

    fn settings(reader: &mut Reader<'_>, common: &CommonSettings) -> Settings {
        Settings::read(reader, common)
    }

    async fn doctor(settings: &Settings) -> Vec<Finding> {
        doctor::examine(settings).await
    }

    async fn import(
        _: Settings,
        common: Arc<Common>,
        _: &mut Tasks,
        original: Original,
    ) -> Result<Vec<Imported>, String> {
        import::run(&common, &original).await
    }

    fn build(settings: Settings, common: Arc<Common>, tasks: &mut Tasks) -> Built<App> {
        let app = Arc::new(App::new(settings, common));
        jobs::start(&app, tasks);
        Built {
            routes: routes::routes(&app.settings),
            app,
        }
    }

    async fn prepare(app: Arc<App>) -> Result<(), String> {
        start::prepare(&app).await.map_err(|error| {
            let cause = error.cause.unwrap_or_default();
            format!("the database cannot be read: {} {cause}", error.detail)
        })
    }
}
