//! Tails Docker's json-file logs, finds lines, shows them live.
//!
//! Today it is what all services have in common: settings, login, health, metrics, and a page that says what
//! will be here. Floors, top to bottom: `routes` → `pages` → `app` → `ingest` → `archive` → `store` → `domain`.

mod app;
pub mod archive;
pub mod domain;
pub mod ingest;
mod pages;
mod routes;
pub mod store;

use std::sync::Arc;

use config::Reader;
use service::{Built, Common, CommonSettings, Program, Tasks};
use sqlite::Migration;

pub use crate::app::App;

/// The service, for `service::main`.
pub struct LogViewer;

impl Program for LogViewer {
    type Settings = ();
    type App = App;

    const NAME: &'static str = "log-viewer";
    const SERVICE: ui::Service = ui::Service::Logs;
    const PORT: u16 = 5011;
    const DATABASE: &'static str = "logs.db";
    const OPENAPI: &'static str = include_str!("../openapi.json");
    const MIGRATIONS: &'static [Migration] = store::MIGRATIONS;

    fn settings(_: &mut Reader<'_>, _: &CommonSettings) {}

    fn build((): (), common: Arc<Common>, tasks: &mut Tasks) -> Built<App> {
        Built {
            app: Arc::new(App::new(common, tasks)),
            routes: routes::routes(),
        }
    }
}
