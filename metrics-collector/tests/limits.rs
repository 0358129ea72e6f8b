//! What clients cannot do: fill the memory with labels, or the disk with samples.

use crate::support::{get_json, launch, now_ms, send};
use rusqlite::{Connection, OpenFlags};
use testkit::{Value, json};

/// `EXPLOSION` says how many different values a label has.
#[tokio::test]
async fn a_label_with_too_many_values_harms_nobody_else() {
    let n_values: u64 = std::env::var("EXPLOSION")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(60_000);
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    send(
        &mut client,
        &json!([{"name": "good", "type": "gauge", "value": 5, "labels": {"host": "a"}}]),
    )
    .await;
    for first in (0..n_values).step_by(10_000) {
        let metrics: Vec<Value> = (first..(first + 10_000).min(n_values))
            .map(|n| json!({"name": "bad", "type": "counter", "value": 1, "labels": {"user": format!("user-{n}"), "plan": "pro"}}))
            .collect();
        send(&mut client, &metrics.into()).await;
    }
    send(
        &mut client,
        &json!([{"name": "good", "type": "gauge", "value": 7, "labels": {"host": "b"}}]),
    )
    .await;
    let resident = server.resident_bytes() / 1_000_000;
    println!("{n_values} values of a label: {resident} MB resident");
    assert!(resident < 60, "{resident} MB");
    let total = get_json(&mut client, "/api/metrics?name=bad&resolution=whole").await;
    assert_eq!(total["data"][0]["count"], n_values, "every sample is counted");
    let other = get_json(
        &mut client,
        "/api/metrics?name=bad&resolution=whole&labels=user:__other__,plan:pro",
    )
    .await;
    assert_eq!(other["data"][0]["count"], n_values - 2_000);
    let good = get_json(&mut client, "/api/metrics/series?name=good").await;
    assert_eq!(good["total"], 2);
    let health = get_json(&mut client, "/api/ingest").await;
    assert_eq!(
        health["folded_labels"],
        json!([{"name": "bad", "label": "user", "values": n_values - 2_000}])
    );
    server.kill().await;
    let total = get_json(
        &mut launch.start().await.client(),
        "/api/metrics?name=bad&resolution=whole",
    )
    .await;
    assert_eq!(total["data"][0]["count"], n_values);
}

#[tokio::test]
async fn series_beyond_the_limit_fold_and_are_counted() {
    let server = launch().env("MAX_SERIES", 100).start().await;
    let mut client = server.client();
    for first in [0, 1_000, 2_000] {
        let metrics: Vec<Value> = (first..first + 1_000)
            .map(|n| json!({"name": format!("m{n}"), "type": "counter", "value": 1}))
            .collect();
        send(&mut client, &metrics.into()).await;
    }
    let health = get_json(&mut client, "/api/ingest").await;
    assert!(health["series"].as_u64().unwrap() < 1_200, "{health}");
    let other = get_json(&mut client, "/api/metrics?name=__other__&resolution=whole").await;
    let n_folded = other["data"][0]["count"].as_u64().unwrap();
    assert_eq!(n_folded + health["series"].as_u64().unwrap() - 1, 3_000);
}

#[tokio::test]
async fn the_database_stays_within_its_limit_and_the_oldest_leave_first() {
    const LIMIT: i64 = 3_000_000;
    let launch = launch()
        .env("MAX_DATABASE_MB", 3)
        .env("RETENTION_RAW", "60d")
        .env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let connection =
        Connection::open_with_flags(launch.database_path(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    for hours in (6..=200).rev().step_by(2) {
        // Numbers that do not pack, so that the limit is reached soon.
        let at_ms = now_ms() - hours * 3_600_000;
        let sample = |n: i64| {
            let value = ((n * hours) as f64).sin();
            json!({"name": "noise", "type": "gauge", "value": value, "timestamp": at_ms + n, "labels": {"host": n % 10}})
        };
        let metrics: Vec<Value> = (0..5_000).map(sample).collect();
        let answer = client
            .post("/api/metrics", Value::from(metrics).to_string())
            .await;
        assert!([202, 507].contains(&answer.status.as_u16()), "{}", answer.text());
        while number("select count(*) from journal") > 0 {
            tokio::task::yield_now().await;
        }
    }
    let file = || number("pragma page_count") * number("pragma page_size");
    while file() > LIMIT {
        tokio::task::yield_now().await;
    }
    let kept = get_json(&mut client, "/api/metrics?name=noise&period=20d&step=2h").await;
    let rows = kept["data"].as_array().unwrap();
    assert_eq!(rows.last().unwrap()["count"], 5_000, "the newest are there");
    assert!(
        number("select min(place >> 28) from chunks") > now_ms() / 7_200_000 - 90,
        "the oldest are gone"
    );
}
