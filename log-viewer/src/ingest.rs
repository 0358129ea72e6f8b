//! The one way in. Callers queue; `keeper` takes all that wait, stores it in one transaction, makes it visible,
//! and answers: so ids ascend in the order of commits, and nothing is seen that is not on the disk.

mod keeper;

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Common, Tasks};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc, oneshot};
use web::{Error, Result};

use crate::archive::Archive;
use crate::domain::entry::{Committed, Entry};
use crate::settings::Settings;
use keeper::Keeper;

/// Callers that may wait.
const MAX_WAITING: usize = 256;
/// Bytes of entries that may wait; a caller with more than that waits until it is alone.
const MAX_WAITING_BYTES: usize = 2 << 20;
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

/// One caller with what it gave.
struct Waiting {
    entries: Vec<Entry>,
    also: Also,
    answer: oneshot::Sender<Result<u64>>,
    n_bytes: usize,
    _room: OwnedSemaphorePermit,
}

impl Ingest {
    /// Starts the job that stores.
    pub(crate) fn start(
        settings: &Settings,
        common: Arc<Common>,
        archive: Arc<Archive>,
        tasks: &mut Tasks,
    ) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let (committed, _) = broadcast::channel(MAX_UNHEARD);
        let keeper = Arc::new(Keeper::new(settings, common, archive, waiting, committed.clone()));
        tasks.spawn("ingest", move |ending| keeper.clone().run(ending));
        Self {
            queue,
            room: Arc::new(Semaphore::new(MAX_WAITING_BYTES)),
            committed,
        }
    }

    /// Stores the entries, runs `also` in the same transaction, returns the id of the first after the commit;
    /// the others follow. Waits when storing falls behind. When it fails nothing of it is stored, and nothing
    /// of those who waited with it. Whoever has much gives some megabytes at once: that needs no detour.
    pub async fn store(
        &self,
        entries: Vec<Entry>,
        also: impl FnOnce(&Connection) -> rusqlite::Result<()> + Send + 'static,
    ) -> Result<u64> {
        let texts = entries.iter().map(|entry| entry.message.len());
        let n_bytes = texts.sum::<usize>() + entries.len() * ENTRY_BYTES;
        let n_permits = n_bytes.min(MAX_WAITING_BYTES) as u32;
        let room = self.room.clone().acquire_many_owned(n_permits).await;
        let (answer, answered) = oneshot::channel();
        let waiting = Waiting {
            entries,
            also: Box::new(also),
            answer,
            n_bytes,
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
