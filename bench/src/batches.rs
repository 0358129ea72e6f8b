//! Reports in batches, on a few kept-alive connections: as fast as they are answered, or so many a second.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::load::Connection;

/// Writes the report of a number, a JSON object, behind what is there.
pub type Write1 = dyn Fn(u64, &mut String) + Send + Sync;

/// What is sent, and how.
#[derive(Clone)]
pub struct Batches {
    /// Where to.
    pub address: SocketAddr,
    /// With which key.
    pub key: &'static str,
    /// Reports in all; they are numbered from 0.
    pub n_reports: u64,
    /// Reports in a batch.
    pub batch: u64,
    /// Connections at once.
    pub n_connections: usize,
    /// Reports a second; none: as fast as they are answered.
    pub rate: Option<u64>,
    /// Makes the reports.
    pub write: Arc<Write1>,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct Sent {
    /// From the first request to the last answer.
    pub seconds: f64,
    /// Reports in batches that were taken whole.
    pub n_accepted: u64,
    /// Reports in other batches.
    pub n_refused: u64,
    /// Bytes of all bodies.
    pub n_bytes: u64,
}

impl Sent {
    /// Accepted reports a second.
    pub fn rate(&self) -> f64 {
        self.n_accepted as f64 / self.seconds
    }
}

/// Sends them all.
pub async fn send(batches: &Batches) -> io::Result<Sent> {
    let (started, numbers) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut clients = JoinSet::new();
    for _ in 0..batches.n_connections {
        clients.spawn(client(batches.clone(), numbers.clone(), started));
    }
    let mut all = Sent::default();
    while let Some(sent) = clients.join_next().await {
        let sent = sent.map_err(io::Error::other)??;
        all.n_accepted += sent.n_accepted;
        all.n_refused += sent.n_refused;
        all.n_bytes += sent.n_bytes;
    }
    all.seconds = started.elapsed().as_secs_f64();
    Ok(all)
}

async fn client(batches: Batches, numbers: Arc<AtomicU64>, started: Instant) -> io::Result<Sent> {
    let mut connection = Connection::open(batches.address).await?;
    let (mut sent, mut body, mut request) = (Sent::default(), String::new(), Vec::new());
    loop {
        let first = numbers.fetch_add(batches.batch, Relaxed);
        let end = batches.n_reports.min(first + batches.batch);
        if first >= end {
            return Ok(sent);
        }
        body.clear();
        batches.write_body(first..end, &mut body);
        batches.write_request(&body, &mut request)?;
        tokio::time::sleep_until((started + batches.due(first)).into()).await;
        // 207 is a success as well, but of a part only.
        match connection.exchange(&request).await? {
            200 => sent.n_accepted += end - first,
            _ => sent.n_refused += end - first,
        }
        sent.n_bytes += body.len() as u64;
    }
}

impl Batches {
    fn write_body(&self, numbers: std::ops::Range<u64>, body: &mut String) {
        let mut before = '[';
        for number in numbers {
            body.push(before);
            (self.write)(number, body);
            before = ',';
        }
        body.push(']');
    }

    fn write_request(&self, body: &str, request: &mut Vec<u8>) -> io::Result<()> {
        request.clear();
        write!(
            request,
            "POST /api/errors/batch HTTP/1.1\r\nhost: {}\r\nx-api-key: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.address,
            self.key,
            body.len()
        )
    }

    /// When a report is to be sent.
    fn due(&self, number: u64) -> Duration {
        let seconds = |rate| number as f64 / rate as f64;
        Duration::from_secs_f64(self.rate.map_or(0., seconds))
    }
}
