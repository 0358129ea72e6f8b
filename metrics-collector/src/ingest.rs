//! The way of samples to the disk and into memory: a row in the journal, the commit, then the heads.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rusqlite::Connection;
use service::{Common, from_write, unix_ms};
use sqlite::{Store, request_ids};
use web::{Error, Result};

use crate::domain::batch::Batch;
use crate::domain::kind::Kind;
use crate::domain::timestamp::DAY_MS;
use crate::domain::window;
use crate::heads::Heads;
use crate::intake::{Refusal, Tally};
use crate::readers::Readers;
use crate::registry::{Limits, Registry};
use crate::sealed::SealedRows;
use crate::store::progress::{self, Progress};
use crate::store::{journal, series};

/// Batches replayed between two reads, so that no read lasts long.
const REPLAY_STEP: u32 = 256;

/// All that is in memory, and how it gets there.
pub struct Ingest {
    /// All series.
    pub registry: RwLock<Registry>,
    heads: Mutex<Heads>,
    /// Who reads the heads.
    pub readers: Readers,
    /// What rows say, for whoever asks again.
    pub sealed: SealedRows,
    /// The number of the last batch that was given one; only the writer gives them.
    last_seq: AtomicI64,
    /// All series with smaller ids are in the database.
    n_saved: AtomicU32,
    /// Metrics kept since the start.
    n_taken: AtomicU64,
    /// Metrics left out since the start, by [`Refusal::ALL`].
    refused: [AtomicU64; 4],
    /// Metrics kept under `__other__` since the start.
    n_folded: AtomicU64,
    /// When the last batch was kept, Unix milliseconds; 0 for none since the start.
    last_taken_at: AtomicI64,
}

impl Ingest {
    /// Reads series and journal.
    pub async fn load(common: &Common, limits: Limits) -> Result<Self> {
        let registry = common
            .read(move |connection| {
                let mut registry = Registry::new(limits);
                series::all(connection, |id, series| registry.restore(id, series))?;
                Ok(registry)
            })
            .await?;
        let progress = common.read(progress::read).await?;
        let (heads, last_seq) = replay(common, &registry, &progress).await?;
        let n_saved = AtomicU32::new(registry.end());
        Ok(Self {
            registry: RwLock::new(registry),
            heads: Mutex::new(heads),
            readers: Readers::default(),
            sealed: SealedRows::default(),
            last_seq: AtomicI64::new(last_seq),
            n_saved,
            n_taken: AtomicU64::new(0),
            refused: Default::default(),
            n_folded: AtomicU64::new(0),
            last_taken_at: AtomicI64::new(0),
        })
    }

    /// The series, to look at.
    pub fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The series, to change.
    pub fn registry_mut(&self) -> RwLockWriteGuard<'_, Registry> {
        self.registry.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The heads. Held for short.
    pub fn heads(&self) -> MutexGuard<'_, Heads> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Stores a batch; returns after the commit that holds it, when queries see it. False if a request of this id
    /// was stored before: then nothing is.
    pub async fn keep(
        self: &Arc<Self>,
        store: &Store,
        batch: Batch,
        request_id: Option<String>,
    ) -> Result<bool> {
        if batch.samples.is_empty() && batch.visits.is_empty() {
            return Ok(true);
        }
        let (ingest, store) = (self.clone(), store.clone());
        // A task of its own: a caller that goes away must not leave a stored batch out of memory.
        let kept = tokio::spawn(async move { ingest.write(&store, batch, request_id).await });
        kept.await.map_err(Error::internal)?
    }

    async fn write(
        self: &Arc<Self>,
        store: &Store,
        batch: Batch,
        request_id: Option<String>,
    ) -> Result<bool> {
        let data = batch.encode();
        let last_window = batch
            .samples
            .iter()
            .map(|sample| window::of(sample.at_ms))
            .max()
            .unwrap_or(0);
        let given = Arc::new(AtomicI64::new(0));
        let (ingest, noted) = (self.clone(), given.clone());
        let stored = store
            .write_unguarded(move |tx| {
                if let Some(id) = request_id
                    && !request_ids::note(tx, &id, unix_ms())?
                {
                    return Ok(None);
                }
                let seq = ingest.last_seq.fetch_add(1, SeqCst) + 1;
                noted.store(seq, SeqCst);
                let n_saved = ingest.save_series(tx)?;
                journal::insert(tx, seq, last_window, &data)?;
                Ok(Some(n_saved))
            })
            .await
            .map_err(from_write);
        let seq = given.load(SeqCst);
        let batch = match &stored {
            Ok(Some(n_saved)) => {
                self.n_saved.fetch_max(*n_saved, SeqCst);
                Some(batch)
            }
            Ok(None) | Err(_) => None,
        };
        // Without a number it was refused before it came to the writer, or had been stored before.
        if seq > 0 {
            self.heads().settle(seq, batch, |id| self.kind(id));
        }
        stored.map(|n_saved| n_saved.is_some())
    }

    /// The same outside a batch, where nothing else is written.
    pub(crate) fn save_new_series(&self, tx: &Connection) -> rusqlite::Result<()> {
        let end = self.save_series(tx)?;
        self.n_saved.fetch_max(end, SeqCst);
        Ok(())
    }

    /// Stores series that are not in the database yet, whoever made them: a batch may hold samples of a series that a
    /// batch behind it made. Returns up to which id all are stored once this commits.
    fn save_series(&self, tx: &Connection) -> rusqlite::Result<u32> {
        let from = self.n_saved.load(SeqCst);
        let registry = self.registry();
        let end = registry.end();
        let day = unix_ms().div_euclid(DAY_MS);
        for id in from..end {
            if let Some(series) = registry.get(id) {
                series::insert(tx, id, series, day)?;
            }
        }
        Ok(end)
    }

    /// The kind of a series, if it is there.
    pub fn kind(&self, id: u32) -> Option<Kind> {
        self.registry().kind(id)
    }

    /// Counts what became of a request.
    pub fn count(&self, tally: &Tally) {
        self.n_taken.fetch_add(tally.n_taken, Relaxed);
        self.n_folded.fetch_add(tally.n_folded, Relaxed);
        for refusal in Refusal::ALL {
            self.refused[refusal as usize].fetch_add(tally.refused[refusal as usize], Relaxed);
        }
        if tally.n_taken > 0 {
            self.last_taken_at.store(unix_ms(), Relaxed);
        }
    }

    /// What became of all metrics since the start.
    pub fn tally(&self) -> Tally {
        Tally {
            n_taken: self.n_taken.load(Relaxed),
            refused: std::array::from_fn(|refusal| self.refused[refusal].load(Relaxed)),
            n_folded: self.n_folded.load(Relaxed),
        }
    }

    /// When metrics were last kept, Unix milliseconds; none since the start.
    pub fn last_taken_at(&self) -> Option<i64> {
        Some(self.last_taken_at.load(Relaxed)).filter(|at| *at > 0)
    }

    /// Waits until all that was answered can be seen: a batch may be applied a moment after a later one was stored.
    pub async fn settled(&self) {
        for _ in 0..1000 {
            if !self.heads().is_behind() {
                return;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Fills the heads from the journal with what is not in chunks. If a round of writing was under way, what it had not
/// written is frozen again. Returns the last number given, too.
async fn replay(common: &Common, registry: &Registry, progress: &Progress) -> Result<(Heads, i64)> {
    let kind_of = |id| registry.kind(id);
    let (mut heads, mut last_seq) = (Heads::new(0), 0);
    heads.set_last_cut(progress.done);
    let mut round = progress.round;
    loop {
        let batches = common
            .read(move |connection| journal::after(connection, last_seq, REPLAY_STEP))
            .await?;
        let is_last = batches.is_empty();
        for (seq, mut batch) in batches {
            if let Some(ended) = round.take_if(|round| seq > round.cut.seq) {
                heads.freeze_again(ended.cut);
            }
            last_seq = seq;
            batch
                .samples
                .retain(|sample| !progress.has(seq, window::of(sample.at_ms), sample.series));
            heads.replay(seq, &batch, &kind_of);
        }
        if is_last {
            break;
        }
    }
    if let Some(ended) = round {
        heads.freeze_again(ended.cut);
    }
    let last_seq = last_seq.max(progress.last_seq());
    heads.replay(last_seq, &Batch::default(), &kind_of);
    Ok((heads, last_seq))
}
