//! A stream of events as bytes: its place among a bounded number, its heartbeat, its age and its end.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_stream::Stream;
use tokio_stream::wrappers::WatchStream;

use crate::{Body, Error, Request, Response, ResponseExt, Result};

/// Proxies give up silent connections after a minute (nginx), some after 30 s.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(15);
/// When to try again where all places are taken.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// The id of the last event that a reader who comes back had seen.
pub fn last_event_id(request: &Request) -> Option<&str> {
    request.header("last-event-id").filter(|id| !id.is_empty())
}

/// What a stream says besides its events; each is sent as it is.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Every 15 s. It keeps proxies from giving up, and finds out dead peers.
    pub heartbeat: Bytes,
    /// After this the stream ends, and its reader comes back through the gate: so no stream outlives the key or
    /// session that opened it by more.
    pub max_age: Duration,
    /// The last of a stream that came to its age; may be empty.
    pub at_age: Bytes,
    /// The last of a stream that the server ends for its own end.
    pub at_end: Bytes,
}

/// How many streams of a kind may be open at once.
#[derive(Debug)]
pub struct Places {
    free: Arc<Semaphore>,
    max: usize,
}

impl Places {
    /// So many.
    pub fn new(max: usize) -> Self {
        Self {
            free: Arc::new(Semaphore::new(max)),
            max,
        }
    }

    /// How many are taken.
    pub fn n_taken(&self) -> usize {
        self.max - self.free.available_permits()
    }

    /// Takes one for the answer to this request. 503 if there is none.
    pub fn take(&self, request: &Request) -> Result<Place> {
        self.place(request.is_closing.clone())
    }

    pub(super) fn place(&self, is_closing: watch::Receiver<bool>) -> Result<Place> {
        let permit = self.free.clone().try_acquire_owned().map_err(|_| {
            Error::unavailable("Too many live streams are open; try again later", RETRY_AFTER)
        })?;
        Ok(Place { permit, is_closing })
    }
}

/// A place of a stream that is not answered yet; dropped, it is free again.
pub struct Place {
    permit: OwnedSemaphorePermit,
    is_closing: watch::Receiver<bool>,
}

impl Place {
    /// Answers with `first`, then with all that `frames` gives, each of which holds whole events. When it has no
    /// more, that is the server's end. To `HEAD` hyper sends no body: it is dropped, its place free.
    pub fn answer(
        self,
        manner: Manner,
        first: Vec<Bytes>,
        frames: impl Stream<Item = Bytes> + Send + Unpin + 'static,
    ) -> Response {
        Response::new(Body::Stream(Box::pin(self.live(manner, first, frames))))
            .with_header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))
            .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            // nginx would keep the events back until its buffer is full.
            .with_header(
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            )
    }

    /// For an answer that is no event stream: whether the server wants to end, and the place, free when dropped.
    pub(crate) fn into_parts(self) -> (watch::Receiver<bool>, OwnedSemaphorePermit) {
        (self.is_closing, self.permit)
    }

    pub(super) fn live<S>(self, manner: Manner, first: Vec<Bytes>, frames: S) -> Live<S> {
        let now = Instant::now();
        let mut heartbeats = interval_at(now + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        heartbeats.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Live {
            first: first.into_iter(),
            frames,
            is_closing: WatchStream::new(self.is_closing),
            heartbeats,
            ends_at: now + manner.max_age,
            manner,
            place: Some(self.permit),
        }
    }
}

/// The bytes of one stream. Its drop, when hyper finds the peer gone, frees its place.
pub(super) struct Live<S> {
    first: std::vec::IntoIter<Bytes>,
    frames: S,
    is_closing: WatchStream<bool>,
    heartbeats: Interval,
    ends_at: Instant,
    manner: Manner,
    /// None: the stream has ended.
    place: Option<OwnedSemaphorePermit>,
}

impl<S> Live<S> {
    /// True once the server wants to end, or is gone.
    fn poll_closing(&mut self, cx: &mut Context<'_>) -> bool {
        loop {
            match Pin::new(&mut self.is_closing).poll_next(cx) {
                Poll::Ready(Some(false)) => {}
                Poll::Ready(Some(true) | None) => return true,
                Poll::Pending => return false,
            }
        }
    }

    /// The last of the stream; from now on it has no more.
    fn end(&mut self, last: Bytes) -> Poll<Option<Bytes>> {
        self.place = None;
        Poll::Ready(Some(last).filter(|last| !last.is_empty()))
    }
}

impl<S: Stream<Item = Bytes> + Unpin> Stream for Live<S> {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.place.is_none() {
            return Poll::Ready(None);
        }
        if Instant::now() >= self.ends_at {
            let last = self.manner.at_age.clone();
            return self.end(last);
        }
        if self.poll_closing(cx) {
            let last = self.manner.at_end.clone();
            return self.end(last);
        }
        if let Some(first) = self.first.next() {
            return Poll::Ready(Some(first));
        }
        match Pin::new(&mut self.frames).poll_next(cx) {
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame)),
            Poll::Ready(None) => {
                let last = self.manner.at_end.clone();
                self.end(last)
            }
            Poll::Pending => {
                let due = self.heartbeats.poll_tick(cx);
                due.map(|_| Some(self.manner.heartbeat.clone()))
            }
        }
    }
}
