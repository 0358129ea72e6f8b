//! Those who look: someone who opens every page of each service over and over, and a tail that is always open.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bench::load::{Connection, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::Result;
use crate::answers::Answers;
use crate::stack::Stack;

/// Between two pages of one service.
const PAUSE: Duration = Duration::from_millis(500);

const PAGES: [(&str, &[&str]); 4] = [
    (
        "error-tracker",
        &[
            "/",
            "/errors/1",
            "/releases",
            "/alerts",
            "/start",
            "/api/errors?limit=100",
            "/?search=order",
            "/metrics",
        ],
    ),
    (
        "log-viewer",
        &[
            "/",
            "/?search=order",
            "/?search=refused&level=error",
            "/logs/1",
            "/alerts",
            "/api/logs/histogram",
            "/api/stats",
            "/metrics",
        ],
    ),
    (
        "metrics-collector",
        &[
            "/",
            "/explore",
            "/metrics/app_requests_0",
            "/metrics/http_request_duration_seconds",
            "/api-monitoring",
            "/alerts",
            "/api/dashboard",
            "/metrics",
        ],
    ),
    (
        "browser-relay",
        &[
            "/",
            "/keys",
            "/source-maps",
            "/docs",
            "/sdk/monlight.min.js",
            "/metrics",
        ],
    ),
];

/// Starts them all.
pub(crate) fn start(
    stack: &Arc<Stack>,
    answers: &Arc<Answers>,
    end: Instant,
    load: &mut JoinSet<Result<()>>,
) {
    for (service, pages) in PAGES {
        let server = stack.server(service);
        load.spawn(look(
            service,
            server.address,
            server.key(),
            pages,
            answers.clone(),
            end,
        ));
    }
    let viewer = stack.server("log-viewer");
    load.spawn(tail(viewer.address, viewer.key(), end));
}

async fn look(
    service: &'static str,
    address: SocketAddr,
    key: &str,
    pages: &[&str],
    answers: Arc<Answers>,
    end: Instant,
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let mut ticks = tokio::time::interval(PAUSE);
    // What is asked for by id is there soon after the start, not at once.
    for page in pages.iter().cycle() {
        ticks.tick().await;
        if Instant::now() >= end {
            break;
        }
        let request = get(&address.to_string(), page, ("x-api-key", key));
        match connection.exchange(&request).await {
            Ok(status) => answers.add(service, status),
            Err(_) => {
                answers.add(service, 0);
                connection = Connection::open(address).await?;
            }
        }
    }
    Ok(())
}

/// Reads all that comes.
async fn tail(address: SocketAddr, key: &str, end: Instant) -> Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET /api/logs/tail HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    let mut buffer = vec![0; 64 * 1024];
    let wait = end.saturating_duration_since(Instant::now());
    let reading = async {
        loop {
            if socket.read(&mut buffer).await? == 0 {
                return Err("the tail has ended".into());
            }
        }
    };
    tokio::time::timeout(wait, reading).await.unwrap_or(Ok(()))
}
