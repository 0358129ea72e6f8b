//! What is kept in memory of those who use Vantage's doors: what came of agents' requests, and everybody's budget.

use std::sync::atomic::AtomicU64;

use rate_limit::{DEFAULT_CAPACITY, Limiter, Quota};

/// Counts since the start, and budgets.
#[derive(Debug)]
pub(crate) struct Agents {
    /// Requests a minute of an address, as many at once.
    pub(crate) budget: Limiter,
    /// Requests with metrics.
    pub(crate) n_batches: AtomicU64,
    /// Metrics in them.
    pub(crate) n_received: AtomicU64,
    /// Those that are stored.
    pub(crate) n_accepted: AtomicU64,
    /// Those that made no sense.
    pub(crate) n_refused: AtomicU64,
    /// Requests that could not be stored.
    pub(crate) n_failed: AtomicU64,
    /// Bodies of those that were.
    pub(crate) n_bytes: AtomicU64,
}

impl Agents {
    /// Nothing came yet. 0 requests a minute: as many as come.
    pub(crate) fn new(per_minute: u32) -> Self {
        let quota = Quota {
            per_minute,
            burst: per_minute,
        };
        Self {
            budget: Limiter::new(quota, DEFAULT_CAPACITY),
            n_batches: AtomicU64::new(0),
            n_received: AtomicU64::new(0),
            n_accepted: AtomicU64::new(0),
            n_refused: AtomicU64::new(0),
            n_failed: AtomicU64::new(0),
            n_bytes: AtomicU64::new(0),
        }
    }
}
