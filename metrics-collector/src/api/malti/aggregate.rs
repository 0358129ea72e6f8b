//! `GET /api/v1/metrics/aggregate` and `/aggregate/realtime`: all that Malti's dashboard shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Serialize, Serializer};
use serde_json::json;
use service::unix_ms;
use ui::moment::rfc3339_seconds;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::access;
use crate::app::App;
use crate::domain::malti::range::{self, Ask, Asked, Interval};
use crate::domain::malti::schema::Problem;
use crate::domain::requests::group::Dimension;
use crate::domain::requests::overview::{Endpoint, Named, Overview, ServiceStatuses, Stats};
use crate::domain::requests::query::Filters;
use crate::domain::requests::record::clean;
use crate::domain::timestamp::HOUR_MS;

/// Any range, in buckets of a minute, five minutes or an hour.
pub(crate) async fn aggregate(app: Arc<App>, request: Request) -> Result<Response> {
    access::user(&app, &request)?;
    let name = request.query().get("interval").unwrap_or("5min");
    let Some(interval) = Interval::parse(name) else {
        return Err(unprocessable("Invalid interval: it must be 1min, 5min or 1hour"));
    };
    match asked(&request, interval) {
        Ok(asked) => answer(&app, &request, asked, "Failed to fetch metrics").await,
        Err(problems) => Ok(access::unprocessable(&problems)),
    }
}

/// The last hour, or another, by the minute.
pub(crate) async fn realtime(app: Arc<App>, request: Request) -> Result<Response> {
    access::user(&app, &request)?;
    let asked = match asked(&request, Interval::Minute) {
        Ok(asked) => asked,
        Err(problems) => return Ok(access::unprocessable(&problems)),
    };
    let span_ms = asked
        .start_ms
        .zip(asked.end_ms)
        .map(|(start, end)| end.saturating_sub(start));
    if span_ms.is_some_and(|span_ms| span_ms > HOUR_MS) {
        return Err(unprocessable(
            "Time range cannot exceed 60 minutes for real-time metrics",
        ));
    }
    answer(&app, &request, asked, "Failed to fetch real-time metrics").await
}

fn unprocessable(detail: &'static str) -> Error {
    Error::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

fn asked(request: &Request, interval: Interval) -> Result<Asked, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut time = |name: &str| {
        let text = request.query().get(name)?;
        let time = range::parse_time(text);
        if time.is_none() {
            problems.push(Problem::time(vec![json!("query"), json!(name)], &json!(text)));
        }
        time
    };
    let (start_ms, end_ms) = (time("start_time"), time("end_time"));
    match problems.is_empty() {
        true => Ok(Asked {
            start_ms,
            end_ms,
            interval,
        }),
        false => Err(problems),
    }
}

async fn answer(app: &App, request: &Request, asked: Asked, failure: &str) -> Result<Response> {
    let mut filters = Filters::default();
    for dimension in Dimension::ALL {
        if let Some(value) = request.query().get(dimension.name()) {
            filters = filters.with(dimension, clean(value));
        }
    }
    let ask = range::ask(asked, filters, unix_ms())
        .ok_or_else(|| unprocessable("Time range is too long for this interval"))?;
    let overview = app.request_overview(ask.query.clone()).await;
    let overview = overview.map_err(|mut error| {
        error.detail = format!("{failure}: {}", error.detail).into();
        error
    })?;
    Ok(Response::json(StatusCode::OK, &Reply::of(&overview, &ask)))
}

/// Malti's reply; all fields are always there.
#[derive(Serialize)]
struct Reply<'a> {
    time_series: Vec<Point>,
    metrics_summary: Summary,
    endpoints: Vec<Route<'a>>,
    status_distribution: Vec<Distribution<'a>>,
    consumers: Vec<Consumer<'a>>,
    system_overview: System,
    distinct_nodes: &'a [String],
    distinct_contexts: &'a [String],
}

#[derive(Serialize)]
struct Point {
    bucket: String,
    #[serde(flatten)]
    summary: Summary,
}

/// Latencies in ms, of 200 to 299 only.
#[derive(Serialize)]
struct Summary {
    total_requests: u64,
    min_latency: Option<Number>,
    avg_latency: Option<f64>,
    p95_latency: Option<f64>,
    max_latency: Option<Number>,
}

#[derive(Serialize)]
struct Route<'a> {
    endpoint: &'a str,
    method: &'a str,
    service: &'a str,
    total_requests: u64,
    error_count: u64,
    error_rate: f64,
}

#[derive(Serialize)]
struct Distribution<'a> {
    service: &'a str,
    total_requests: u64,
    success_2xx: u64,
    warning_3xx: u64,
    error_4xx_5xx: u64,
    status_breakdown: BTreeMap<String, u64>,
}

#[derive(Serialize)]
struct Consumer<'a> {
    consumer: &'a str,
    total_requests: u64,
    error_count: u64,
    error_rate: f64,
}

#[derive(Serialize)]
struct System {
    total_requests: u64,
    total_errors: u64,
    error_rate: f64,
    avg_latency: Option<f64>,
}

/// A whole number is written as one: Malti's are.
#[derive(Clone, Copy)]
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.fract() == 0. {
            true => serializer.serialize_i64(self.0 as i64),
            false => serializer.serialize_f64(self.0),
        }
    }
}

impl<'a> Reply<'a> {
    fn of(overview: &'a Overview, ask: &Ask) -> Self {
        let total = &overview.total;
        Self {
            time_series: points(overview, ask),
            metrics_summary: Summary::of(total),
            endpoints: overview.endpoints.iter().map(Route::of).collect(),
            status_distribution: overview.services.iter().map(Distribution::of).collect(),
            consumers: overview.consumers.iter().map(Consumer::of).collect(),
            system_overview: System {
                total_requests: total.total,
                total_errors: total.errors,
                error_rate: total.error_rate(),
                avg_latency: total.latency.map(|latency| latency.avg),
            },
            distinct_nodes: &overview.distinct_nodes,
            distinct_contexts: &overview.distinct_contexts,
        }
    }
}

fn points(overview: &Overview, ask: &Ask) -> Vec<Point> {
    let point = |at_ms: i64, stats: &Stats| Point {
        bucket: rfc3339_seconds(at_ms),
        summary: Summary::of(stats),
    };
    let told = overview.series.iter();
    let partly = (ask.first_ms < ask.query.from_ms && ask.query.n_points() > 0)
        .then(|| point(ask.first_ms, &Stats::default()));
    partly
        .into_iter()
        .chain(told.map(|it| point(it.at_ms, &it.stats)))
        .collect()
}

impl Summary {
    fn of(stats: &Stats) -> Self {
        let latency = stats.latency;
        Self {
            total_requests: stats.total,
            min_latency: latency.map(|it| Number(it.min)),
            avg_latency: latency.map(|it| it.avg),
            p95_latency: latency.map(|it| it.p95),
            max_latency: latency.map(|it| Number(it.max)),
        }
    }
}

impl<'a> Route<'a> {
    fn of(route: &'a Endpoint) -> Self {
        Self {
            endpoint: &route.endpoint,
            method: &route.method,
            service: &route.service,
            total_requests: route.stats.total,
            error_count: route.stats.errors,
            error_rate: route.stats.error_rate(),
        }
    }
}

impl<'a> Distribution<'a> {
    fn of(service: &'a ServiceStatuses) -> Self {
        let sum = |classes: std::ops::RangeInclusive<u16>| {
            let codes = service.codes.iter();
            codes
                .filter(|(code, _)| classes.contains(&(**code / 100)))
                .map(|(_, n)| n)
                .sum()
        };
        Self {
            service: &service.service,
            total_requests: service.total,
            success_2xx: sum(2..=2),
            warning_3xx: sum(3..=3),
            error_4xx_5xx: sum(4..=5),
            status_breakdown: service
                .codes
                .iter()
                .map(|(code, n)| (code.to_string(), *n))
                .collect(),
        }
    }
}

impl<'a> Consumer<'a> {
    fn of(consumer: &'a Named) -> Self {
        Self {
            consumer: &consumer.name,
            total_requests: consumer.stats.total,
            error_count: consumer.stats.errors,
            error_rate: consumer.stats.error_rate(),
        }
    }
}
