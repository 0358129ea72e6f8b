//! What the doors of a service share: gate, store, registry, and the frame of its pages.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use auth::{Identity, Via};
use prometheus_client::registry::Registry;
use sqlite::{Store, rusqlite};
use ui::range_picker::kept_range;
use ui::{Frame, Service, Sibling, Template};
use web::assets::{Assets, File};
use web::{Error, Gate, Request, Response, ResponseExt, Result, StatusCode};

use crate::readiness::Readiness;
use crate::settings::CommonSettings;
use crate::store_error::{from_read, from_write};

/// Shared by all doors of one service.
pub struct Common {
    /// Name of the binary.
    pub name: &'static str,
    /// Which of the four.
    pub service: Service,
    /// The settings that all have.
    pub settings: CommonSettings,
    /// The database.
    pub store: Store,
    /// Keys, sessions, budgets.
    pub gate: Arc<Gate>,
    pub(crate) registry: Mutex<Registry>,
    pub(crate) assets: Assets,
    pub(crate) openapi: &'static str,
    pub(crate) readiness: Readiness,
}

impl Common {
    /// Adds metrics of the service's own.
    pub fn register(&self, add: impl FnOnce(&mut Registry)) {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The frame of a page for this request.
    pub fn frame(&self, request: &Request, title: impl Into<String>) -> Frame {
        let mut frame = self.frame_at(request.path(), request.identity(), title);
        frame.range = kept_range(request.query().pairs());
        frame
    }

    pub(crate) fn frame_at(&self, path: &str, visitor: Option<&Identity>, title: impl Into<String>) -> Frame {
        let mut frame = Frame::new(self.service, title, path, unix_ms());
        let siblings = self.settings.siblings.iter();
        frame.siblings = siblings
            .map(|(service, url)| Sibling {
                service: *service,
                url: url.clone(),
            })
            .collect();
        frame.signed_in = visitor.map(|identity| match identity.via {
            Via::Session => "signed in".to_owned(),
            Via::Key => identity.name.clone(),
        });
        frame
    }

    /// This service's address as the visitor reaches it, for examples on pages: `BASE_URL` where it is set
    /// (only it knows a proxy's path), else what the request says. No slash at the end.
    pub fn address(&self, request: &Request) -> String {
        self.settings
            .public_url()
            .map_or_else(|| request.origin(), str::to_owned)
    }

    /// Runs a query on a reader.
    pub async fn read<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.store.read(query).await.map_err(from_read)
    }

    /// Runs a job in the writer's transaction; returns after the commit that holds it.
    pub async fn write<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.store.write(job).await.map_err(from_write)
    }

    /// [`Common::write`] for small jobs that fail only where nothing can be stored; see [`sqlite::Store::write_unguarded`].
    pub async fn write_unguarded<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.store.write_unguarded(job).await.map_err(from_write)
    }

    pub(crate) fn files() -> impl Iterator<Item = File> {
        ui::assets().iter().map(|asset| File {
            name: asset.path.trim_start_matches("assets/").to_owned(),
            content_type: asset.content_type,
            bytes: asset.bytes,
        })
    }
}

/// A rendered page as an answer.
pub fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(page) => Response::html(status, page),
        Err(cause) => Response::refusal(&Error::internal(cause)),
    }
}

/// Now, in Unix milliseconds.
pub fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
