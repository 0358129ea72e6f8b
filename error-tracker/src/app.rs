//! What a handler may reach.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use rusqlite::Connection;
use scrub::Scrubber;
use service::Common;
use tokio::sync::Notify;
use web::Result;
use web::sse::{Event, Hub};

use crate::domain::recognition::Recognition;
use crate::domain::report::Report;
use crate::filtered::Filtered;
use crate::settings::Settings;
use crate::store::filing::{Filed, Filing};
use crate::store::intake::Intake;
use alerts::Alerts;

/// Reports counted in one transaction: few enough that those who wait behind them don't notice.
const SETTLE_STEP: usize = 256;

/// Steps of the search index that a search waits for: about a thousand groups.
const SEARCH_STEPS: usize = 16;
/// Pages that may listen at once.
const MAX_STREAMS: usize = 200;
/// An event only says that there is something new: one is as good as many.
const MAX_WAITING_EVENTS: usize = 4;

/// Shared by all handlers and jobs.
pub struct App {
    /// The tracker's settings.
    pub settings: Settings,
    /// Store, gate and page frame.
    pub common: Arc<Common>,
    /// Wakes the job that asks the rules who is told of what.
    pub alerts_waiting: Notify,
    /// Tells them.
    pub alerts: Alerts,
    /// Says where reports belong.
    pub recognition: Recognition,
    /// Takes secrets out of what is reported.
    pub scrubber: Scrubber,
    /// Reports on their way to their groups.
    pub intake: Arc<Intake>,
    /// Tells open pages that there is something new.
    pub live: Hub,
    /// Events that were counted and not stored, until they are written down.
    pub filtered: Filtered,
    /// Figures of the tracker's own.
    pub metrics: Metrics,
}

/// Counters of what was filed.
#[derive(Debug, Default, Clone)]
pub struct Metrics {
    /// New groups.
    pub created: Counter,
    /// Reports of known groups.
    pub incremented: Counter,
    /// Resolved groups that came back.
    pub reopened: Counter,
    /// Reports refused for what is in them.
    pub refused: Counter,
    /// Events that had come before.
    pub repeated: Counter,
    /// Events counted and not stored.
    pub filtered: Counter,
    /// Groups deleted by retention.
    pub dropped: Counter,
    /// Groups that are not resolved.
    pub groups_open: Gauge,
    /// Groups that are, and are still kept.
    pub groups_resolved: Gauge,
    /// Groups that are out of the way for a while.
    pub groups_snoozed: Gauge,
}

impl App {
    pub(crate) fn new(settings: Settings, common: Arc<Common>) -> Self {
        let metrics = Metrics::default();
        common.register(|registry| {
            let mut add =
                |name: &str, help: &str, counter: &Counter| registry.register(name, help, counter.clone());
            add(
                "errors_created",
                "Reports that opened a new group",
                &metrics.created,
            );
            add(
                "errors_incremented",
                "Reports of a known open group",
                &metrics.incremented,
            );
            add(
                "errors_reopened",
                "Reports that reopened a resolved group",
                &metrics.reopened,
            );
            add(
                "errors_refused",
                "Reports refused for what is in them",
                &metrics.refused,
            );
            add(
                "errors_repeated",
                "Events sent again, which count once",
                &metrics.repeated,
            );
            add(
                "errors_filtered",
                "Events of browsers that were counted and not stored",
                &metrics.filtered,
            );
            add("groups_dropped", "Groups deleted by retention", &metrics.dropped);
            let mut show =
                |name: &str, help: &str, gauge: &Gauge| registry.register(name, help, gauge.clone());
            show(
                "groups_open",
                "Groups that are not resolved",
                &metrics.groups_open,
            );
            show(
                "groups_resolved",
                "Groups that are resolved and still kept",
                &metrics.groups_resolved,
            );
            show(
                "groups_snoozed",
                "Groups that are snoozed",
                &metrics.groups_snoozed,
            );
        });
        let alerts = Alerts::new(settings.alerts.clone(), common.clone());
        let scrubber = Scrubber::new(&settings.scrub_fields);
        let intake = Arc::new(Intake::new(settings.keep_occurrences));
        Self {
            recognition: Recognition::default(),
            scrubber,
            intake,
            settings,
            common,
            alerts_waiting: Notify::new(),
            alerts,
            live: Hub::new(MAX_STREAMS, MAX_WAITING_EVENTS),
            filtered: Filtered::default(),
            metrics,
        }
    }
    /// Makes a report ready to be filed.
    pub(crate) fn filing(&self, report: Report, received_at: i64) -> Filing {
        let recognised = self.recognition.recognise(&report);
        Filing::new(report, recognised, received_at)
    }

    /// Files a report; returns when it is on the disk.
    pub(crate) async fn file(&self, filing: Filing) -> Result<Filed> {
        let intake = self.intake.clone();
        // Comes back with the answer: memory is cheapest given back near where it was taken.
        let filed = self
            .common
            .write_unguarded(move |tx| Ok((intake.file(tx, &filing)?, filing)));
        filed.await.map(|(filed, _)| filed)
    }

    /// Files several reports in one transaction; returns when they are on the disk.
    pub(crate) async fn file_all(&self, filings: Vec<Filing>) -> Result<Vec<Filed>> {
        let intake = self.intake.clone();
        self.common
            .write_unguarded(move |tx| intake.file_all(tx, &filings))
            .await
    }

    /// Runs a query that sees all reports acknowledged before.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if !self.intake.is_settled() {
            self.settle(self.intake.next_seq()).await;
        }
        self.common.read(query).await
    }

    /// The same for a query that looks for words, of groups created before too.
    pub(crate) async fn read_searching<T, F>(&self, is_search: bool, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        if is_search {
            self.settle(self.intake.next_seq()).await;
            self.index(SEARCH_STEPS).await;
        }
        self.read(query).await
    }

    /// Adds new groups to the search index: all of them, or the oldest of very many, since a reader waits.
    pub(crate) async fn index(&self, n_steps: usize) {
        for _ in 0..n_steps {
            let intake = self.intake.clone();
            match self.common.write(move |tx| intake.index_some(tx)).await {
                Ok(true) => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// Tells open pages that there is something new to see.
    pub(crate) fn changed(&self) {
        self.live.publish(Event::new("").named("changed"));
    }

    /// Counts the reports journalled before `seq`, a few in each transaction.
    /// Where nothing can be written any more they stay uncounted, and what is there can still be read.
    pub(crate) async fn settle(&self, seq: i64) {
        loop {
            let intake = self.intake.clone();
            let step = self
                .common
                .write_unguarded(move |tx| intake.settle_some(tx, seq, SETTLE_STEP));
            match step.await {
                Ok(None) => {}
                Ok(Some(seq)) => return self.intake.note_counted(seq),
                Err(_) => return,
            }
        }
    }

    /// Runs a job that changes groups, after all reports acknowledged before were counted.
    pub(crate) async fn change<T, F>(&self, job: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        self.settle(self.intake.next_seq()).await;
        let intake = self.intake.clone();
        let changed = self.common.write(move |tx| {
            intake.settle_and_forget(tx)?;
            job(tx)
        });
        changed.await
    }
}
