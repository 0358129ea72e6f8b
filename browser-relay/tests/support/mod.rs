//! What the tests of the relay share: the four real binaries wired together, and the usual requests.
#![allow(dead_code, reason = "each test file uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::path::PathBuf;
use std::process::Command;
use std::sync::Once;
use std::time::Duration;

use rusqlite::Connection;
use testkit::{Answer, Client, Launch, Server, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The key that every stack knows.
pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";
/// The project of [`KEY`].
pub(crate) const PROJECT: &str = "web";
/// An origin whose pages may call.
pub(crate) const ORIGIN: &str = "https://shop.example.com";

/// The relay, not started; it has [`KEY`] and lets [`ORIGIN`] call.
pub(crate) fn relay() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_browser-relay"))
        .env("DSN_KEYS", format!("{PROJECT}:{KEY}"))
        .env("CORS_ORIGINS", ORIGIN)
}

/// A hand on the database beside the relay's.
pub(crate) fn database(launch: &Launch) -> Connection {
    let connection = Connection::open(launch.database_path()).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}

/// Sends a request with the admin's key, and hangs up while it is being worked on: no answer has come yet.
pub(crate) async fn hang_up(server: &Server, method: &str, path: &str, body: &str) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let (key, length) = (server.key(), body.len());
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let answer = tokio::time::timeout(Duration::from_millis(500), stream.read_u8()).await;
    assert!(answer.is_err(), "{answer:?}");
}

/// Another of the four services, not started. It is built if nobody did.
pub(crate) fn service(name: &str) -> Launch {
    static BUILT: Once = Once::new();
    let binary = |name: &str| PathBuf::from(env!("CARGO_BIN_EXE_browser-relay")).with_file_name(name);
    BUILT.call_once(|| {
        let others = ["error-tracker", "metrics-collector", "log-viewer"];
        if others.iter().all(|name| binary(name).exists()) {
            return;
        }
        let packages = others.iter().flat_map(|name| ["-p", name]);
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--bins"])
            .args(packages)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status();
        assert!(
            built.is_ok_and(|status| status.success()),
            "the other services can be built"
        );
    });
    Launch::new(binary(name))
}

/// All four, running.
pub(crate) struct Stack {
    pub(crate) tracker: Server,
    pub(crate) collector: Server,
    pub(crate) viewer: Server,
    pub(crate) relay: Server,
}

/// The relay in front of services that listen there.
pub(crate) fn wired(tracker: &Server, collector: &Server, viewer: &Server) -> Launch {
    let url = |server: &Server| format!("http://{}/", server.address);
    relay()
        .env("ERROR_TRACKER_URL", url(tracker))
        .env("ERROR_TRACKER_API_KEY", tracker.key())
        .env("METRICS_COLLECTOR_URL", url(collector))
        .env("METRICS_COLLECTOR_API_KEY", collector.key())
        .env("LOG_VIEWER_URL", url(viewer))
        .env("LOG_VIEWER_API_KEY", viewer.key())
}

impl Stack {
    /// Starts all four; `with` may change how the relay is started.
    pub(crate) async fn start_with(with: impl FnOnce(Launch) -> Launch) -> Self {
        let tracker = service("error-tracker").start().await;
        let collector = service("metrics-collector").start().await;
        let viewer = service("log-viewer").start().await;
        let relay = with(wired(&tracker, &collector, &viewer)).start().await;
        Self {
            tracker,
            collector,
            viewer,
            relay,
        }
    }

    pub(crate) async fn start() -> Self {
        Self::start_with(|launch| launch).await
    }
}

/// A page's client: no admin key, the DSN key in its header.
pub(crate) fn page(relay: &Server) -> Client {
    relay
        .stranger()
        .with_header("x-monlight-key", KEY)
        .with_header("origin", ORIGIN)
}

/// A report of a browser.
pub(crate) fn report(message: &str) -> Value {
    json!({"type": "TypeError", "message": message, "stack": "TypeError: x\n    at pay (https://shop.example.com/js/app.js:1:10)"})
}

/// Status and detail of a refusal.
pub(crate) fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.detail())
}

/// `GET path`, which must be answered with 200 and JSON.
pub(crate) async fn get_json(client: &mut Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}
