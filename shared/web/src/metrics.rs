//! What a service counts of its own HTTP work.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Upper bounds in seconds: from a memory answer to the request timeout.
const LATENCY_BOUNDS: [f64; 12] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StatusLabels {
    method: &'static str,
    route: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: &'static str,
    route: &'static str,
}

/// Counters and histograms over all routes.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<StatusLabels, Counter>,
    latency: Family<RouteLabels, Histogram, fn() -> Histogram>,
    pub(crate) panics: Counter,
    pub(crate) connections: Gauge,
}

/// The figures of one route, found without a look-up per request.
pub(crate) struct RouteMetrics {
    labels: RouteLabels,
    latency: Histogram,
}

fn latency_histogram() -> Histogram {
    Histogram::new(LATENCY_BOUNDS)
}

impl HttpMetrics {
    /// Registers the families.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            latency: Family::new_with_constructor(latency_histogram as fn() -> Histogram),
            panics: Counter::default(),
            connections: Gauge::default(),
        };
        registry.register(
            "http_requests",
            "Requests by route and status",
            metrics.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from head to answer",
            metrics.latency.clone(),
        );
        registry.register(
            "http_panics",
            "Requests that ended in a panic",
            metrics.panics.clone(),
        );
        registry.register(
            "http_connections",
            "Open connections",
            metrics.connections.clone(),
        );
        metrics
    }

    pub(crate) fn route(&self, method: &str, route: &'static str) -> RouteMetrics {
        let labels = RouteLabels {
            method: static_method(method),
            route,
        };
        let latency = self.latency.get_or_create(&labels).clone();
        RouteMetrics { labels, latency }
    }

    pub(crate) fn record(&self, route: &RouteMetrics, status: u16, took: Duration) {
        let RouteLabels { method, route: path } = route.labels;
        self.requests
            .get_or_create(&StatusLabels {
                method,
                route: path,
                status,
            })
            .inc();
        route.latency.observe(took.as_secs_f64());
    }
}

/// Methods outside the well-known ones count as `OTHER`, so that callers cannot invent series.
fn static_method(method: &str) -> &'static str {
    ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .find(|m| *m == method)
        .unwrap_or("OTHER")
}
