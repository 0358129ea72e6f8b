//! API requests: how they get to the disk, how they are counted up, and how questions are answered.
//!
//! A batch is one row of a journal, committed before the answer. A job counts the journal into minutes, and hours that
//! are over into all longer periods, each in one transaction; so a kill at any time neither loses nor doubles anything,
//! and nothing but the names is kept in memory. A question reads blocks, and the journal of the same snapshot.

pub mod answer;
pub mod counting;
pub mod registry;
#[cfg(test)]
mod truth;

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};

use service::{Common, from_write, unix_ms};
use sqlite::{Store, request_ids};
use web::Result;

use self::registry::{Forgotten, Registry, Saved};
use crate::domain::requests::journal_row::{self, Waiting};
use crate::domain::requests::period::{Kept, Tier};
use crate::domain::requests::record::{Record, Window};
use crate::registry::Limits;
use crate::store::requests as store;

/// All that is in memory of API requests.
#[derive(Debug)]
pub struct Requests {
    registry: RwLock<Registry>,
    /// What of the registry is stored; only the writer looks at it.
    saved: Mutex<Saved>,
    kept: Kept,
    n_taken: AtomicU64,
    n_refused: AtomicU64,
    last_taken_at: AtomicI64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// Requests that were stored.
    pub n_taken: usize,
    /// Requests that were left out: a status or a time that cannot be.
    pub n_refused: usize,
    /// Whether it was stored now; else a batch of this id was before.
    pub is_new: bool,
}

/// How taking in goes, since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Health {
    /// Requests stored.
    pub n_taken: u64,
    /// Requests left out.
    pub n_refused: u64,
    /// Unix milliseconds.
    pub last_taken_at: Option<i64>,
    /// Dimension, and how many requests became `__other__` in it; those with any.
    pub folded: Vec<(&'static str, u64)>,
}

impl Requests {
    /// Reads the names.
    pub async fn load(common: &Common, limits: Limits, kept: Kept) -> Result<Self> {
        let registry = common
            .read(move |connection| Registry::load(connection, limits))
            .await?;
        Ok(Self::with(registry, kept))
    }

    /// With names that are all stored.
    pub fn with(registry: Registry, kept: Kept) -> Self {
        Self {
            saved: Mutex::new(registry.saved()),
            registry: RwLock::new(registry),
            kept,
            n_taken: AtomicU64::new(0),
            n_refused: AtomicU64::new(0),
            last_taken_at: AtomicI64::new(0),
        }
    }

    /// Whether nothing was told of yet.
    pub fn is_empty(&self) -> bool {
        self.registry().n_groups() == 0
    }

    /// Names and groups. Not to be asked for by who holds them: whoever waits to write would be waited for.
    pub fn registry(&self) -> RwLockReadGuard<'_, Registry> {
        self.registry.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long which periods are kept.
    pub fn kept(&self) -> Kept {
        self.kept
    }

    /// How taking in goes.
    pub fn health(&self) -> Health {
        let registry = self.registry();
        let folded = registry.folded().filter(|(_, n)| *n > 0);
        Health {
            n_taken: self.n_taken.load(Relaxed),
            n_refused: self.n_refused.load(Relaxed),
            last_taken_at: Some(self.last_taken_at.load(Relaxed)).filter(|at| *at > 0),
            folded: folded.map(|(dimension, n)| (dimension.name(), n)).collect(),
        }
    }

    /// Stores a batch; returns after the commit that holds it, when questions see it. `request_id` is of the batch: what
    /// was stored under it before is not stored again.
    pub async fn record(
        self: &Arc<Self>,
        common: &Common,
        records: &[Record],
        request_id: Option<String>,
    ) -> Result<Taken> {
        let (waiting, raised, n_refused) = self.intern(records, unix_ms());
        let taken = Taken {
            n_taken: waiting.len(),
            n_refused,
            is_new: true,
        };
        if waiting.is_empty() {
            return Ok(taken);
        }
        let is_new = self.write(&common.store, &waiting, raised, request_id).await?;
        if is_new {
            self.n_taken.fetch_add(taken.n_taken as u64, Relaxed);
            self.n_refused.fetch_add(taken.n_refused as u64, Relaxed);
            self.last_taken_at.store(unix_ms(), Relaxed);
        }
        Ok(Taken { is_new, ..taken })
    }

    /// Which times are taken: as long as hours are kept, and up to an hour ahead, for clocks that differ.
    pub fn window(&self, now_ms: i64) -> Window {
        Window {
            oldest_ms: now_ms - self.kept.hours_ms,
            newest_ms: now_ms + Tier::Hour.span_ms(),
        }
    }

    /// What is to be stored, groups whose latest day is another now, and how many were left out.
    fn intern(&self, records: &[Record], now_ms: i64) -> (Vec<Waiting>, Vec<(u32, i64)>, usize) {
        let window = self.window(now_ms);
        let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
        let sound = records.iter().filter(|record| record.is_sound(window));
        let waiting: Vec<Waiting> = sound
            .map(|record| Waiting {
                minute: Tier::Minute.period(record.at_ms),
                group: registry.intern(record),
                response_time_us: record.response_time_us,
            })
            .collect();
        let n_refused = records.len() - waiting.len();
        (waiting, registry.take_raised(), n_refused)
    }

    /// Forgets groups and texts of which nothing is kept any more: the latest request was before the first period of the
    /// longest tier that is kept, and so no request that is taken, or waits, is of them. Memory forgets first, so that
    /// what comes meanwhile gets numbers of its own.
    pub async fn forget(&self, common: &Common, now_ms: i64) -> Result<()> {
        let first_ms = self.kept.first(Tier::FourWeeks, now_ms) * Tier::FourWeeks.span_ms();
        let forgotten = {
            let mut registry = self.registry.write().unwrap_or_else(PoisonError::into_inner);
            registry.forget(Tier::Day.period(first_ms))
        };
        if forgotten == Forgotten::default() {
            return Ok(());
        }
        tracing::info!(
            "{} groups and {} names of API requests were forgotten",
            forgotten.groups.len(),
            forgotten.values.len()
        );
        let forget = move |tx: &rusqlite::Connection| store::forget(tx, &forgotten.groups, &forgotten.values);
        common.write(forget).await
    }

    async fn write(
        self: &Arc<Self>,
        store: &Store,
        waiting: &[Waiting],
        raised: Vec<(u32, i64)>,
        request_id: Option<String>,
    ) -> Result<bool> {
        let data = journal_row::encode(waiting);
        let requests = self.clone();
        let stored = store.write_unguarded(move |tx| {
            if let Some(id) = request_id
                && !request_ids::note(tx, &id, unix_ms())?
            {
                return Ok(None);
            }
            // Not noted as stored before the commit: who comes before that stores it again, which changes nothing.
            let saved = *requests.saved.lock().unwrap_or_else(PoisonError::into_inner);
            let saved = requests.registry().save(tx, saved)?;
            for (group, day) in raised {
                store::touch_group(tx, group, day)?;
            }
            store::append(tx, &data)?;
            Ok(Some(saved))
        });
        let Some(saved) = stored.await.map_err(from_write)? else {
            return Ok(false);
        };
        self.saved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .raise(saved);
        Ok(true)
    }
}
