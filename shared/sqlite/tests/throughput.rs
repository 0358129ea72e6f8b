//! Not a test: rows per second with 64 concurrent single-row writers, for whoever changes the writer.
//! `cargo test -p sqlite --test throughput -- --ignored --nocapture`; the honest figures come from `bench/`.

mod support;

use std::time::Instant;

use sqlite::{Options, Synchronous};
use support::{MIGRATIONS, database, insert_body, open};
use tokio::task::JoinSet;

const N_WRITERS: i64 = 64;
const N_ROWS_EACH: i64 = 3_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures, does not judge"]
async fn single_rows_from_64_writers() {
    for (synchronous, max_batch) in [
        (Synchronous::Full, 512),
        (Synchronous::Normal, 512),
        (Synchronous::Full, 1),
    ] {
        let (_directory, path) = database();
        let store = open(Options {
            synchronous,
            max_batch,
            ..Options::new(path, MIGRATIONS)
        });
        let n_rows_each = if max_batch == 1 {
            N_ROWS_EACH / 20
        } else {
            N_ROWS_EACH
        };
        let started = Instant::now();
        let mut writers = JoinSet::new();
        for writer in 0..N_WRITERS {
            let store = store.clone();
            writers.spawn(async move {
                for n in 0..n_rows_each {
                    let id = writer * N_ROWS_EACH + n;
                    store
                        .write(move |connection| insert_body(connection, id, &[7; 240]))
                        .await
                        .unwrap();
                }
            });
        }
        writers.join_all().await;
        let rate = (N_WRITERS * n_rows_each) as f64 / started.elapsed().as_secs_f64();
        let commits = store.stats().commit_seconds;
        println!(
            "{synchronous:?}, at most {max_batch} a commit: {rate:.0} rows/s, {:.1} rows a commit, {:.2} ms a commit",
            (N_WRITERS * n_rows_each) as f64 / commits.count as f64,
            commits.sum / commits.count as f64 * 1e3,
        );
        store.close().await;
    }
}
