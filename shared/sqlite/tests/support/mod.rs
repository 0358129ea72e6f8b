//! What the tests of this crate share: one table, a store in its own directory, and a writer held still.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file is a crate and uses a part of this"
)]

use std::path::PathBuf;
use std::sync::mpsc;

use sqlite::rusqlite::{self, Connection};
use sqlite::{Migration, Options, Store, WriteError};
use tempfile::TempDir;
use tokio::task::JoinHandle;

pub const MIGRATIONS: &[Migration] = sqlite::migrations!["0001_rows"];

pub type Written<T> = Result<T, WriteError<rusqlite::Error>>;

/// A new database with its directory; the directory goes when it is dropped.
pub fn database() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().join("test.db");
    (directory, path)
}

pub fn open(options: Options) -> Store {
    Store::open(options).expect("the store opens")
}

pub fn insert(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    insert_body(connection, id, b"")
}

pub fn insert_body(connection: &Connection, id: i64, body: &[u8]) -> rusqlite::Result<()> {
    let mut insert = connection.prepare_cached("insert into rows (id, body) values (?1, ?2)")?;
    insert.execute((id, body)).map(drop)
}

pub async fn write_row(store: &Store, id: i64) -> Written<()> {
    store.write(move |connection| insert(connection, id)).await
}

pub fn ids(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    connection
        .prepare("select id from rows order by id")?
        .query_map([], |row| row.get(0))?
        .collect()
}

pub async fn stored(store: &Store) -> Vec<i64> {
    store.read(ids).await.expect("the rows can be read")
}

/// A job that keeps the writer until it is let go.
pub struct Held {
    release: mpsc::Sender<()>,
    job: JoinHandle<Written<()>>,
}

/// Resolves when the writer runs the holding job, so that everything written next waits in the queue.
pub async fn hold(store: &Store) -> Held {
    let (release, released) = mpsc::channel();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let store = store.clone();
    let job = tokio::spawn(async move {
        let wait = move |_: &Connection| {
            let _ = started.send(());
            let _ = released.recv();
            Ok(())
        };
        store.write(wait).await
    });
    has_started.await.expect("the holding job starts");
    Held { release, job }
}

impl Held {
    pub async fn let_go(self) {
        drop(self.release);
        self.job
            .await
            .expect("no panic")
            .expect("the holding job commits");
    }
}

/// Resolves when `n` jobs wait for the writer.
pub async fn until_queued(store: &Store, n: usize) {
    while store.stats().queue_depth < n {
        tokio::task::yield_now().await;
    }
}
