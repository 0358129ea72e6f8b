//! How long API requests and rows of Vantage's agents stay: their retention, their share of `MAX_DATABASE_MB`, and names
//! of which nothing is left.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use rusqlite::{Connection, OpenFlags};
use testkit::{Client, Launch, Value, json, until};

use crate::support::malti::{batch, record};
use crate::support::{get_json, launch, now_ms};
use crate::vantage::{post, request, sent};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

fn reader(launch: &Launch) -> Connection {
    Connection::open_with_flags(launch.database_path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}

fn number(connection: &Connection, sql: &str) -> i64 {
    connection.query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Stores API requests, with a key of our own.
async fn record_all(client: &mut Client, records: &[Value]) -> testkit::Answer {
    client.post("/api/v1/ingest", batch(records)).await
}

/// A time as Malti's client has it.
fn at(at_ms: i64) -> String {
    let connection = Connection::open_in_memory().unwrap();
    let sql = "select strftime('%Y-%m-%dT%H:%M:%SZ', ?1 / 1000, 'unixepoch')";
    connection.query_row(sql, [at_ms], |row| row.get(0)).unwrap()
}

#[tokio::test]
async fn rows_of_vantage_leave_after_eight_days() {
    let launch = launch();
    let server = launch.start().await;
    for ms in [1.5, 2.5] {
        sent(&server, &[request("orders", now_ms(), 200, ms)]).await;
    }
    server.stop().await;
    let aged = format!(
        "update vantage_batches set from_ms = from_ms - {0}, to_ms = to_ms - {0} where id = 1",
        8 * DAY_MS + HOUR_MS
    );
    Connection::open(launch.database_path())
        .unwrap()
        .execute_batch(&aged)
        .unwrap();
    let server = launch.start().await;
    let database = reader(&launch);
    until("the old batch is gone", async || {
        number(&database, "select min(id) from vantage_batches") == 2
    })
    .await;
    let rows = get_json(&mut server.client(), "/api/metrics/timeseries").await;
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn rows_of_vantage_stay_within_the_limit_and_the_oldest_leave_first() {
    let launch = launch()
        .env("MAX_DATABASE_MB", 4)
        .env("RETENTION_RAW", "8d")
        .env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let now = now_ms();
    for hours in (1..=12).rev() {
        // Two thirds of a megabyte of errors that are all different.
        let metrics = (0..700).map(|n: i64| {
            let mut metric = request("orders", now - hours * HOUR_MS + n, 500, n as f64 + 0.5);
            metric["error"] = json!(format!("{hours}-{n}-{}", "x".repeat(980)));
            metric
        });
        let body = json!({"service_name": "orders", "metrics": metrics.collect::<Vec<_>>()});
        let answer = post(&mut client, &body).await;
        assert!([202, 503].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    let database = reader(&launch);
    until("there is room again", async || {
        number(
            &database,
            "select (select * from pragma_page_count) * (select * from pragma_page_size)",
        ) <= 4_000_000
    })
    .await;
    assert!(
        number(&database, "select min(to_ms) from vantage_batches") > now - 12 * HOUR_MS,
        "the oldest are gone"
    );
    sent(&server, &[request("orders", now, 200, 1.5)]).await;
    let rows = get_json(&mut client, "/api/metrics/timeseries?range=60").await;
    assert_eq!(rows[0]["value"], 1.5, "the newest is there");
}

#[tokio::test]
async fn each_tier_of_requests_has_its_retention() {
    let launch = launch().env("FLUSH_INTERVAL", "20ms");
    let mut server = launch.start().await;
    let now = now_ms();
    for ago in [5 * HOUR_MS, 0] {
        let answer = record_all(
            &mut server.client(),
            &[record(json!({"created_at": at(now - ago)}))],
        )
        .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let database = reader(&launch);
    let has_old = |table: &str, span_ms: i64| {
        // What is 5 hours old; the newest of a tier may not be closed yet.
        let sql = format!(
            "select count(*) from {table} where place & 0xffffffff = {}",
            (now - 5 * HOUR_MS) / span_ms
        );
        number(&database, &sql) > 0
    };
    let tiers = [
        ("request_minutes", 60_000),
        ("request_five_minutes", 300_000),
        ("request_hours", HOUR_MS),
    ];
    until("all is counted", async || {
        tiers.iter().all(|(table, span_ms)| has_old(table, *span_ms))
    })
    .await;
    // One tier after the other is kept for less than it has.
    let variables = [
        "RETENTION_REQUESTS_MINUTE",
        "RETENTION_REQUESTS_FIVE_MINUTES",
        "RETENTION_REQUESTS_HOURLY",
    ];
    let mut shorter = launch;
    for (n, variable) in variables.into_iter().enumerate() {
        server.stop().await;
        shorter = shorter.env(variable, "2h");
        server = shorter.start().await;
        until(variable, async || !has_old(tiers[n].0, tiers[n].1)).await;
        for (table, span_ms) in &tiers[n + 1..] {
            assert!(has_old(table, *span_ms), "{variable}: {table}");
        }
    }
    assert!(
        number(&database, "select count(*) from request_minutes") > 0,
        "the newest is there"
    );
}

#[tokio::test]
async fn requests_stay_within_the_limit_and_the_oldest_minutes_leave_first() {
    let launch = launch().env("MAX_DATABASE_MB", 2).env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let now = now_ms();
    let database = reader(&launch);
    let first = || {
        number(
            &database,
            "select coalesce(min(place & 0xffffffff), 0) from request_minutes where place < (1 << 32)",
        )
    };
    let oldest = (now - 150 * HOUR_MS) / 60_000;
    for hours in (3..=150).rev() {
        let records: Vec<Value> = (0..300)
            .map(|n| record(json!({"created_at": at(now - hours * HOUR_MS), "endpoint": format!("/{n}"), "response_time": n * hours % 9973})))
            .collect();
        let answer = record_all(&mut client, &records).await;
        assert!([200, 507].contains(&answer.status.as_u16()), "{}", answer.text());
        if first() > oldest + 1 {
            break;
        }
        until("the batch is counted", async || {
            number(&database, "select count(*) from request_journal") == 0
        })
        .await;
    }
    until("the oldest minutes are gone", async || first() > oldest + 1).await;
    until("it is within the limit", async || {
        number(
            &database,
            "select (select * from pragma_page_count) * (select * from pragma_page_size)",
        ) <= 2_000_000
    })
    .await;
    assert!(
        number(&database, "select count(*) from request_days") > 0,
        "longer periods are there"
    );
}

#[tokio::test]
async fn names_of_which_nothing_is_left_are_forgotten_and_make_room() {
    let launch = launch().env("MAX_LABEL_VALUES", 2).env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let now = now_ms();
    for (consumer, ago) in [("gone", 100 * DAY_MS), ("kept", 0)] {
        let records = [record(json!({"consumer": consumer, "created_at": at(now - ago)}))];
        assert_eq!(record_all(&mut client, &records).await.status, 200);
    }
    let database = reader(&launch);
    let has = |name: &str| {
        number(
            &database,
            &format!("select count(*) from request_values where value = '{name}'"),
        ) == 1
    };
    assert!(has("gone") && has("kept"));
    server.stop().await;
    let shorter = launch.env("RETENTION_REQUESTS_HOURLY", "10d");
    let server = shorter.start().await;
    until("the name is forgotten", async || !has("gone")).await;
    assert!(has("kept"));
    assert_eq!(
        number(
            &database,
            "select count(*) from request_groups where last_day < 1000"
        ),
        0
    );
    // A third consumer would have been __other__.
    let new = [record(json!({"consumer": "new", "created_at": at(now)}))];
    assert_eq!(record_all(&mut server.client(), &new).await.status, 200);
    assert!(has("new") && !has("__other__"));
    server.kill().await;
    let server = shorter.start().await;
    let found = get_json(&mut server.client(), "/api/v1/metrics/aggregate").await;
    let text = found.to_string();
    assert!(
        text.contains("\"kept\"") && text.contains("\"new\"") && !text.contains("\"gone\""),
        "{text}"
    );
}
