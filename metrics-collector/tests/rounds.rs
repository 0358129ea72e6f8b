//! Writing from memory to chunks, and what a write that fails in the midst of it must not do.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use rusqlite::Connection;
use testkit::{Client, Launch, Value, json};

use crate::support::{get_json, launch, now_ms, send, until_empty};

const MINUTE_MS: i64 = 60_000;
const WINDOW_MS: i64 = 120 * MINUTE_MS;
/// Series written in one transaction.
const STEP: i64 = 500;

fn collector() -> Launch {
    launch()
        .env("RETENTION_RAW", "10d")
        .env("FLUSH_INTERVAL", "20ms")
        .env("MAX_LABEL_VALUES", 10_000)
}

/// When the window before the last began.
fn over() -> i64 {
    (now_ms() / WINDOW_MS - 2) * WINDOW_MS
}

/// A hand on the database beside the collector's.
fn database(launch: &Launch) -> Connection {
    let connection = Connection::open(launch.database_path()).unwrap();
    connection
        .busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    connection
}

fn sample(name: &str, kind: &str, at: i64, value: i64, host: i64) -> Value {
    json!({"name": name, "type": kind, "value": value, "timestamp": at, "labels": {"host": host}})
}

/// Count and sum of a metric in a resolution.
async fn told(client: &mut Client, name: &str, step: &str) -> (i64, i64) {
    let path = format!("/api/metrics?name={name}&from={}&step={step}", over() - WINDOW_MS);
    let body = get_json(client, &path).await;
    let rows = body["data"].as_array().unwrap();
    let all = |key: &str| rows.iter().map(|row| row[key].as_f64().unwrap() as i64).sum();
    (all("count"), all("sum"))
}

/// Waits until the database says so.
async fn until(connection: &Connection, sql: &str) {
    while !connection
        .query_row(sql, [], |row| row.get::<_, bool>(0))
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_round_is_not_written_twice_because_its_journal_cannot_be_emptied() {
    let launch = collector();
    let server = launch.start().await;
    let mut client = server.client();
    send(&mut client, &json!([sample("warm", "gauge", over(), 1, 0)])).await;
    until_empty(launch.database_path(), "journal").await;
    let hand = database(&launch);
    hand.execute_batch(
        "create trigger no before delete on journal begin select raise(abort, 'refused'); end",
    )
    .unwrap();
    let kinds = ["counter", "gauge", "histogram"];
    let samples = kinds.map(|kind| (0..10).map(move |n| sample(kind, kind, over() + n * MINUTE_MS, 2, 0)));
    send(&mut client, &samples.into_iter().flatten().collect()).await;
    until(&hand, "select done_seq > 1 and round_seq is null from progress").await;
    // Tried again.
    while server.log().matches("stay in memory").count() < 2 {
        tokio::task::yield_now().await;
    }
    hand.execute_batch("drop trigger no").unwrap();
    until_empty(launch.database_path(), "journal").await;
    // What comes next is written by the next round.
    send(&mut client, &json!([sample("more", "gauge", over(), 1, 0)])).await;
    until_empty(launch.database_path(), "journal").await;
    for kind in kinds {
        for step in ["60s", "1h"] {
            assert_eq!(told(&mut client, kind, step).await, (10, 20), "{kind} by {step}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_can_be_read_after_a_commit_that_failed() {
    let launch = collector();
    let server = launch.start().await;
    let mut client = server.client();
    let hand = database(&launch);
    // What is written then is refused when it is committed, and not before.
    hand.execute_batch(
        "create table parents (id integer primary key);
         create table children (id integer references parents (id) deferrable initially deferred);
         create trigger late after insert on chunks begin insert into children values (1); end",
    )
    .unwrap();
    // So many times that they are stored by themselves, and shared.
    let samples: Vec<Value> = (0..2)
        .flat_map(|host| {
            (0..40).map(move |n| sample("g", "gauge", over() + n * 7_919_333 % 7_000_000, 7, host))
        })
        .collect();
    send(&mut client, &samples.into()).await;
    until(&hand, "select count(*) = 1 from journal").await;
    while !server.log().contains("stay in memory") {
        tokio::task::yield_now().await;
    }
    hand.execute_batch("drop trigger late").unwrap();
    until_empty(launch.database_path(), "journal").await;
    for step in ["60s", "1h"] {
        assert_eq!(told(&mut client, "g", step).await, (80, 560), "{step}");
    }
}

/// A round that has written its first step, and goes on when the trigger is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_late_while_a_round_is_under_way_counts_once() {
    let launch = collector();
    let server = launch.start().await;
    let earlier = over() - 30 * MINUTE_MS;
    let first = json!([sample("b", "cumulative", earlier, 50, 0)]);
    send(&mut server.client(), &first).await;
    until_empty(launch.database_path(), "journal").await;
    server.kill().await;
    let hand = database(&launch);
    // As rounds leave it that come every two hours.
    hand.execute("update progress set done_window = ?1", [over() / WINDOW_MS])
        .unwrap();
    let server = launch.start().await;
    let mut client = server.client();
    hand.execute_batch(
        "create trigger no before update of round_seq on progress when old.round_seq is not null
         begin select raise(abort, 'refused'); end",
    )
    .unwrap();
    let at = |minute: i64| over() + minute * MINUTE_MS;
    let samples: Vec<Value> = (0..STEP + 100)
        .flat_map(|host| {
            [(70, 100), (80, 200)].map(|(minute, value)| sample("b", "cumulative", at(minute), value, host))
        })
        .collect();
    send(&mut client, &samples.into()).await;
    until(&hand, "select round_seq is not null from progress").await;
    send(&mut client, &json!([sample("b", "cumulative", at(75), 150, 0)])).await;
    let added = async |client: &mut Client, step: &str| {
        let path = format!(
            "/api/metrics?name=b&labels=host:0&from={}&{step}",
            over() - WINDOW_MS
        );
        let body = get_json(client, &path).await;
        let rows = body["data"].as_array().unwrap();
        rows.iter().map(|row| row["sum"].as_f64().unwrap()).sum::<f64>()
    };
    for step in ["step=60s", "step=1h", "resolution=whole"] {
        assert_eq!(
            added(&mut client, step).await,
            150.,
            "{step}, while it is under way"
        );
    }
    hand.execute_batch("drop trigger no").unwrap();
    until_empty(launch.database_path(), "journal").await;
    for step in ["step=60s", "step=1h", "resolution=whole"] {
        assert_eq!(added(&mut client, step).await, 150., "{step}, after it");
    }
}
