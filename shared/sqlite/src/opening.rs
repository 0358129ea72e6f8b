//! From options to a running store: claim the file, migrate it, start the threads, keep what callers need of them.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use crate::checkpoint::Checkpointer;
use crate::connect::{self, refused};
use crate::files::{self, Scratch};
use crate::gate::Gate;
use crate::health::Health;
use crate::migrate::migrate;
use crate::reader::{self, Query, Reader};
use crate::stats::Counters;
use crate::writer::{self, Message, Writer};
use crate::{OpenError, Options};

/// What all clones of a store share.
/// The senders stand before `_scratch`, whose drop waits for threads that end when the senders are gone.
pub(crate) struct Shared {
    pub(crate) path: PathBuf,
    pub(crate) read_deadline: Duration,
    pub(crate) queue: mpsc::Sender<Message>,
    /// None once the store is closing.
    pub(crate) queries: RwLock<Option<SyncSender<Query>>>,
    pub(crate) is_closing: AtomicBool,
    pub(crate) ended: watch::Receiver<bool>,
    pub(crate) health: Arc<Health>,
    pub(crate) counters: Arc<Counters>,
    _scratch: Option<ScratchStore>,
}

impl Shared {
    /// With `scratch`, the directory that holds the file, which goes when this goes.
    pub(crate) fn open(options: Options, scratch: Option<Scratch>) -> Result<Shared, OpenError> {
        let failed = |error| refused(&options.path, error);
        let lock = files::claim(&options.path)?;
        let mut connection = connect::writer(&options)?;
        migrate(&mut connection, &options)?;

        let counters = Arc::new(Counters::new());
        let health = Arc::new(Health::new());
        let gate = Arc::new(Gate::default());
        let (queries, readers) = start_readers(&options, &gate, &counters)?;
        let deadline = options.read_deadline;
        let checkpointer =
            Checkpointer::new(&mut connection, gate, deadline, Arc::clone(&counters)).map_err(failed)?;
        let (sender, queue) = mpsc::channel(options.queue.max(1));
        let (ended, has_ended) = watch::channel(false);
        let writer = writer::spawn(Writer {
            connection,
            queue,
            max_batch: options.max_batch.max(1),
            checkpointer,
            counters: Arc::clone(&counters),
            health: Arc::clone(&health),
            readers,
            patience: deadline + Duration::from_secs(1),
            lock,
            ended,
        })
        .map_err(OpenError::Thread)?;

        Ok(Shared {
            path: options.path,
            read_deadline: deadline,
            queue: sender,
            queries: RwLock::new(Some(queries)),
            is_closing: AtomicBool::new(false),
            ended: has_ended,
            health,
            counters,
            _scratch: scratch.map(|directory| ScratchStore {
                writer: Some(writer),
                _directory: directory,
            }),
        })
    }
}

/// Returns their queue, and a channel that disconnects when the last of them has ended.
fn start_readers(
    options: &Options,
    gate: &Arc<Gate>,
    counters: &Arc<Counters>,
) -> Result<(SyncSender<Query>, Receiver<()>), OpenError> {
    let (alive, readers): (Sender<()>, _) = channel();
    let (queries, queue) = sync_channel(reader::QUEUE);
    let queue = Arc::new(Mutex::new(queue));
    for number in 1..=options.readers.max(1) {
        let connection = connect::reader(options)?;
        let (queue, gate, counters) = (Arc::clone(&queue), Arc::clone(gate), Arc::clone(counters));
        Reader::new(connection, queue, gate, counters, alive.clone())
            .map_err(|error| refused(&options.path, error))?
            .spawn(number)
            .map_err(OpenError::Thread)?;
    }
    Ok((queries, readers))
}

/// Removes a test's directory after its writer has closed the file.
struct ScratchStore {
    writer: Option<JoinHandle<()>>,
    _directory: Scratch,
}

impl Drop for ScratchStore {
    fn drop(&mut self) {
        // The last clone may have gone away inside a job, on the very thread to wait for.
        let is_another = |writer: &JoinHandle<()>| writer.thread().id() != thread::current().id();
        if let Some(writer) = self.writer.take().filter(is_another) {
            // The writer catches its own panics.
            let _ = writer.join();
        }
    }
}
