//! One caller's closure on its way through a queue: it runs on a store thread, keeps its result,
//! and is answered only once the thread knows what became of the transaction around it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::error::is_fatal;
use crate::{ReadError, WriteError, is_disk_full};

/// What a queue holds: any [`Task`], whatever its result type.
pub(crate) trait Job: Send {
    /// Runs the closure once and keeps what it returned.
    fn run(&mut self, connection: &Connection) -> Ran;
    /// Whether it is undone alone when it fails, or everything else in its transaction with it.
    fn guard(&self) -> Guard;
    /// Whether somebody still waits for the answer.
    fn is_awaited(&self) -> bool;
    /// Sends the answer: the closure's own result if its transaction ended well, else the fate of all.
    fn answer(self: Box<Self>, fate: &Fate);
}

/// What is undone when a job fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Guard {
    /// Its own changes: it has a savepoint.
    Savepoint,
    /// The whole transaction.
    None,
}

/// How the closure ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ran {
    Well,
    Failed {
        /// Known only if the closure's error is SQLite's own; so is the next.
        disk_full: bool,
        /// See [`is_fatal`].
        fatal: bool,
    },
}

const PANICKED: Ran = Ran::Failed {
    disk_full: false,
    fatal: false,
};

/// What became of the transaction around a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    Done,
    DiskFull,
    Deadline,
    Busy,
    Storage(String),
}

/// What the caller is sent instead of a result.
pub(crate) enum Trouble<E> {
    Job(E),
    Fate(Fate),
}

pub(crate) type Answer<T, E> = oneshot::Receiver<Result<T, Trouble<E>>>;

pub(crate) struct Task<T, E, F> {
    stage: Stage<T, E, F>,
    guard: Guard,
    reply: oneshot::Sender<Result<T, Trouble<E>>>,
}

enum Stage<T, E, F> {
    Waiting(F),
    Ended(Result<T, E>),
    Panicked,
}

impl<T, E, F> Task<T, E, F>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    pub(crate) fn boxed(job: F, guard: Guard) -> (Box<dyn Job>, Answer<T, E>) {
        let (reply, answer) = oneshot::channel();
        (
            Box::new(Task {
                stage: Stage::Waiting(job),
                guard,
                reply,
            }),
            answer,
        )
    }
}

impl<T, E, F> Job for Task<T, E, F>
where
    F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn run(&mut self, connection: &Connection) -> Ran {
        let Stage::Waiting(job) = std::mem::replace(&mut self.stage, Stage::Panicked) else {
            return PANICKED;
        };
        // The caller rolls the savepoint back, so nothing half-done outlives a panic.
        let Ok(result) = catch_unwind(AssertUnwindSafe(|| job(connection))) else {
            return PANICKED;
        };
        let ran = match &result {
            Ok(_) => Ran::Well,
            Err(error) => {
                let error = (error as &dyn Any).downcast_ref();
                Ran::Failed {
                    disk_full: error.is_some_and(is_disk_full),
                    fatal: error.is_some_and(is_fatal),
                }
            }
        };
        self.stage = Stage::Ended(result);
        ran
    }

    fn guard(&self) -> Guard {
        self.guard
    }

    fn is_awaited(&self) -> bool {
        !self.reply.is_closed()
    }

    fn answer(self: Box<Self>, fate: &Fate) {
        let answer = match (fate, self.stage) {
            (Fate::Done, Stage::Ended(result)) => result.map_err(Trouble::Job),
            (Fate::Done, _) => Err(Trouble::Fate(Fate::Storage("the job panicked".to_owned()))),
            (fate, _) => Err(Trouble::Fate(fate.clone())),
        };
        // The caller may have gone away; what it asked for is stored all the same.
        let _ = self.reply.send(answer);
    }
}

/// For fates that a thread of this kind never deals out.
const NO_ANSWER: &str = "the store gave no answer";

impl<E> From<Trouble<E>> for WriteError<E> {
    fn from(trouble: Trouble<E>) -> WriteError<E> {
        match trouble {
            Trouble::Job(error) => WriteError::Job(error),
            Trouble::Fate(Fate::DiskFull) => WriteError::DiskFull,
            Trouble::Fate(Fate::Storage(reason)) => WriteError::Storage(reason),
            Trouble::Fate(Fate::Done | Fate::Deadline | Fate::Busy) => {
                WriteError::Storage(NO_ANSWER.to_owned())
            }
        }
    }
}

impl<E> From<Trouble<E>> for ReadError<E> {
    fn from(trouble: Trouble<E>) -> ReadError<E> {
        match trouble {
            Trouble::Job(error) => ReadError::Job(error),
            Trouble::Fate(Fate::Deadline) => ReadError::Deadline,
            Trouble::Fate(Fate::Busy) => ReadError::Busy,
            Trouble::Fate(Fate::Storage(reason)) => ReadError::Storage(reason),
            Trouble::Fate(Fate::Done | Fate::DiskFull) => ReadError::Storage(NO_ANSWER.to_owned()),
        }
    }
}
