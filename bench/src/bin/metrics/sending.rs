//! Requests of a feed to one server after the other on one connection, and what they cost it.

use std::net::SocketAddr;
use std::time::Instant;

use bench::figures::{busy_seconds, cpu_seconds};
use bench::load::{Connection, get};
use bench::samples::Feed;

use crate::Result;

/// Samples of one request.
pub(crate) const BATCH: u64 = 1_000;

/// What taking in showed.
pub(crate) struct Fed {
    /// All.
    pub(crate) n_samples: u64,
    /// Samples by the server's CPU seconds.
    pub(crate) per_cpu_second: f64,
    /// Cores that neither the server nor this program used.
    pub(crate) foreign: f64,
}

/// Sends the values of all series, tick by tick.
pub(crate) async fn send(
    address: SocketAddr,
    pid: u32,
    path: &str,
    headers: &str,
    feed: &Feed,
    n_ticks: u64,
    write: impl Fn(std::ops::Range<u64>, u64, &mut Vec<u8>),
) -> Result<Fed> {
    let mut connection = Connection::open(address).await?;
    let (mut body, mut request) = (Vec::new(), Vec::new());
    let (before, busy, own, clock) = (
        cpu_seconds(pid),
        busy_seconds(),
        cpu_seconds(std::process::id()),
        Instant::now(),
    );
    for tick in 0..n_ticks {
        for first in (0..feed.n_series).step_by(BATCH as usize) {
            body.clear();
            write(first..(first + BATCH).min(feed.n_series), tick, &mut body);
            post(&mut connection, address, path, headers, &body, &mut request).await?;
        }
    }
    let cpu = cpu_seconds(pid) - before;
    let n_samples = feed.n_series * n_ticks;
    let foreign = busy_seconds() - busy - cpu - (cpu_seconds(std::process::id()) - own);
    Ok(Fed {
        n_samples,
        per_cpu_second: n_samples as f64 / cpu,
        foreign: foreign / clock.elapsed().as_secs_f64(),
    })
}

/// One request, which must be answered with success. `request` is room to work in.
pub(crate) async fn post(
    connection: &mut Connection,
    address: SocketAddr,
    path: &str,
    headers: &str,
    body: &[u8],
    request: &mut Vec<u8>,
) -> Result<()> {
    request.clear();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    request.extend(head.as_bytes());
    request.extend(body);
    let status = connection.exchange(request).await?;
    if !(200..300).contains(&status) {
        return Err(format!("{path}: {status} {}", String::from_utf8_lossy(connection.body())).into());
    }
    Ok(())
}

/// A request whose answer does not matter.
pub(crate) async fn one(address: SocketAddr, path: &str) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    connection
        .exchange(&get(&address.to_string(), path, ("x", "y")))
        .await?;
    Ok(())
}
