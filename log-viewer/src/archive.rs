//! All entries, for those who read: what is in the database and what is in memory, as one.

use std::sync::{Arc, PoisonError, RwLock};

use service::Common;
use tokio::sync::OnceCell;
use web::Result;

use crate::domain::entry::{Committed, Stored};
use crate::domain::filter::Filter;
use crate::domain::paging::{Context, Fields, Histogram, Page, Paging, Stats};
use crate::store::window::Window;
use crate::store::{journal, search};

/// Reads entries. An entry is found from its commit on.
pub struct Archive {
    common: Arc<Common>,
    window: OnceCell<RwLock<Window>>,
}

/// What `/health` tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brief {
    /// Entries in all.
    pub n_entries: u64,
    /// Time of the newest.
    pub newest_ns: Option<i64>,
}

impl Archive {
    pub(crate) fn new(common: Arc<Common>) -> Self {
        Self {
            common,
            window: OnceCell::new(),
        }
    }

    /// One page of what matches.
    pub async fn page(&self, filter: Filter, paging: Paging) -> Result<Page> {
        let window = self.window().await?;
        self.common
            .read(move |_| Ok(search::page(&window, &filter, &paging)))
            .await
    }

    /// The entry with this id.
    pub async fn one(&self, id: u64) -> Result<Option<Stored>> {
        let window = self.window().await?;
        self.common.read(move |_| Ok(search::one(&window, id))).await
    }

    /// The entry with this id, and those of its container around it.
    pub async fn context(&self, id: u64, n_before: usize, n_after: usize) -> Result<Option<Context>> {
        let window = self.window().await?;
        self.common
            .read(move |_| Ok(search::context(&window, id, n_before, n_after)))
            .await
    }

    /// Those that match and were stored after the one with this id, in the order of ids: for a tail that resumes.
    /// At most `limit`; fewer means that these were all.
    pub async fn stored_after(&self, id: u64, filter: Filter, limit: usize) -> Result<Vec<Stored>> {
        let window = self.window().await?;
        self.common
            .read(move |_| Ok(search::stored_after(&window, id, &filter, limit)))
            .await
    }

    /// Volume over time in at most `n_buckets` buckets. Without `since` and `until` from the oldest to the newest.
    pub async fn histogram(&self, filter: Filter, n_buckets: usize) -> Result<Histogram> {
        let window = self.window().await?;
        self.common
            .read(move |_| Ok(search::histogram(&window, &filter, n_buckets)))
            .await
    }

    /// What there is, by level and container.
    pub async fn stats(&self) -> Result<Stats> {
        let window = self.window().await?;
        self.common.read(move |_| Ok(search::stats(&window))).await
    }

    /// Values of the JSON and logfmt fields of the newest entries that match.
    pub async fn fields(&self, filter: Filter) -> Result<Fields> {
        let window = self.window().await?;
        self.common
            .read(move |_| Ok(search::fields(&window, &filter)))
            .await
    }

    /// The id of the newest entry that was stored; 0 before the first.
    pub async fn newest_id(&self) -> Result<u64> {
        self.common.read(journal::newest_id).await
    }

    /// The two figures of `/health`, without a query.
    pub async fn brief(&self) -> Result<Brief> {
        let window = self.window().await?;
        let entries = || window.iter().flat_map(|batch| &batch.entries);
        Ok(Brief {
            n_entries: entries().count() as u64,
            newest_ns: entries().map(|entry| entry.time_ns).max(),
        })
    }

    /// Reads what the journal holds, unless that is done.
    pub(crate) async fn load(&self) -> Result<()> {
        self.cell().await.map(drop)
    }

    /// Makes a committed batch visible.
    pub(crate) async fn add(&self, batch: Arc<Committed>) -> Result<()> {
        let cell = self.cell().await?;
        let mut window = cell.write().unwrap_or_else(PoisonError::into_inner);
        Arc::make_mut(&mut window).push(batch);
        Ok(())
    }

    async fn window(&self) -> Result<Window> {
        let cell = self.cell().await?;
        Ok(cell.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// What the journal holds is read at the first use.
    async fn cell(&self) -> Result<&RwLock<Window>> {
        self.window
            .get_or_try_init(async || Ok(RwLock::new(Arc::new(self.common.read(journal::load).await?))))
            .await
    }
}
