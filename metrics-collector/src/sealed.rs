//! What rows of tiers say of many series together, remembered: a dashboard asks the same again and again, and rows only
//! change with `progress`, in the same transaction. One bucket of a whole range, or minutes of a window of histograms.
//! What is in memory always comes on top anew.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::aggregate::Aggregate;
use crate::domain::resolution::Tier;
use crate::store::progress::Progress;

/// Sums remembered; beyond that all are forgotten.
const MAX_SUMS: usize = 512;
/// Totals of series remembered with them, 24 bytes each.
const MAX_TOTALS: usize = MAX_SERIES;
/// Series of one sum, at most.
pub const MAX_SERIES: usize = 40_000;
/// Series whose rows are merged, at most.
pub const MAX_MERGED: usize = 1_000;
/// Bytes of merged rows remembered; beyond that all are forgotten.
const MAX_ROW_BYTES: usize = 2 << 20;

/// What a cumulative series stood at when its rows end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// When the last bucket begins, Unix milliseconds.
    pub at_ms: i64,
    /// Its last value.
    pub value: f64,
}

/// What rows say of some series over one bucket.
#[derive(Debug, Default)]
pub struct Sealed {
    /// All of them together, without distributions.
    pub bucket: Aggregate,
    /// Of cumulative series each one's, in their order; else nothing.
    pub totals: Vec<Option<Total>>,
}

/// Which series, and over which time of which tier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    tier: Tier,
    from_ms: i64,
    to_ms: i64,
    n_series: usize,
    /// Of their ids, in order.
    hash: u64,
}

impl Key {
    /// Of series by id, ascending.
    pub fn of(tier: Tier, range: Range<i64>, series: &[u32]) -> Self {
        let bytes: Vec<u8> = series.iter().flat_map(|id| id.to_le_bytes()).collect();
        Self {
            tier,
            from_ms: range.start,
            to_ms: range.end,
            n_series: series.len(),
            hash: xxh3_64(&bytes),
        }
    }
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct SealedSums(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// All are true of this.
    progress: Progress,
    sums: HashMap<Key, Arc<Sealed>>,
    n_totals: usize,
    /// Rows of minutes, those of several series merged into one.
    rows: HashMap<Key, Arc<[u8]>>,
    n_row_bytes: usize,
}

impl SealedSums {
    /// What is known in a snapshot with this progress.
    pub fn get(&self, progress: &Progress, key: &Key) -> Option<Arc<Sealed>> {
        let kept = self.kept();
        let is_of_snapshot = kept.progress == *progress;
        is_of_snapshot.then(|| kept.sums.get(key).cloned()).flatten()
    }

    /// Remembers what was read in a snapshot with this progress.
    pub fn put(&self, progress: &Progress, key: Key, sealed: Arc<Sealed>) {
        let mut kept = self.kept();
        let n_totals = kept.n_totals + sealed.totals.len();
        let is_full = kept.sums.len() >= MAX_SUMS || n_totals > MAX_TOTALS;
        if kept.progress != *progress || is_full {
            *kept = Kept {
                progress: *progress,
                ..Kept::default()
            };
        }
        kept.n_totals += sealed.totals.len();
        kept.sums.insert(key, sealed);
    }

    /// The merged row that is known in a snapshot with this progress.
    pub fn row(&self, progress: &Progress, key: &Key) -> Option<Arc<[u8]>> {
        let kept = self.kept();
        let is_of_snapshot = kept.progress == *progress;
        is_of_snapshot.then(|| kept.rows.get(key).cloned()).flatten()
    }

    /// Remembers a merged row of a snapshot with this progress.
    pub fn put_row(&self, progress: &Progress, key: Key, row: Arc<[u8]>) {
        let mut kept = self.kept();
        let is_full = kept.n_row_bytes + row.len() > MAX_ROW_BYTES;
        if kept.progress != *progress || is_full {
            *kept = Kept {
                progress: *progress,
                ..Kept::default()
            };
        }
        if row.len() <= MAX_ROW_BYTES {
            kept.n_row_bytes += row.len();
            kept.rows.insert(key, row);
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::progress::Cut;

    fn key(from_ms: i64, series: &[u32]) -> Key {
        Key::of(Tier::FiveMinutes, from_ms..from_ms + 1000, series)
    }

    fn sealed(n_totals: usize) -> Arc<Sealed> {
        Arc::new(Sealed {
            totals: vec![None; n_totals],
            ..Sealed::default()
        })
    }

    #[test]
    fn sums_are_known_until_rows_change() {
        let (sums, before) = (SealedSums::default(), Progress::default());
        let after = Progress {
            done: Cut { seq: 1, window: 1 },
            ..before
        };
        sums.put(&before, key(0, &[1, 2]), sealed(2));
        assert!(sums.get(&before, &key(0, &[1, 2])).is_some());
        for other in [key(0, &[1, 3]), key(0, &[1]), key(5, &[1, 2])] {
            assert!(sums.get(&before, &other).is_none());
        }
        assert!(sums.get(&after, &key(0, &[1, 2])).is_none());
        sums.put(&after, key(0, &[3]), sealed(0));
        assert!(sums.get(&before, &key(0, &[1, 2])).is_none());
    }

    #[test]
    fn few_are_remembered() {
        let (sums, progress) = (SealedSums::default(), Progress::default());
        for n in 0..2_000 {
            sums.put(&progress, key(n, &[]), sealed(100));
            let kept = sums.kept();
            assert!(kept.sums.len() <= MAX_SUMS && kept.n_totals <= MAX_TOTALS);
        }
        assert!(sums.get(&progress, &key(1_999, &[])).is_some());
        for n in 0..2_000 {
            sums.put_row(&progress, key(n, &[]), vec![0; 10_000].into());
            assert!(sums.kept().n_row_bytes <= MAX_ROW_BYTES);
        }
        assert!(sums.row(&progress, &key(1_999, &[])).is_some());
        sums.put_row(&progress, key(0, &[7]), vec![0; MAX_ROW_BYTES + 1].into());
        assert!(sums.row(&progress, &key(0, &[7])).is_none());
    }
}
