//! Whether all that was acknowledged is there, once.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bench::table;
use testkit::Client;

use crate::docker::MARK;
use crate::stack::Stack;
use crate::writers::Acknowledged;

/// For what the relay keeps in its outbox, and for entries that may still get a line.
const PATIENCE: Duration = Duration::from_secs(30);

/// Prints both numbers of each kind. Whether they are equal.
pub(crate) async fn compare(stack: &Stack, acknowledged: &Acknowledged) -> bool {
    let client = |service| stack.server(service).client();
    let (mut tracker, mut viewer, mut collector) = (
        client("error-tracker"),
        client("log-viewer"),
        client("metrics-collector"),
    );
    let rows = [
        (
            "reports",
            &acknowledged.reports,
            patiently(&acknowledged.reports, async || reports(&mut tracker).await).await,
        ),
        (
            "samples",
            &acknowledged.samples,
            patiently(&acknowledged.samples, async || samples(&mut collector).await).await,
        ),
        (
            "lines",
            &acknowledged.lines,
            patiently(&acknowledged.lines, async || lines(&mut viewer).await).await,
        ),
    ];
    let is_whole = rows
        .iter()
        .all(|(_, wanted, found)| wanted.load(Relaxed) == *found);
    table::print(
        &["", "acknowledged", "stored"],
        rows.map(|(what, wanted, found)| {
            vec![
                what.to_owned(),
                wanted.load(Relaxed).to_string(),
                found.to_string(),
            ]
        }),
    );
    is_whole
}

/// Asks until it is as many as wanted, or for as long as makes sense.
async fn patiently(wanted: &AtomicU64, mut count: impl AsyncFnMut() -> u64) -> u64 {
    let started = Instant::now();
    loop {
        let found = count().await;
        if found == wanted.load(Relaxed) || started.elapsed() > PATIENCE {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// Over all groups.
async fn reports(tracker: &mut Client) -> u64 {
    let (mut n, mut offset) = (0, 0);
    loop {
        let path = format!("/api/errors?resolved=all&limit=200&offset={offset}");
        let list = tracker.get(&path).await.json();
        let groups = list["errors"].as_array().cloned().unwrap_or_default();
        n += groups
            .iter()
            .filter_map(|group| group["count"].as_u64())
            .sum::<u64>();
        if groups.len() < 200 {
            return n;
        }
        offset += 200;
    }
}

async fn samples(collector: &mut Client) -> u64 {
    let told = collector
        .get("/api/metrics?name=mixed_sent&resolution=whole")
        .await
        .json();
    let rows = told["data"].as_array().cloned().unwrap_or_default();
    rows.iter()
        .filter_map(|row| row["sum"].as_f64())
        .sum::<f64>()
        .round() as u64
}

async fn lines(viewer: &mut Client) -> u64 {
    let path = format!("/api/logs?search={MARK}&limit=1&count=exact");
    viewer.get(&path).await.json()["total"].as_u64().unwrap_or(0)
}
