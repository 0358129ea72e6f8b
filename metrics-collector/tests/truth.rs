//! Random batches, late and doubled, with restarts and kills in between, against an exact computation over all samples:
//! counts and sums equal, quantiles within 1.1 %, in every tier, while samples are in memory and after.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests: they may panic, and print the seed"
)]

use std::collections::BTreeMap;

use crate::support::{get_json, launch, now_ms, send, until_empty};
use testkit::{Client, Value, json};

const HOUR_MS: i64 = 3_600_000;
const ROUNDS: usize = 6;
const BATCHES: usize = 12;
const BATCH: usize = 60;
const N_SAMPLES: i64 = (ROUNDS * BATCHES * BATCH) as i64;

/// Lengths of buckets, one of each tier and one that none has.
const STEPS_MS: [i64; 5] = [10_000, 60_000, 300_000, HOUR_MS, 2 * HOUR_MS];

/// By name and host.
type Truth = BTreeMap<(&'static str, &'static str), Samples>;
/// All samples of a series, by time and, of equal times, as they came.
type Samples = Vec<(i64, f64)>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bucket_is_what_all_samples_say() {
    truth_holds(7, true).await;
}

/// So many in each window that they are packed in pieces, and none is written before the end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bucket_is_what_all_samples_in_memory_say() {
    truth_holds(3, false).await;
}

/// Samples of so many hours, the last of them three hours ago: all their windows are over. Those of host `a` come in
/// order of time.
async fn truth_holds(hours: i64, is_writing: bool) {
    let mut random = Random::from_environment();
    let launch = launch()
        .env("RETENTION_RAW", "60d")
        .env("RETENTION_MINUTE", "60d")
        .env("FLUSH_INTERVAL", if is_writing { "20ms" } else { "1h" });
    let end_ms = (now_ms() - 3 * HOUR_MS) / HOUR_MS * HOUR_MS;
    let from_ms = end_ms - hours * HOUR_MS;
    let mut truth = Truth::new();
    let mut server = launch.start().await;
    let (mut totals, mut n_sent) = ([1_000.; 3], 0);
    for round in 0..ROUNDS {
        let mut client = server.client();
        for _ in 0..BATCHES {
            let mut batch = Vec::new();
            for _ in 0..BATCH {
                let (kind, host) = (random.below(4) as usize, random.below(3) as usize);
                let at_ms = match host {
                    0 => from_ms + n_sent * (end_ms - from_ms) / N_SAMPLES / 1000 * 1000,
                    _ => random.time(from_ms, end_ms),
                };
                n_sent += 1;
                let value = random.value(kind, &mut totals[host]);
                let (name, label) = (
                    ["counter", "gauge", "histogram", "cumulative"][kind],
                    ["a", "b", "c"][host],
                );
                truth.entry((name, label)).or_default().push((at_ms, value));
                batch.push(json!({"name": name, "type": name, "value": value, "timestamp": at_ms, "labels": {"host": label}}));
            }
            send(&mut client, &batch.into()).await;
        }
        // A start writes at once what is over.
        if is_writing {
            match random.below(3) {
                0 => {}
                1 => {
                    server.kill().await;
                    server = launch.start().await;
                }
                _ => {
                    assert!(server.stop().await.0.success());
                    server = launch.start().await;
                }
            }
            if round % 2 == 1 {
                until_empty(launch.database_path(), "journal").await;
            }
        }
        check(&mut server.client(), &truth, from_ms, end_ms).await;
    }
    server.kill().await;
    let launch = launch.env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    until_empty(launch.database_path(), "journal").await;
    check(&mut server.client(), &truth, from_ms, end_ms).await;
    server.kill().await;
    let server = launch.start().await;
    check(&mut server.client(), &truth, from_ms, end_ms).await;
    server.kill().await;
    // Chunks become minutes, and say the same.
    let launch = launch.env("RETENTION_RAW", "1h");
    let server = launch.start().await;
    until_empty(launch.database_path(), "chunks").await;
    check_steps(&mut server.client(), &truth, from_ms, end_ms, &STEPS_MS[1..]).await;
}

async fn check(client: &mut Client, truth: &Truth, from_ms: i64, end_ms: i64) {
    check_steps(client, truth, from_ms, end_ms, &STEPS_MS).await;
    check_dashboard(client, truth, from_ms, end_ms).await;
}

/// Counts and sums of all, told by rows; the second time they are remembered.
async fn check_dashboard(client: &mut Client, truth: &Truth, from_ms: i64, end_ms: i64) {
    // So long that it is made of five minutes and hours, and begins and ends within an hour.
    let path = format!(
        "/api/dashboard?from={}&to={}",
        from_ms - 5 * HOUR_MS / 2,
        end_ms + HOUR_MS / 2
    );
    for _ in 0..2 {
        let body = get_json(client, &path).await;
        for told_of in body["top_metrics"].as_array().unwrap() {
            let name = told_of["name"].as_str().unwrap();
            let of_name = truth.iter().filter(|((known, _), _)| *known == name);
            let all: Vec<Samples> = of_name.map(|(_, samples)| told(name, samples)).collect();
            let all = all.concat();
            let sum: f64 = all.iter().map(|(_, value)| value).sum();
            assert_eq!(told_of["count"], all.len(), "{name}");
            let total = told_of["total"].as_f64().unwrap();
            assert!(
                (total - sum).abs() <= sum.abs() * 1e-9 + 1e-6,
                "{name}: {total}, not {sum}"
            );
        }
    }
}

async fn check_steps(client: &mut Client, truth: &Truth, from_ms: i64, end_ms: i64, steps_ms: &[i64]) {
    for name in ["counter", "gauge", "histogram", "cumulative"] {
        let of_name: Vec<(&str, &Samples)> = truth
            .iter()
            .filter(|((known, _), _)| *known == name)
            .map(|((_, host), samples)| (*host, samples))
            .collect();
        for step_ms in steps_ms.iter().copied() {
            if name == "histogram" && step_ms < 60_000 {
                continue;
            }
            let path = format!(
                "/api/metrics?name={name}&from={from_ms}&to={end_ms}&step={}s",
                step_ms / 1000
            );
            let case = format!("{name} by {step_ms} ms");
            let merged = get_json(client, &path).await;
            let all: Vec<Samples> = of_name.iter().map(|(_, samples)| told(name, samples)).collect();
            check_line(&case, name, &merged["data"], &all.concat(), step_ms);
            let apart = get_json(client, &format!("{path}&group_by=host")).await;
            for ((host, samples), line) in of_name.iter().zip(apart["series"].as_array().unwrap()) {
                assert_eq!(line["labels"]["host"], *host);
                check_line(
                    &format!("{case} of {host}"),
                    name,
                    &line["data"],
                    &told(name, samples),
                    step_ms,
                );
            }
        }
    }
}

/// What samples say: of a cumulative series its increments, the first of which nobody knows.
fn told(name: &str, samples: &Samples) -> Samples {
    let mut sorted = samples.clone();
    sorted.sort_by_key(|(at, _)| *at);
    if name != "cumulative" {
        return sorted;
    }
    let mut before = sorted.first().map_or(0., |(_, value)| *value);
    let added = sorted.into_iter().map(|(at, value)| {
        let added = if value >= before { value - before } else { value };
        before = value;
        (at, added)
    });
    added.collect()
}

fn check_line(case: &str, name: &str, data: &Value, samples: &Samples, step_ms: i64) {
    let mut buckets: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (at_ms, value) in samples {
        buckets
            .entry(at_ms.div_euclid(step_ms) * step_ms)
            .or_default()
            .push(*value);
    }
    let data = data.as_array().unwrap();
    assert_eq!(data.len(), buckets.len(), "{case}: buckets");
    for (row, (at_ms, values)) in data.iter().zip(&mut buckets) {
        let case = format!("{case} at {}", row["bucket"]);
        assert_eq!(row["bucket"].as_str().unwrap(), ui_time(*at_ms), "{case}");
        assert_eq!(row["count"], values.len(), "{case}");
        values.sort_by(f64::total_cmp);
        let sum: f64 = values.iter().sum();
        let exact = |field: &str, expected: f64| {
            let told = row[field].as_f64().unwrap();
            assert!(
                (told - expected).abs() <= expected.abs() * 1e-9 + 1e-9,
                "{case}: {field} is {told}, not {expected}"
            );
        };
        exact("sum", sum);
        exact("avg", sum / values.len() as f64);
        exact("min", values[0]);
        exact("max", values[values.len() - 1]);
        for (field, percent) in [("p50", 50), ("p95", 95), ("p99", 99)] {
            if name != "histogram" {
                assert!(row[field].is_null(), "{case}: {field}");
                continue;
            }
            let expected = values[(percent * values.len()).div_ceil(100) - 1];
            let told = row[field].as_f64().unwrap();
            assert!(
                (told - expected).abs() <= expected.abs() * 0.011,
                "{case}: {field} is {told}, not {expected}"
            );
        }
    }
}

/// `2026-11-28T10:00:00Z`
fn ui_time(ms: i64) -> String {
    let text = ui::moment::rfc3339(ms);
    format!("{}Z", &text[..19])
}

/// Deterministic choices; the seed is printed, and `TRUTH_SEED` repeats a run.
struct Random(u64);

impl Random {
    fn from_environment() -> Self {
        let seed = std::env::var("TRUTH_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| now_ms() as u64);
        println!("TRUTH_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Any moment, often a whole minute or second, so that times are doubled and lie on edges.
    fn time(&mut self, from_ms: i64, end_ms: i64) -> i64 {
        let at_ms = from_ms + self.below((end_ms - from_ms) as u64) as i64;
        match self.below(4) {
            0 => at_ms / HOUR_MS * HOUR_MS,
            1 => at_ms / 60_000 * 60_000,
            2 => at_ms / 1000 * 1000,
            _ => at_ms,
        }
    }

    fn value(&mut self, kind: usize, total: &mut f64) -> f64 {
        match kind {
            0 => self.below(4) as f64,
            1 => self.below(20_000) as f64 / 100. - 100.,
            2 => 10_f64.powf(self.below(6_000) as f64 / 1000. - 3.),
            _ => {
                *total = if self.below(10) == 0 {
                    0.
                } else {
                    *total + self.below(50) as f64
                };
                *total
            }
        }
    }
}
