//! The one way in. Callers queue; one job takes all that wait, stores it in one transaction, makes it visible,
//! and answers: so ids ascend in the order of commits, and nothing is seen that is not on the disk.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Common, Ending, Tasks};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use web::{Error, Result};

use crate::archive::Archive;
use crate::domain::entry::{Committed, Entry};
use crate::store::journal;

/// Callers that may wait.
const MAX_WAITING: usize = 256;
/// Bytes of entries that may wait; a caller with more than that waits until it is alone.
const MAX_WAITING_BYTES: usize = 8 << 20;
/// What an entry takes beside its text.
const ENTRY_BYTES: usize = 64;
/// Batches that a slow listener may be behind before it misses some.
const MAX_UNHEARD: usize = 256;

type Also = Box<dyn FnOnce(&Connection) -> rusqlite::Result<()> + Send>;

/// Takes entries. Clones share it.
#[derive(Clone)]
pub struct Ingest {
    queue: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
    committed: broadcast::Sender<Arc<Committed>>,
}

struct Waiting {
    entries: Vec<Entry>,
    also: Also,
    answer: oneshot::Sender<Result<u64>>,
    _room: OwnedSemaphorePermit,
}

impl Ingest {
    /// Starts the job that stores.
    pub(crate) fn start(common: Arc<Common>, archive: Arc<Archive>, tasks: &mut Tasks) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let (committed, _) = broadcast::channel(MAX_UNHEARD);
        let keeper = Arc::new(Keeper {
            waiting: Mutex::new(waiting),
            common,
            archive,
            committed: committed.clone(),
        });
        tasks.spawn("ingest", move |ending| keeper.clone().run(ending));
        Self {
            queue,
            room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)),
            committed,
        }
    }

    /// Stores the entries, runs `also` in the same transaction, returns the id of the first after the commit;
    /// the others follow. Waits when storing falls behind. When it fails nothing of it is stored.
    /// Whoever has much gives a few megabytes at once: that is stored without a detour.
    pub async fn store(
        &self,
        entries: Vec<Entry>,
        also: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<u64> {
        let n_bytes: usize = entries
            .iter()
            .map(|entry| entry.message.len() + ENTRY_BYTES)
            .sum();
        let n_permits = n_bytes.min(MAX_WAITING_BYTES) as u32;
        let room = self.room.clone().acquire_many_owned(n_permits).await;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            entries,
            also: Box::new(also),
            answer,
            _room: room.map_err(|_| stopping())?,
        };
        self.queue.send(waiting).await.map_err(|_| stopping())?;
        answered.await.map_err(|_| stopping())?
    }

    /// What is committed from now on, in the order of ids.
    pub fn committed(&self) -> broadcast::Receiver<Arc<Committed>> {
        self.committed.subscribe()
    }
}

fn stopping() -> Error {
    Error::unavailable("the service is stopping", Duration::from_secs(1))
}

struct Keeper {
    waiting: Mutex<mpsc::Receiver<Waiting>>,
    common: Arc<Common>,
    archive: Arc<Archive>,
    committed: broadcast::Sender<Arc<Committed>>,
}

impl Keeper {
    async fn run(self: Arc<Self>, mut ending: Ending) {
        // What the journal holds is read before anything is added to it.
        if let Err(error) = self.archive.load().await {
            panic!("the journal cannot be read: {}", error.detail);
        }
        let mut waiting = self.waiting.lock().await;
        while let Some(Some(next)) = ending.unless(waiting.recv()).await {
            self.store(next).await;
        }
    }

    async fn store(&self, waiting: Waiting) {
        let Waiting {
            entries,
            also,
            answer,
            _room,
        } = waiting;
        let stored = self.common.write(move |tx| {
            let first_id = journal::append(tx, &entries)?;
            also(tx)?;
            Ok(Committed { first_id, entries })
        });
        let result = match stored.await {
            Ok(batch) => self.show(Arc::new(batch)).await,
            Err(error) => Err(error),
        };
        // The caller may have gone away; what it gave is stored all the same.
        let _ = answer.send(result);
    }

    async fn show(&self, batch: Arc<Committed>) -> Result<u64> {
        let first_id = batch.first_id;
        if !batch.entries.is_empty() {
            self.archive.add(batch.clone()).await?;
            // An error means that nobody listens.
            let _ = self.committed.send(batch);
        }
        Ok(first_id)
    }
}
