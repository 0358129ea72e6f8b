//! What a handler may reach.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use rusqlite::Connection;
use scrub::Scrubber;
use service::{Common, unix_ms};
use tokio::sync::{Mutex, Notify, Semaphore};

use crate::domain::backend::Backend;
use crate::domain::event_id;
use crate::domain::traffic::{Kind, Outcome};
use crate::keys::Keys;
use crate::link::Link;
use crate::settings::Settings;
use crate::store::{dsn_keys, source_maps};
use crate::traffic::Traffic;

/// Shared by all handlers and jobs.
pub struct App {
    /// The relay's settings.
    pub settings: Settings,
    /// Store, gate and page frame.
    pub common: Arc<Common>,
    /// DSN keys and budgets.
    pub keys: Keys,
    /// The services behind.
    pub links: Vec<Arc<Link>>,
    /// What arrived and was refused.
    pub traffic: Traffic,
    /// Takes secrets out of what waits on the disk.
    pub scrubber: Scrubber,
    /// Uploads that are read at once: one, since each may take as much memory as a map is large.
    pub uploads: Semaphore,
    /// Wakes the job that maps stored events again.
    pub remaps_waiting: Notify,
    /// Projects that have source maps: others need no lookup.
    mapped_projects: RwLock<BTreeSet<String>>,
    /// Held while keys or maps change.
    changing: Mutex<()>,
    received: Family<Labels, Counter>,
}

/// Labels of `browser_received`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: &'static str,
    outcome: String,
}

impl App {
    pub(crate) fn new(settings: Settings, common: Arc<Common>) -> Self {
        let received = Family::<Labels, Counter>::default();
        common.register(|registry| {
            registry.register(
                "browser_received",
                "What browsers sent, by what became of it",
                received.clone(),
            );
        });
        let links = settings
            .backends
            .iter()
            .map(|(backend, base, key)| Arc::new(Link::new(*backend, base, key, settings.upstream_timeout)));
        Self {
            keys: Keys::new(
                settings.cors_origins.clone(),
                settings.dsn_rate_limit,
                settings.rate_limit,
            ),
            links: links.collect(),
            traffic: Traffic::default(),
            scrubber: Scrubber::new(&settings.scrub_fields),
            uploads: Semaphore::new(1),
            remaps_waiting: Notify::new(),
            mapped_projects: RwLock::default(),
            changing: Mutex::default(),
            received,
            settings,
            common,
        }
    }

    /// The way to a service, if the settings name one.
    pub fn link(&self, backend: Backend) -> Option<&Arc<Link>> {
        self.links.iter().find(|link| link.backend == backend)
    }

    /// Counts what became of a request.
    pub fn count(&self, project: &str, kind: Kind, outcome: Outcome) {
        let labels = Labels {
            kind: kind.name(),
            outcome: outcome.name().into_owned(),
        };
        self.received.get_or_create(&labels).inc();
        self.traffic.count(project, kind, outcome);
    }

    /// The id that a client gave, or one for what comes now.
    pub fn event_id(&self, given: Option<String>) -> web::Result<String> {
        if let Some(given) = given {
            return Ok(given);
        }
        let mut random = [0; 10];
        getrandom::fill(&mut random).map_err(web::Error::internal)?;
        Ok(event_id::of(unix_ms(), random))
    }

    /// Takes over the stored keys.
    pub async fn load_keys(self: &Arc<Self>) -> web::Result<()> {
        self.change_keys(|_| Ok(())).await
    }

    /// Changes keys, and takes over those that are stored then.
    pub async fn change_keys<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> web::Result<T> {
        self.change(job, dsn_keys::all, |app, stored| app.keys.load(stored))
            .await
    }

    /// Notes which projects have source maps.
    pub async fn load_mapped_projects(self: &Arc<Self>) -> web::Result<()> {
        self.change_maps(|_| Ok(())).await
    }

    /// Changes source maps, and notes which projects have any then.
    pub async fn change_maps<T: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> web::Result<T> {
        self.change(job, source_maps::projects, |app, found| {
            *app.mapped_projects
                .write()
                .unwrap_or_else(PoisonError::into_inner) = found;
        })
        .await
    }

    /// Changes the store, and what is in memory of it. A task of its own: a request is dropped when its connection
    /// closes, which must not come between the two. One at a time, so that none is overtaken by an older one.
    async fn change<T: Send + 'static, S: Send + 'static>(
        self: &Arc<Self>,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
        look: fn(&Connection) -> rusqlite::Result<S>,
        install: fn(&Self, S),
    ) -> web::Result<T> {
        let app = self.clone();
        let changed = tokio::spawn(async move {
            let _turn = app.changing.lock().await;
            let written = app.common.write(move |tx| Ok((job(tx)?, look(tx)?)));
            let (changed, stored) = written.await?;
            install(&app, stored);
            Ok(changed)
        });
        changed.await.map_err(web::Error::internal)?
    }

    /// Whether a project has source maps.
    pub fn has_maps(&self, project: &str) -> bool {
        self.mapped_projects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(project)
    }
}
