//! What a handler may reach, and the two ways into the store that all doors share: keep samples, answer a query.

use std::sync::Arc;

use service::{Common, unix_ms};
use web::{Error, Result};

use crate::domain::batch::Batch;
use crate::domain::resolution;
use crate::domain::select::{Answer, Select};
use crate::engine;
use crate::ingest::Ingest;
use crate::intake::{self, Observation, Span, Tally};
use crate::settings::Settings;

/// Shared by all handlers.
pub struct App {
    pub(crate) common: Arc<Common>,
    pub(crate) settings: Settings,
    pub(crate) ingest: Arc<Ingest>,
}

/// How taking in goes, for pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IngestHealth {
    /// Kept, left out and folded since the start.
    pub tally: Tally,
    /// Unix milliseconds; none since the start.
    pub last_taken_at: Option<i64>,
    /// Series there are, and may be.
    pub n_series: usize,
    /// See `n_series`.
    pub max_series: usize,
    /// Metric, label, and how many of its values became `__other__` since the start.
    pub folded: Vec<(String, String, u64)>,
}

impl App {
    /// How taking in goes.
    pub fn ingest_health(&self) -> IngestHealth {
        let registry = self.ingest.registry();
        let folded = registry.folded();
        IngestHealth {
            tally: self.ingest.tally(),
            last_taken_at: self.ingest.last_taken_at(),
            n_series: registry.n_series(),
            max_series: registry.limits().series,
            folded: folded
                .map(|(name, key, n)| (name.to_owned(), key.to_owned(), n))
                .collect(),
        }
    }

    /// Which times are taken now.
    pub fn span(&self) -> Span {
        let now_ms = unix_ms();
        Span {
            now_ms,
            oldest_ms: now_ms - self.settings.retention.raw_ms,
        }
    }

    /// Stores samples; returns when they are on the disk and queries see them.
    pub async fn keep(&self, batch: Batch) -> Result<()> {
        self.ingest.keep(&self.common.store, batch).await
    }

    /// Stores samples from inside, and counts what became of them.
    pub async fn observe(&self, observations: Vec<Observation>) -> Result<Tally> {
        let (batch, tally) = intake::file(observations, self.span(), &self.ingest.registry);
        self.keep(batch).await?;
        self.ingest.count(&tally);
        Ok(tally)
    }

    /// Answers a query.
    pub async fn select(&self, select: Select) -> Result<Answer> {
        let retention = &self.settings.retention;
        let plan = resolution::plan(select.from_ms, select.to_ms, select.step, unix_ms(), retention)
            .ok_or_else(|| {
                Error::bad_request(format!(
                    "step is too short: at most {} points",
                    resolution::MAX_POINTS
                ))
            })?;
        self.ingest.settled().await;
        let chosen = engine::choose(&self.ingest.registry(), &select);
        let ingest = self.ingest.clone();
        let answer = self
            .common
            .read(move |connection| engine::run(connection, &ingest, &select, &plan, chosen));
        answer.await?.map_err(|too_many| {
            Error::bad_request(format!(
                "series: {} lines with so many points are too many; filter by labels, group_by fewer of them, or ask for a longer step",
                too_many.n_lines
            ))
        })
    }
}
