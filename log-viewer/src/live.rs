//! The tail: what is committed goes to everyone who listens, each with a filter of their own, in bounded memory.
//!
//! One pump takes batches as they are committed, writes each entry that anybody wants as an event, once, and puts
//! them into a ring that all streams read. Equal filters are one view and are asked once. A stream whose reader is
//! slow falls out of the ring; the counts of its view say how many it missed.

use std::pin::Pin;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use service::Ending;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio_stream::Stream;
use tokio_stream::wrappers::BroadcastStream;
use web::sse::Places;

use crate::domain::entry::{Committed, Entry};
use crate::domain::filter::Filter;
use crate::domain::view::EntryView;
use crate::row::Row;

/// Bytes of events that are sent as one piece.
const BATCH_BYTES: usize = 64 * 1024;
/// Such pieces that a reader may fall behind: 4 MB, which all streams keep once.
const MAX_BEHIND: usize = 64;
/// What comes within this time goes out together: one wake-up per stream and 20 ms, however many commits.
const PAUSE: Duration = Duration::from_millis(20);
/// Characters of a message in an event; all of it is to be had by its id.
const MAX_CHARS: usize = 16 * 1024;

/// All open tails.
pub(crate) struct Live {
    /// How many may be open.
    pub(crate) places: Places,
    shared: Mutex<Shared>,
}

struct Shared {
    views: Vec<Weak<View>>,
    next_view: u64,
    ring: broadcast::Sender<Arc<Batch>>,
    /// Id of the next entry that the pump sees; None before the first.
    next_id: Option<u64>,
}

/// One filter, and how much has passed it.
struct View {
    id: u64,
    /// The words of the URL; equal ones mean equal filters.
    key: String,
    filter: Filter,
    /// Entries that matched since the view began. Written by the pump, under the lock.
    n_matched: AtomicU64,
}

/// Events that go out together.
struct Batch {
    /// One after the other.
    bytes: Bytes,
    /// Id of each one's entry, and where it ends.
    events: Vec<(u64, usize)>,
    /// What each view takes, by the view's id.
    picks: Vec<Pick>,
}

struct Pick {
    view: u64,
    /// What had matched before this batch.
    n_before: u64,
    /// Which of the events; all where there are as many.
    events: Vec<u32>,
}

impl Live {
    pub(crate) fn new(max_streams: usize) -> Self {
        let shared = Shared {
            views: Vec::new(),
            next_view: 0,
            ring: broadcast::Sender::new(MAX_BEHIND),
            next_id: None,
        };
        Self {
            places: Places::new(max_streams),
            shared: Mutex::new(shared),
        }
    }

    /// What matches from now on. `key` is what the filter was read from.
    pub(crate) fn listen(&self, key: String, filter: Filter) -> Tail {
        let mut shared = self.shared();
        let known = shared
            .views
            .iter()
            .filter_map(Weak::upgrade)
            .find(|view| view.key == key);
        let view = known.unwrap_or_else(|| {
            let view = Arc::new(View {
                id: shared.next_view,
                key,
                filter,
                n_matched: AtomicU64::new(0),
            });
            shared.next_view += 1;
            shared.views.push(Arc::downgrade(&view));
            view
        });
        Tail {
            batches: BroadcastStream::new(shared.ring.subscribe()),
            n_seen: view.n_matched.load(Relaxed),
            view,
            after_id: 0,
        }
    }

    /// Moves what is committed to the streams, until the service ends.
    pub(crate) async fn pump(&self, mut committed: broadcast::Receiver<Arc<Committed>>, mut ending: Ending) {
        loop {
            match ending.unless(committed.recv()).await {
                None | Some(Err(RecvError::Closed)) => return,
                Some(Err(RecvError::Lagged(_))) => {}
                Some(Ok(first)) => self.publish(&first, &mut committed),
            }
            if ending.unless(tokio::time::sleep(PAUSE)).await.is_none() {
                return;
            }
        }
    }

    /// Publishes a commit and all that wait behind it.
    fn publish(&self, first: &Committed, committed: &mut broadcast::Receiver<Arc<Committed>>) {
        let mut shared = self.shared();
        shared.views.retain(|view| view.strong_count() > 0);
        let views: Vec<Arc<View>> = shared.views.iter().filter_map(Weak::upgrade).collect();
        let mut draft = Draft::new(&views);
        shared.take(&mut draft, first);
        loop {
            match committed.try_recv() {
                Ok(next) => shared.take(&mut draft, &next),
                // The next that comes shows by its id how many are missing.
                Err(TryRecvError::Lagged(_)) => {}
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        shared.send(&mut draft);
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn take(&mut self, draft: &mut Draft<'_>, committed: &Committed) {
        let n_unseen = self
            .next_id
            .map_or(0, |next| committed.first_id.saturating_sub(next));
        draft.skip(n_unseen);
        for (id, entry) in (committed.first_id..).zip(&committed.entries) {
            draft.push(id, entry);
            if draft.bytes.len() >= BATCH_BYTES {
                self.send(draft);
            }
        }
        self.next_id = Some(committed.first_id + committed.entries.len() as u64);
    }

    fn send(&mut self, draft: &mut Draft<'_>) {
        let batch = draft.finish();
        if !batch.events.is_empty() {
            // Fails only where nobody listens.
            let _ = self.ring.send(Arc::new(batch));
        }
    }
}

/// The next batch, while it is written.
struct Draft<'v> {
    views: &'v [Arc<View>],
    bytes: BytesMut,
    events: Vec<(u64, usize)>,
    picks: Vec<Pick>,
}

impl<'v> Draft<'v> {
    fn new(views: &'v [Arc<View>]) -> Self {
        let mut draft = Self {
            views,
            bytes: BytesMut::new(),
            events: Vec::new(),
            picks: Vec::new(),
        };
        draft.begin();
        draft
    }

    fn begin(&mut self) {
        let pick = |view: &Arc<View>| Pick {
            view: view.id,
            n_before: view.n_matched.load(Relaxed),
            events: Vec::new(),
        };
        self.picks = self.views.iter().map(pick).collect();
    }

    /// Entries that went by unseen, in a flood: nobody can say which of them would have matched, so all count.
    fn skip(&mut self, n_unseen: u64) {
        if n_unseen > 0 {
            for (view, pick) in self.views.iter().zip(&mut self.picks) {
                view.n_matched.fetch_add(n_unseen, Relaxed);
                pick.n_before += n_unseen;
            }
        }
    }

    fn push(&mut self, id: u64, entry: &Entry) {
        if self.views.is_empty() {
            return;
        }
        let place = self.events.len() as u32;
        let view_of_entry = EntryView::of(entry);
        let mut is_wanted = false;
        for (view, pick) in self.views.iter().zip(&mut self.picks) {
            if view.filter.matches(&view_of_entry) {
                pick.events.push(place);
                view.n_matched.fetch_add(1, Relaxed);
                is_wanted = true;
            }
        }
        if is_wanted {
            self.bytes.extend_from_slice(&event(id, entry));
            self.events.push((id, self.bytes.len()));
        }
    }

    fn finish(&mut self) -> Batch {
        let batch = Batch {
            bytes: self.bytes.split().freeze(),
            events: std::mem::take(&mut self.events),
            picks: std::mem::take(&mut self.picks),
        };
        self.begin();
        batch
    }
}

/// An entry as the tail sends it (contract §2.5), with the id to resume after.
pub(crate) fn event(id: u64, entry: &Entry) -> Vec<u8> {
    let mut bytes = format!("id: {id}\nevent: log\ndata: ").into_bytes();
    // Text and numbers alone: it cannot fail, and JSON has no line ends.
    let _ = serde_json::to_writer(&mut bytes, &Row::shown(id, entry, MAX_CHARS));
    bytes.extend_from_slice(b"\n\n");
    bytes
}

/// Says how many entries a reader missed.
pub(crate) fn gap(n_missed: u64) -> Vec<u8> {
    format!("event: gap\ndata: {{\"missed\": {n_missed}}}\n\n").into_bytes()
}

/// The events of one stream.
pub(crate) struct Tail {
    batches: BroadcastStream<Arc<Batch>>,
    view: Arc<View>,
    /// How many that matched it has seen, or was told that it missed.
    n_seen: u64,
    after_id: u64,
}

impl Tail {
    /// Leaves out entries up to this id, which were read from the store.
    pub(crate) fn after(mut self, id: u64) -> Self {
        self.after_id = id;
        self
    }

    /// What this stream has to send of a batch; empty if nothing.
    fn take(&mut self, batch: &Batch) -> Bytes {
        let found = batch.picks.binary_search_by_key(&self.view.id, |pick| pick.view);
        let Some(pick) = found.ok().and_then(|i| batch.picks.get(i)) else {
            return Bytes::new();
        };
        let n_missed = pick.n_before.saturating_sub(self.n_seen);
        self.n_seen = pick.n_before + pick.events.len() as u64;
        let is_new = batch.events.first().is_none_or(|(id, _)| *id > self.after_id);
        if n_missed == 0 && is_new && pick.events.len() == batch.events.len() {
            return batch.bytes.clone();
        }
        let mut bytes = if n_missed > 0 { gap(n_missed) } else { Vec::new() };
        for place in &pick.events {
            bytes.extend_from_slice(batch.event(*place as usize, self.after_id));
        }
        bytes.into()
    }
}

impl Batch {
    /// The bytes of an event; empty if its entry is not after this id.
    fn event(&self, place: usize, after_id: u64) -> &[u8] {
        let end_of = |place: usize| self.events.get(place).map_or(0, |(_, end)| *end);
        let start = place.checked_sub(1).map_or(0, end_of);
        match self.events.get(place) {
            Some((id, end)) if *id > after_id => self.bytes.get(start..*end).unwrap_or_default(),
            _ => &[],
        }
    }
}

impl Stream for Tail {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            let next = match Pin::new(&mut self.batches).poll_next(cx) {
                Poll::Ready(Some(Ok(batch))) => self.take(&batch),
                // The next batch shows by its counts how many are missing.
                Poll::Ready(Some(Err(_))) => continue,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            };
            if !next.is_empty() {
                return Poll::Ready(Some(next));
            }
        }
    }
}
