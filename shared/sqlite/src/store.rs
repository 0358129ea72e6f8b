//! The store as its callers see it: open, write, read, look at it, close. The work is done by `writer` and `reader`.

use std::path::Path;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::TrySendError;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::mpsc;

use crate::files::{self, Scratch};
use crate::opening::Shared;
use crate::reader::Query;
use crate::stats::{add, get};
use crate::task::{Guard, Task};
use crate::writer::Message;
use crate::{Migration, NotReady, OpenError, Options, ReadError, Stats, Synchronous, WriteError};

/// How long readiness waits for the writer.
const PROBE_DEADLINE: Duration = Duration::from_secs(2);

/// One open database. Clones share it; [`Store::close`] it before the process ends.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// Opens the database, creating and migrating it as needed, and starts its threads.
    /// Blocks, for as long as the migrations take: call it before serving.
    pub fn open(options: Options) -> Result<Store, OpenError> {
        Ok(Store {
            shared: Arc::new(Shared::open(options, None)?),
        })
    }

    /// A database in a temporary directory, removed with the last clone: real schema, real SQL, for unit tests.
    /// A file, because a `:memory:` database would have neither WAL nor snapshots.
    pub fn in_memory(migrations: &'static [Migration]) -> Result<Store, OpenError> {
        let scratch = Scratch::new().map_err(|source| OpenError::File {
            path: std::env::temp_dir(),
            source,
        })?;
        let path = scratch.path().join("test.db");
        let options = Options {
            synchronous: Synchronous::Normal,
            ..Options::new(path, migrations)
        };
        Ok(Store {
            shared: Arc::new(Shared::open(options, Some(scratch))?),
        })
    }

    /// Runs `job` on the writer and resolves after the COMMIT that holds it.
    ///
    /// The job shares its transaction with others but has a savepoint of its own: when it fails or panics,
    /// its changes and only its are undone. It must not begin, commit or roll back by itself.
    /// Once polled, a job is stored even if its caller goes away.
    pub async fn write<T, E, F>(&self, job: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.enqueue_write(job, Guard::Savepoint).await
    }

    /// [`Store::write`] without the savepoint, which is a tenth of the cost of a small write.
    /// For jobs that fail only where nothing can be stored: when one does, nothing of its transaction is,
    /// and the callers of the others are told so.
    pub async fn write_unguarded<T, E, F>(&self, job: F) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.enqueue_write(job, Guard::None).await
    }

    async fn enqueue_write<T, E, F>(&self, job: F, guard: Guard) -> Result<T, WriteError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        if self.shared.is_closing.load(SeqCst) {
            return Err(self.write_refusal());
        }
        let (task, answer) = Task::boxed(job, guard);
        match self.shared.queue.try_send(Message::Job(task)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => {
                add(&self.shared.counters.refused_jobs, 1);
                return Err(WriteError::Full);
            }
            Err(mpsc::error::TrySendError::Closed(_)) => return Err(self.write_refusal()),
        }
        match answer.await {
            Ok(result) => result.map_err(WriteError::from),
            Err(_) => Err(self.write_refusal()),
        }
    }

    /// Runs `query` on a reader: one consistent snapshot, interrupted at the deadline.
    /// The deadline is SQLite's to keep; a closure that computes for long between statements is not interrupted.
    pub async fn read<T, E, F>(&self, query: F) -> Result<T, ReadError<E>>
    where
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (job, answer) = Task::boxed(query, Guard::None);
        let query = Query {
            job,
            deadline: Instant::now() + self.shared.read_deadline,
        };
        self.enqueue(query)?;
        match answer.await {
            Ok(result) => result.map_err(ReadError::from),
            Err(_) => Err(ReadError::Storage("the reader gave no answer".to_owned())),
        }
    }

    /// Figures for `/metrics`.
    pub fn stats(&self) -> Stats {
        let Shared {
            path,
            queue,
            counters,
            ..
        } = &*self.shared;
        let modified = std::fs::metadata(files::backup_mark(path)).and_then(|mark| mark.modified());
        Stats {
            queue_depth: queue.max_capacity() - queue.capacity(),
            queue_capacity: queue.max_capacity(),
            jobs: get(&counters.jobs),
            failed_jobs: get(&counters.failed_jobs),
            refused_jobs: get(&counters.refused_jobs),
            commits: get(&counters.commits),
            failed_commits: get(&counters.failed_commits),
            batch_jobs: counters.batch_jobs.snapshot(),
            commit_seconds: counters.commit_seconds.snapshot(),
            reads: get(&counters.reads),
            read_timeouts: get(&counters.read_timeouts),
            refused_reads: get(&counters.refused_reads),
            checkpoints: get(&counters.checkpoints),
            wal_bytes: files::size(&files::beside(path, "-wal")),
            database_bytes: files::size(path),
            free_bytes: get(&counters.free_bytes),
            last_backup: modified.ok(),
        }
    }

    /// Whether a write would be stored now: rewrites one row through the writer, and gives it two seconds.
    pub async fn ready(&self) -> Result<(), NotReady> {
        let probe = self.write(|connection| {
            connection
                .prepare_cached(
                    "insert into _probe (id, probed_at) values (1, unixepoch())
                     on conflict (id) do update set probed_at = excluded.probed_at",
                )?
                .execute([])
        });
        match tokio::time::timeout(PROBE_DEADLINE, probe).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(NotReady(WriteError::<rusqlite::Error>::to_string(&error))),
            Err(_) => Err(NotReady(
                "the writer has not committed for two seconds".to_owned(),
            )),
        }
    }

    /// Resolves, with the reason, when the store has failed for good: an I/O error at commit, a corrupt file,
    /// a dead writer. Writes are refused from then on; end the process with a status other than 0.
    pub async fn failed(&self) -> String {
        self.shared.health.failed().await
    }

    /// Takes no more jobs, commits those already queued, checkpoints, and closes the file.
    /// Resolves when that is done, however often it is called.
    pub async fn close(&self) {
        self.shared.is_closing.store(true, SeqCst);
        self.shared
            .queries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // An error means that the writer has ended already.
        let _ = self.shared.queue.send(Message::Close).await;
        let _ = self.shared.ended.clone().wait_for(|has_ended| *has_ended).await;
    }

    /// The database file, as given to [`Store::open`].
    pub fn path(&self) -> &Path {
        &self.shared.path
    }

    fn enqueue<E>(&self, query: Query) -> Result<(), ReadError<E>> {
        let queries = self.shared.queries.read().unwrap_or_else(PoisonError::into_inner);
        let Some(queries) = &*queries else {
            return Err(ReadError::Closed);
        };
        match queries.try_send(query) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                add(&self.shared.counters.refused_reads, 1);
                Err(ReadError::Busy)
            }
            Err(TrySendError::Disconnected(_)) => Err(ReadError::Closed),
        }
    }
    fn write_refusal<E>(&self) -> WriteError<E> {
        match self.shared.health.failure() {
            Some(reason) => WriteError::Storage(reason),
            None => WriteError::Closed,
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store")
            .field("path", &self.shared.path)
            .finish_non_exhaustive()
    }
}
