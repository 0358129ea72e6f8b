//! Server-sent events over real connections: what a reader sees, and what its end does.

#![allow(clippy::unwrap_used, reason = "a failed test")]

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::{Attempts, Keys, Sessions};
use prometheus_client::registry::Registry;
use rate_limit::{Limiter, Quota};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use web::address::TrustedProxies;
use web::metrics::HttpMetrics;
use web::sse::{self, Event, Hub};
use web::{Gate, Response, ResponseExt, Routes, ServerOptions, Service};

/// Only a hang ever takes this.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with one hub: two streams at most, four events behind at most.
struct Server {
    hub: Arc<Hub>,
    address: SocketAddr,
    end: oneshot::Sender<()>,
    /// Connections that had to be cut off.
    ended: JoinHandle<usize>,
}

impl Server {
    async fn start() -> Self {
        let hub = Arc::new(Hub::new(2, 4));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let routes = Routes::new()
            .get(
                "/live",
                |hub: Arc<Hub>, request| async move { hub.stream(&request) },
            )
            .get("/tail", |hub: Arc<Hub>, request| async move {
                let subscription = hub.subscribe(&request)?;
                let seen = sse::last_event_id(&request).unwrap_or("nothing");
                hub.publish(Event::new("meanwhile"));
                Ok(subscription.answer([Event::new(format!("after {seen}"))]))
            });
        let service = Service::new(
            hub.clone(),
            routes,
            Arc::new(gate()),
            HttpMetrics::register(&mut Registry::default()),
            Box::new(|error, _, _| Response::refusal(error)),
        );
        let (end, ending) = oneshot::channel::<()>();
        let options = ServerOptions::default();
        let ended = tokio::spawn(async move {
            web::server::serve(listener, Arc::new(service), options, async {
                let _ = ending.await;
            })
            .await
        });
        Self {
            hub,
            address,
            end,
            ended,
        }
    }

    async fn connect(&self) -> Reader {
        Reader {
            socket: TcpStream::connect(self.address).await.unwrap(),
            unread: String::new(),
        }
    }

    /// A stream that has begun.
    async fn listen(&self) -> Reader {
        let mut reader = self.connect().await;
        reader.ask("GET /live HTTP/1.1", "").await;
        reader.until("retry: 3000\n\n").await;
        reader
    }

    /// Turns the runtime until so many streams are open.
    async fn has_streams(&self, n_streams: usize) {
        within(async {
            while self.hub.n_streams() != n_streams {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

fn gate() -> Gate {
    let unlimited = || {
        Limiter::new(
            Quota {
                per_minute: 0,
                burst: 0,
            },
            8,
        )
    };
    Gate {
        keys: Arc::new(Keys::new("key", None).unwrap()),
        sessions: Arc::new(Sessions::new(b"", "test")),
        attempts: Attempts::new(10),
        keyed: unlimited(),
        anonymous: unlimited(),
        proxies: TrustedProxies::new(Vec::new()),
        own_host: None,
        started: Instant::now(),
    }
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("nothing hangs")
}

/// The client's end of a connection.
struct Reader {
    socket: TcpStream,
    unread: String,
}

impl Reader {
    async fn ask(&mut self, line: &str, headers: &str) {
        let head = format!("{line}\r\nHost: here\r\n{headers}\r\n");
        self.socket.write_all(head.as_bytes()).await.unwrap();
    }

    /// Everything up to and with `needle`; what follows stays for the next call.
    async fn until(&mut self, needle: &str) -> String {
        within(async {
            loop {
                if let Some(at) = self.unread.find(needle) {
                    let rest = self.unread.split_off(at + needle.len());
                    return std::mem::replace(&mut self.unread, rest);
                }
                assert!(
                    self.more().await,
                    "ended before {needle:?}, with {:?}",
                    self.unread
                );
            }
        })
        .await
    }

    /// Everything up to the end of the connection.
    async fn rest(mut self) -> String {
        within(async { while self.more().await {} }).await;
        self.unread
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 4096];
        let n_bytes = self.socket.read(&mut buffer).await.unwrap();
        self.unread
            .push_str(std::str::from_utf8(&buffer[..n_bytes]).unwrap());
        n_bytes > 0
    }
}

#[tokio::test]
async fn what_is_published_reaches_every_reader_at_once() {
    let server = Server::start().await;
    server.hub.publish(Event::new("nobody listens yet"));
    let mut first = server.connect().await;
    first
        .ask("GET /live HTTP/1.1", "Accept-Encoding: gzip, zstd\r\n")
        .await;
    let head = first.until("\r\n\r\n").await.to_lowercase();
    for header in [
        "http/1.1 200 ok",
        "content-type: text/event-stream\r\n",
        "cache-control: no-store\r\n",
        "x-accel-buffering: no\r\n",
        "x-content-type-options: nosniff\r\n",
        "transfer-encoding: chunked\r\n",
    ] {
        assert!(head.contains(header), "{header} in {head}");
    }
    assert!(!head.contains("content-encoding"), "{head}");
    assert!(first.until("\n\n").await.ends_with("\r\nretry: 3000\n\n"));

    let mut second = server.listen().await;
    server
        .hub
        .publish(Event::new("a\nb".repeat(1000)).named("changed").with_id("7"));
    for reader in [&mut first, &mut second] {
        let event = reader.until("\n\n").await;
        assert!(
            event.contains("id: 7\nevent: changed\ndata: a\ndata: ba\n"),
            "{event}"
        );
    }
}

#[tokio::test]
async fn what_came_before_is_sent_first_and_nothing_between_is_lost() {
    let server = Server::start().await;
    let mut reader = server.connect().await;
    reader.ask("GET /tail HTTP/1.1", "Last-Event-ID: 41\r\n").await;
    reader.until("data: after 41\n\n").await;
    reader.until("data: meanwhile\n\n").await;
}

#[tokio::test]
async fn one_too_many_is_refused_until_a_reader_goes_away() {
    let server = Server::start().await;
    let _first = server.listen().await;
    let second = server.listen().await;
    assert_eq!(server.hub.n_streams(), 2);

    let mut third = server.connect().await;
    third.ask("GET /live HTTP/1.1", "").await;
    let refusal = third.until("later\"}").await;
    assert!(refusal.starts_with("HTTP/1.1 503 "), "{refusal}");
    assert!(refusal.contains("retry-after: 10\r\n"), "{refusal}");

    // Nothing is published and no ping is due: the end of the connection alone must do.
    drop(second);
    server.has_streams(1).await;
    third.ask("GET /live HTTP/1.1", "").await;
    third.until("retry: 3000\n\n").await;
}

#[tokio::test]
async fn a_reader_that_falls_behind_is_told_and_goes_on_with_the_newest() {
    let server = Server::start().await;
    let mut reader = server.listen().await;
    // Nothing else runs between these, so the stream sees the last four of ten.
    for n in 0..10 {
        server.hub.publish(Event::new(format!("event {n}")));
    }
    let behind = reader.until("data: event 9\n\n").await;
    assert!(behind.contains("event: missed\ndata: 6\n\n"), "{behind}");
    assert!(behind.contains("data: event 6\n\n"), "{behind}");
    assert!(!behind.contains("data: event 5\n\n"), "{behind}");
}

#[tokio::test]
async fn the_end_of_the_server_ends_every_stream_with_bye() {
    let server = Server::start().await;
    let first = server.listen().await;
    let second = server.listen().await;
    server.end.send(()).unwrap();
    for reader in [first, second] {
        let rest = reader.rest().await;
        assert!(rest.contains("event: bye\ndata: \n\n"), "{rest}");
    }
    assert_eq!(within(server.ended).await.unwrap(), 0, "no connection is cut off");
    assert_eq!(server.hub.n_streams(), 0);
}

#[tokio::test]
async fn head_has_the_headers_of_a_stream_and_takes_no_place() {
    let server = Server::start().await;
    let mut reader = server.connect().await;
    for _ in 0..3 {
        reader.ask("HEAD /live HTTP/1.1", "").await;
        let head = reader.until("\r\n\r\n").await.to_lowercase();
        assert!(head.starts_with("http/1.1 200 ok"), "{head}");
        assert!(head.contains("content-type: text/event-stream\r\n"), "{head}");
        assert!(!head.contains("content-length"), "{head}");
        server.has_streams(0).await;
    }
    reader.ask("GET /live HTTP/1.1", "").await;
    reader.until("retry: 3000\n\n").await;
}
