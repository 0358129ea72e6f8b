//! What a handler may reach.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use scrub::Scrubber;
use service::{Common, unix_ms};
use tokio::sync::{Notify, Semaphore};

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
    pub async fn load_keys(&self) -> web::Result<()> {
        // On the writer: what was committed before is in it, and no later change is overtaken.
        let stored = self.common.write(dsn_keys::all).await?;
        self.keys.load(stored);
        Ok(())
    }

    /// Notes which projects have source maps.
    pub async fn load_mapped_projects(&self) -> web::Result<()> {
        let found = self.common.write(source_maps::projects).await?;
        *self
            .mapped_projects
            .write()
            .unwrap_or_else(PoisonError::into_inner) = found;
        Ok(())
    }

    /// Whether a project has source maps.
    pub fn has_maps(&self, project: &str) -> bool {
        self.mapped_projects
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(project)
    }
}
