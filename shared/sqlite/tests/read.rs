//! Reading: one snapshot, read-only, a deadline, panics, and too many at once.

mod support;

use std::sync::mpsc;
use std::time::Duration;

use sqlite::rusqlite::{self, Connection};
use sqlite::{Options, ReadError, Store};
use support::{MIGRATIONS, database, ids, insert, open, stored, write_row};

const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n";

/// Waits until the reader is there, however long that takes: it does not count for the deadline of what follows.
/// Returns how many reads that took, and how many of them came to their deadline.
async fn has_started(store: &Store) -> (u64, u64) {
    while matches!(store.read(ids).await, Err(ReadError::Deadline)) {}
    (store.stats().reads, store.stats().read_timeouts)
}

fn count_forever(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row(ENDLESS, [], |row| row.get(0))
}

#[tokio::test]
async fn an_endless_query_is_interrupted_and_its_reader_goes_on() {
    let (_directory, path) = database();
    let read_deadline = Duration::from_millis(500);
    let store = open(Options {
        readers: 1,
        read_deadline,
        ..Options::new(path, MIGRATIONS)
    });
    let n_reads = has_started(&store).await;
    assert!(matches!(
        store.read(count_forever).await,
        Err(ReadError::Deadline)
    ));
    write_row(&store, 1).await.unwrap();
    assert_eq!(stored(&store).await, [1]);
    assert_eq!(store.stats().reads - n_reads.0, 2);
    assert_eq!(store.stats().read_timeouts - n_reads.1, 1);
    store.close().await;
}

#[tokio::test]
async fn a_read_sees_one_snapshot_whatever_is_written_meanwhile() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    write_row(&store, 1).await.unwrap();
    let (go_on, may_go_on) = mpsc::channel();
    let (started, has_started) = tokio::sync::oneshot::channel();
    let reading = tokio::spawn({
        let store = store.clone();
        let twice = move |connection: &Connection| -> rusqlite::Result<_> {
            let first = ids(connection)?;
            let _ = started.send(());
            let _ = may_go_on.recv();
            Ok((first, ids(connection)?))
        };
        async move { store.read(twice).await }
    });
    has_started.await.unwrap();
    write_row(&store, 2).await.unwrap();
    go_on.send(()).unwrap();
    assert_eq!(reading.await.unwrap().unwrap(), (vec![1], vec![1]));
    assert_eq!(stored(&store).await, [1, 2]);
}

#[tokio::test]
async fn a_reader_cannot_write() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let error = store.read(|connection| insert(connection, 1)).await.unwrap_err();
    assert!(matches!(error, ReadError::Job(_)), "{error:?}");
    assert!(stored(&store).await.is_empty());
}

#[tokio::test]
async fn a_panicking_query_is_answered_and_its_reader_goes_on() {
    let (_directory, path) = database();
    let store = open(Options {
        readers: 1,
        ..Options::new(path, MIGRATIONS)
    });
    let query = |_: &Connection| -> rusqlite::Result<()> { panic!("on purpose") };
    assert_eq!(
        store.read(query).await.unwrap_err().to_string(),
        "storage: the job panicked"
    );
    assert!(stored(&store).await.is_empty());
    store.close().await;
}

#[tokio::test]
async fn too_many_reads_are_refused_and_those_queued_too_long_too() {
    let (_directory, path) = database();
    let read_deadline = Duration::from_millis(500);
    let store = open(Options {
        readers: 1,
        read_deadline,
        ..Options::new(path, MIGRATIONS)
    });
    has_started(&store).await;
    let reads: Vec<_> = (0..500)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.read(count_forever).await })
        })
        .collect();
    let (mut n_late, mut n_busy) = (0, 0);
    for read in reads {
        match read.await.unwrap().unwrap_err() {
            ReadError::Deadline => n_late += 1,
            ReadError::Busy => n_busy += 1,
            error => panic!("{error:?}"),
        }
    }
    assert!(n_late >= 1, "{n_late} of them ran");
    assert!(
        n_busy >= 500 - 129 - n_late,
        "{n_busy} were refused, {n_late} ran"
    );
    assert!(store.stats().refused_reads > 0);
    store.close().await;
}
