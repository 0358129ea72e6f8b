//! Answers held against what is reckoned from the records one by one: counted at any moment, late, filtered, in every
//! length of bucket.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rusqlite::Connection;

use super::Requests;
use super::answer::answer;
use super::counting::Counter;
use super::registry::{Registry, Saved};
use crate::domain::requests::group::{Dimension, is_error, is_ok};
use crate::domain::requests::journal_row;
use crate::domain::requests::overview::{Overview, Stats};
use crate::domain::requests::period::Kept;
use crate::domain::requests::query::{Bucket, Filters, Query, Statuses};
use crate::domain::requests::record::Record;
use crate::domain::timestamp::{DAY_MS, HOUR_MS};
use crate::registry::Limits;
use crate::store::requests as store;
use crate::store::testing::database;

/// A day in 2026 at 12:20.
const NOW_MS: i64 = 20_600 * DAY_MS + 12 * HOUR_MS + 20 * 60_000;
const KEPT: Kept = Kept {
    minutes_ms: 720 * DAY_MS,
    five_minutes_ms: 720 * DAY_MS,
    hours_ms: 720 * DAY_MS,
};

fn requests() -> Requests {
    let limits = Limits {
        series: 10_000,
        label_values: 1_000,
    };
    Requests::with(Registry::new(limits), KEPT)
}

/// Stores a batch as `Requests::record` does.
fn store(database: &Connection, requests: &Requests, records: &[Record], now_ms: i64) {
    let (waiting, _, n_refused) = requests.intern(records, now_ms);
    assert_eq!(n_refused, 0);
    requests.registry().save(database, Saved::default()).unwrap();
    store::append(database, &journal_row::encode(&waiting)).unwrap();
}

fn count(database: &Connection, requests: &Requests, now_ms: i64) {
    let counter = || Counter::new(requests, now_ms);
    while !counter().count(database).unwrap() {}
    while !counter().close_next(database).unwrap() {}
}

fn text(record: &Record, dimension: Dimension) -> Option<&str> {
    match dimension {
        Dimension::Service => Some(&record.service),
        Dimension::Method => Some(&record.method),
        Dimension::Endpoint => Some(&record.endpoint),
        Dimension::Node => record.node.as_deref(),
        Dimension::Consumer => Some(&record.consumer),
        Dimension::Context => record.context.as_deref(),
    }
}

fn is_meant(record: &Record, filters: &Filters) -> bool {
    let has = |dimension: Dimension| {
        let wanted = filters.values[dimension as usize].as_deref();
        wanted.is_none() || text(record, dimension) == wanted
    };
    Dimension::ALL.into_iter().all(has) && filters.status.is_none_or(|it| it.accept(record.status))
}

fn close_to(told: f64, expected: f64, tolerance: f64) -> bool {
    (told - expected).abs() <= expected.abs() * tolerance + 1e-9
}

fn check_stats(stats: &Stats, records: &[&Record]) {
    let n = |is: &dyn Fn(u16) -> bool| records.iter().filter(|it| is(it.status)).count() as u64;
    assert_eq!(
        (stats.total, stats.errors, stats.ok),
        (records.len() as u64, n(&is_error), n(&is_ok))
    );
    let time_us: u64 = records.iter().map(|record| record.response_time_us).sum();
    assert!(close_to(stats.time_ms, time_us as f64 / 1e3, 1e-12));
    let ok = records.iter().filter(|record| is_ok(record.status));
    let mut times: Vec<f64> = ok.map(|it| it.response_time_us as f64 / 1e3).collect();
    times.sort_by(f64::total_cmp);
    let Some(told) = stats.latency else {
        assert!(times.is_empty());
        return;
    };
    assert_eq!((told.min, told.max), (times[0], times[times.len() - 1]));
    assert!(close_to(
        told.avg,
        times.iter().sum::<f64>() / times.len() as f64,
        1e-12
    ));
    for (quantile, told) in [(0.5, told.p50), (0.95, told.p95), (0.99, told.p99)] {
        let place = quantile * (times.len() - 1) as f64;
        let (below, above) = (times[place.floor() as usize], times[place.ceil() as usize]);
        let expected = below + (above - below) * place.fract();
        assert!(
            close_to(told, expected, 0.0111),
            "p{quantile} is {told}, not {expected}"
        );
    }
}

/// Groups records by a key, and holds what is told of each against them. Nothing may be left over on either side.
fn check_groups<'r, K: Ord + std::fmt::Debug>(
    told: Vec<(K, Stats)>,
    records: &[&'r Record],
    key: impl Fn(&'r Record) -> Option<K>,
) {
    let totals: Vec<u64> = told.iter().map(|(_, stats)| stats.total).collect();
    assert!(totals.is_sorted_by(|a, b| a >= b), "{totals:?}");
    let mut expected: BTreeMap<K, Vec<&Record>> = BTreeMap::new();
    for record in records {
        if let Some(key) = key(record) {
            expected.entry(key).or_default().push(record);
        }
    }
    assert_eq!(told.len(), expected.len());
    for (key, stats) in told {
        check_stats(&stats, &expected[&key]);
    }
}

fn check(told: Overview, query: &Query, records: &[Record]) {
    let in_range = |record: &&Record| (query.from_ms..query.to_ms).contains(&record.at_ms);
    let all: Vec<&Record> = records.iter().filter(in_range).collect();
    let meant: Vec<&Record> = all
        .iter()
        .copied()
        .filter(|it| is_meant(it, &query.filters))
        .collect();
    check_stats(&told.total, &meant);
    assert_eq!(told.series.len(), query.n_points());
    for (n, point) in told.series.iter().enumerate() {
        assert_eq!(point.at_ms, query.from_ms + n as i64 * query.bucket.span_ms());
        let bucket = point.at_ms..point.at_ms + query.bucket.span_ms();
        let of_bucket: Vec<&Record> = meant
            .iter()
            .copied()
            .filter(|it| bucket.contains(&it.at_ms))
            .collect();
        check_stats(&point.stats, &of_bucket);
    }
    let endpoints = told
        .endpoints
        .into_iter()
        .map(|it| ((it.service, it.method, it.endpoint), it.stats));
    check_groups(endpoints.collect(), &meant, |it| {
        Some((it.service.clone(), it.method.clone(), it.endpoint.clone()))
    });
    for (told, dimension) in [
        (told.consumers, Dimension::Consumer),
        (told.nodes, Dimension::Node),
        (told.contexts, Dimension::Context),
    ] {
        let told = told.into_iter().map(|it| (it.name, it.stats)).collect();
        check_groups(told, &meant, |it| text(it, dimension).map(str::to_owned));
    }
    let mut services: BTreeMap<&str, BTreeMap<u16, u64>> = BTreeMap::new();
    for record in &meant {
        let codes = services.entry(&record.service).or_default();
        *codes.entry(record.status).or_default() += 1;
    }
    assert_eq!(told.services.len(), services.len());
    for service in told.services {
        assert_eq!(service.codes, services[service.service.as_str()]);
        assert_eq!(service.total, service.codes.values().sum::<u64>());
    }
    for (told, dimension) in [
        (told.distinct_nodes, Dimension::Node),
        (told.distinct_contexts, Dimension::Context),
    ] {
        let expected: BTreeSet<&str> = all.iter().filter_map(|it| text(it, dimension)).collect();
        assert_eq!(told, expected.into_iter().collect::<Vec<_>>());
    }
}

fn record() -> impl Strategy<Value = Record> {
    let age_ms = prop_oneof![0_i64..2 * HOUR_MS, 0_i64..3 * DAY_MS, 0_i64..80 * DAY_MS,];
    let status = prop_oneof![
        Just(200_u16),
        Just(204),
        Just(301),
        Just(401),
        Just(404),
        Just(500)
    ];
    let us = prop_oneof![0_u64..3_000, (0_u64..2_000).prop_map(|ms| ms * 1000)];
    let texts = (0..2_u8, 0..2_u8, 0..3_u8, 0..3_u8, 0..4_u8, 0..3_u8);
    (age_ms, status, us, texts).prop_map(|(age_ms, status, response_time_us, texts)| {
        let (service, method, endpoint, node, consumer, context) = texts;
        Record {
            service: format!("service-{service}"),
            method: ["GET", "POST"][usize::from(method)].into(),
            endpoint: format!("/things/<int:{endpoint}>"),
            node: (node > 0).then(|| format!("node-{node}")),
            consumer: if consumer == 0 {
                String::new()
            } else {
                format!("consumer-{consumer}")
            },
            context: (context > 0).then(|| format!("context-{context}")),
            status,
            response_time_us,
            at_ms: NOW_MS - age_ms,
        }
    })
}

fn filters() -> impl Strategy<Value = Filters> {
    let pick = |of: [&'static str; 3]| prop_oneof![5 => Just(None), 3 => prop::sample::select(of.to_vec()).prop_map(|text| Some(text.to_owned()))];
    let values = (
        pick(["service-0", "service-1", "unknown"]),
        pick(["GET", "POST", "GET"]),
        pick(["/things/<int:0>", "/things/<int:1>", "/things/<int:2>"]),
        pick(["node-1", "node-2", "node-1"]),
        pick(["", "consumer-1", "consumer-2"]),
        pick(["context-1", "context-2", "context-1"]),
    );
    let status = prop_oneof![6 => Just(None), 1 => Just(Some(Statuses::Code(404))), 1 => Just(Some(Statuses::Class(2)))];
    (values, status).prop_map(|((a, b, c, d, e, f), status)| Filters {
        values: [a, b, c, d, e, f],
        status,
    })
}

fn ranges() -> impl Strategy<Value = (i64, i64, Bucket)> {
    prop_oneof![
        (0_i64..120, 0_i64..120).prop_map(|(age, length)| {
            let from_ms = NOW_MS - age * 60_000;
            (from_ms, from_ms + length * 60_000, Bucket::Minute)
        }),
        (0_i64..4 * 24, 0_i64..48).prop_map(|(age, length)| {
            let from_ms = NOW_MS - age * HOUR_MS;
            (from_ms, from_ms + length * HOUR_MS, Bucket::FiveMinutes)
        }),
        (0_i64..80 * 24, 0_i64..40 * 24).prop_map(|(age, length)| {
            let from_ms = NOW_MS - age * HOUR_MS;
            (from_ms, from_ms + length * HOUR_MS, Bucket::Hour)
        }),
        (0_i64..90, 0_i64..90).prop_map(|(age, length)| {
            let from_ms = NOW_MS - age * DAY_MS;
            (from_ms, from_ms + length * DAY_MS, Bucket::Day)
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Batches come at moments of their own, some long after their records; some are counted, and some wait.
    #[test]
    fn every_figure_is_that_of_the_records(
        batches in prop::collection::vec((prop::collection::vec(record(), 1..60), 0_i64..30, any::<bool>()), 1..6),
        questions in prop::collection::vec((filters(), ranges()), 6),
    ) {
        let (database, requests) = (database(), requests());
        let mut now_ms = NOW_MS - 80 * DAY_MS;
        let mut stored = Vec::new();
        for (records, hours, is_counted) in batches {
            now_ms = (now_ms + hours * 16 * HOUR_MS).min(NOW_MS);
            let records: Vec<Record> = records.into_iter().filter(|it| it.at_ms <= now_ms).collect();
            store(&database, &requests, &records, now_ms);
            stored.extend(records);
            if is_counted {
                count(&database, &requests, now_ms);
            }
        }
        for (filters, (from_ms, to_ms, bucket)) in questions {
            let query = Query::aligned(filters, from_ms, to_ms, bucket).unwrap();
            check(answer(&database, &requests, &query).unwrap(), &query, &stored);
        }
    }
}
