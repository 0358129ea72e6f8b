//! What a handler may reach, and the two ways into the store that all doors share: keep samples, answer a query.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use alerts::Alerts;
use service::{Common, unix_ms};
use web::sse::Places;
use web::{Error, Result, StatusCode};

use crate::agents::Agents;
use crate::domain::batch::Batch;
use crate::domain::requests::overview::Overview;
use crate::domain::requests::query::Query as RequestQuery;
use crate::domain::requests::record::Record;
use crate::domain::resolution::{self, Plan};
use crate::domain::select::{Answer, Select};
use crate::domain::timestamp::HOUR_MS;
use crate::engine::{self, Chosen, Found, NoAnswer};
use crate::ingest::Ingest;
use crate::intake::{self, Observation, Span, Tally};
use crate::malti::Malti;
use crate::requests::{self, Requests, Taken};
use crate::scrapes::Scrapes;
use crate::sessions::{self, SessionCounts};
use crate::settings::Settings;

/// When a query that took too long may be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// When samples that found no room may be sent again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(10);

/// Shared by all handlers.
pub struct App {
    pub(crate) common: Arc<Common>,
    pub(crate) settings: Settings,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) scrapes: Scrapes,
    /// API requests.
    pub(crate) requests: Arc<Requests>,
    /// Keys and thresholds of Malti's clients.
    pub(crate) malti: Arc<Malti>,
    /// `MAX_DATABASE_MB` is reached and nothing can be dropped: nothing is taken in.
    pub(crate) is_full: AtomicBool,
    /// Tells of metrics.
    pub(crate) alerts: Alerts,
    /// What came of Vantage's agents, and budgets of its doors.
    pub(crate) vantage: Agents,
    /// WebSockets of Vantage's pages.
    pub(crate) sockets: Places,
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
        self.keep_once(batch, None).await.map(drop)
    }

    /// The same for a request with an id: what was stored under it before is not stored again, which is then false.
    pub async fn keep_once(&self, batch: Batch, request_id: Option<String>) -> Result<bool> {
        self.check_room()?;
        self.ingest.keep(&self.common.store, batch, request_id).await
    }

    /// Stores API requests; returns when they are on the disk and [`App::request_overview`] tells of them. Those that
    /// cannot be are left out. A batch with an id that was stored before is not stored again.
    pub async fn record_requests(&self, records: &[Record], request_id: Option<String>) -> Result<Taken> {
        self.check_room()?;
        self.requests.record(&self.common, records, request_id).await
    }

    /// What is told of API requests.
    pub async fn request_overview(&self, query: RequestQuery) -> Result<Overview> {
        let requests = self.requests.clone();
        self.common
            .read(move |connection| requests::answer::answer(connection, &requests, &query))
            .await
    }

    fn check_room(&self) -> Result<()> {
        if !self.is_full.load(Relaxed) {
            return Ok(());
        }
        let detail = "the database has reached MAX_DATABASE_MB; nothing was stored";
        let mut error = Error::new(StatusCode::INSUFFICIENT_STORAGE, detail);
        error.retry_after = Some(FULL_RETRY_AFTER);
        Err(error)
    }

    /// Stores samples from inside, and counts what became of them.
    pub async fn observe(&self, observations: Vec<Observation>) -> Result<Tally> {
        self.observe_once(observations, None).await
    }

    /// The same for samples of a request with an id; see [`App::keep_once`].
    pub async fn observe_once(
        &self,
        observations: Vec<Observation>,
        request_id: Option<String>,
    ) -> Result<Tally> {
        let (batch, tally) = intake::file(observations, self.span(), &self.ingest.registry);
        if self.keep_once(batch, request_id).await? {
            self.ingest.count(&tally);
        }
        Ok(tally)
    }

    /// How many browser sessions there were, in all and by page; whole hours, of all projects or of one.
    pub async fn sessions(&self, project: Option<String>, from_ms: i64, to_ms: i64) -> Result<SessionCounts> {
        let hours = from_ms.div_euclid(HOUR_MS)..=(to_ms - 1).div_euclid(HOUR_MS);
        let ingest = self.ingest.clone();
        self.common
            .read(move |connection| sessions::count(connection, &ingest, project.as_deref(), hours))
            .await
    }

    /// Answers a query.
    pub async fn select(&self, select: Select) -> Result<Answer> {
        let function = select.function;
        let found = self.find(vec![select]).await?.pop();
        Ok(found
            .ok_or_else(|| Error::internal("a query has one answer"))?
            .into_answer(function))
    }

    /// Finds what several queries ask for in one go, in their order.
    pub async fn find(&self, selects: Vec<Select>) -> Result<Vec<Found>> {
        let now_ms = unix_ms();
        let plans = selects.iter().map(|select| self.plan(select, now_ms));
        let plans = plans.collect::<Result<Vec<Plan>>>()?;
        self.ingest.settled().await;
        let chosen: Vec<Chosen> = {
            let registry = self.ingest.registry();
            selects
                .iter()
                .map(|select| engine::choose(&registry, select))
                .collect()
        };
        let ingest = self.ingest.clone();
        let queries = plans.into_iter().zip(chosen).collect();
        let found = self
            .common
            .read(move |connection| engine::run_all(connection, &ingest, queries));
        found.await?.map_err(refused)
    }

    fn plan(&self, select: &Select, now_ms: i64) -> Result<Plan> {
        let retention = &self.settings.retention;
        let plan = resolution::plan(select.from_ms, select.to_ms, select.step, now_ms, retention);
        plan.ok_or_else(|| {
            Error::bad_request(format!(
                "step is too short: at most {} points",
                resolution::MAX_POINTS
            ))
        })
    }
}

fn refused(no_answer: NoAnswer) -> Error {
    match no_answer {
        NoAnswer::TooMany(n_lines) => Error::bad_request(format!(
            "series: {n_lines} lines with so many points are too many; filter by labels, group_by fewer of them, or ask for a longer step"
        )),
        NoAnswer::TooSlow => Error::unavailable(
            "the query takes too long; ask for fewer series or less time",
            RETRY_AFTER,
        ),
    }
}
