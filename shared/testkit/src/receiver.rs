//! A receiver of alerts on this machine, which answers as it is told.
#![expect(clippy::unwrap_used, reason = "for tests, which may panic")]

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::until;

/// One request, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// With its query.
    pub path: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// All of it.
    pub body: Vec<u8>,
}

impl Received {
    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the next requests are answered with; then it is 200.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Status and a body.
    Status(u16, &'static str),
    /// To there.
    Redirect(String),
    /// Nothing, for ever.
    Silence,
}

/// A receiver of alerts.
#[derive(Clone)]
pub struct Receiver {
    /// Of 127.0.0.1.
    pub port: u16,
    received: Arc<Mutex<Vec<Received>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
}

impl Receiver {
    /// Starts it; it ends with the runtime.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            port: listener.local_addr().unwrap().port(),
            received: Arc::default(),
            replies: Arc::new(Mutex::new(replies.into_iter().collect())),
        };
        let this = receiver.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let this = this.clone();
                tokio::spawn(async move { this.answer(stream).await });
            }
        });
        receiver
    }

    async fn answer(&self, mut stream: TcpStream) {
        let Some(received) = read(&mut stream).await else {
            return;
        };
        self.received.lock().unwrap().push(received);
        let reply = self.replies.lock().unwrap().pop_front();
        let (status, more, body) = match reply.unwrap_or(Reply::Status(200, "")) {
            Reply::Status(status, body) => (status, String::new(), body),
            Reply::Redirect(to) => (302, format!("location: {to}\r\n"), ""),
            Reply::Silence => {
                // Until the other end hangs up.
                let _ = stream.read(&mut [0]).await;
                return;
            }
        };
        let length = body.len();
        // It says that it hangs up: else a client that keeps connections may send its next request into this one.
        let answer = format!(
            "HTTP/1.1 {status} x\r\n{more}connection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        let _ = stream.write_all(answer.as_bytes()).await;
    }

    /// Its address with this path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came so far.
    pub fn all(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// Waits until so many requests came.
    pub async fn wait_for(&self, n: usize) -> Vec<Received> {
        until("an alert comes", async || self.all().len() >= n).await;
        self.all()
    }
}

async fn read(stream: &mut TcpStream) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break at;
        }
        stream.read_buf(&mut bytes).await.ok().filter(|n| *n > 0)?;
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = match headers.get("content-length") {
        Some(length) => length.parse().ok()?,
        None => 0,
    };
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        stream.read_buf(&mut body).await.ok().filter(|n| *n > 0)?;
    }
    Some(Received { path, headers, body })
}
