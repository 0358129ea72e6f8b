//! The process is killed at random moments while batches come and are counted up: what it had acknowledged is there
//! once, and so is what was cut off and is sent again. `CRASH_ROUNDS` says how often; a few times by default.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::support::malti::{batch, launch, record, service, user};
use crate::support::{get_json, now_ms};
use testkit::{Client, Server, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

const N_CLIENTS: u64 = 4;
/// Requests begun and answers seen, counted together, before the kill: at most this many.
const MAX_EVENTS: u64 = 80;
const HOUR_MS: i64 = 3_600_000;

/// Batch `number`: three requests, one of this hour, one late, one later still.
fn body(number: u64, now_ms: i64) -> String {
    let records = [0, 5, 60].map(|hours| {
        record(
            json!({"consumer": format!("c{number}"), "created_at": now_ms - hours * HOUR_MS - number as i64}),
        )
    });
    batch(&records)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_or_is_sent_again_is_there_once() {
    let rounds: u64 = std::env::var("CRASH_ROUNDS")
        .ok()
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(4);
    let launch = launch()
        .env("FLUSH_INTERVAL", "10ms")
        .env("MAX_LABEL_VALUES", 1_000_000);
    let now_ms = now_ms();
    let numbers = Arc::new(AtomicU64::new(0));
    let mut moment = now_ms as u64;
    let mut n_open = 0;
    for _ in 0..rounds {
        moment = moment
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let server = launch.start().await;
        let open = load_until_killed(server, (moment >> 33) % MAX_EVENTS, &numbers, now_ms).await;
        n_open += open.len();
        let server = launch.start().await;
        let mut again = service(&server);
        for number in open {
            let answer = again.post("/api/v1/ingest", body(number, now_ms)).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
        check(&mut user(&server), numbers.load(Relaxed)).await;
        server.kill().await;
    }
    let n = numbers.load(Relaxed);
    println!("{rounds} kills, {n} batches, {n_open} cut off before their answer");
    assert!(
        n > rounds * 3 && n_open as u64 >= rounds,
        "the kills came under load"
    );
}

/// Clients post until the process dies under them. Returns what they do not know of.
async fn load_until_killed(server: Server, n_events: u64, numbers: &Arc<AtomicU64>, now_ms: i64) -> Vec<u64> {
    let events = Arc::new((AtomicU64::new(n_events + N_CLIENTS), Notify::new()));
    let mut clients = JoinSet::new();
    for _ in 0..N_CLIENTS {
        clients.spawn(post_until_cut_off(
            service(&server),
            numbers.clone(),
            events.clone(),
            now_ms,
        ));
    }
    let killer = tokio::spawn(async move {
        events.1.notified().await;
        server.kill().await;
    });
    let open = clients.join_all().await;
    killer.await.unwrap();
    open
}

async fn post_until_cut_off(
    mut client: Client,
    numbers: Arc<AtomicU64>,
    events: Arc<(AtomicU64, Notify)>,
    now_ms: i64,
) -> u64 {
    let tick = || {
        if events.0.fetch_sub(1, Relaxed) == 1 {
            events.1.notify_one();
        }
    };
    loop {
        let number = numbers.fetch_add(1, Relaxed);
        tick();
        let sent = client.try_send(
            "POST".parse().unwrap(),
            "/api/v1/ingest",
            &[],
            body(number, now_ms),
        );
        match sent.await {
            Ok(answer) => {
                assert_eq!(answer.status, 200, "{}", answer.text());
                tick();
            }
            Err(_) => return number,
        }
    }
}

/// Each consumer is one batch: three requests, in the hours as in the minutes.
async fn check(client: &mut Client, n_batches: u64) {
    let expected: BTreeSet<String> = (0..n_batches).map(|number| format!("c{number}")).collect();
    let start_ms = now_ms() - 62 * HOUR_MS;
    for interval in ["1hour", "1min"] {
        let query = format!("interval={interval}&start_time={start_ms}");
        let told = get_json(client, &format!("/api/v1/metrics/aggregate?{query}")).await;
        let mut found = BTreeSet::new();
        for row in told["consumers"].as_array().unwrap() {
            assert_eq!(row["total_requests"], 3, "{query}: {row}");
            found.insert(row["consumer"].as_str().unwrap().to_owned());
        }
        assert_eq!(found, expected, "{query}");
    }
}
