//! The questions: every range of the page, without filters, with one and with two.

use std::path::Path;
use std::time::Instant;

use bench::figures::percentile;
use metrics_collector::domain::requests::group::Dimension;
use metrics_collector::domain::requests::query::{Bucket, Filters, Query};
use metrics_collector::requests::answer::answer;
use rusqlite::Connection;
use testkit::Server;

use crate::Result;
use crate::year::{N_CONSUMERS, N_ENDPOINTS, N_NODES, Year};

/// Each question is asked so often, with other values in its filters.
const N_ASKED: usize = 20;
const HOUR_MS: i64 = 3_600_000;

/// A range of the page.
pub(crate) struct Range {
    pub(crate) name: &'static str,
    hours: i64,
    bucket: Bucket,
    interval: &'static str,
}

const fn range(name: &'static str, hours: i64, bucket: Bucket, interval: &'static str) -> Range {
    Range {
        name,
        hours,
        bucket,
        interval,
    }
}

pub(crate) const RANGES: [Range; 8] = [
    range("1h", 1, Bucket::Minute, "1min"),
    range("6h", 6, Bucket::FiveMinutes, "5min"),
    range("24h", 24, Bucket::FiveMinutes, "5min"),
    range("7d", 168, Bucket::Hour, "5min"),
    range("30d", 720, Bucket::Hour, "5min"),
    range("3m", 2160, Bucket::Day, "5min"),
    range("6m", 4320, Bucket::Day, "5min"),
    range("1y", 8760, Bucket::Day, "5min"),
];

/// Which filters are set.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    dimensions: &'static [Dimension],
}

pub(crate) const SHAPES: [Shape; 6] = [
    Shape {
        name: "none",
        dimensions: &[],
    },
    Shape {
        name: "endpoint",
        dimensions: &[Dimension::Endpoint],
    },
    Shape {
        name: "consumer",
        dimensions: &[Dimension::Consumer],
    },
    Shape {
        name: "method",
        dimensions: &[Dimension::Method],
    },
    Shape {
        name: "endpoint, consumer",
        dimensions: &[Dimension::Endpoint, Dimension::Consumer],
    },
    Shape {
        name: "consumer, node",
        dimensions: &[Dimension::Consumer, Dimension::Node],
    },
];

/// The text that is filtered by in the `n`th question.
fn value(dimension: Dimension, n: usize) -> String {
    match dimension {
        Dimension::Endpoint => format!("/api/things-{}/{{id}}", n % N_ENDPOINTS),
        Dimension::Consumer => format!("consumer-{}", n % N_CONSUMERS),
        Dimension::Node => format!("node-{}", n % N_NODES),
        Dimension::Method => ["GET", "POST"][n % 2].to_owned(),
        Dimension::Service | Dimension::Context => "shop".to_owned(),
    }
}

/// Times of one kind of question.
pub(crate) struct Times {
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
}

fn times(mut ms: Vec<f64>) -> Times {
    Times {
        p50_ms: percentile(&mut ms, 0.5),
        p95_ms: percentile(&mut ms, 0.95),
    }
}

/// What the page asks, through the library on a connection of its own.
pub(crate) fn page(database: &Path, year: &Year, range: &Range, shape: &Shape) -> Result<Times> {
    let connection = Connection::open(database)?;
    connection.execute_batch("pragma cache_size = -2000")?;
    let mut ms = Vec::new();
    for n in 0..N_ASKED {
        let filters = shape
            .dimensions
            .iter()
            .fold(Filters::default(), |filters, dimension| {
                filters.with(*dimension, value(*dimension, n))
            });
        let (from_ms, to_ms) = (year.now_ms() - range.hours * HOUR_MS, year.now_ms());
        let query = Query::aligned(filters, from_ms, to_ms, range.bucket).ok_or("too many points")?;
        let began = Instant::now();
        let told = answer(&connection, year.requests(), &query)?;
        ms.push(began.elapsed().as_secs_f64() * 1000.);
        if told.total.total == 0 {
            return Err(format!("{} {}: nothing was found", range.name, shape.name).into());
        }
    }
    Ok(times(ms))
}

/// The page itself over HTTP, made whole.
pub(crate) async fn rendered(server: &Server, range: &Range, shape: &Shape) -> Result<Times> {
    over_http(server, &format!("/api-monitoring?range={}h", range.hours), shape).await
}

/// The same over HTTP, as Malti's dashboard asks.
pub(crate) async fn door(server: &Server, range: &Range, shape: &Shape, now_ms: i64) -> Result<Times> {
    let path = format!(
        "/api/v1/metrics/aggregate?interval={}&start_time={}&end_time={now_ms}",
        range.interval,
        now_ms - range.hours * HOUR_MS
    );
    over_http(server, &path, shape).await
}

async fn over_http(server: &Server, path: &str, shape: &Shape) -> Result<Times> {
    let mut client = server.client();
    let mut ms = Vec::new();
    for n in 0..N_ASKED {
        let mut path = path.to_owned();
        for dimension in shape.dimensions {
            let value = value(*dimension, n).replace('{', "%7B").replace('}', "%7D");
            path += &format!("&{}={value}", dimension.name());
        }
        let began = Instant::now();
        let answer = client.get(&path).await;
        ms.push(began.elapsed().as_secs_f64() * 1000.);
        if answer.status != 200 {
            return Err(format!("{path}: {}", answer.text()).into());
        }
    }
    Ok(times(ms))
}
