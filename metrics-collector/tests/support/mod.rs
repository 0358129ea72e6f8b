//! What the tests of this service share: a binary to talk to, and metrics to send.
#![allow(dead_code, reason = "each test uses some of it")]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

pub(crate) mod malti;

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags};
use testkit::{Client, Launch, Server, Value};

pub(crate) fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_metrics-collector")).env("RATE_LIMIT_KEY", 0)
}

pub(crate) async fn start() -> Server {
    launch().start().await
}

/// Now, in Unix milliseconds.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// The JSON of an answer that must be 200.
pub(crate) async fn get_json(client: &mut Client, path: &str) -> Value {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

/// Sends metrics that must all be taken.
pub(crate) async fn send(client: &mut Client, metrics: &Value) {
    let answer = client.post("/api/metrics", metrics.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(
        answer.json()["count"],
        metrics.as_array().unwrap().len(),
        "{}",
        answer.text()
    );
}

/// Waits until all have left a table of a database.
pub(crate) async fn until_empty(database: &Path, table: &str) {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(database, flags).unwrap();
    loop {
        let n_left: i64 = connection
            .query_row(&format!("select count(*) from {table}"), [], |row| row.get(0))
            .unwrap();
        if n_left == 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
