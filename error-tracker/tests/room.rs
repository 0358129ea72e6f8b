//! `MAX_DATABASE_MB`: a full database gives up what tells least, and goes on taking reports.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::path::Path;

use crate::support::{get_json, report_with, tracker, until};
use rusqlite::{Connection, OpenFlags};
use testkit::{Value, json};

const MAX_MB: u64 = 5;
/// Groups, and rounds in which each of them gets a report.
const GROUPS: u64 = 40;
const ROUNDS: u64 = 25;

/// A report of about 20 KB that does not compress.
fn large(group: u64, round: u64) -> Value {
    let mut state = group * 1_000_003 + round + 1;
    let noise = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    let noise: String = (0..1250).map(noise).collect();
    report_with(&json!({
        "exception_type": format!("E{group}"), "traceback": format!("T{group}"),
        "message": format!("round {round}"), "extra": {"noise": noise},
    }))
}

/// Size of the database as any reader sees it. The file itself follows with a checkpoint, at the end at the latest.
fn bytes(path: &Path) -> u64 {
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let number = |pragma: &str| -> i64 {
        let sql = format!("pragma {pragma}");
        database.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    number("page_count").unsigned_abs() * number("page_size").unsigned_abs()
}

/// Size of the file and of what lies beside it.
fn bytes_on_disk(path: &Path) -> u64 {
    let wal = path.with_extension("db-wal");
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |file| file.len());
    size(path) + size(&wal)
}

#[tokio::test]
async fn a_full_database_stays_within_its_limit_and_loses_no_count() {
    let launch = tracker()
        .env("MAX_DATABASE_MB", MAX_MB)
        .env("KEEP_OCCURRENCES", 50);
    let server = launch.start().await;
    let mut client = server.client();
    // 20 MB come in, four times what there is room for.
    for round in 0..ROUNDS {
        let batch: Vec<Value> = (0..GROUPS).map(|group| large(group, round)).collect();
        let answer = client.post("/api/errors/batch", json!(batch).to_string()).await;
        assert_eq!(answer.status, 200, "round {round}: {}", answer.text());
        assert_eq!(answer.json()["accepted"], GROUPS);
        // Past the limit it is made room while more comes.
        if round % 5 == 4 {
            until("it is within its limit again", async || {
                bytes(launch.database_path()) <= MAX_MB * 1_000_000
            })
            .await;
        }
    }
    assert!(server.log().contains("near MAX_DATABASE_MB"), "{}", server.log());
    assert!(
        !server.log().contains("nothing more can be dropped"),
        "{}",
        server.log()
    );

    let list = get_json(&mut client, "/api/errors?limit=200").await;
    let rows = list["errors"].as_array().unwrap();
    assert_eq!(rows.len() as u64, GROUPS, "no group had to go");
    for row in rows {
        assert_eq!(row["count"], ROUNDS, "{row}");
        let group = get_json(&mut client, &format!("/api/errors/{}", row["id"])).await;
        let newest = &group["occurrences"][0];
        assert_eq!(newest["message"], format!("round {}", ROUNDS - 1));
        let noise = newest["extra"]["noise"].as_str().unwrap();
        assert_eq!(noise.len(), 20_000, "whole");
    }
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");
    assert!(bytes_on_disk(launch.database_path()) <= MAX_MB * 1_000_000);
    let server = launch.start().await;
    let list = get_json(&mut server.client(), "/api/errors?limit=200").await;
    assert_eq!(list["total"], GROUPS);
    until("it stays within its limit after a restart", async || {
        bytes(launch.database_path()) <= MAX_MB * 1_000_000
    })
    .await;
}

#[tokio::test]
async fn where_even_the_newest_events_do_not_fit_reports_are_still_taken_and_counted() {
    // 400 groups of 20 KB each: 8 MB for one event of each alone.
    let launch = tracker().env("MAX_DATABASE_MB", MAX_MB);
    let server = launch.start().await;
    let mut client = server.client();
    for part in 0..10 {
        let batch: Vec<Value> = (0..40).map(|n| large(part * 40 + n, 1)).collect();
        let answer = client.post("/api/errors/batch", json!(batch).to_string()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    until("it is within its limit", async || {
        bytes(launch.database_path()) <= MAX_MB * 1_000_000
    })
    .await;
    let list = get_json(&mut client, "/api/errors?limit=200").await;
    assert!(
        list["total"].as_u64().unwrap() > 50,
        "some are left: {}",
        list["total"]
    );
    assert_eq!(list["errors"][0]["exception_type"], "E399", "those seen last");
    let answer = client.post("/api/errors", large(399, 2).to_string()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["count"].clone()),
        (200, json!(2))
    );
}
