//! `import`: a database made by the original collector's schema, with the faults that such databases have.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use rusqlite::Connection;
use testkit::{Client, Value, json};

use crate::support::{get_json, launch, now_ms, send};

/// As the original makes it.
const SCHEMA: &str = "
    create table _meta (key text primary key, value text not null);
    create table metrics_raw (
        id integer primary key autoincrement, timestamp datetime not null, name varchar(200) not null, labels text,
        value real not null, type varchar(20) not null, project varchar(100)
    );
    create table metrics_aggregated (
        id integer primary key autoincrement, bucket datetime not null, resolution varchar(10) not null,
        name varchar(200) not null, labels text, count integer, sum real, min real, max real, avg real,
        p50 real, p95 real, p99 real, project varchar(100)
    );
";

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// As the original writes times.
fn text(at_ms: i64) -> String {
    ui::moment::rfc3339(at_ms - at_ms.rem_euclid(1000))
}

fn bucket(
    database: &Connection,
    at_ms: i64,
    resolution: &str,
    name: &str,
    count: i64,
    numbers: [f64; 3],
    percentiles: Option<[f64; 3]>,
) {
    let [p50, p95, p99] = percentiles.map_or([None; 3], |all| all.map(Some));
    database
        .execute(
            "insert into metrics_aggregated (bucket, resolution, name, labels, count, sum, min, max, avg, p50, p95, p99)
             values (?1, ?2, ?3, '{\"path\":\"/cart\"}', ?4, ?5, ?6, ?7, ?5 / ?4, ?8, ?9, ?10)",
            rusqlite::params![text(at_ms), resolution, name, count, numbers[0], numbers[1], numbers[2], p50, p95, p99],
        )
        .unwrap();
}

fn raw(database: &Connection, at_ms: i64, name: &str, kind: &str, value: f64) {
    database
        .execute(
            "insert into metrics_raw (timestamp, name, labels, value, type, project)
             values (?1, ?2, '{\"path\":\"/cart\"}', ?3, ?4, 'shop')",
            rusqlite::params![text(at_ms), name, value, kind],
        )
        .unwrap();
}

/// Sum of a field over all points.
async fn total(client: &mut Client, query: &str, field: &str) -> f64 {
    let answer = get_json(client, &format!("/api/metrics?{query}")).await;
    let data = answer["data"].as_array().unwrap();
    data.iter().filter_map(|point| point[field].as_f64()).sum()
}

#[tokio::test]
async fn samples_minutes_and_hours_come_once_and_new_ones_add_to_them() {
    let launch = launch();
    let path = launch.folder().join("original.db");
    let database = Connection::open(&path).unwrap();
    database.execute_batch(SCHEMA).unwrap();
    let now = now_ms();
    let hour = now - now.rem_euclid(HOUR);
    // Two days ago there are only hours; yesterday's evening has minutes too, one of them twice.
    bucket(
        &database,
        hour - 48 * HOUR,
        "hour",
        "orders_total",
        100,
        [100.0, 1.0, 1.0],
        None,
    );
    bucket(
        &database,
        hour - 5 * HOUR,
        "hour",
        "orders_total",
        9999,
        [9999.0, 1.0, 1.0],
        None,
    );
    for _ in 0..2 {
        bucket(
            &database,
            hour - 5 * HOUR,
            "minute",
            "orders_total",
            30,
            [30.0, 1.0, 1.0],
            None,
        );
    }
    bucket(
        &database,
        hour - 5 * HOUR + MINUTE,
        "minute",
        "orders_total",
        12,
        [12.0, 1.0, 1.0],
        None,
    );
    let percentiles = Some([0.2, 0.9, 1.5]);
    bucket(
        &database,
        hour - 3 * HOUR,
        "minute",
        "seconds",
        100_000,
        [25_000.0, 0.1, 2.0],
        percentiles,
    );
    // Of this minute there are samples, and a minute that lacks some of them.
    let recent = now - 10 * MINUTE;
    let recent = recent - recent.rem_euclid(MINUTE);
    bucket(
        &database,
        recent,
        "minute",
        "orders_total",
        1,
        [1.0, 1.0, 1.0],
        None,
    );
    (0..5).for_each(|n| raw(&database, recent + n * 1000, "orders_total", "counter", 1.0));
    raw(&database, recent, "queue", "gauge", 7.0);
    database
        .execute(
            "insert into metrics_raw (timestamp, name, value, type) values ('soon', 'queue', 1, 'gauge')",
            [],
        )
        .unwrap();

    let import = async || {
        launch
            .command(&["import", path.to_str().unwrap()])
            .output()
            .await
            .unwrap()
    };
    let output = import().await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for words in ["3 series", "6 samples", "1 rows without"] {
        assert!(said.contains(words), "{said}");
    }
    let again = import().await;
    assert!(String::from_utf8_lossy(&again.stderr).contains("taken over already"));

    let server = launch.start().await;
    let client = &mut server.client();
    assert_eq!(
        total(client, "name=orders_total&period=7d", "sum").await,
        100.0 + 42.0 + 5.0
    );
    assert_eq!(
        total(client, "name=orders_total&period=24h", "sum").await,
        42.0 + 5.0
    );
    assert_eq!(
        total(client, "name=orders_total&period=7d&project=shop", "sum").await,
        147.0
    );
    assert_eq!(total(client, "name=seconds&period=24h", "count").await, 100_000.0);
    let answer = get_json(client, "/api/metrics?name=seconds&period=24h").await;
    let point = answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .find(|point| point["count"] == 100_000)
        .unwrap();
    for (name, expected) in [("p50", 0.2), ("p95", 0.9), ("p99", 1.5)] {
        let found = point[name].as_f64().unwrap();
        assert!((found / expected - 1.0).abs() < 0.06, "{name}: {found}");
    }
    assert_eq!((&point["min"], &point["max"]), (&0.1.into(), &2.0.into()));

    let more = |at_ms: i64| -> Value {
        json!([{ "name": "orders_total", "type": "counter", "value": 2, "labels": { "path": "/cart" }, "project": "shop", "timestamp": text(at_ms) }])
    };
    send(client, &more(now)).await;
    send(client, &more(recent)).await;
    assert_eq!(
        total(client, "name=orders_total&period=24h", "sum").await,
        42.0 + 5.0 + 4.0
    );
}
