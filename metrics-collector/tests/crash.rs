//! The process is killed at random moments under load, while windows are written to chunks: what it had acknowledged
//! is there, once. `CRASH_ROUNDS` says how often; a few times by default.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::support::{get_json, launch, now_ms};
use testkit::{Client, Server, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const N_CLIENTS: u64 = 6;
/// Requests begun and answers seen, counted together, before the kill: at most this many.
const MAX_EVENTS: u64 = 120;
const HOUR_MS: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment_and_is_there_once() {
    let rounds: u64 = std::env::var("CRASH_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(8);
    let launch = launch()
        .env("RETENTION_RAW", "2d")
        .env("FLUSH_INTERVAL", "10ms")
        .env("MAX_LABEL_VALUES", 1_000_000);
    let numbers = Arc::new(AtomicU64::new(0));
    let (mut acknowledged, mut open) = (Vec::new(), Vec::new());
    let mut moment = now_ms() as u64;
    for _ in 0..rounds {
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let seen = load_until_killed(launch.start().await, (moment >> 33) % MAX_EVENTS, &numbers).await;
        acknowledged.extend(seen.acknowledged);
        open.extend(seen.open);
        let server = launch.start().await;
        check(&mut server.client(), &acknowledged, &open).await;
        server.kill().await;
    }
    println!(
        "{rounds} kills, {} acknowledged, {} cut off before their answer",
        acknowledged.len(),
        open.len()
    );
    assert!(
        acknowledged.len() as u64 > rounds * 3 && open.len() as u64 > rounds,
        "the kills came under load"
    );
}

#[derive(Default)]
struct Seen {
    acknowledged: Vec<u64>,
    open: Vec<u64>,
}

/// Clients post until the process dies under them. The moment is a count of requests begun and answers seen.
async fn load_until_killed(server: Server, n_events: u64, numbers: &Arc<AtomicU64>) -> Seen {
    let events = Arc::new((AtomicU64::new(n_events + N_CLIENTS), Notify::new()));
    let mut clients = JoinSet::new();
    for _ in 0..N_CLIENTS {
        clients.spawn(post_until_cut_off(
            server.client(),
            numbers.clone(),
            events.clone(),
        ));
    }
    let killer = tokio::spawn(async move {
        events.1.notified().await;
        server.kill().await;
    });
    let mut all = Seen::default();
    while let Some(seen) = clients.join_next().await {
        let seen = seen.unwrap();
        all.acknowledged.extend(seen.acknowledged);
        all.open.extend(seen.open);
    }
    killer.await.unwrap();
    all
}

async fn post_until_cut_off(
    mut client: Client,
    numbers: Arc<AtomicU64>,
    events: Arc<(AtomicU64, Notify)>,
) -> Seen {
    let tick = || {
        if events.0.fetch_sub(1, Relaxed) == 1 {
            events.1.notify_one();
        }
    };
    let mut seen = Seen::default();
    loop {
        let number = numbers.fetch_add(1, Relaxed);
        tick();
        match client
            .try_send("POST".parse().unwrap(), "/api/metrics", &[], batch(number))
            .await
        {
            Ok(answer) => {
                assert_eq!(answer.status, 202, "{}", answer.text());
                seen.acknowledged.push(number);
                tick();
            }
            Err(_) => {
                seen.open.push(number);
                return seen;
            }
        }
    }
}

/// Each batch is one bit of a sum: which are there, and how often, can be told from their counts by label. Its samples
/// are of three windows, two of which are over.
fn batch(number: u64) -> String {
    let at = |hours: i64| now_ms() - hours * HOUR_MS - number as i64;
    let sample = |kind: &str, hours| json!({"name": kind, "type": kind, "value": number, "timestamp": at(hours), "labels": {"batch": number}});
    json!([
        sample("counter", 3),
        sample("gauge", 6),
        sample("histogram", 6),
        sample("counter", 0),
        sample("histogram", 0)
    ])
    .to_string()
}

async fn check(client: &mut Client, acknowledged: &[u64], open: &[u64]) {
    for (kind, n_expected) in [("counter", 2), ("gauge", 1), ("histogram", 2)] {
        let path = format!("/api/metrics?name={kind}&period=10h&resolution=whole&group_by=batch");
        let body = get_json(client, &path).await;
        let mut found = std::collections::HashMap::new();
        for line in body["series"].as_array().unwrap() {
            let number: u64 = line["labels"]["batch"].as_str().unwrap().parse().unwrap();
            if let Some(row) = line["data"].get(0) {
                assert_eq!(row["count"], n_expected, "{kind} of batch {number}: {row}");
                assert_eq!(
                    row["sum"].as_f64(),
                    Some((number * n_expected) as f64),
                    "{kind} of batch {number}"
                );
                found.insert(number, ());
            }
        }
        for number in acknowledged {
            assert!(
                found.remove(number).is_some(),
                "{kind}: batch {number} was acknowledged and is lost"
            );
        }
        // Those that were cut off are there as a whole or not at all.
        for number in open {
            found.remove(number);
        }
        assert!(found.is_empty(), "{kind}: {found:?} were never sent");
    }
}
