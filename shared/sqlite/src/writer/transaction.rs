//! One transaction for many jobs, each in a savepoint of its own unless it does without:
//! a job with one that fails undoes only itself.
//! Says how far it came and how it ended; answering is the writer's business.

use std::time::{Duration, Instant};

use rusqlite::{Connection, Statement};

use crate::error::{is_disk_full, is_fatal};
use crate::task::{Fate, Guard, Job, Ran};

/// The statements around the jobs, prepared once.
pub(super) struct Transactions<'c> {
    connection: &'c Connection,
    begin: Statement<'c>,
    commit: Statement<'c>,
    savepoint: Statement<'c>,
    undo: Statement<'c>,
    release: Statement<'c>,
}

/// What happened to the first `n_jobs` of the jobs; the others have not run.
pub(super) struct Round {
    pub(super) n_jobs: usize,
    pub(super) n_failed: usize,
    /// How long the COMMIT took, or why there was none.
    pub(super) end: Result<Duration, Setback>,
}

/// The transaction is gone and nothing of it is stored.
pub(super) struct Setback {
    pub(super) fate: Fate,
    /// Why the disk cannot be trusted any more, if so.
    pub(super) fatal: Option<String>,
}

impl From<rusqlite::Error> for Setback {
    fn from(error: rusqlite::Error) -> Setback {
        let reason = error.to_string();
        let fatal = is_fatal(&error).then(|| reason.clone());
        let fate = if is_disk_full(&error) {
            Fate::DiskFull
        } else {
            Fate::Storage(reason)
        };
        Setback { fate, fatal }
    }
}

impl<'c> Transactions<'c> {
    pub(super) fn new(connection: &'c Connection) -> rusqlite::Result<Transactions<'c>> {
        Ok(Transactions {
            connection,
            begin: connection.prepare("begin immediate")?,
            commit: connection.prepare("commit")?,
            savepoint: connection.prepare("savepoint job")?,
            undo: connection.prepare("rollback to job")?,
            release: connection.prepare("release job")?,
        })
    }

    /// Runs jobs until all are committed or the transaction is lost.
    pub(super) fn run(&mut self, jobs: &mut [Box<dyn Job>]) -> Round {
        if let Err(error) = self.begin.execute([]) {
            return lost(jobs.len(), error.into());
        }
        let mut n_failed = 0;
        for (n_before, job) in jobs.iter_mut().enumerate() {
            match self.run_one(job.as_mut()) {
                Ok(Ran::Well) => {}
                Ok(Ran::Failed { .. }) => n_failed += 1,
                Err(setback) => {
                    self.roll_back();
                    return lost(n_before + 1, setback);
                }
            }
        }
        let started = Instant::now();
        match self.commit.execute([]) {
            Ok(_) => Round {
                n_jobs: jobs.len(),
                n_failed,
                end: Ok(started.elapsed()),
            },
            Err(error) => {
                self.roll_back();
                lost(jobs.len(), error.into())
            }
        }
    }

    fn run_one(&mut self, job: &mut dyn Job) -> Result<Ran, Setback> {
        let guard = job.guard();
        if guard == Guard::Savepoint {
            self.savepoint.execute([])?;
        }
        let ran = job.run(self.connection);
        if self.connection.is_autocommit() {
            // A full disk or an I/O error makes SQLite roll everything back at once, the jobs before this one too.
            let fate = match ran {
                Ran::Failed { disk_full: true, .. } => Fate::DiskFull,
                _ => Fate::Storage("SQLite rolled the whole transaction back".to_owned()),
            };
            return Err(Setback { fate, fatal: None });
        }
        match (guard, ran) {
            (Guard::None, Ran::Well) => return Ok(ran),
            (Guard::None, Ran::Failed { disk_full, fatal }) => {
                let reason = "a write of the same transaction failed".to_owned();
                return Err(Setback {
                    fatal: fatal.then(|| reason.clone()),
                    fate: if disk_full {
                        Fate::DiskFull
                    } else {
                        Fate::Storage(reason)
                    },
                });
            }
            (Guard::Savepoint, Ran::Failed { .. }) => drop(self.undo.execute([])?),
            (Guard::Savepoint, Ran::Well) => {}
        }
        self.release.execute([])?;
        Ok(ran)
    }

    fn roll_back(&self) {
        if !self.connection.is_autocommit() {
            // Should even this fail, the next BEGIN fails too and says why.
            let _ = self.connection.execute_batch("rollback");
        }
    }
}

fn lost(n_jobs: usize, setback: Setback) -> Round {
    Round {
        n_jobs,
        n_failed: n_jobs,
        end: Err(setback),
    }
}
