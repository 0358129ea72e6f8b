//! What a service says about itself.

use std::sync::Arc;

use config::Reader;
use serde_json::{Map, Value};
use sqlite::Migration;
use web::Routes;

use crate::{Common, CommonSettings, Tasks};

/// One of the four services.
pub trait Program: 'static {
    /// Its own settings.
    type Settings: Send;
    /// What its handlers may reach.
    type App: Send + Sync + 'static;

    /// Name of the binary.
    const NAME: &'static str;
    /// Its own version: `env!("CARGO_PKG_VERSION")` in its crate.
    const VERSION: &'static str;
    /// Which of the four it is, for its pages.
    const SERVICE: ui::Service;
    /// Port it listens on unless told otherwise.
    const PORT: u16;
    /// File name of its database in `./data/`.
    const DATABASE: &'static str;
    /// Variable that holds its API key.
    const API_KEY: &'static str = "API_KEY";
    /// Heaps that its threads share at most, where the C library is glibc: fewer take less memory, more let threads
    /// wait less for each other.
    const MALLOC_ARENAS: u8 = 2;
    /// Its OpenAPI document, JSON.
    const OPENAPI: &'static str;
    /// Its schema.
    const MIGRATIONS: &'static [Migration];

    /// Reads the service's own variables.
    fn settings(reader: &mut Reader<'_>, common: &CommonSettings) -> Self::Settings;

    /// Builds the app and its table of URLs, and starts its jobs.
    fn build(settings: Self::Settings, common: Arc<Common>, tasks: &mut Tasks) -> Built<Self::App>;

    /// What has to be done before the first request; it is started with its jobs already. An error ends the process.
    fn prepare(_: Arc<Self::App>) -> impl Future<Output = Result<(), String>> + Send {
        std::future::ready(Ok(()))
    }

    /// What `/health` says besides `status`, from figures that are at hand: it must not wait for a query.
    fn health(_: Arc<Self::App>) -> impl Future<Output = Map<String, Value>> + Send {
        std::future::ready(Map::new())
    }
}

/// A service ready to serve.
pub struct Built<A> {
    /// What its handlers may reach.
    pub app: Arc<A>,
    /// Its URLs; those that all services have are added.
    pub routes: Routes<A>,
}
