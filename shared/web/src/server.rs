//! The accept loop: connection caps, timers against slow clients, and an orderly end.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use crate::dispatch::Service;

/// Bounds of the server.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Open connections; further ones wait in the kernel's backlog.
    pub max_connections: usize,
    /// Open connections of one address; loopback and trusted proxies are exempt.
    pub max_connections_per_address: usize,
    /// A request head must be complete this long after the connection is ready for it.
    pub head_timeout: Duration,
    /// How long running requests may take after the end was asked for.
    pub drain_timeout: Duration,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            max_connections: 2048,
            max_connections_per_address: 256,
            head_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(8),
        }
    }
}

/// Read buffer of a connection and so the longest request head, in bytes.
const MAX_HEAD_BYTES: usize = 16 * 1024;
const MAX_HEADERS: usize = 100;
/// Pause after `accept` failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `shutdown` resolves, then lets running requests finish within the drain timeout.
/// Returns how many connections had to be cut off.
pub async fn serve<S: Send + Sync + 'static>(
    listener: TcpListener,
    service: Arc<Service<S>>,
    options: ServerOptions,
    shutdown: impl Future<Output = ()>,
) -> usize {
    let slots = Arc::new(Semaphore::new(options.max_connections));
    let per_address = Arc::new(PerAddress::new(options.max_connections_per_address));
    let (closing, is_closing) = watch::channel(false);
    tokio::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &slots) => accepted,
        };
        let Some((stream, peer, slot)) = accepted else {
            continue;
        };
        let address = peer.ip().to_canonical();
        let is_exempt = address.is_loopback() || service.gate().proxies.contains(address);
        let Some(place) = PerAddress::enter(&per_address, address, is_exempt) else {
            continue;
        };
        let connection = connection(
            stream,
            address,
            service.clone(),
            options.head_timeout,
            is_closing.clone(),
        );
        tokio::spawn(async move {
            connection.await;
            drop((slot, place));
        });
    }
    drop(listener);
    let _ = closing.send(true);
    let all = u32::try_from(options.max_connections).unwrap_or(u32::MAX);
    let drained = tokio::time::timeout(options.drain_timeout, slots.acquire_many(all)).await;
    if drained.is_ok() {
        0
    } else {
        options.max_connections - slots.available_permits()
    }
}

async fn accept(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => Some((stream, peer, slot)),
        Err(cause) => {
            tracing::warn!(%cause, "cannot accept connections");
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn connection<S: Send + Sync + 'static>(
    stream: TcpStream,
    peer: IpAddr,
    service: Arc<Service<S>>,
    head_timeout: Duration,
    mut is_closing: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let open = service.metrics().connections.clone();
    open.inc();
    let for_streams = is_closing.clone();
    let answer = service_fn(|request| {
        let service = service.clone();
        let is_closing = for_streams.clone();
        async move { Ok::<_, std::convert::Infallible>(service.answer(request, peer, is_closing).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), answer)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        _ = is_closing.wait_for(|closing| *closing) => None,
    };
    let ended = match ended {
        Some(ended) => ended,
        None => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(cause) = ended {
        tracing::debug!(%peer, %cause, "connection ended early");
    }
    open.dec();
}

/// Connections open per address.
struct PerAddress {
    max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A counted connection; its drop gives the place back.
struct Place {
    counts: Arc<PerAddress>,
    address: Option<IpAddr>,
}

impl PerAddress {
    fn new(max: usize) -> Self {
        Self {
            max,
            open: Mutex::new(HashMap::new()),
        }
    }

    fn enter(counts: &Arc<Self>, address: IpAddr, is_exempt: bool) -> Option<Place> {
        if is_exempt {
            return Some(Place {
                counts: counts.clone(),
                address: None,
            });
        }
        let mut open = counts.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_insert(0);
        if *count >= counts.max {
            return None;
        }
        *count += 1;
        Some(Place {
            counts: counts.clone(),
            address: Some(address),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.counts.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_its_own_cap_and_gets_places_back() {
        let counts = Arc::new(PerAddress::new(2));
        let address: IpAddr = "203.0.113.9".parse().unwrap();
        let first = PerAddress::enter(&counts, address, false).unwrap();
        let _second = PerAddress::enter(&counts, address, false).unwrap();
        assert!(PerAddress::enter(&counts, address, false).is_none());
        assert!(PerAddress::enter(&counts, "203.0.113.10".parse().unwrap(), false).is_some());
        drop(first);
        assert!(PerAddress::enter(&counts, address, false).is_some());
    }
}
