//! The job that stores. A little goes into the journal; when that holds some megabytes, or much comes at once,
//! all of it goes into blocks. Also makes room, by the clock and after each seal.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use service::{Common, Ending};
use tokio::sync::{Mutex, broadcast, mpsc, oneshot};
use tokio::time::MissedTickBehavior;
use web::{Error, Result};

use super::{Also, Waiting};
use crate::archive::{Archive, State};
use crate::domain::entry::{Committed, Entry};
use crate::settings::Settings;
use crate::store::frame::Frame;
use crate::store::journal::{self, Ids};
use crate::store::names::Names;
use crate::store::pieces::PIECE_BYTES;
use crate::store::room::{self, Limits};
use crate::store::seal::{self, Sizes};

/// What the window may take before it is sealed: enough for some blocks, and read through in a millisecond.
const SEAL_BYTES: usize = 2 << 20;
/// The window may hold this part of all entries that are kept, and a block as well, so that trimming is smooth.
const PARTS: u64 = 16;
/// Entries in a block at most.
const MAX_BLOCK_ENTRIES: u64 = 16_384;
/// Blocks in a partition: an eighth of what is kept, within these bounds.
const PARTITION_BLOCKS: (u64, u64) = (16, 512);
/// Entries in a block of usual lines, and what it takes in the database.
const USUAL_BLOCK: (u64, u64) = (1_800, 80_000);
/// Between two looks at what is too old or too much.
const TIDY_INTERVAL: Duration = Duration::from_secs(30);
/// Before what the journal holds is read again, should that have failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
/// Free pages given back to the file system at a time.
const SHRINK_PAGES: u32 = 500;
const DAY_NS: i64 = 86_400_000_000_000;

pub(super) struct Keeper {
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    common: Arc<Common>,
    archive: Arc<Archive>,
    committed: broadcast::Sender<Arc<Committed>>,
    limits: Limits,
    sizes: Sizes,
}

/// All that is stored in one transaction.
struct Round {
    entries: Vec<Entry>,
    alsos: Vec<Also>,
    /// Callers, and how many entries stand before theirs.
    answers: Vec<(oneshot::Sender<Result<u64>>, u64)>,
    n_bytes: usize,
    room: Vec<tokio::sync::OwnedSemaphorePermit>,
}

impl Keeper {
    pub(super) fn new(
        settings: &Settings,
        common: Arc<Common>,
        archive: Arc<Archive>,
        waiting: mpsc::Receiver<Waiting>,
        committed: broadcast::Sender<Arc<Committed>>,
    ) -> Self {
        let max_entries = settings.max_entries;
        let by_bytes = settings.max_database_bytes.unwrap_or(u64::MAX) / USUAL_BLOCK.1;
        let n_blocks = by_bytes.min(max_entries / USUAL_BLOCK.0);
        let partition = (n_blocks / 8).clamp(PARTITION_BLOCKS.0, PARTITION_BLOCKS.1);
        Self {
            waiting: Mutex::new(waiting),
            common,
            archive,
            committed,
            limits: Limits {
                max_entries,
                max_bytes: settings.max_database_bytes,
                max_age_ns: settings.retention_days.map(|days| i64::from(days) * DAY_NS),
            },
            sizes: Sizes {
                max_entries: (max_entries / PARTS).clamp(1, MAX_BLOCK_ENTRIES) as usize,
                max_partition: partition as u32,
                piece_bytes: PIECE_BYTES,
            },
        }
    }

    pub(super) async fn run(self: Arc<Self>, mut ending: Ending) {
        let Some((state, mut ids)) = self.load(&mut ending).await else {
            return;
        };
        let mut waiting = self.waiting.lock().await;
        let mut ticks = tokio::time::interval(TIDY_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let next = ending.unless(async {
                tokio::select! {
                    next = waiting.recv() => Some(next),
                    _ = ticks.tick() => None,
                }
            });
            match next.await {
                Some(Some(Some(first))) => {
                    let round = Round::of(first, &mut waiting);
                    ids = self.store(&state, ids, round).await;
                }
                Some(None) => ids = self.tidy(&state, ids).await,
                None | Some(Some(None)) => return,
            }
        }
    }

    /// What the database says, also where this job has ended in the middle before.
    async fn load(&self, ending: &mut Ending) -> Option<(Arc<State>, Ids)> {
        loop {
            let loaded = async {
                let state = self.archive.state().await?.clone();
                let fresh = self.common.read(State::load).await?;
                let shown = fresh.shown.into_inner();
                state.show(|stale| *stale = shown.unwrap_or_else(std::sync::PoisonError::into_inner));
                Ok((state, fresh.ids))
            };
            match ending.unless(loaded).await? {
                Ok(loaded) => return Some(loaded),
                Err(error) => {
                    let error: Error = error;
                    tracing::error!(
                        cause = error.cause,
                        "the journal cannot be read: {}",
                        error.detail
                    );
                    ending.unless(tokio::time::sleep(RETRY_PAUSE)).await?;
                }
            }
        }
    }

    /// Stores a round, shows it, answers. Returns the ids from then on.
    async fn store(&self, state: &Arc<State>, ids: Ids, round: Round) -> Ids {
        let Round {
            entries,
            alsos,
            answers,
            n_bytes,
            room,
        } = round;
        let n_entries = entries.len() as u64;
        let frame = Arc::new(framed(&entries, ids.next, &state.names, n_bytes));
        let next = Ids {
            next: ids.next + n_entries,
            ..ids
        };
        let window = state.window();
        let n_windowed = window.n_entries() as u64 + n_entries;
        let is_full = window.n_bytes() + frame.n_bytes() >= SEAL_BYTES
            || n_windowed >= (self.limits.max_entries / PARTS).max(1);
        let stored = if is_full && n_windowed > 0 {
            self.seal(state, next, Some(frame), alsos).await
        } else {
            self.journal(state, next, frame, alsos).await
        };
        drop(room);
        let result = match stored {
            Ok(next) => {
                if n_entries > 0 {
                    // An error means that nobody listens.
                    let _ = self.committed.send(Arc::new(Committed {
                        first_id: ids.next,
                        entries,
                    }));
                }
                Ok(next)
            }
            Err(error) => Err(error),
        };
        for (answer, n_before) in answers {
            // The caller may have gone away; what it gave is stored all the same.
            let _ = answer.send(match &result {
                Ok(_) => Ok(ids.next + n_before),
                Err(error) => Err(copy(error)),
            });
        }
        result.unwrap_or(ids)
    }

    async fn journal(
        &self,
        state: &Arc<State>,
        ids: Ids,
        frame: Arc<Frame>,
        alsos: Vec<Also>,
    ) -> Result<Ids> {
        let (names, limits) = (state.names.clone(), self.limits);
        let window = state.window();
        let n_windowed = (window.n_entries() + frame.rows.len()) as u64;
        let is_over = state.brief().n_entries + frame.rows.len() as u64 > limits.max_entries;
        let journalled = frame.clone();
        let n_dropped = self
            .common
            .write(move |tx| {
                names.store(tx)?;
                journal::append(tx, &journalled)?;
                ids.store(tx)?;
                alsos.into_iter().try_for_each(|also| also(tx))?;
                match is_over {
                    true => limits.make_room(tx, n_windowed, now_ns()),
                    false => Ok(0),
                }
            })
            .await?;
        state.names.note_stored();
        state.show(|shown| {
            shown.brief.note(&frame, n_dropped);
            shown.window.push(frame);
        });
        Ok(ids)
    }

    /// Puts the window and what is new into blocks.
    async fn seal(
        &self,
        state: &Arc<State>,
        ids: Ids,
        new: Option<Arc<Frame>>,
        alsos: Vec<Also>,
    ) -> Result<Ids> {
        let (sizes, limits, names) = (self.sizes, self.limits, state.names.clone());
        let ids = Ids {
            sealed_before: ids.next,
            ..ids
        };
        let window = state.window();
        let frames: Vec<Arc<Frame>> = window.frames().iter().chain(&new).cloned().collect();
        let prepared = tokio::task::spawn_blocking(move || seal::prepare(&frames, sizes)).await;
        let seal = prepared.map_err(Error::internal)?.map_err(Error::internal)?;
        let n_dropped = self
            .common
            .write(move |tx| {
                names.store(tx)?;
                seal.store(tx, sizes)?;
                journal::clear(tx)?;
                ids.store(tx)?;
                alsos.into_iter().try_for_each(|also| also(tx))?;
                limits.make_room(tx, 0, now_ns())
            })
            .await?;
        state.names.note_stored();
        state.show(|shown| {
            if let Some(new) = &new {
                shown.brief.note(new, 0);
            }
            shown.brief.drop(n_dropped);
            shown.window = crate::store::window::Window::default();
        });
        Ok(ids)
    }

    /// Drops what is too old or too much, and mends indexes that name much that is gone.
    async fn tidy(&self, state: &Arc<State>, ids: Ids) -> Ids {
        match self.try_tidy(state, ids).await {
            Ok(ids) => ids,
            Err(error) => {
                tracing::error!(cause = error.cause, "no room could be made: {}", error.detail);
                // A seal may have been stored before something else failed.
                self.common.read(Ids::load).await.unwrap_or(ids)
            }
        }
    }

    async fn try_tidy(&self, state: &Arc<State>, mut ids: Ids) -> Result<Ids> {
        let window = state.window();
        let newest = window.frames().iter().flat_map(|frame| &frame.rows);
        let newest = newest.map(|row| row.time_ns).max();
        let oldest_kept = self.limits.max_age_ns.map(|age| now_ns().saturating_sub(age));
        if newest
            .zip(oldest_kept)
            .is_some_and(|(newest, oldest)| newest < oldest)
        {
            ids = self.seal(state, ids, None, Vec::new()).await?;
        }
        let (limits, n_windowed) = (self.limits, state.window().n_entries() as u64);
        let started = Instant::now();
        let n_dropped = self
            .common
            .write(move |tx| limits.make_room(tx, n_windowed, now_ns()))
            .await?;
        if n_dropped > 0 {
            let took_ms = started.elapsed().as_millis() as u64;
            tracing::info!(
                n_dropped,
                took_ms,
                "{n_dropped} entries were dropped in {took_ms} ms"
            );
        }
        state.show(|shown| shown.brief.drop(n_dropped));
        self.mend_index().await?;
        self.shrink().await?;
        Ok(ids)
    }

    async fn mend_index(&self) -> Result<()> {
        let read = |connection: &Connection| match room::thin_partition(connection)? {
            Some(partition) => Ok(Some((partition, room::words_left(connection, partition)?))),
            None => Ok(None),
        };
        if let Some((mut partition, left)) = self.common.read(read).await? {
            let mend = move |tx: &Connection| {
                partition.reindex(tx, left)?;
                partition.save(tx)
            };
            self.common.write(mend).await?;
        }
        Ok(())
    }

    async fn shrink(&self) -> Result<()> {
        let Some(limit) = self.limits.max_bytes else {
            return Ok(());
        };
        while self.common.read(room::file_bytes).await? > limit {
            let before = self.common.read(room::file_bytes).await?;
            self.common.write(|tx| sqlite::shrink(tx, SHRINK_PAGES)).await?;
            if self.common.read(room::file_bytes).await? >= before {
                break;
            }
        }
        Ok(())
    }
}

impl Round {
    /// The first who waits and those behind it, until it is as much as one seal.
    fn of(first: Waiting, waiting: &mut mpsc::Receiver<Waiting>) -> Self {
        let mut round = Self {
            entries: Vec::new(),
            alsos: Vec::new(),
            answers: Vec::new(),
            n_bytes: 0,
            room: Vec::new(),
        };
        round.add(first);
        while round.n_bytes < SEAL_BYTES
            && let Ok(next) = waiting.try_recv()
        {
            round.add(next);
        }
        round
    }

    fn add(&mut self, waiting: Waiting) {
        self.answers.push((waiting.answer, self.entries.len() as u64));
        self.alsos.push(waiting.also);
        self.n_bytes += waiting.n_bytes;
        self.room.push(waiting._room);
        match self.entries.is_empty() {
            true => self.entries = waiting.entries,
            false => self.entries.extend(waiting.entries),
        }
    }
}

fn framed(entries: &[Entry], first_id: u64, names: &Names, n_bytes: usize) -> Frame {
    let mut frame = Frame::default();
    frame
        .text
        .reserve(n_bytes.saturating_sub(entries.len() * super::ENTRY_BYTES));
    frame.rows.reserve(entries.len());
    let mut last: Option<(&Arc<str>, u32)> = None;
    for (id, entry) in (first_id..).zip(entries) {
        let number = match last {
            Some((name, number)) if *name == entry.container => number,
            _ => names.number(&entry.container),
        };
        last = Some((&entry.container, number));
        frame.push(id, number, entry);
    }
    frame
}

/// The same refusal for another caller.
fn copy(error: &Error) -> Error {
    let mut copy = Error::new(error.status, error.detail.clone());
    copy.retry_after = error.retry_after;
    copy.cause.clone_from(&error.cause);
    copy
}

fn now_ns() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
