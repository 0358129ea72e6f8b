//! Apps report errors over HTTP; they are grouped, kept, shown and mailed.
//!
//! Floors, top to bottom: `routes` → `telling` → `api`, `pages`, `jobs` → `work`, `rule` → `app` → `store` → `domain`, `settings`.

mod api;
mod app;
pub mod domain;
pub mod filtered;
mod import;
mod jobs;
mod pages;
mod routes;
mod rule;
mod rule_doors;
pub mod settings;
pub mod store;
mod telling;
mod work;

use std::sync::Arc;

use config::Reader;
use service::{Built, Common, CommonSettings, Finding, Imported, Original, Program, Tasks};
use sqlite::Migration;

use crate::app::App;
use crate::settings::Settings;

/// The service, for `service::main`.
pub struct ErrorTracker;

impl Program for ErrorTracker {
    type Settings = Settings;
    type App = App;

    const NAME: &'static str = "error-tracker";
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const SERVICE: ui::Service = ui::Service::Errors;
    const PORT: u16 = 5010;
    const DATABASE: &'static str = "errors.db";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;
    const ORIGINAL_TABLES: &'static [&'static str] = import::TABLES;

    fn settings(reader: &mut Reader<'_>, _: &CommonSettings) -> Settings {
        Settings::read(reader)
    }

    async fn doctor(settings: &Settings) -> Vec<Finding> {
        alerts::examine(&settings.alerts).await
    }

    async fn import(
        settings: Settings,
        common: Arc<Common>,
        _: &mut Tasks,
        original: Original,
    ) -> Result<Vec<Imported>, String> {
        import::run(settings, common, original).await
    }

    fn build(settings: Settings, common: Arc<Common>, tasks: &mut Tasks) -> Built<App> {
        let app = Arc::new(App::new(settings, common));
        jobs::start(&app, tasks);
        Built {
            routes: routes::routes(&app.settings),
            app,
        }
    }
}
