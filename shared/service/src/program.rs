//! What a service says about itself.

use std::sync::Arc;

use config::Reader;
use serde_json::{Map, Value};
use sqlite::Migration;
use web::Routes;

use crate::{Common, CommonSettings, Finding, Original, Tasks};

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

    /// What `doctor` looks at besides what it looks at in all services: the servers that this one needs.
    /// It changes nothing, and comes to an end whatever they do.
    fn doctor(_: &Self::Settings) -> impl Future<Output = Vec<Finding>> + Send {
        std::future::ready(Vec::new())
    }

    /// Tables that a database of the original service has; the first has an `id`.
    const ORIGINAL_TABLES: &'static [&'static str];

    /// Takes over a database of the original service, what was not taken before. Nothing else runs meanwhile.
    /// `Err` is a sentence for the operator.
    fn import(
        settings: Self::Settings,
        common: Arc<Common>,
        tasks: &mut Tasks,
        original: Original,
    ) -> impl Future<Output = Result<Vec<Imported>, String>>;

    /// What `/health` says besides `status`, from figures that are at hand: it must not wait for a query.
    fn health(_: Arc<Self::App>) -> impl Future<Output = Map<String, Value>> + Send {
        std::future::ready(Map::new())
    }
}

/// How many of something were taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    /// Of what; plural.
    pub what: &'static str,
    /// How many.
    pub n: u64,
}

impl Imported {
    /// So many of these.
    pub fn new(what: &'static str, n: u64) -> Self {
        Self { what, n }
    }
}

/// A service ready to serve.
pub struct Built<A> {
    /// What its handlers may reach.
    pub app: Arc<A>,
    /// Its URLs; those that all services have are added.
    pub routes: Routes<A>,
}
