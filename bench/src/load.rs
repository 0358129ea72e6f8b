//! Clients on kept-alive connections that send and wait, as fast as they are answered: plain TCP, bytes made
//! before, and a parser that knows the few answers that come. Runs on the caller's runtime.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::figures::percentile;
use crate::mix::Mix;

/// What clients saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Answers 2xx.
    pub n_acknowledged: u64,
    /// Other answers.
    pub n_refused: u64,
    /// Of each answer, from the first byte sent to the last byte read.
    pub latency_ms: Vec<f64>,
}

impl Seen {
    /// Acknowledged requests a second.
    pub fn rate(&self) -> f64 {
        self.n_acknowledged as f64 / self.seconds
    }

    /// Latency in ms that `share` of the answers kept.
    pub fn latency(&mut self, share: f64) -> f64 {
        percentile(&mut self.latency_ms, share)
    }
}

/// Sends for so long; `numbers` gives every request its own number, over all runs.
pub async fn run(
    address: SocketAddr,
    mix: &Arc<Mix>,
    numbers: &Arc<AtomicU64>,
    n_connections: usize,
    duration: Duration,
) -> io::Result<Seen> {
    let mut connections = Vec::new();
    for _ in 0..n_connections {
        connections.push(Connection::open(address).await?);
    }
    let started = Instant::now();
    let mut clients = JoinSet::new();
    for connection in connections {
        clients.spawn(send(connection, mix.clone(), numbers.clone(), started + duration));
    }
    let mut all = Seen::default();
    while let Some(seen) = clients.join_next().await {
        let seen = seen.map_err(io::Error::other)??;
        all.n_acknowledged += seen.n_acknowledged;
        all.n_refused += seen.n_refused;
        all.latency_ms.extend(seen.latency_ms);
    }
    all.seconds = started.elapsed().as_secs_f64();
    Ok(all)
}

async fn send(
    mut connection: Connection,
    mix: Arc<Mix>,
    numbers: Arc<AtomicU64>,
    end: Instant,
) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut request = Vec::new();
    loop {
        mix.write(numbers.fetch_add(1, Relaxed), &mut request);
        let sent = Instant::now();
        if sent >= end {
            return Ok(seen);
        }
        let status = connection.exchange(&request).await?;
        seen.latency_ms.push(sent.elapsed().as_secs_f64() * 1000.);
        if (200..300).contains(&status) {
            seen.n_acknowledged += 1;
        } else {
            seen.n_refused += 1;
        }
    }
}

/// One connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(1024),
        })
    }

    /// Sends a request and reads its answer to the end. Returns the status.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<u16> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(status) = whole(&self.answer) {
                return Ok(status);
            }
        }
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        let head_end = self.answer.windows(4).position(|window| window == b"\r\n\r\n");
        head_end.map_or(&[], |end| &self.answer[end + 4..])
    }
}

/// `GET path` with one header, as bytes to send again and again.
pub fn get(host: &str, path: &str, header: (&str, &str)) -> Vec<u8> {
    let (name, value) = header;
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{name}: {value}\r\n\r\n").into_bytes()
}

/// The status of an answer that is there to its last byte, be it of a length, as ours are, or in chunks.
fn whole(answer: &[u8]) -> Option<u16> {
    let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (
        std::str::from_utf8(&answer[..head_end]).ok()?,
        &answer[head_end + 4..],
    );
    let field = |wanted: &str| {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted))
    };
    let is_whole = match field("transfer-encoding") {
        Some(_) => body == b"0\r\n\r\n" || body.ends_with(b"\r\n0\r\n\r\n"),
        None => {
            let length = field("content-length").and_then(|(_, length)| length.parse::<usize>().ok());
            body.len() >= length.unwrap_or(0)
        }
    };
    let status = head.get(9..12)?.parse().ok()?;
    is_whole.then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_whole_with_the_empty_one() {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (body, is_whole) in [
            ("", false),
            ("2\r\n{}\r\n", false),
            ("2\r\n{}\r\n0\r\n\r\n", true),
        ] {
            assert_eq!(
                whole(format!("{head}{body}").as_bytes()).is_some(),
                is_whole,
                "{body}"
            );
        }
    }

    #[test]
    fn an_answer_is_whole_at_its_last_byte() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\ndate: x\r\n\r\nhello";
        for end in 0..answer.len() {
            assert_eq!(whole(&answer[..end]), None, "{end}");
        }
        assert_eq!(whole(answer), Some(201));
    }
}
