//! Samples and buckets of one series into the buckets of an answer or of a tier.

use super::aggregate::Aggregate;
use super::kind::Kind;
use super::open_chunk::Entry;
use super::resolution::Grid;

/// The buckets of one series over a grid, filled piece by piece. Used again for the next series.
#[derive(Debug)]
pub struct Fold {
    grid: Grid,
    buckets: Vec<Aggregate>,
    /// The buckets from here to there may hold something.
    touched: std::ops::Range<usize>,
    /// Of a cumulative series: its total before the next sample.
    total_before: Option<f64>,
}

impl Fold {
    /// Empty.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            buckets: vec![Aggregate::default(); grid.n],
            touched: 0..0,
            total_before: None,
        }
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Empties it.
    pub fn clear(&mut self) {
        for bucket in &mut self.buckets[self.touched.clone()] {
            *bucket = Aggregate::default();
        }
        self.touched = 0..0;
        self.total_before = None;
    }

    /// Says what a cumulative series stood at before the samples that come.
    pub fn set_total_before(&mut self, total: Option<f64>) {
        self.total_before = total;
    }

    /// Adds entries whose times count from `start_ms`. Those of a cumulative series come in order of time.
    pub fn add_entries(&mut self, kind: Kind, start_ms: i64, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            self.add_entry(kind, start_ms, entry);
        }
    }

    /// Adds one of them.
    #[inline]
    pub fn add_entry(&mut self, kind: Kind, start_ms: i64, entry: Entry) {
        let at_ms = start_ms + i64::from(entry.at);
        if kind == Kind::Cumulative {
            let added = self.added(entry.value);
            if let Some(bucket) = self.bucket(at_ms) {
                bucket.add_plain(at_ms, added, u64::from(entry.n));
                bucket.last = entry.value;
            }
        } else if let Some(bucket) = self.bucket(at_ms) {
            bucket.add_plain(at_ms, entry.value, u64::from(entry.n));
        }
    }

    /// What a cumulative series added with this total. One that is less than before has started again from 0, and of
    /// the very first nobody knows when it was added.
    fn added(&mut self, total: f64) -> f64 {
        match self.total_before.replace(total) {
            None => 0.,
            Some(before) if total >= before => total - before,
            Some(_) => total,
        }
    }

    /// Adds a bucket that begins at `at_ms`; its own times count from `start_ms`.
    pub fn add_bucket(&mut self, at_ms: i64, start_ms: i64, other: &Aggregate) {
        if let Some(bucket) = self.bucket(at_ms) {
            // Compared as they are told: relative to where the fold's other buckets of the same window began.
            let mut other = other.clone();
            other.last_at += start_ms;
            bucket.merge(&other);
        }
    }

    /// The bucket of a time, to be added to.
    #[inline]
    pub fn bucket(&mut self, at_ms: i64) -> Option<&mut Aggregate> {
        let place = self.grid.place(at_ms)?;
        if self.touched.is_empty() {
            self.touched = place..place + 1;
        } else if !self.touched.contains(&place) {
            self.touched = self.touched.start.min(place)..self.touched.end.max(place + 1);
        }
        Some(&mut self.buckets[place])
    }

    /// The buckets that hold something, by place.
    pub fn filled(&self) -> impl Iterator<Item = (usize, &Aggregate)> {
        self.touched
            .clone()
            .map(|place| (place, &self.buckets[place]))
            .filter(|(_, bucket)| !bucket.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(i32, f64)]) -> impl Iterator<Item = Entry> {
        pairs.iter().map(|(at, value)| Entry {
            at: *at,
            value: *value,
            n: 1,
        })
    }

    #[test]
    fn totals_become_increments_whatever_starts_again() {
        let mut fold = Fold::new(Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 3,
        });
        fold.add_entries(
            Kind::Cumulative,
            1000,
            entries(&[(0, 100.), (5, 110.), (10, 115.), (20, 3.), (29, 5.)]),
        );
        let found: Vec<_> = fold
            .filled()
            .map(|(place, bucket)| (place, bucket.sum, bucket.last, bucket.count))
            .collect();
        assert_eq!(found, [(0, 10., 110., 2), (1, 5., 115., 1), (2, 5., 5., 2)]);
        fold.clear();
        fold.set_total_before(Some(90.));
        fold.add_entries(Kind::Cumulative, 1000, entries(&[(0, 100.)]));
        assert_eq!(fold.filled().next().unwrap().1.sum, 10.);
    }

    #[test]
    fn what_is_outside_is_left_and_what_was_is_forgotten() {
        let mut fold = Fold::new(Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 3,
        });
        fold.add_entries(Kind::Gauge, 1000, entries(&[(-1, 1.), (30, 1.), (12, 2.)]));
        assert_eq!(fold.filled().map(|(place, _)| place).collect::<Vec<_>>(), [1]);
        fold.clear();
        assert_eq!(fold.filled().count(), 0);
    }
}
