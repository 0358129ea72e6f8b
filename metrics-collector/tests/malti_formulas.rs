//! Every field of `/aggregate`, held against what is reckoned from the raw records one by one: random ones of a fixed
//! seed, some late, with a restart and a kill between.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::malti::{batch, launch, user, with_key};
use crate::support::{get_json, now_ms};
use testkit::{Server, Value, json};
use ui::moment::rfc3339_seconds;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Numbers that look random, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

#[derive(Clone)]
struct Record {
    texts: BTreeMap<&'static str, Option<String>>,
    status: u64,
    ms: u64,
    at_ms: i64,
}

impl Record {
    fn random(numbers: &mut Numbers, service: &str, now_ms: i64) -> Self {
        let age_ms = match numbers.below(3) {
            0 => numbers.below(50 * MINUTE_MS as u64),
            1 => numbers.below(3 * DAY_MS as u64),
            _ => numbers.below(40 * DAY_MS as u64),
        };
        let mut text = |name: &str, n: u64| format!("{name}-{}", numbers.below(n));
        let texts = [
            ("method", Some(text("M", 2))),
            ("endpoint", Some(text("/<int:x>/&", 4))),
            ("consumer", Some(text("consumer", 5))),
            ("node", Some(text("node", 3)).filter(|node| node != "node-0")),
            (
                "context",
                Some(text("context", 3)).filter(|context| context != "context-0"),
            ),
            ("service", Some(service.to_owned())),
        ];
        Self {
            texts: texts.into(),
            status: [200, 200, 200, 204, 301, 401, 404, 500][numbers.below(8) as usize],
            ms: match numbers.below(3) {
                0 => numbers.below(20),
                _ => numbers.below(3_000),
            },
            at_ms: now_ms - age_ms as i64,
        }
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.texts[field].as_deref()
    }

    fn json(&self) -> Value {
        let mut record = json!({"status": self.status, "response_time": self.ms, "created_at": self.at_ms});
        for (field, text) in &self.texts {
            record[field] = json!(text);
        }
        record
    }

    fn is_error(&self) -> bool {
        self.status >= 400 && self.status != 401
    }
}

/// Sends records of one service in a few batches.
async fn send(server: &Server, key: &str, records: &[Record]) {
    let mut client = with_key(server, key);
    for some in records.chunks(70) {
        let body: Vec<Value> = some.iter().map(Record::json).collect();
        let answer = client.post("/api/v1/ingest", batch(&body)).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["count"]),
            (200, &json!(some.len())),
            "{}",
            answer.text()
        );
    }
}

fn check_near(told: &Value, expected: Option<f64>, tolerance: f64, field: &str) {
    match (told.as_f64(), expected) {
        (Some(told), Some(expected)) => assert!(
            (told - expected).abs() <= expected.abs() * tolerance + 1e-9,
            "{field} is {told}, not {expected}"
        ),
        (told, expected) => assert_eq!((told, told), (expected, expected), "{field}"),
    }
}

/// `total_requests` and latencies of a bucket or of everything.
fn check_summary(told: &Value, records: &[&Record]) {
    assert_eq!(told["total_requests"], records.len());
    let ok = records
        .iter()
        .filter(|record| (200..300).contains(&record.status));
    let mut times: Vec<f64> = ok.map(|record| record.ms as f64).collect();
    times.sort_by(f64::total_cmp);
    let n = times.len();
    check_near(&told["min_latency"], times.first().copied(), 0., "min");
    check_near(&told["max_latency"], times.last().copied(), 0., "max");
    let avg = (n > 0).then(|| times.iter().sum::<f64>() / n as f64);
    check_near(&told["avg_latency"], avg, 1e-12, "avg");
    // PERCENTILE_CONT
    let p95 = (n > 0).then(|| {
        let place = 0.95 * (n - 1) as f64;
        let (below, above) = (times[place.floor() as usize], times[place.ceil() as usize]);
        below + (above - below) * place.fract()
    });
    check_near(&told["p95_latency"], p95, 0.011, "p95");
}

/// Rows by some fields: `total_requests`, `error_count`, `error_rate`, most first, and none is missing.
fn check_rows(told: &Value, records: &[&Record], fields: &[&str]) {
    let mut expected: BTreeMap<Vec<&str>, (u64, u64)> = BTreeMap::new();
    for record in records {
        let key = fields.iter().map(|field| record.text(field).unwrap()).collect();
        let (n, errors) = expected.entry(key).or_default();
        *n += 1;
        *errors += u64::from(record.is_error());
    }
    let rows = told.as_array().unwrap();
    assert_eq!(rows.len(), expected.len(), "{fields:?}");
    assert!(rows.is_sorted_by_key(|row| std::cmp::Reverse(row["total_requests"].as_u64())));
    for row in rows {
        let key: Vec<&str> = fields.iter().map(|field| row[field].as_str().unwrap()).collect();
        let (n, errors) = expected[&key];
        assert_eq!(
            (&row["total_requests"], &row["error_count"]),
            (&json!(n), &json!(errors)),
            "{key:?}"
        );
        check_near(
            &row["error_rate"],
            Some(errors as f64 * 100. / n as f64),
            1e-12,
            "error_rate",
        );
    }
}

fn check_statuses(told: &Value, records: &[&Record]) {
    let mut expected: BTreeMap<&str, BTreeMap<u64, u64>> = BTreeMap::new();
    for record in records {
        let codes = expected.entry(record.text("service").unwrap()).or_default();
        *codes.entry(record.status).or_default() += 1;
    }
    assert_eq!(told.as_array().unwrap().len(), expected.len());
    for row in told.as_array().unwrap() {
        let codes = &expected[row["service"].as_str().unwrap()];
        let sum = |from: u64, to: u64| codes.range(from..to).map(|(_, n)| n).sum::<u64>();
        assert_eq!(row["total_requests"], sum(0, 600));
        assert_eq!(row["success_2xx"], sum(200, 300));
        assert_eq!(row["warning_3xx"], sum(300, 400));
        assert_eq!(row["error_4xx_5xx"], sum(400, 600));
        let breakdown: BTreeMap<String, u64> = codes.iter().map(|(code, n)| (code.to_string(), *n)).collect();
        assert_eq!(row["status_breakdown"], json!(breakdown));
    }
}

/// A question: interval, how long ago the range begins and ends, filters.
type Question = (&'static str, i64, i64, &'static [(&'static str, &'static str)]);

const QUESTIONS: [Question; 12] = [
    ("1min", 60 * MINUTE_MS, 0, &[]),
    (
        "1min",
        45 * MINUTE_MS + 7_000,
        5 * MINUTE_MS,
        &[("endpoint", "/<int:x>/&-1")],
    ),
    (
        "1min",
        26 * HOUR_MS,
        0,
        &[("consumer", "consumer-2"), ("node", "node-1")],
    ),
    ("5min", 6 * HOUR_MS + 61_000, 0, &[]),
    (
        "5min",
        2 * DAY_MS,
        HOUR_MS + 3_000,
        &[("service", "shop-api"), ("method", "M-1")],
    ),
    (
        "5min",
        4 * DAY_MS,
        0,
        &[
            ("endpoint", "/<int:x>/&-0"),
            ("consumer", "consumer-1"),
            ("context", "context-1"),
        ],
    ),
    ("5min", 5 * DAY_MS, 0, &[("node", "node-2")]),
    ("5min", 45 * DAY_MS, 0, &[]),
    (
        "1hour",
        3 * DAY_MS + 61_000,
        0,
        &[("service", "other"), ("endpoint", "/<int:x>/&-3")],
    ),
    ("1hour", 45 * DAY_MS, 10 * DAY_MS, &[("consumer", "consumer-0")]),
    (
        "1hour",
        45 * DAY_MS,
        0,
        &[
            ("method", "M-0"),
            ("endpoint", "/<int:x>/&-2"),
            ("node", "node-1"),
            ("consumer", "consumer-3"),
        ],
    ),
    ("1hour", 45 * DAY_MS, 0, &[("endpoint", "unknown")]),
];

async fn check(server: &Server, records: &[Record], now_ms: i64, question: &Question) {
    let (interval, from_ago, to_ago, filters) = question;
    let (start_ms, end_ms) = (now_ms - from_ago, now_ms - to_ago);
    let mut path =
        format!("/api/v1/metrics/aggregate?interval={interval}&start_time={start_ms}&end_time={end_ms}");
    for (field, value) in *filters {
        let value = value.replace('<', "%3C").replace('>', "%3E").replace('&', "%26");
        path += &format!("&{field}={value}");
    }
    let told = get_json(&mut user(server), &path).await;
    let span_ms = match *interval {
        "1min" => MINUTE_MS,
        "5min" if (end_ms - start_ms) / DAY_MS <= 4 => 5 * MINUTE_MS,
        _ => HOUR_MS,
    };
    let bucket_of = |at_ms: i64| at_ms / span_ms * span_ms;
    let is_in_range = |record: &&Record| {
        let bucket = bucket_of(record.at_ms);
        bucket <= end_ms && (bucket >= start_ms || (span_ms == MINUTE_MS && bucket == bucket_of(start_ms)))
    };
    let in_range: Vec<&Record> = records.iter().filter(is_in_range).collect();
    let is_meant = |record: &Record| {
        filters
            .iter()
            .all(|(field, value)| record.text(field) == Some(value))
    };
    let meant: Vec<&Record> = in_range.iter().copied().filter(|it| is_meant(it)).collect();

    let series = told["time_series"].as_array().unwrap();
    let first = bucket_of(start_ms);
    assert_eq!(series.len() as i64, (bucket_of(end_ms) - first) / span_ms + 1);
    for (place, point) in series.iter().enumerate() {
        let bucket = first + place as i64 * span_ms;
        assert_eq!(point["bucket"], rfc3339_seconds(bucket));
        let of_bucket: Vec<&Record> = meant
            .iter()
            .copied()
            .filter(|record| bucket_of(record.at_ms) == bucket)
            .collect();
        check_summary(point, &of_bucket);
    }
    check_summary(&told["metrics_summary"], &meant);
    check_rows(&told["endpoints"], &meant, &["service", "method", "endpoint"]);
    check_rows(&told["consumers"], &meant, &["consumer"]);
    check_statuses(&told["status_distribution"], &meant);
    let errors = meant.iter().filter(|record| record.is_error()).count();
    let overview = &told["system_overview"];
    assert_eq!(
        (&overview["total_requests"], &overview["total_errors"]),
        (&json!(meant.len()), &json!(errors))
    );
    check_near(
        &overview["error_rate"],
        Some(errors as f64 * 100. / meant.len().max(1) as f64),
        1e-12,
        "error_rate",
    );
    assert_eq!(overview["avg_latency"], told["metrics_summary"]["avg_latency"]);
    for (field, list) in [("node", "distinct_nodes"), ("context", "distinct_contexts")] {
        let expected: BTreeSet<&str> = in_range.iter().filter_map(|record| record.text(field)).collect();
        assert_eq!(told[list], json!(expected), "{list}");
    }
}

#[tokio::test]
async fn every_field_is_what_the_raw_records_say() {
    let launch = launch()
        .env("FLUSH_INTERVAL", "10ms")
        .env("RETENTION_REQUESTS_MINUTE", "90d");
    let now_ms = now_ms();
    let mut numbers = Numbers(7);
    let mut records = Vec::new();
    for round in 0..3 {
        let server = launch.start().await;
        for (service, key) in [("shop-api", "svc-key-123"), ("other", "key-of-other")] {
            let some: Vec<Record> = (0..350)
                .map(|_| Record::random(&mut numbers, service, now_ms))
                .collect();
            send(&server, key, &some).await;
            records.extend(some);
        }
        for question in &QUESTIONS {
            check(&server, &records, now_ms, question).await;
        }
        match round {
            0 => drop(server.stop().await),
            _ => server.kill().await,
        }
    }
}
