//! Writing: grouped commits, jobs that fail or panic, callers that leave, a full queue, readiness and closing.

mod support;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use sqlite::rusqlite::{self, Connection};
use sqlite::{Options, ReadError, Store, WriteError};
use support::{MIGRATIONS, database, hold, ids, insert, open, stored, until_queued, write_row};
use tokio::task::JoinSet;

#[tokio::test]
async fn jobs_that_wait_together_share_one_commit() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let held = hold(&store).await;
    let mut writes = JoinSet::new();
    for id in 1..=100 {
        let store = store.clone();
        writes.spawn(async move { write_row(&store, id).await });
    }
    until_queued(&store, 100).await;
    held.let_go().await;
    while let Some(written) = writes.join_next().await {
        written.unwrap().unwrap();
    }

    assert_eq!(stored(&store).await, Vec::from_iter(1..=100));
    let stats = store.stats();
    assert_eq!((stats.jobs, stats.commits), (101, 2));
    assert_eq!((stats.batch_jobs.sum, stats.batch_jobs.count), (101., 2));
    assert_eq!(stats.commit_seconds.count, 2);
}

#[tokio::test]
async fn a_batch_of_one_commits_each_job_alone() {
    let (_directory, path) = database();
    let store = open(Options {
        max_batch: 1,
        ..Options::new(path, MIGRATIONS)
    });
    for id in 1..=5 {
        write_row(&store, id).await.unwrap();
    }
    assert_eq!(store.stats().commits, 5);
    store.close().await;
}

#[tokio::test]
async fn a_failing_job_does_not_hurt_its_neighbours() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let held = hold(&store).await;
    let job = |id: i64, twice: bool| {
        let store = store.clone();
        tokio::spawn(async move {
            let job = move |connection: &Connection| {
                insert(connection, id)?;
                if twice { insert(connection, id) } else { Ok(()) }
            };
            store.write(job).await
        })
    };
    let (before, failing, after) = (job(1, false), job(2, true), job(3, false));
    until_queued(&store, 3).await;
    held.let_go().await;

    before.await.unwrap().unwrap();
    let error = failing.await.unwrap().unwrap_err();
    assert!(
        matches!(error, WriteError::Job(rusqlite::Error::SqliteFailure(..))),
        "{error:?}"
    );
    after.await.unwrap().unwrap();
    assert_eq!(stored(&store).await, [1, 3]);
    assert_eq!((store.stats().commits, store.stats().failed_jobs), (2, 1));
}

#[tokio::test]
async fn a_panicking_job_is_undone_and_the_writer_lives_on() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let error = store
        .write(|connection| -> rusqlite::Result<()> {
            insert(connection, 1)?;
            panic!("on purpose");
        })
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "storage: the job panicked");
    write_row(&store, 2).await.unwrap();
    assert_eq!(stored(&store).await, [2]);
    assert_eq!(store.ready().await, Ok(()));
}

#[tokio::test]
async fn an_answered_write_is_visible_to_others_and_an_unanswered_one_is_not() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    let other = Connection::open(&path).unwrap();
    let during = store
        .write(move |connection| {
            insert(connection, 1)?;
            ids(&Connection::open(&path)?)
        })
        .await
        .unwrap();
    assert_eq!(during, []);
    assert_eq!(ids(&other).unwrap(), [1]);
    store.close().await;
}

#[tokio::test]
async fn a_job_is_stored_though_its_caller_has_gone() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let held = hold(&store).await;
    {
        let mut write = pin!(write_row(&store, 1));
        assert!(
            write
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()))
                .is_pending()
        );
    }
    held.let_go().await;
    write_row(&store, 2).await.unwrap();
    assert_eq!(stored(&store).await, [1, 2]);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (_directory, path) = database();
    let store = open(Options {
        queue: 2,
        ..Options::new(path, MIGRATIONS)
    });
    let held = hold(&store).await;
    let queued = [1, 2].map(|id| {
        let store = store.clone();
        tokio::spawn(async move { write_row(&store, id).await })
    });
    until_queued(&store, 2).await;
    assert!(matches!(write_row(&store, 3).await, Err(WriteError::Full)));
    assert_eq!(store.stats().refused_jobs, 1);
    held.let_go().await;
    for write in queued {
        write.await.unwrap().unwrap();
    }
    assert_eq!(stored(&store).await, [1, 2]);
    store.close().await;
}

#[tokio::test]
async fn closing_commits_what_is_queued_and_then_refuses() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    let held = hold(&store).await;
    let queued = tokio::spawn({
        let store = store.clone();
        async move { write_row(&store, 1).await }
    });
    until_queued(&store, 1).await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    until_queued(&store, 2).await;
    assert!(matches!(write_row(&store, 2).await, Err(WriteError::Closed)));
    held.let_go().await;
    queued.await.unwrap().unwrap();
    closing.await.unwrap();

    store.close().await;
    assert!(matches!(write_row(&store, 3).await, Err(WriteError::Closed)));
    assert!(matches!(store.read(ids).await, Err(ReadError::Closed)));
    assert!(store.ready().await.is_err());
    assert!(!path.with_file_name("test.db-wal").exists());
    let reopened = open(Options::new(&path, MIGRATIONS));
    assert_eq!(stored(&reopened).await, [1]);
    reopened.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_stuck_writer_is_not_ready() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    let held = hold(&store).await;
    let reason = store.ready().await.unwrap_err();
    assert_eq!(reason.to_string(), "the writer has not committed for two seconds");
    held.let_go().await;
}

#[tokio::test]
async fn a_test_store_leaves_nothing_behind() {
    let store = Store::in_memory(MIGRATIONS).unwrap();
    write_row(&store, 1).await.unwrap();
    let directory = store.path().parent().unwrap().to_owned();
    assert!(directory.exists());
    drop(store);
    assert!(!directory.exists());
}

#[tokio::test]
async fn shrinking_gives_free_pages_back() {
    let (_directory, path) = database();
    let store = open(Options::new(&path, MIGRATIONS));
    store
        .write(|connection| support::insert_body(connection, 1, &[7; 1 << 20]))
        .await
        .unwrap();
    store
        .write(|connection| connection.execute("delete from rows", []))
        .await
        .unwrap();
    let n_free = |connection: &Connection| -> rusqlite::Result<u32> {
        connection.query_row("pragma freelist_count", [], |row| row.get(0))
    };
    assert!(store.read(n_free).await.unwrap() > 200);
    store
        .write(|connection| sqlite::shrink(connection, 10_000))
        .await
        .unwrap();
    assert_eq!(store.read(n_free).await.unwrap(), 0);
    store.close().await;
}
