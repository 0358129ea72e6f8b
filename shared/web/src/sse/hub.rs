//! Where events go in, and streams of them come out: the same for everyone.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::broadcast;
use tokio_stream::Stream;
use tokio_stream::wrappers::BroadcastStream;
use tokio_stream::wrappers::errors::BroadcastStreamRecvError::Lagged;

use super::event::Event;
use super::stream::{Manner, Place, Places};
use crate::{Request, Response, Result};

/// First on each stream: a browser that lost it comes back after this many ms.
const RETRY: Bytes = Bytes::from_static(b"retry: 3000\n\n");
/// A comment, which clients ignore; and no word at the age, only at the server's end.
const MANNER: Manner = Manner {
    heartbeat: Bytes::from_static(b": ping\n\n"),
    max_age: Duration::from_secs(15 * 60),
    at_age: Bytes::new(),
    at_end: Bytes::from_static(b"event: bye\ndata: \n\n"),
};

/// Events for everyone who listens.
#[derive(Debug)]
pub struct Hub {
    events: broadcast::Sender<Bytes>,
    places: Places,
}

impl Hub {
    /// A hub of at most `max_streams` streams at once. Each reader may fall behind by `max_waiting` events
    /// (rounded up to a power of two), which all streams together keep once.
    pub fn new(max_streams: usize, max_waiting: usize) -> Self {
        Self {
            events: broadcast::Sender::new(max_waiting.max(1)),
            places: Places::new(max_streams),
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
        self.places.n_taken()
    }

    /// Answers with all events from now on. 503 if all places are taken.
    pub fn stream(&self, request: &Request) -> Result<Response> {
        Ok(self.subscribe(request)?.answer([]))
    }

    /// Takes a place, and keeps events from now on: to read what came before from the store, and answer with
    /// that first. 503 if all places are taken.
    pub fn subscribe(&self, request: &Request) -> Result<Subscription> {
        Ok(Subscription {
            place: self.places.take(request)?,
            events: self.events(),
        })
    }

    fn events(&self) -> Events {
        Events(BroadcastStream::new(self.events.subscribe()))
    }
}

/// A place at a hub, not answered yet; dropped, it is free again.
pub struct Subscription {
    place: Place,
    events: Events,
}

impl Subscription {
    /// Answers with the events given, then with all that were published since the subscription.
    /// What was stored meanwhile can be in both.
    pub fn answer(self, before: impl IntoIterator<Item = Event>) -> Response {
        let before = before.into_iter().map(|event| event.encode());
        let first = std::iter::once(RETRY).chain(before).collect();
        self.place.answer(MANNER, first, self.events)
    }
}

/// What was published, or how much of it was missed.
struct Events(BroadcastStream<Bytes>);

impl Stream for Events {
    type Item = Bytes;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Pin::new(&mut self.0).poll_next(cx).map(|next| match next? {
            Ok(event) => Some(event),
            Err(Lagged(n_missed)) => Some(Event::new(n_missed.to_string()).named("missed").encode()),
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::watch;
    use tokio::time::Instant;
    use tokio_stream::StreamExt;

    use super::super::stream::Live;
    use super::*;

    fn listen(hub: &Hub, is_closing: watch::Receiver<bool>) -> Live<Events> {
        let place = hub.places.place(is_closing).unwrap();
        place.live(MANNER, vec![RETRY], hub.events())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_stream_pings_and_ends_at_its_age() {
        let hub = Hub::new(1, 4);
        let (_closing, is_closing) = watch::channel(false);
        let interval = Duration::from_secs(15);
        let started = Instant::now();
        let mut live = listen(&hub, is_closing);
        assert_eq!(live.next().await, Some(RETRY));
        assert_eq!(live.next().await, Some(MANNER.heartbeat));
        assert_eq!(started.elapsed(), interval);
        assert_eq!(live.next().await, Some(MANNER.heartbeat));
        assert_eq!(started.elapsed(), 2 * interval);
        while live.next().await.is_some() {}
        assert_eq!(started.elapsed(), MANNER.max_age);
        assert_eq!(hub.n_streams(), 0);
    }

    #[tokio::test]
    async fn a_hub_that_is_gone_says_bye() {
        let hub = Hub::new(1, 4);
        let (_closing, is_closing) = watch::channel(false);
        let live = listen(&hub, is_closing);
        drop(hub);
        assert_eq!(live.collect::<Vec<_>>().await, [RETRY, MANNER.at_end]);
    }
}
