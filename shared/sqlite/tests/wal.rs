//! The WAL stays small whatever reads and writes go on at once.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use sqlite::rusqlite::{self, Connection};
use sqlite::{Options, ReadError, Store, Synchronous};
use support::{MIGRATIONS, database, insert_body, open};
use tokio::task::JoinSet;

const MIB: u64 = 1 << 20;

/// Holds a snapshot for some milliseconds.
fn scan(connection: &Connection) -> rusqlite::Result<i64> {
    let n_rows: i64 = connection.query_row("select count(*) from rows", [], |row| row.get(0))?;
    let steps = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)
                 select count(*) from n";
    connection
        .query_row(steps, [], |row| row.get(0))
        .map(|n_steps: i64| n_rows + n_steps)
}

/// Holds a snapshot until it is interrupted.
fn hang(connection: &Connection) -> rusqlite::Result<i64> {
    let n_rows: i64 = connection.query_row("select count(*) from rows", [], |row| row.get(0))?;
    let steps = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";
    connection
        .query_row(steps, [], |row| row.get(0))
        .map(|n_steps: i64| n_rows + n_steps)
}

/// Writes `n_rows` of 64 KiB while `n_readers` run `query` over and over, and returns the largest WAL seen.
async fn largest_wal(
    store: &Store,
    n_rows: i64,
    n_readers: usize,
    query: fn(&Connection) -> rusqlite::Result<i64>,
) -> u64 {
    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = JoinSet::new();
    for _ in 0..n_readers {
        let (store, is_over) = (store.clone(), Arc::clone(&is_over));
        readers.spawn(async move {
            while !is_over.load(Relaxed) {
                match store.read(query).await {
                    Ok(_) | Err(ReadError::Deadline | ReadError::Busy) => {}
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    let mut writers = JoinSet::new();
    for writer in 0..8 {
        let store = store.clone();
        writers.spawn(async move {
            let mut largest = 0;
            for n in 0..n_rows / 8 {
                let id = writer * 10_000 + n;
                store
                    .write(move |connection| insert_body(connection, id, &[id as u8; 64 << 10]))
                    .await
                    .expect("the row is stored");
                largest = largest.max(store.stats().wal_bytes);
            }
            largest
        });
    }
    let largest = writers.join_all().await.into_iter().max().unwrap_or(0);
    is_over.store(true, Relaxed);
    readers.join_all().await;
    largest
}

#[tokio::test]
async fn overlapping_readers_do_not_let_the_wal_grow() {
    let (_directory, path) = database();
    let synchronous = Synchronous::Normal;
    let store = open(Options {
        readers: 4,
        synchronous,
        ..Options::new(path, MIGRATIONS)
    });
    let largest = largest_wal(&store, 3_200, 8, scan).await;
    println!(
        "largest WAL {} MiB, {} checkpoints",
        largest / MIB,
        store.stats().checkpoints
    );
    assert!(largest < 64 * MIB, "{largest}");
    store.close().await;
}

#[tokio::test]
async fn readers_that_hang_until_their_deadline_do_not_either() {
    let (_directory, path) = database();
    let read_deadline = Duration::from_millis(200);
    let synchronous = Synchronous::Normal;
    let store = open(Options {
        readers: 4,
        read_deadline,
        synchronous,
        ..Options::new(path, MIGRATIONS)
    });
    let largest = largest_wal(&store, 1_600, 8, hang).await;
    println!(
        "largest WAL {} MiB, {} checkpoints",
        largest / MIB,
        store.stats().checkpoints
    );
    assert!(largest < 64 * MIB, "{largest}");
    store.close().await;
}

#[tokio::test]
async fn a_snapshot_of_another_process_delays_nothing_for_ever() {
    let (_directory, path) = database();
    let store = open(Options {
        synchronous: Synchronous::Normal,
        ..Options::new(&path, MIGRATIONS)
    });
    let foreign = Connection::open(&path).unwrap();
    foreign
        .execute_batch("begin; select count(*) from rows;")
        .unwrap();
    let largest = largest_wal(&store, 1_200, 1, scan).await;
    assert!(
        largest > 64 * MIB,
        "the control: this reader must be in the way, but the WAL stayed at {largest}"
    );
    foreign.execute_batch("rollback").unwrap();
    // The first commit copies the WAL or starts it again, and what follows keeps it small.
    for n in 0..600 {
        let id = 100_000 + n;
        store
            .write(move |connection| insert_body(connection, id, &[1; 64 << 10]))
            .await
            .unwrap();
    }
    assert!(store.stats().wal_bytes <= 17 * MIB, "{}", store.stats().wal_bytes);
    store.close().await;
}
