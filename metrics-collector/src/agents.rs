//! What came of the requests of Vantage's agents.

use std::sync::atomic::AtomicU64;

/// Counts since the start.
#[derive(Debug, Default)]
pub(crate) struct Counts {
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
