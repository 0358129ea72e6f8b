//! The writer thread: takes whatever jobs are waiting, runs them in one transaction, commits, answers them all.
//! A batch forms by itself while the commit before it syncs, so there is no timer: a lone job is committed at once.
//! Also the place where the store's life ends: drained, checkpointed and closed, or failed.

use std::fs::File;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::{mpsc, watch};

use crate::checkpoint::Checkpointer;
use crate::health::Health;
use crate::stats::{Counters, add};
use crate::task::{Fate, Job};
use transaction::Transactions;

mod transaction;

/// What comes through the queue.
pub(crate) enum Message {
    Job(Box<dyn Job>),
    /// Take no more, commit what is queued, and end.
    Close,
}

pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) queue: mpsc::Receiver<Message>,
    pub(crate) max_batch: usize,
    pub(crate) checkpointer: Checkpointer,
    pub(crate) counters: Arc<Counters>,
    pub(crate) health: Arc<Health>,
    /// Disconnects when the last reader thread has ended.
    pub(crate) readers: std::sync::mpsc::Receiver<()>,
    /// How long readers may take to end.
    pub(crate) patience: Duration,
    /// Keeps other processes out until the file is closed.
    pub(crate) lock: File,
    /// Told `true` when all is closed.
    pub(crate) ended: watch::Sender<bool>,
}

/// Starts the thread. It ends after [`Message::Close`] or when the last sender is gone.
pub(crate) fn spawn(mut writer: Writer) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("sqlite-writer".to_owned())
        .spawn(move || {
            if catch_unwind(AssertUnwindSafe(|| writer.work())).is_err() {
                writer.health.fail("the writer thread panicked");
                writer.refuse_the_rest(Vec::new());
            }
            writer.end();
        })
}

impl Writer {
    fn work(&mut self) {
        let mut messages = Vec::with_capacity(self.max_batch);
        let mut jobs = Vec::with_capacity(self.max_batch);
        let mut transactions = match Transactions::new(&self.connection) {
            Ok(transactions) => transactions,
            Err(error) => return self.health.fail(&error.to_string()),
        };
        while self.queue.blocking_recv_many(&mut messages, self.max_batch) > 0 {
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::Close => self.queue.close(),
                }
            }
            commit(&mut jobs, &mut transactions, &self.counters, &self.health);
            if let Err(error) = self.checkpointer.after_commit(&self.connection) {
                self.health.fail(&format!("checkpoint: {error}"));
            }
            if self.health.failure().is_some() {
                break;
            }
        }
        drop(transactions);
        self.refuse_the_rest(jobs);
    }

    /// After a failure: nothing is stored any more, and every caller is told so.
    fn refuse_the_rest(&mut self, jobs: Vec<Box<dyn Job>>) {
        let Some(reason) = self.health.failure() else {
            return;
        };
        let fate = Fate::Storage(reason);
        jobs.into_iter().for_each(|job| job.answer(&fate));
        self.queue.close();
        while let Some(message) = self.queue.blocking_recv() {
            if let Message::Job(job) = message {
                job.answer(&fate);
            }
        }
    }

    /// Closes the file once the readers have gone; a reader stuck outside SQLite is not waited for.
    fn end(mut self) {
        use std::sync::mpsc::RecvTimeoutError::Timeout;
        if self.health.failure().is_some() {
            // The process is about to end. Until then reads go on, and the next start recovers from the WAL.
            let _ = self.readers.recv();
            let _ = self
                .connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        } else {
            if self.readers.recv_timeout(self.patience) == Err(Timeout) {
                tracing::warn!("closing the database while a read still runs");
            }
            if let Err(error) = self.checkpointer.at_close(&self.connection) {
                self.health.fail(&format!("checkpoint: {error}"));
            }
        }
        drop(self.connection);
        drop(self.lock);
        self.ended.send_replace(true);
    }
}

/// Stores all `jobs`, in one transaction unless SQLite throws one away midway, and answers them.
fn commit(
    jobs: &mut Vec<Box<dyn Job>>,
    transactions: &mut Transactions<'_>,
    counters: &Counters,
    health: &Health,
) {
    while !jobs.is_empty() && health.failure().is_none() {
        let round = transactions.run(jobs);
        add(&counters.jobs, round.n_jobs as u64);
        add(&counters.failed_jobs, round.n_failed as u64);
        let fate = match round.end {
            Ok(took) => {
                counters.committed(round.n_jobs, took);
                Fate::Done
            }
            Err(setback) => {
                add(&counters.failed_commits, 1);
                if let Some(reason) = setback.fatal {
                    health.fail(&reason);
                }
                setback.fate
            }
        };
        jobs.drain(..round.n_jobs).for_each(|job| job.answer(&fate));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WriteError;
    use crate::task::{Guard, Task};
    use proptest::prelude::*;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Kind {
        Well,
        Failing,
        /// Failing, with nothing to guard its neighbours.
        Unguarded,
        /// Throws the whole transaction away, as SQLite does on some errors.
        Losing,
    }

    fn kinds() -> impl Strategy<Value = Vec<Kind>> {
        let kind = prop_oneof![6 => Just(Kind::Well), 3 => Just(Kind::Failing), 1 => Just(Kind::Unguarded), 1 => Just(Kind::Losing)];
        prop::collection::vec(kind, 0..40)
    }

    fn guard(kind: Kind) -> Guard {
        match kind {
            Kind::Unguarded => Guard::None,
            Kind::Well | Kind::Failing | Kind::Losing => Guard::Savepoint,
        }
    }

    fn job(id: usize, kind: Kind) -> impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static {
        move |connection| {
            connection.execute("insert into rows values (?1)", [id as i64])?;
            match kind {
                Kind::Well => Ok(()),
                Kind::Failing | Kind::Unguarded => Err(rusqlite::Error::QueryReturnedNoRows),
                Kind::Losing => connection.execute_batch("rollback"),
            }
        }
    }

    proptest! {
        #[test]
        fn a_job_is_stored_if_and_only_if_its_caller_is_told_so(kinds in kinds()) {
            let connection = Connection::open_in_memory().unwrap();
            connection.execute_batch("create table rows (id integer primary key)").unwrap();
            let (mut jobs, answers): (Vec<_>, Vec<_>) =
                kinds.iter().enumerate().map(|(id, kind)| Task::boxed(job(id, *kind), guard(*kind))).unzip();
            let (counters, health) = (Counters::new(), Health::new());
            commit(&mut jobs, &mut Transactions::new(&connection).unwrap(), &counters, &health);

            prop_assert!(jobs.is_empty() && health.failure().is_none());
            prop_assert_eq!(crate::stats::get(&counters.jobs), kinds.len() as u64);
            let last_lost = kinds.iter().rposition(|kind| matches!(kind, Kind::Losing | Kind::Unguarded));
            for (id, (kind, mut answer)) in kinds.iter().zip(answers).enumerate() {
                let answer = answer.try_recv().unwrap().map_err(WriteError::from);
                let is_stored = connection
                    .query_row("select exists (select 1 from rows where id = ?1)", [id as i64], |row| row.get(0));
                prop_assert_eq!(is_stored, Ok(answer.is_ok()));
                let is_lost = last_lost.is_some_and(|last| id <= last);
                prop_assert_eq!(answer.is_ok(), *kind == Kind::Well && !is_lost);
                prop_assert_eq!(matches!(answer, Err(WriteError::Job(_))), *kind == Kind::Failing && !is_lost);
            }
        }
    }
}
