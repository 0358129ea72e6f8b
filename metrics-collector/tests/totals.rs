//! Running totals: what they added is told right across windows, whatever is late, in memory, or minutes by now.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use testkit::{Client, Launch, Value, json};

use crate::support::{get_json, launch, now_ms, send, until_empty};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const WINDOW_MS: i64 = 2 * HOUR_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

fn collector(flush_interval: &str) -> Launch {
    launch()
        .env("RETENTION_RAW", "10d")
        .env("FLUSH_INTERVAL", flush_interval)
}

/// When the window began that is so many before the one that runs.
fn window(before: i64) -> i64 {
    (now_ms() / WINDOW_MS - before) * WINDOW_MS
}

/// Totals at minutes after a time.
fn totals(start_ms: i64, all: &[(i64, i64)]) -> Value {
    let one = |(minute, value): &(i64, i64)| json!({"name": "bytes", "type": "cumulative", "value": value, "timestamp": start_ms + minute * MINUTE_MS});
    all.iter().map(one).collect()
}

/// What was added since a time, asked in several ways.
async fn added(client: &mut Client, from_ms: i64, steps: &[&str]) -> Vec<f64> {
    let mut all = Vec::new();
    for step in steps {
        let path = format!("/api/metrics?name=bytes&from={from_ms}&{step}");
        let body = get_json(client, &path).await;
        let rows = body["data"].as_array().unwrap();
        all.push(rows.iter().map(|row| row["sum"].as_f64().unwrap()).sum());
    }
    all
}

const STEPS: [&str; 4] = ["step=60s", "step=5m", "step=1h", "resolution=whole"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_total_goes_on_where_a_window_ended_that_is_minutes_by_now() {
    let mut launch = collector("20ms");
    let mut server = launch.start().await;
    send(&mut server.client(), &totals(window(2), &[(90, 100), (110, 150)])).await;
    until_empty(launch.database_path(), "journal").await;
    server.kill().await;
    launch = launch.env("RETENTION_RAW", "2h");
    server = launch.start().await;
    until_empty(launch.database_path(), "chunks").await;
    let mut client = server.client();
    send(&mut client, &totals(window(1), &[(110, 400), (115, 410)])).await;
    until_empty(launch.database_path(), "journal").await;
    assert_eq!(added(&mut client, window(2), &STEPS[1..]).await, [310.; 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_late_does_not_hide_what_is_older_than_minutes() {
    let mut launch = collector("20ms").env("RETENTION_MINUTE", "10d");
    let mut server = launch.start().await;
    let start_ms = window(1) - 5 * DAY_MS;
    let hours: Vec<(i64, i64)> = (0..5 * 24).map(|hour| (30 + hour * 60, 10 * hour)).collect();
    let last = *hours.last().unwrap();
    send(&mut server.client(), &totals(start_ms, &hours)).await;
    until_empty(launch.database_path(), "journal").await;
    server.kill().await;
    launch = launch.env("RETENTION_RAW", "6h").env("RETENTION_MINUTE", "6h");
    server = launch.start().await;
    let mut client = server.client();
    let asked = ["step=1h", "resolution=whole"];
    // Neither chunks nor minutes are left of what is a day old.
    let connection = rusqlite::Connection::open(launch.database_path()).unwrap();
    let sql = "select minutes_from > 0
                   and not exists (select 1 from chunks where place >> 28 < ?1)
                   and not exists (select 1 from minutes where place >> 28 < ?1)
               from progress";
    let a_day_ago = (now_ms() - DAY_MS) / WINDOW_MS;
    while !connection
        .query_row(sql, [a_day_ago], |row| row.get::<_, bool>(0))
        .unwrap()
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(added(&mut client, start_ms, &asked).await, [last.1 as f64; 2]);
    server.kill().await;
    let launch = launch.env("FLUSH_INTERVAL", "1h");
    let server = launch.start().await;
    let mut client = server.client();
    send(&mut client, &totals(start_ms, &[(last.0 + 1, last.1 + 7)])).await;
    assert_eq!(
        added(&mut client, start_ms, &asked).await,
        [last.1 as f64 + 7.; 2]
    );
    let body = get_json(&mut client, "/api/dashboard?period=7d").await;
    assert_eq!(body["top_metrics"][0]["total"], last.1 as f64 + 7.);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_late_is_not_where_the_next_window_begins() {
    let launch = collector("20ms");
    let server = launch.start().await;
    send(&mut server.client(), &totals(window(2), &[(70, 100), (110, 300)])).await;
    until_empty(launch.database_path(), "journal").await;
    server.kill().await;
    let launch = launch.env("FLUSH_INTERVAL", "1h");
    let server = launch.start().await;
    let mut client = server.client();
    send(&mut client, &totals(window(1), &[(30, 310)])).await;
    for late in [None, Some((80, 150))] {
        if let Some(late) = late {
            send(&mut client, &totals(window(2), &[late])).await;
        }
        assert_eq!(added(&mut client, window(1), &STEPS).await, [10.; 4], "{late:?}");
        let all = added(&mut client, window(2), &STEPS).await;
        assert_eq!(all, [210.; 4], "{late:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_is_late_mends_the_next_chunk_however_far() {
    let launch = collector("20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let both = [
        totals(window(4), &[(30, 50), (60, 100)]),
        totals(window(2), &[(60, 200)]),
    ];
    for some in both {
        send(&mut client, &some).await;
        until_empty(launch.database_path(), "journal").await;
    }
    send(&mut client, &totals(window(4), &[(90, 150)])).await;
    until_empty(launch.database_path(), "journal").await;
    assert_eq!(added(&mut client, window(4), &STEPS).await, [150.; 4]);
    assert_eq!(added(&mut client, window(2), &STEPS).await, [50.; 4]);
}
