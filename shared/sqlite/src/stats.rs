//! Figures for `/metrics`: counters the threads keep in atomics, and the snapshot a scrape sees.
//! Which names they bear in Prometheus is decided by whoever renders them.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

/// The store at one moment. Counts start at zero when the store opens.
#[derive(Debug, Clone, PartialEq)]
pub struct Stats {
    /// Jobs waiting for the writer.
    pub queue_depth: usize,
    /// Jobs that may wait before [`WriteError::Full`](crate::WriteError::Full).
    pub queue_capacity: usize,
    /// Jobs answered by the writer, failed ones included.
    pub jobs: u64,
    /// Jobs that failed, panicked, or whose commit failed.
    pub failed_jobs: u64,
    /// Jobs refused because the queue was full.
    pub refused_jobs: u64,
    /// Commits that succeeded.
    pub commits: u64,
    /// Transactions that could not begin, were lost, or did not commit.
    pub failed_commits: u64,
    /// Jobs in each commit.
    pub batch_jobs: Histogram,
    /// Time each COMMIT took, sync included.
    pub commit_seconds: Histogram,
    /// Reads answered, failed ones included.
    pub reads: u64,
    /// Reads that passed their deadline, in the queue or running.
    pub read_timeouts: u64,
    /// Reads refused because too many were waiting.
    pub refused_reads: u64,
    /// Checkpoints that copied all of the WAL into the database.
    pub checkpoints: u64,
    /// Size of the `-wal` file.
    pub wal_bytes: u64,
    /// Size of the database file.
    pub database_bytes: u64,
    /// Free pages inside the database file, as of the last checkpoint.
    pub free_bytes: u64,
    /// When [`backup`](crate::backup()) last succeeded for this file.
    pub last_backup: Option<SystemTime>,
}

/// Cumulative counts, as Prometheus wants them.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// Upper bound of each bucket, ascending; the last bucket, up to infinity, is `count`.
    pub bounds: &'static [f64],
    /// Observations not above the bound at the same place.
    pub counts: Vec<u64>,
    /// Sum of all observations.
    pub sum: f64,
    /// Number of all observations.
    pub count: u64,
}

const BATCH_BOUNDS: &[f64] = &[1., 2., 4., 8., 16., 32., 64., 128., 256., 512.];
/// From a fast SSD's sync (0.2 ms) to one nobody should have (2.5 s).
const COMMIT_BOUNDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1., 2.5,
];

/// What the threads count.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) jobs: AtomicU64,
    pub(crate) failed_jobs: AtomicU64,
    pub(crate) refused_jobs: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) failed_commits: AtomicU64,
    pub(crate) reads: AtomicU64,
    pub(crate) read_timeouts: AtomicU64,
    pub(crate) refused_reads: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) free_bytes: AtomicU64,
    pub(crate) batch_jobs: Buckets,
    pub(crate) commit_seconds: Buckets,
}

impl Counters {
    pub(crate) fn new() -> Counters {
        Counters {
            jobs: AtomicU64::new(0),
            failed_jobs: AtomicU64::new(0),
            refused_jobs: AtomicU64::new(0),
            commits: AtomicU64::new(0),
            failed_commits: AtomicU64::new(0),
            reads: AtomicU64::new(0),
            read_timeouts: AtomicU64::new(0),
            refused_reads: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            free_bytes: AtomicU64::new(0),
            batch_jobs: Buckets::new(BATCH_BOUNDS, 1.),
            commit_seconds: Buckets::new(COMMIT_BOUNDS, 1e-9),
        }
    }

    /// One commit of `n_jobs` that took `took`.
    pub(crate) fn committed(&self, n_jobs: usize, took: Duration) {
        add(&self.commits, 1);
        self.batch_jobs.observe(n_jobs as u64);
        self.commit_seconds
            .observe(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }
}

pub(crate) fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Relaxed);
}

pub(crate) fn get(counter: &AtomicU64) -> u64 {
    counter.load(Relaxed)
}

/// A histogram being filled. Values are whole `unit`s, so that the sum fits an atomic.
#[derive(Debug)]
pub(crate) struct Buckets {
    bounds: &'static [f64],
    unit: f64,
    counts: Vec<AtomicU64>,
    sum: AtomicU64,
}

impl Buckets {
    fn new(bounds: &'static [f64], unit: f64) -> Buckets {
        let counts = std::iter::repeat_with(|| AtomicU64::new(0))
            .take(bounds.len() + 1)
            .collect();
        Buckets {
            bounds,
            unit,
            counts,
            sum: AtomicU64::new(0),
        }
    }

    fn observe(&self, value: u64) {
        let scaled = value as f64 * self.unit;
        add(
            &self.counts[self.bounds.partition_point(|bound| *bound < scaled)],
            1,
        );
        add(&self.sum, value);
    }

    pub(crate) fn snapshot(&self) -> Histogram {
        let mut count = 0;
        let mut counts = Vec::with_capacity(self.counts.len());
        for bucket in &self.counts {
            count += get(bucket);
            counts.push(count);
        }
        counts.pop();
        Histogram {
            bounds: self.bounds,
            counts,
            sum: get(&self.sum) as f64 * self.unit,
            count,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_value_on_a_bound_counts_below_it() {
        let buckets = Buckets::new(&[1., 2., 4.], 1.);
        [1, 2, 3, 9].iter().for_each(|value| buckets.observe(*value));
        let expected = Histogram {
            bounds: &[1., 2., 4.],
            counts: vec![1, 2, 3],
            sum: 15.,
            count: 4,
        };
        assert_eq!(buckets.snapshot(), expected);
    }

    proptest! {
        #[test]
        fn every_bucket_counts_what_is_not_above_its_bound(values in prop::collection::vec(0u64..2_000, 0..100)) {
            let buckets = Buckets::new(BATCH_BOUNDS, 1.);
            values.iter().for_each(|value| buckets.observe(*value));
            let seen = buckets.snapshot();
            for (bound, count) in seen.bounds.iter().zip(&seen.counts) {
                prop_assert_eq!(*count, values.iter().filter(|value| **value as f64 <= *bound).count() as u64);
            }
            prop_assert_eq!(seen.count, values.len() as u64);
            prop_assert_eq!(seen.sum, values.iter().sum::<u64>() as f64);
        }
    }
}
