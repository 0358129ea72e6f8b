//! What the tests of the log viewer share: its binary, entries sent to it, and tails read event by event.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::time::Duration;

#[allow(unused_imports, reason = "each test file uses its own part of this")]
pub(crate) use testkit::until;
use testkit::{Client, Launch, Server, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Only a hang ever takes this.
const PATIENCE: Duration = Duration::from_secs(60);

/// The log viewer, not started.
pub(crate) fn viewer() -> Launch {
    let launch = Launch::new(env!("CARGO_BIN_EXE_log-viewer"));
    let nothing = launch.folder().join("no-containers");
    launch.env("LOG_SOURCES", nothing.display())
}

/// The log viewer, with nothing to follow.
pub(crate) async fn start() -> Server {
    viewer().start().await
}

/// Stores entries; they are there when this returns.
pub(crate) async fn send(client: &mut Client, entries: &Value) -> Value {
    let answer = client.post("/api/logs", entries.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

/// An entry at a second of 2026-11-20T10:00.
pub(crate) fn entry(container: &str, level: &str, second: u64, message: &str) -> Value {
    json!({
        "container": container,
        "level": level,
        "timestamp": format!("2026-11-20T10:00:{second:02}Z"),
        "message": message,
    })
}

/// `GET path`, which must be answered with 200 and JSON.
pub(crate) async fn get_json(client: &mut Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// The messages of a list, in its order.
pub(crate) fn messages(list: &Value) -> Vec<String> {
    let rows = list["logs"].as_array().unwrap().iter();
    rows.map(|row| row["message"].as_str().unwrap().to_owned())
        .collect()
}

/// The messages that `GET /api/logs?…` finds.
pub(crate) async fn found(client: &mut Client, query: &str) -> Vec<String> {
    messages(&get_json(client, &format!("/api/logs?{query}")).await)
}

/// An open tail.
pub(crate) struct Tail {
    socket: TcpStream,
    unread: Vec<u8>,
    /// The head of the answer.
    pub(crate) head: String,
}

/// One event of it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) id: Option<u64>,
    pub(crate) name: String,
    pub(crate) data: Value,
}

impl Tail {
    /// Opens `/api/logs/tail` with this query and further header lines, each with its line end.
    pub(crate) async fn open(server: &Server, query: &str, headers: &str) -> Self {
        let mut socket = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET /api/logs/tail?{query} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n{headers}\r\n",
            server.key()
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut tail = Self {
            socket,
            unread: Vec::new(),
            head: String::new(),
        };
        tail.head = tail.until(b"\r\n\r\n").await;
        tail
    }

    /// The next event but heartbeats, which a slow machine has time for.
    pub(crate) async fn next(&mut self) -> Event {
        loop {
            let event = self.next_of_any_kind().await;
            if event.name != "heartbeat" {
                return event;
            }
        }
    }

    async fn next_of_any_kind(&mut self) -> Event {
        let mut text = String::new();
        // Chunks of the coding begin with their length on a line of its own, which no event has.
        while !text.contains("\n\n") {
            text.push_str(&self.until(b"\n").await);
            text = text.replace('\r', "");
            let is_length =
                |line: &str| !line.is_empty() && line.trim_end().bytes().all(|b| b.is_ascii_hexdigit());
            if is_length(&text) || text == "\n" {
                text.clear();
            }
        }
        let mut event = Event {
            id: None,
            name: String::new(),
            data: Value::Null,
        };
        for line in text.lines() {
            match line.split_once(": ") {
                Some(("id", id)) => event.id = id.parse().ok(),
                Some(("event", name)) => event.name = name.to_owned(),
                Some(("data", data)) => event.data = serde_json_value(data),
                _ => assert!(line.is_empty(), "{text}"),
            }
        }
        event
    }

    /// The message of the next event, which must be an entry.
    pub(crate) async fn message(&mut self) -> String {
        let event = self.next().await;
        assert_eq!(event.name, "log", "{event:?}");
        event.data["message"].as_str().unwrap().to_owned()
    }

    /// Reads up to and with this end. Panics where the server hangs up before.
    async fn until(&mut self, end: &[u8]) -> String {
        let read = async {
            loop {
                if let Some(at) = self.unread.windows(end.len()).position(|window| window == end) {
                    let rest = self.unread.split_off(at + end.len());
                    return String::from_utf8(std::mem::replace(&mut self.unread, rest)).unwrap();
                }
                let mut buffer = [0; 4096];
                let n = self.socket.read(&mut buffer).await.unwrap();
                assert_ne!(
                    n,
                    0,
                    "the tail ended: {:?}",
                    String::from_utf8_lossy(&self.unread)
                );
                self.unread.extend_from_slice(&buffer[..n]);
            }
        };
        tokio::time::timeout(PATIENCE, read)
            .await
            .expect("the tail went on in time")
    }
}

fn serde_json_value(text: &str) -> Value {
    text.parse().unwrap()
}
