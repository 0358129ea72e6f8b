//! What is told of the API requests of a range: all that a page or a door wants, from one question.

use std::collections::BTreeMap;

use super::cell::CellRef;
use super::group::{is_error, is_ok};
use super::histogram::Histogram;

/// The answer to a `Query`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// Every bucket of the range, also those without requests.
    pub series: Vec<Point>,
    /// All of it.
    pub total: Stats,
    /// By service, method and endpoint; most requests first.
    pub endpoints: Vec<Endpoint>,
    /// By service; most requests first.
    pub services: Vec<ServiceStatuses>,
    /// Most requests first.
    pub consumers: Vec<Named>,
    /// Requests without a node are not among them.
    pub nodes: Vec<Named>,
    /// Requests without a context are not among them.
    pub contexts: Vec<Named>,
    /// All of the range, whatever the filters say; in order.
    pub distinct_nodes: Vec<String>,
    /// See `distinct_nodes`.
    pub distinct_contexts: Vec<String>,
}

/// A bucket of the time series.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// When it begins, Unix milliseconds.
    pub at_ms: i64,
    /// What was in it.
    pub stats: Stats,
}

/// A route of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Which API.
    pub service: String,
    /// HTTP method.
    pub method: String,
    /// Route.
    pub endpoint: String,
    /// Its requests.
    pub stats: Stats,
}

/// Statuses of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceStatuses {
    /// Which API.
    pub service: String,
    /// Its requests.
    pub total: u64,
    /// Requests of each status.
    pub codes: BTreeMap<u16, u64>,
}

/// A consumer, a node or a context.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Which.
    pub name: String,
    /// Its requests.
    pub stats: Stats,
}

/// Counts of requests; latencies in ms, of those with a status of 200 to 299.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Stats {
    /// Requests.
    pub total: u64,
    /// With a status of 400 or more, but not 401.
    pub errors: u64,
    /// With a status of 200 to 299.
    pub ok: u64,
    /// Of all requests together, in ms.
    pub time_ms: f64,
    /// None without requests that went well.
    pub latency: Option<Latencies>,
}

/// In ms. Least, mean and greatest are exact, percentiles within 1.1 %.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latencies {
    /// The least.
    pub min: f64,
    /// The mean.
    pub avg: f64,
    /// The median.
    pub p50: f64,
    /// 95 % are at most this.
    pub p95: f64,
    /// 99 % are at most this.
    pub p99: f64,
    /// The greatest.
    pub max: f64,
    /// 0 to 1: satisfied, and half of those who tolerate it, of all requests that went well or were errors.
    pub apdex: f64,
}

impl Stats {
    /// Percent of requests that were errors; 0 without any.
    pub fn error_rate(&self) -> f64 {
        match self.total {
            0 => 0.,
            total => self.errors as f64 * 100. / total as f64,
        }
    }
}

/// Counts without percentiles, of one group or many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    n: u64,
    n_errors: u64,
    n_ok: u64,
    time_us: u64,
    ok_time_us: u64,
    min_us: u64,
    max_us: u64,
}

impl Default for Sum {
    fn default() -> Self {
        Self {
            n: 0,
            n_errors: 0,
            n_ok: 0,
            time_us: 0,
            ok_time_us: 0,
            min_us: u64::MAX,
            max_us: 0,
        }
    }
}

impl Sum {
    /// Requests.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// Counts a cell of a group with this status.
    pub fn add(&mut self, cell: &CellRef<'_>, status: u16) {
        self.n += cell.n;
        self.time_us += cell.time_us;
        if is_error(status) {
            self.n_errors += cell.n;
        }
        if is_ok(status) {
            self.n_ok += cell.n;
            self.ok_time_us += cell.time_us;
        }
        if let Some(latency) = &cell.latency {
            self.min_us = self.min_us.min(latency.min_us);
            self.max_us = self.max_us.max(latency.max_us);
        }
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Self) {
        self.n += other.n;
        self.n_errors += other.n_errors;
        self.n_ok += other.n_ok;
        self.time_us += other.time_us;
        self.ok_time_us += other.ok_time_us;
        self.min_us = self.min_us.min(other.min_us);
        self.max_us = self.max_us.max(other.max_us);
    }

    /// What is told of it, with the histogram of the same requests.
    pub fn stats(&self, histogram: &Histogram, apdex_us: u64) -> Stats {
        let bounds = (self.min_us as f64, self.max_us as f64);
        let quantiles = histogram.quantiles([0.5, 0.95, 0.99], bounds);
        let latency = quantiles
            .filter(|_| self.n_ok > 0)
            .map(|[p50, p95, p99]| Latencies {
                min: bounds.0 / 1e3,
                avg: self.ok_time_us as f64 / self.n_ok as f64 / 1e3,
                p50: p50 / 1e3,
                p95: p95 / 1e3,
                p99: p99 / 1e3,
                max: bounds.1 / 1e3,
                apdex: self.apdex(histogram, apdex_us),
            });
        Stats {
            total: self.n,
            errors: self.n_errors,
            ok: self.n_ok,
            time_ms: self.time_us as f64 / 1e3,
            latency,
        }
    }

    fn apdex(&self, histogram: &Histogram, apdex_us: u64) -> f64 {
        let satisfied = histogram.count_up_to(apdex_us) as f64;
        let tolerating = histogram.count_up_to(apdex_us.saturating_mul(4)) as f64 - satisfied;
        (satisfied + tolerating / 2.) / (self.n_ok + self.n_errors).max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::requests::block::{self, Cells};

    #[test]
    fn errors_and_latencies_are_as_malti_counts_them() {
        let requests = [
            (200, 100),
            (200, 300),
            (204, 200),
            (301, 5),
            (401, 9),
            (404, 7),
            (500, 9_000),
        ];
        let (mut sum, mut histogram) = (Sum::default(), Histogram::default());
        for (status, ms) in requests {
            let mut cells = Cells::new();
            cells.entry(1).or_default().add(ms * 1000, is_ok(status));
            for cell in block::decode(&block::encode(&cells)) {
                sum.add(&cell, status);
                if let Some(latency) = cell.latency {
                    latency.each_slot(cell.n, |slot, n| histogram.add(slot, n));
                }
            }
        }
        let stats = sum.stats(&histogram, 150_000);
        assert_eq!((stats.total, stats.errors, stats.ok), (7, 2, 3));
        assert_eq!(stats.time_ms, 9_621.);
        assert!((stats.error_rate() - 200. / 7.).abs() < 1e-9);
        let latency = stats.latency.unwrap();
        assert_eq!((latency.min, latency.avg, latency.max), (100., 200., 300.));
        assert!((latency.p50 - 200.).abs() < 2.2 && (latency.p95 - 290.).abs() < 3.2);
        // One satisfied, two tolerate it, two errors.
        assert_eq!(latency.apdex, 2. / 5.);
        assert_eq!(Sum::default().stats(&Histogram::default(), 1), Stats::default());
    }
}
