//! All entries, for those who read: what is in the database and what is in memory, as one.

use std::sync::{Arc, PoisonError, RwLock};

use rusqlite::Connection;
use service::Common;
use tokio::sync::OnceCell;
use web::Result;

use crate::domain::entry::Stored;
use crate::domain::filter::Filter;
use crate::domain::paging::{Context, Fields, Histogram, Overview, Page, Paging, Stats};
use crate::store::frame::Frame;
use crate::store::journal::{self, Ids};
use crate::store::names::Names;
use crate::store::search::Reading;
use crate::store::window::Window;

/// Reads entries. An entry is found from its commit on.
pub struct Archive {
    common: Arc<Common>,
    /// Read from the database at the first use.
    state: OnceCell<Arc<State>>,
}

/// What is known without asking the database.
pub(crate) struct State {
    pub(crate) names: Names,
    pub(crate) shown: RwLock<Shown>,
    /// As they were at start.
    pub(crate) ids: Ids,
}

/// What readers see beside the database.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    pub(crate) window: Window,
    pub(crate) brief: Brief,
}

/// What `/health` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brief {
    /// Entries in all.
    pub n_entries: u64,
    /// Time of the newest.
    pub newest_ns: Option<i64>,
}

impl Brief {
    pub(crate) fn note(&mut self, new: &Frame, n_dropped: u64) {
        self.n_entries += new.rows.len() as u64;
        self.newest_ns = new.rows.iter().map(|row| row.time_ns).chain(self.newest_ns).max();
        self.drop(n_dropped);
    }

    pub(crate) fn drop(&mut self, n_dropped: u64) {
        self.n_entries = self.n_entries.saturating_sub(n_dropped);
        if self.n_entries == 0 {
            self.newest_ns = None;
        }
    }
}

impl Archive {
    pub(crate) fn new(common: Arc<Common>) -> Self {
        Self {
            common,
            state: OnceCell::new(),
        }
    }

    /// One page of what matches.
    pub async fn page(&self, filter: Filter, paging: Paging) -> Result<Page> {
        self.read(move |reading| reading.page(&filter, &paging)).await
    }

    /// What the log page shows, all of it as of one moment, so that list, bars and counts tell the same.
    pub(crate) async fn overview(
        &self,
        filter: Filter,
        paging: Paging,
        n_buckets: usize,
    ) -> Result<Overview> {
        self.look(move |connection, window, names| {
            // A look for each: none takes from the time that another one has.
            let look = || Reading::new(connection, window, names);
            Ok(Overview {
                stats: look()?.stats()?,
                page: look()?.page(&filter, &paging)?,
                histogram: look()?.histogram(&filter, n_buckets)?,
            })
        })
        .await
    }

    /// The entry with this id.
    pub async fn one(&self, id: u64) -> Result<Option<Stored>> {
        self.read(move |reading| reading.one(id)).await
    }

    /// The entry with this id, and those of its container around it.
    pub async fn context(&self, id: u64, n_before: usize, n_after: usize) -> Result<Option<Context>> {
        self.read(move |reading| reading.context(id, n_before, n_after))
            .await
    }

    /// Those that match and were stored after the one with this id, in the order of ids: for a tail that resumes.
    /// At most `limit`; fewer means that these were all.
    pub async fn stored_after(&self, id: u64, filter: Filter, limit: usize) -> Result<Vec<Stored>> {
        self.read(move |reading| reading.stored_after(id, &filter, limit))
            .await
    }

    /// Volume over time in at most `n_buckets` buckets. Without `since` and `until` from the oldest to the newest.
    pub async fn histogram(&self, filter: Filter, n_buckets: usize) -> Result<Histogram> {
        self.read(move |reading| reading.histogram(&filter, n_buckets))
            .await
    }

    /// What there is, by level and container.
    pub async fn stats(&self) -> Result<Stats> {
        self.read(|reading| reading.stats()).await
    }

    /// Values of the JSON and logfmt fields of the newest entries that match.
    pub async fn fields(&self, filter: Filter) -> Result<Fields> {
        self.read(move |reading| reading.fields(&filter)).await
    }

    /// The id of the newest entry that was stored; 0 before the first.
    pub async fn newest_id(&self) -> Result<u64> {
        self.common.read(journal::newest_id).await
    }

    /// How many of the entries stored after the one with this id are not there any more.
    pub async fn n_gone_after(&self, id: u64) -> Result<u64> {
        self.read(move |reading| reading.n_gone_after(id)).await
    }

    /// The names of all containers, those that have no entry any more among them.
    pub(crate) async fn names(&self) -> Result<&Names> {
        Ok(&self.state().await?.names)
    }

    /// The two figures of `/health`, without a query.
    pub async fn brief(&self) -> Result<Brief> {
        let state = self.state().await?;
        Ok(state.shown.read().unwrap_or_else(PoisonError::into_inner).brief)
    }

    async fn read<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Reading<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.look(|connection, window, names| look(&mut Reading::new(connection, window, names)?))
            .await
    }

    /// With what readings are made of, on one snapshot.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Connection, &Window, &Names) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let state = self.state().await?.clone();
        // Taken before the snapshot begins: what is sealed in between is passed over in it.
        let window = state
            .shown
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .window
            .clone();
        self.common
            .read(move |connection| look(connection, &window, &state.names))
            .await
    }

    pub(crate) async fn state(&self) -> Result<&Arc<State>> {
        self.state
            .get_or_try_init(async || self.common.read(State::load).await.map(Arc::new))
            .await
    }
}

impl State {
    pub(crate) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let window = Window::of(journal::load(connection)?);
        let (n_blocked, newest_ns): (i64, Option<i64>) = connection.query_row(
            "select coalesce(sum(n_entries), 0), max(last_ns) from blocks",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        let rows = window.frames().iter().flat_map(|frame| &frame.rows);
        let brief = Brief {
            n_entries: n_blocked.unsigned_abs() + window.n_entries() as u64,
            newest_ns: rows.map(|row| row.time_ns).chain(newest_ns).max(),
        };
        Ok(Self {
            names: Names::load(connection)?,
            shown: RwLock::new(Shown { window, brief }),
            ids: Ids::load(connection)?,
        })
    }

    /// Changes what readers see, all at once.
    pub(crate) fn show(&self, change: impl FnOnce(&mut Shown)) {
        change(&mut self.shown.write().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn window(&self) -> Window {
        let shown = self.shown.read().unwrap_or_else(PoisonError::into_inner);
        shown.window.clone()
    }

    pub(crate) fn brief(&self) -> Brief {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).brief
    }
}
