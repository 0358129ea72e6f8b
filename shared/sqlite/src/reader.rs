//! Reader threads: each has a read-only connection and answers one query at a time from a consistent snapshot.
//! A query that runs past its deadline is interrupted, because a snapshot held for long lets the WAL grow without bound.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::gate::Gate;
use crate::stats::{Counters, add};
use crate::task::{Fate, Job, Ran};

/// Queries that may wait; with more than this no reader would come to them before their deadline.
pub(crate) const QUEUE: usize = 128;

/// Virtual machine steps between two looks at the clock: well under a millisecond.
const STEPS_PER_LOOK: i32 = 1_000;

pub(crate) struct Query {
    pub(crate) job: Box<dyn Job>,
    pub(crate) deadline: Instant,
}

pub(crate) struct Reader {
    connection: Connection,
    queue: Arc<Mutex<Receiver<Query>>>,
    gate: Arc<Gate>,
    counters: Arc<Counters>,
    watchdog: Arc<Watchdog>,
    /// Dropped with the reader; the writer closes the file when all are.
    _alive: Sender<()>,
}

impl Reader {
    pub(crate) fn new(
        mut connection: Connection,
        queue: Arc<Mutex<Receiver<Query>>>,
        gate: Arc<Gate>,
        counters: Arc<Counters>,
        alive: Sender<()>,
    ) -> rusqlite::Result<Reader> {
        let watchdog = Arc::new(Watchdog::new());
        let watching = Arc::clone(&watchdog);
        connection.progress_handler(STEPS_PER_LOOK, Some(move || watching.is_late()))?;
        Ok(Reader {
            connection,
            queue,
            gate,
            counters,
            watchdog,
            _alive: alive,
        })
    }

    /// Starts the thread. It ends when the sender of its queue is gone and the queue is empty.
    pub(crate) fn spawn(self, number: usize) -> io::Result<()> {
        let name = format!("sqlite-reader-{number}");
        thread::Builder::new().name(name).spawn(move || {
            while let Some(query) = self.next() {
                // The closure's own panic is caught closer by; this is for the drop of what it returned.
                let _ = catch_unwind(AssertUnwindSafe(|| self.serve(query)));
            }
        })?;
        Ok(())
    }

    fn next(&self) -> Option<Query> {
        self.queue
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv()
            .ok()
    }

    fn serve(&self, mut query: Query) {
        if !query.job.is_awaited() {
            return;
        }
        let fate = {
            let _passage = self.gate.enter();
            self.run(&mut query)
        };
        add(&self.counters.reads, 1);
        add(
            &self.counters.read_timeouts,
            u64::from(matches!(fate, Fate::Deadline | Fate::Busy)),
        );
        query.job.answer(&fate);
    }

    fn run(&self, query: &mut Query) -> Fate {
        if Instant::now() >= query.deadline {
            return Fate::Busy;
        }
        if let Err(error) = self.execute("begin deferred") {
            return Fate::Storage(error.to_string());
        }
        self.watchdog.arm(query.deadline);
        let ran = query.job.run(&self.connection);
        let was_interrupted = self.watchdog.disarm();
        if !self.connection.is_autocommit() {
            // Should this fail, the next BEGIN fails too and says why.
            let _ = self.execute("rollback");
        }
        match ran {
            Ran::Failed { .. } if was_interrupted => Fate::Deadline,
            _ => Fate::Done,
        }
    }

    fn execute(&self, sql: &str) -> rusqlite::Result<usize> {
        self.connection.prepare_cached(sql)?.execute([])
    }
}

/// The deadline of the query now running, looked at from SQLite's progress handler.
struct Watchdog {
    origin: Instant,
    /// Nanoseconds after `origin`; `u64::MAX` when nothing runs.
    deadline: AtomicU64,
    has_barked: AtomicBool,
}

impl Watchdog {
    fn new() -> Watchdog {
        Watchdog {
            origin: Instant::now(),
            deadline: AtomicU64::new(u64::MAX),
            has_barked: AtomicBool::new(false),
        }
    }

    fn arm(&self, deadline: Instant) {
        self.has_barked.store(false, Relaxed);
        self.deadline
            .store(nanos(deadline.duration_since(self.origin)), Relaxed);
    }

    /// Whether it had to interrupt.
    fn disarm(&self) -> bool {
        self.deadline.store(u64::MAX, Relaxed);
        self.has_barked.load(Relaxed)
    }

    fn is_late(&self) -> bool {
        let is_late = nanos(self.origin.elapsed()) >= self.deadline.load(Relaxed);
        if is_late {
            self.has_barked.store(true, Relaxed);
        }
        is_late
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
