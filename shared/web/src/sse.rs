//! Server-sent events: what a service publishes reaches everyone who listens, in bounded memory.
//!
//! A [`Hub`] belongs to a service's app. A stream ends by itself when the server does: it learns of that from
//! the request that it answers, so no service has to close anything. Format: HTML Living Standard, §9.2.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use tokio_stream::Stream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged;
use tokio_stream::wrappers::{BroadcastStream, WatchStream};

use crate::{Body, Error, Request, Response, ResponseExt, Result};

/// First on each stream: a browser that lost it comes back after this many ms.
const RETRY: Bytes = Bytes::from_static(b"retry: 3000\n\n");
/// A comment, which clients ignore. It keeps proxies from giving up, and finds out dead peers.
const PING: Bytes = Bytes::from_static(b": ping\n\n");
/// The last of each stream that the server ends for its own end.
const BYE: Bytes = Bytes::from_static(b"event: bye\ndata: \n\n");
/// Proxies give up silent connections after a minute (nginx), some after 30 s.
const PING_INTERVAL: Duration = Duration::from_secs(15);
/// After this a stream ends without a word, and its reader comes back through the gate: so no stream outlives
/// the key or session that opened it by more.
const MAX_AGE: Duration = Duration::from_secs(15 * 60);
/// When to try again where all places are taken.
const RETRY_AFTER: Duration = Duration::from_secs(10);

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    id: Option<String>,
    name: Option<String>,
    data: String,
}

impl Event {
    /// An event without a name, which browsers call `message`. The data may have any number of lines.
    pub fn new(data: impl Into<String>) -> Self {
        Self {
            data: data.into(),
            ..Self::default()
        }
    }

    /// The same with a name; control characters are left out. `bye` and `missed` are the hub's own.
    pub fn named(mut self, name: &str) -> Self {
        self.name = Some(clean(name));
        self
    }

    /// The same with an id, which a reader that comes back sends as `Last-Event-ID`; control characters are left out.
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(clean(id));
        self
    }

    /// As it is sent. There is always a `data` line: without one, browsers drop the event.
    fn encode(&self) -> Bytes {
        let mut text = String::with_capacity(self.data.len() + 64);
        for (field, value) in [("id", &self.id), ("event", &self.name)] {
            if let Some(value) = value {
                push_line(&mut text, field, value);
            }
        }
        // `\r\n` is one end of a line, not two.
        let data = self.data.replace("\r\n", "\n");
        for line in data.split(['\n', '\r']) {
            push_line(&mut text, "data", line);
        }
        text.push('\n');
        text.into()
    }
}

/// A reader takes away one space after the colon, so there is one, or a value could lose its own.
fn push_line(text: &mut String, field: &str, value: &str) {
    text.extend([field, ": ", value, "\n"]);
}

fn clean(value: &str) -> String {
    value.chars().filter(|c| !c.is_control()).collect()
}

/// The id of the last event that a reader who comes back had seen.
pub fn last_event_id(request: &Request) -> Option<&str> {
    request.header("last-event-id").filter(|id| !id.is_empty())
}

/// Where events go in, and streams of them come out.
#[derive(Debug)]
pub struct Hub {
    events: broadcast::Sender<Bytes>,
    places: Arc<Semaphore>,
    max_streams: usize,
}

impl Hub {
    /// A hub of at most `max_streams` streams at once. Each reader may fall behind by `max_waiting` events
    /// (rounded up to a power of two), which all streams together keep once.
    pub fn new(max_streams: usize, max_waiting: usize) -> Self {
        Self {
            events: broadcast::Sender::new(max_waiting.max(1)),
            places: Arc::new(Semaphore::new(max_streams)),
            max_streams,
        }
    }

    /// Sends an event to everyone who listens now. Never waits and never fails; if nobody listens, does nothing.
    pub fn publish(&self, event: Event) {
        if self.events.receiver_count() > 0 {
            // Fails only if the last reader has left just now.
            let _ = self.events.send(event.encode());
        }
    }

    /// How many streams are open: for a gauge, or to save the making of an event that nobody would see.
    pub fn n_streams(&self) -> usize {
        self.max_streams - self.places.available_permits()
    }

    /// Answers with all events from now on. 503 if all places are taken.
    pub fn stream(&self, request: &Request) -> Result<Response> {
        Ok(self.subscribe(request)?.answer([]))
    }

    /// Takes a place, and keeps events from now on: to read what came before from the store, and answer with
    /// that first. 503 if all places are taken.
    pub fn subscribe(&self, request: &Request) -> Result<Subscription> {
        self.listen(request.is_closing.clone()).map(Subscription)
    }

    fn listen(&self, is_closing: watch::Receiver<bool>) -> Result<Live> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            Error::unavailable("Too many live streams are open; try again later", RETRY_AFTER)
        })?;
        let now = Instant::now();
        let mut pings = interval_at(now + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Live {
            first: vec![RETRY].into_iter(),
            events: BroadcastStream::new(self.events.subscribe()),
            is_closing: WatchStream::new(is_closing),
            pings,
            ends_at: now + MAX_AGE,
            place: Some(place),
        })
    }
}

/// A place at a hub, not answered yet; dropped, it is free again.
pub struct Subscription(Live);

impl Subscription {
    /// Answers with the events given, then with all that were published since the subscription.
    /// What was stored meanwhile can be in both. To `HEAD` hyper sends no body: it is dropped, its place free.
    pub fn answer(mut self, before: impl IntoIterator<Item = Event>) -> Response {
        let before = before.into_iter().map(|event| event.encode());
        let first: Vec<Bytes> = std::iter::once(RETRY).chain(before).collect();
        self.0.first = first.into_iter();
        Response::new(Body::Stream(Box::pin(self.0)))
            .with_header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))
            .with_header(CACHE_CONTROL, HeaderValue::from_static("no-store"))
            // nginx would keep the events back until its buffer is full.
            .with_header(
                HeaderName::from_static("x-accel-buffering"),
                HeaderValue::from_static("no"),
            )
    }
}

/// The bytes of one stream. Its drop, when hyper finds the peer gone, frees its place.
struct Live {
    first: std::vec::IntoIter<Bytes>,
    events: BroadcastStream<Bytes>,
    is_closing: WatchStream<bool>,
    pings: Interval,
    ends_at: Instant,
    /// None: the stream has ended.
    place: Option<OwnedSemaphorePermit>,
}

impl Live {
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
}

impl Stream for Live {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.place.is_none() || Instant::now() >= self.ends_at {
            self.place = None;
            return Poll::Ready(None);
        }
        if self.poll_closing(cx) {
            self.place = None;
            return Poll::Ready(Some(BYE));
        }
        if let Some(first) = self.first.next() {
            return Poll::Ready(Some(first));
        }
        match Pin::new(&mut self.events).poll_next(cx) {
            Poll::Ready(Some(Ok(event))) => return Poll::Ready(Some(event)),
            Poll::Ready(Some(Err(Lagged(n_missed)))) => {
                let missed = Event::new(n_missed.to_string()).named("missed");
                return Poll::Ready(Some(missed.encode()));
            }
            // The hub is gone, and with it whatever could be published.
            Poll::Ready(None) => {
                self.place = None;
                return Poll::Ready(Some(BYE));
            }
            Poll::Pending => {}
        }
        self.pings.poll_tick(cx).map(|_| Some(PING))
    }
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt;

    use super::*;

    fn check(event: &Event, expected: &str) {
        assert_eq!(event.encode(), expected, "{event:?}");
    }

    #[test]
    fn an_event_is_written_as_the_standard_wants() {
        check(&Event::new("a"), "data: a\n\n");
        check(&Event::new(""), "data: \n\n");
        check(&Event::new(" a"), "data:  a\n\n");
        check(&Event::new("a\nb"), "data: a\ndata: b\n\n");
        check(
            &Event::new("a\rb\r\nc\n\rd\n"),
            "data: a\ndata: b\ndata: c\ndata: \ndata: d\ndata: \n\n",
        );
        check(
            &Event::new("{}").named("changed").with_id("12"),
            "id: 12\nevent: changed\ndata: {}\n\n",
        );
    }

    #[test]
    fn an_id_or_a_name_cannot_write_lines_of_its_own() {
        let event = Event::new("").named("a\r\ndata: b").with_id("1\n\n\0data: c");
        check(&event, "id: 1data: c\nevent: adata: b\ndata: \n\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_pings_and_ends_at_its_age() {
        let hub = Hub::new(1, 4);
        let (_closing, is_closing) = watch::channel(false);
        let started = Instant::now();
        let mut live = hub.listen(is_closing).unwrap();
        assert_eq!(live.next().await, Some(RETRY));
        assert_eq!(live.next().await, Some(PING));
        assert_eq!(started.elapsed(), PING_INTERVAL);
        assert_eq!(live.next().await, Some(PING));
        assert_eq!(started.elapsed(), 2 * PING_INTERVAL);
        while live.next().await.is_some() {}
        assert_eq!(started.elapsed(), MAX_AGE);
        assert_eq!(hub.n_streams(), 0);
    }

    #[tokio::test]
    async fn a_hub_that_is_gone_says_bye() {
        let hub = Hub::new(1, 4);
        let (_closing, is_closing) = watch::channel(false);
        let live = hub.listen(is_closing).unwrap();
        drop(hub);
        assert_eq!(live.collect::<Vec<_>>().await, [RETRY, BYE]);
    }
}
