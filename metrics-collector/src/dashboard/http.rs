//! Requests of one kind of client: over time, in a few numbers, and by endpoint.

use std::collections::HashMap;

use web::{Error, Result};

use super::{MAX_ROWS, Scope};
use crate::app::App;
use crate::catalogue;
use crate::domain::aggregate::Aggregate;
use crate::domain::matcher::Matcher;
use crate::domain::resolution::Step;
use crate::domain::select::{Answer, Function, Select};
use crate::domain::well_known::{HTTP, HttpMetrics, is_failure};
use crate::engine::Found;

/// What is told of the requests of one kind of client.
pub(crate) struct Http {
    pub(crate) names: &'static HttpMetrics,
    /// Requests per second over time, a line for each status.
    pub(crate) by_status: Answer,
    /// Over time, all merged: its points have the quantiles.
    pub(crate) latency: Answer,
    pub(crate) now: Totals,
    pub(crate) before: Totals,
    /// Those with most requests.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// One range in a few numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) n_requests: f64,
    pub(crate) n_failed: f64,
    /// Of how many the latency is told.
    pub(crate) n_timed: u64,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) seconds: f64,
}

impl Totals {
    pub(crate) fn per_second(&self) -> f64 {
        self.n_requests / self.seconds.max(1.0)
    }

    /// From 0 to 1; none without requests.
    pub(crate) fn failed_share(&self) -> Option<f64> {
        (self.n_requests > 0.0).then(|| self.n_failed / self.n_requests)
    }
}

/// One of the things asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) n_requests: f64,
    pub(crate) n_failed: f64,
    pub(crate) p95: Option<f64>,
}

/// The kinds of client that have told of requests.
pub(crate) fn http_kinds(app: &App, project: Option<&str>) -> Vec<&'static HttpMetrics> {
    let registry = app.ingest.registry();
    let has = |name: &str| catalogue::series(&registry, name, project, &[]).next().is_some();
    HTTP.iter().filter(|names| has(names.requests)).collect()
}

/// Whose requests are meant.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) names: &'static HttpMetrics,
    /// Those for this one alone.
    pub(crate) endpoint: Option<&'a str>,
}

/// Reads all of it: over time by steps of the charts, the rest of what is over at `now_ms`.
pub(crate) async fn http(
    app: &App,
    asked: Asked<'_>,
    scope: &Scope,
    step_ms: i64,
    now_ms: i64,
) -> Result<Http> {
    let names = asked.names;
    let (step, whole, over) = (Step::Ms(step_ms), Step::Whole, scope.over(now_ms));
    let earlier = over.before();
    let selects = [
        scope.by(names.requests, &[names.status], step),
        scope.select(names.durations, step),
        over.by(names.requests, &[names.endpoint, names.status], whole),
        over.by(names.durations, &[names.endpoint], whole),
        earlier.by(names.requests, &[names.status], whole),
        earlier.select(names.durations, whole),
    ];
    let matchers = asked
        .endpoint
        .map(|endpoint| Matcher::is(names.endpoint, endpoint));
    let selects = selects.map(|select| Select {
        matchers: matchers.iter().cloned().collect(),
        ..select
    });
    let found = <[Found; 6]>::try_from(app.find(selects.into()).await?);
    let [
        by_status,
        latency,
        counts,
        durations,
        counts_before,
        durations_before,
    ] = found.map_err(|_| Error::internal("each query has an answer"))?;
    Ok(Http {
        names,
        by_status: by_status.into_answer(Some(Function::Rate)),
        latency: latency.into_answer(None),
        now: totals(&counts, &durations, &over),
        before: totals(&counts_before, &durations_before, &earlier),
        endpoints: endpoints(&counts, &durations),
    })
}

/// `counts` by labels of which the last is the status.
fn totals(counts: &Found, durations: &Found, scope: &Scope) -> Totals {
    let all = durations.whole();
    let mut totals = Totals {
        seconds: (scope.to_ms - scope.from_ms) as f64 / 1000.0,
        n_timed: all.count,
        p50: all.quantile(0.5),
        p95: all.quantile(0.95),
        p99: all.quantile(0.99),
        ..Totals::default()
    };
    for (labels, bucket) in counts.wholes() {
        let n = counts.increase(bucket);
        totals.n_requests += n;
        if labels.last().is_some_and(|(_, status)| is_failure(status)) {
            totals.n_failed += n;
        }
    }
    totals
}

fn endpoints(counts: &Found, durations: &Found) -> Vec<Endpoint> {
    let mut endpoints: HashMap<&str, (f64, f64)> = HashMap::new();
    for (labels, bucket) in counts.wholes() {
        let [(_, name), (_, status)] = labels else {
            continue;
        };
        let n = counts.increase(bucket);
        let (n_requests, n_failed) = endpoints.entry(name).or_default();
        *n_requests += n;
        *n_failed += if is_failure(status) { n } else { 0.0 };
    }
    let mut endpoints: Vec<(&str, (f64, f64))> = endpoints
        .into_iter()
        .filter(|(_, (n_requests, _))| *n_requests > 0.0)
        .collect();
    endpoints.sort_by(|(left, (n_left, _)), (right, (n_right, _))| {
        n_right.total_cmp(n_left).then_with(|| left.cmp(right))
    });
    endpoints.truncate(MAX_ROWS);
    let by_name: HashMap<&str, &Aggregate> = durations
        .wholes()
        .filter_map(|(labels, bucket)| Some((labels.first()?.1.as_str(), bucket)))
        .collect();
    let endpoint = |(name, (n_requests, n_failed)): (&str, (f64, f64))| Endpoint {
        p95: by_name.get(name).and_then(|bucket| bucket.quantile(0.95)),
        name: name.to_owned(),
        n_requests,
        n_failed,
    };
    endpoints.into_iter().map(endpoint).collect()
}
