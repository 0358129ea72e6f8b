//! Keeps the WAL small: copies it into the database every so often, and cuts the file when it has grown.
//! Runs on the writer thread between two commits, after the callers of the first have their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::connect::BUSY_TIMEOUT;
use crate::error::is_fatal;
use crate::gate::Gate;
use crate::stats::{Counters, add};

/// Frames between ordinary checkpoints; SQLite's own default. 4000 and 16000 tripled the p99 of writes.
const PASSIVE_EVERY: u32 = 1_000;
const MIB: u64 = 1 << 20;
/// Above this the file is cut.
const TRUNCATE_AT: u64 = 16 * MIB;
/// How much more it may grow before cutting is tried again.
const TRUNCATE_STEP: u64 = 4 * MIB;
/// Above this new reads wait until it is cut, so that only another process's reader can make it grow past 64 MiB.
const SHUT_AT: u64 = 32 * MIB;
/// When cutting is tried again though the WAL has not grown.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How long the writer waits for readers in a checkpoint. Most reads end within a few milliseconds.
const TRUNCATE_WAIT: Duration = Duration::from_millis(100);

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Nothing,
    /// Copy what no reader needs any more; waits for nobody.
    Passive,
    /// Copy everything, waiting a moment for readers, and cut the file.
    Truncate,
    /// The same, with our own readers held back.
    ShutAndTruncate,
}

/// When to do it. Knows sizes and times only, so it can be tested without either.
#[derive(Debug)]
struct Plan {
    last_frames: u32,
    passive_at: u32,
    truncate_at: u64,
    retry_at: Option<Instant>,
}

impl Plan {
    fn new() -> Plan {
        Plan {
            last_frames: 0,
            passive_at: PASSIVE_EVERY,
            truncate_at: TRUNCATE_AT,
            retry_at: None,
        }
    }

    fn next(&mut self, frames: u32, bytes: u64, now: Instant) -> Step {
        if frames < self.last_frames {
            // SQLite has started the WAL again from its beginning.
            *self = Plan::new();
        }
        self.last_frames = frames;
        let is_time_to_retry = self.retry_at.is_some_and(|retry_at| now >= retry_at);
        if bytes >= self.truncate_at || (bytes >= TRUNCATE_AT && is_time_to_retry) {
            return if bytes >= SHUT_AT {
                Step::ShutAndTruncate
            } else {
                Step::Truncate
            };
        }
        if frames >= self.passive_at {
            self.passive_at = frames + PASSIVE_EVERY;
            return Step::Passive;
        }
        Step::Nothing
    }

    /// A reader was in the way. Past `SHUT_AT` it is another process's, such as a backup: ask ever less often.
    fn was_not_cut(&mut self, bytes: u64, now: Instant) {
        self.truncate_at = if bytes >= SHUT_AT {
            bytes * 2
        } else {
            (bytes + TRUNCATE_STEP).min(SHUT_AT)
        };
        self.retry_at = Some(now + RETRY_AFTER);
    }
}

pub(crate) struct Checkpointer {
    plan: Plan,
    /// Frames in the WAL after the last commit, as SQLite's hook reports them.
    frames: Arc<AtomicU32>,
    frame_bytes: u64,
    gate: Arc<Gate>,
    /// How long our own reads may hold the gate: their deadline and a little.
    patience: Duration,
    counters: Arc<Counters>,
}

impl Checkpointer {
    pub(crate) fn new(
        connection: &mut Connection,
        gate: Arc<Gate>,
        read_deadline: Duration,
        counters: Arc<Counters>,
    ) -> rusqlite::Result<Checkpointer> {
        let frames = Arc::new(AtomicU32::new(0));
        let reported = Arc::clone(&frames);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n_frames: i32| {
            reported.store(n_frames.unsigned_abs(), Relaxed);
            Ok(())
        }))?;
        let page_bytes: u32 = connection.query_row("pragma page_size", [], |row| row.get(0))?;
        let checkpointer = Checkpointer {
            plan: Plan::new(),
            frames,
            // Each page in the WAL has a header of 24 bytes: <https://www.sqlite.org/fileformat2.html#the_write_ahead_log>.
            frame_bytes: u64::from(page_bytes) + 24,
            gate,
            patience: read_deadline + Duration::from_secs(1),
            counters,
        };
        checkpointer.note_free_pages(connection);
        Ok(checkpointer)
    }

    /// Call after each commit. Fails only with errors after which the disk cannot be trusted.
    pub(crate) fn after_commit(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let frames = self.frames.load(Relaxed);
        let bytes = u64::from(frames) * self.frame_bytes;
        match self.plan.next(frames, bytes, Instant::now()) {
            Step::Nothing => Ok(()),
            Step::Passive => self.checkpoint(connection, "passive").map(drop),
            Step::Truncate => self.truncate(connection, bytes),
            Step::ShutAndTruncate => {
                let gate = Arc::clone(&self.gate);
                let shut = gate.shut(self.patience);
                if !shut.is_quiet {
                    tracing::warn!("a read has outlived its deadline and keeps the WAL from being reset");
                }
                self.truncate(connection, bytes)
            }
        }
    }

    /// The last one, when the readers have gone.
    pub(crate) fn at_close(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        self.truncate(connection, 0)
    }

    fn truncate(&mut self, connection: &Connection, bytes: u64) -> rusqlite::Result<()> {
        connection.busy_timeout(TRUNCATE_WAIT)?;
        let is_cut = self.checkpoint(connection, "truncate");
        connection.busy_timeout(BUSY_TIMEOUT)?;
        if is_cut? {
            self.frames.store(0, Relaxed);
            self.plan = Plan::new();
            return Ok(());
        }
        self.plan.was_not_cut(bytes, Instant::now());
        if bytes >= SHUT_AT {
            tracing::warn!(
                wal_bytes = bytes,
                "another process's reader keeps the WAL at {bytes} bytes"
            );
        }
        Ok(())
    }

    /// Whether all of the WAL is now in the database (and, for `truncate`, the file is cut).
    fn checkpoint(&self, connection: &Connection, mode: &str) -> rusqlite::Result<bool> {
        let sql = format!("pragma wal_checkpoint({mode})");
        let row = connection.query_row(&sql, [], |row| {
            let (is_busy, n_frames, n_copied): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(!is_busy && n_frames == n_copied)
        });
        match row {
            Ok(is_done) => {
                add(&self.counters.checkpoints, u64::from(is_done));
                self.note_free_pages(connection);
                Ok(is_done)
            }
            Err(error) if is_fatal(&error) => Err(error),
            Err(error) => {
                tracing::warn!(error = %error, "the WAL could not be checkpointed for now: {error}");
                Ok(false)
            }
        }
    }

    fn note_free_pages(&self, connection: &Connection) {
        let n_free = connection.query_row("pragma freelist_count", [], |row| row.get::<_, u32>(0));
        if let Ok(n_free) = n_free {
            self.counters
                .free_bytes
                .store(u64::from(n_free) * (self.frame_bytes - 24), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(bytes: u64) -> u32 {
        u32::try_from(bytes / 4120).unwrap()
    }

    #[test]
    fn a_growing_wal_is_copied_every_thousand_frames() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        let mut check = |n_frames, expected| assert_eq!(plan.next(n_frames, 0, now), expected, "{n_frames}");
        check(999, Step::Nothing);
        check(1_000, Step::Passive);
        check(1_500, Step::Nothing);
        check(2_100, Step::Passive);
        // Restarted by SQLite.
        check(3, Step::Nothing);
        check(1_000, Step::Passive);
    }

    #[test]
    fn a_large_wal_is_cut_and_readers_are_held_back_only_when_that_fails() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        let mut check = |mib: u64, expected| {
            let bytes = mib * MIB;
            let step = plan.next(frames(bytes), bytes, now);
            assert_eq!(step, expected, "{mib} MiB");
            if matches!(step, Step::Truncate | Step::ShutAndTruncate) {
                plan.was_not_cut(bytes, now);
            }
        };
        check(16, Step::Truncate);
        check(20, Step::Truncate);
        check(31, Step::Truncate);
        check(32, Step::ShutAndTruncate);
        check(63, Step::Passive);
        check(64, Step::ShutAndTruncate);
        check(100, Step::Passive);
    }

    #[test]
    fn cutting_is_tried_again_after_a_while() {
        let (mut plan, now) = (Plan::new(), Instant::now());
        let bytes = 17 * MIB;
        assert_eq!(plan.next(frames(bytes), bytes, now), Step::Truncate);
        plan.was_not_cut(bytes, now);
        plan.passive_at = u32::MAX;
        assert_eq!(plan.next(frames(bytes), bytes, now), Step::Nothing);
        assert_eq!(plan.next(frames(bytes), bytes, now + RETRY_AFTER), Step::Truncate);
    }
}
