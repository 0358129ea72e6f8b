//! What a handler may reach.

use std::sync::Arc;

use alerts::Alerts;
use service::{Common, Tasks};
use tokio::sync::Notify;

use crate::archive::Archive;
use crate::following::Board;
use crate::ingest::Ingest;
use crate::live::Live;
use crate::sending::Sending;
use crate::settings::Settings;

/// Shared by all handlers.
pub struct App {
    /// The log viewer's settings.
    pub settings: Settings,
    pub(crate) common: Arc<Common>,
    /// All entries, to be read.
    pub archive: Arc<Archive>,
    /// The way in for entries.
    pub ingest: Ingest,
    /// Those who listen.
    pub(crate) live: Arc<Live>,
    /// Tells of saved searches.
    pub(crate) alerts: Alerts,
    /// Wakes the job that asks the rules of saved searches.
    pub(crate) rules_changed: Notify,
    /// What is followed, and what cannot be.
    pub(crate) following: Board,
    /// Requests with an id that are being stored.
    pub(crate) sending: Sending,
}

impl App {
    pub(crate) fn new(settings: Settings, common: Arc<Common>, tasks: &mut Tasks) -> Self {
        let archive = Arc::new(Archive::new(common.clone()));
        let ingest = Ingest::start(&settings, common.clone(), archive.clone(), tasks);
        let live = Arc::new(Live::new(settings.max_tails));
        let (committed, pumped) = (ingest.clone(), live.clone());
        tasks.spawn("tail", move |ending| {
            let live = pumped.clone();
            let committed = committed.committed();
            async move { live.pump(committed, ending).await }
        });
        Self {
            following: Board::new(settings.log_sources.display().to_string()),
            alerts: Alerts::new(settings.alerts.clone(), common.clone()),
            rules_changed: Notify::new(),
            settings,
            ingest,
            archive,
            live,
            common,
            sending: Sending::default(),
        }
    }
}
