//! Samples and buckets of one series into the buckets of an answer or of a tier.

use super::aggregate::Aggregate;
use super::bucket;
use super::chunk::Columns;
use super::kind::Kind;
use super::open_chunk::Entry;
use super::resolution::Grid;
use super::run::{self, Run};
use super::varint::Reader;

/// The buckets of one series over a grid, filled piece by piece. Used again for the next series.
#[derive(Debug)]
pub struct Fold {
    grid: Grid,
    buckets: Vec<Aggregate>,
    /// The buckets from here to there may hold something.
    touched: std::ops::Range<usize>,
    /// Of a cumulative series: its total before the next sample.
    total_before: Option<f64>,
    /// Distributions are left out.
    is_plain: bool,
}

impl Fold {
    /// Empty.
    pub fn new(grid: Grid) -> Self {
        Self {
            grid,
            is_plain: false,
            buckets: vec![Aggregate::default(); grid.n],
            touched: 0..0,
            total_before: None,
        }
    }

    /// Empty, for whoever asks for no distributions.
    pub fn plain(grid: Grid) -> Self {
        Self {
            is_plain: true,
            ..Self::new(grid)
        }
    }

    /// Whether distributions are left out.
    pub fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The grid.
    pub fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Begins another series, whose samples come on top.
    pub fn begin(&mut self) {
        self.total_before = None;
    }

    /// Empties it.
    pub fn clear(&mut self) {
        for bucket in &mut self.buckets[self.touched.clone()] {
            *bucket = Aggregate::default();
        }
        self.touched = 0..0;
        self.total_before = None;
    }

    /// What a cumulative series stands at.
    pub fn total(&self) -> Option<f64> {
        self.total_before
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
                if bucket.last_at == at_ms {
                    bucket.last = entry.value;
                }
            }
        } else if let Some(bucket) = self.bucket(at_ms) {
            bucket.add_plain(at_ms, entry.value, u64::from(entry.n));
        }
    }

    /// Adds what columns hold, as [`Fold::add_entries`] does. Their times are in order, so that a bucket is looked for
    /// once for all its samples.
    pub fn add_columns(&mut self, kind: Kind, start_ms: i64, columns: &Columns) {
        if kind == Kind::Cumulative || !columns.n.is_empty() {
            return self.add_entries(kind, start_ms, columns.entries());
        }
        let len = columns.at.len().min(columns.values.len());
        let (times, values) = (&columns.at[..len], &columns.values[..len]);
        let from = self.grid.from_ms - start_ms;
        let mut first = times.partition_point(|at| *at < from);
        while let Some(at) = times.get(first) {
            let Some(place) = self.grid.place(start_ms + at) else {
                return;
            };
            let end = self.grid.at_ms(place + 1) - start_ms;
            let n = times[first..].iter().take_while(|at| **at < end).count();
            let last_at = start_ms + times[first + n - 1];
            self.bucket_at(place)
                .merge_plain(&Aggregate::of_run(&values[first..first + n], last_at));
            first += n;
        }
    }

    /// Adds a run whose times count from `start_ms`, and says whether it could: one bucket has all of it, or none any.
    /// Runs of a cumulative series come in order of time.
    #[must_use]
    pub fn add_run(&mut self, kind: Kind, start_ms: i64, run: &Run) -> bool {
        let (first, last_ms) = (run.first(), start_ms + run.last_at());
        let first_ms = start_ms + i64::from(first.at);
        let range = self.grid.range();
        let is_outside = last_ms < range.start || first_ms >= range.end;
        let place = self.grid.place(first_ms);
        if !is_outside && (place.is_none() || place != self.grid.place(last_ms)) {
            return false;
        }
        if !is_outside {
            self.add_entry(kind, start_ms, first);
            self.add_bucket(first_ms, start_ms, run.rest());
        }
        if kind == Kind::Cumulative {
            self.total_before = Some(run.last());
        }
        true
    }

    /// What a cumulative series added with this total. Of the very first nobody knows when it was added.
    fn added(&mut self, total: f64) -> f64 {
        let before = self.total_before.replace(total);
        before.map_or(0., |before| run::increment(before, total))
    }

    /// Adds the bytes of a bucket that begins at `at_ms`; its own times count from `start_ms`. Nothing for what is none.
    pub fn add_encoded(&mut self, at_ms: i64, start_ms: i64, bytes: &[u8]) -> Option<()> {
        let mut reader = Reader::new(bytes);
        match self.is_plain {
            true => bucket::merge_encoded_plain(self.bucket(at_ms)?, &mut reader, start_ms),
            false => bucket::merge_encoded(self.bucket(at_ms)?, &mut reader, start_ms),
        }
    }

    /// Adds a bucket of the same kind.
    pub fn add_bucket(&mut self, at_ms: i64, start_ms: i64, other: &Aggregate) {
        let is_plain = self.is_plain;
        if let Some(bucket) = self.bucket(at_ms) {
            let (last, last_at) = (bucket.last, bucket.last_at);
            match is_plain {
                true => bucket.merge_plain(other),
                false => bucket.merge(other),
            }
            // Times of the other count from elsewhere.
            let other_at = other.last_at.saturating_add(start_ms);
            (bucket.last, bucket.last_at) = match other_at >= last_at {
                true => (other.last, other_at),
                false => (last, last_at),
            };
        }
    }

    /// Adds all of another over the same grid.
    pub fn merge(&mut self, other: &Self) {
        for (place, bucket) in other.filled() {
            self.bucket_at(place).merge(bucket);
        }
    }

    /// The bucket of a time, to be added to.
    #[inline]
    pub fn bucket(&mut self, at_ms: i64) -> Option<&mut Aggregate> {
        let place = self.grid.place(at_ms)?;
        Some(self.bucket_at(place))
    }

    /// The same by its place in the grid, which it must be within.
    #[inline]
    pub fn bucket_at(&mut self, place: usize) -> &mut Aggregate {
        if self.touched.is_empty() {
            self.touched = place..place + 1;
        } else if !self.touched.contains(&place) {
            self.touched = self.touched.start.min(place)..self.touched.end.max(place + 1);
        }
        &mut self.buckets[place]
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
    fn columns_are_added_as_their_entries_are() {
        let grid = Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 3,
        };
        let samples = [
            (0, 7.),
            (3, 1.),
            (11, 5.),
            (11, -2.),
            (25, 4.),
            (29, 6.),
            (30, 9.),
            (95, 1.),
        ];
        for start_ms in [900, 990, 1000, 1005] {
            for kind in [Kind::Gauge, Kind::Counter, Kind::Cumulative] {
                let columns = Columns::of(&mut entries(&samples).collect::<Vec<_>>());
                let (mut one_by_one, mut at_once) = (Fold::new(grid), Fold::new(grid));
                one_by_one.add_entries(kind, start_ms, columns.entries());
                at_once.add_columns(kind, start_ms, &columns);
                assert!(
                    at_once.filled().eq(one_by_one.filled()),
                    "{kind:?} from {start_ms}"
                );
            }
        }
    }

    #[test]
    fn runs_are_added_as_their_entries_are_or_not_at_all() {
        let grid = Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 2,
        };
        let samples: Vec<Entry> = entries(&[(0, 7.), (3, 1.), (4, 5.)]).collect();
        let added = |kind, start_ms| {
            let run = Run::of(kind, &samples).unwrap();
            let (mut one_by_one, mut at_once) = (Fold::new(grid), Fold::new(grid));
            for fold in [&mut one_by_one, &mut at_once] {
                fold.add_entries(kind, 1000, entries(&[(1, 2.)]));
            }
            one_by_one.add_entries(kind, start_ms, samples.clone());
            let is_added = at_once.add_run(kind, start_ms, &run);
            if is_added {
                assert!(
                    at_once.filled().eq(one_by_one.filled()),
                    "{kind:?} from {start_ms}"
                );
                assert_eq!(at_once.total(), one_by_one.total());
            } else {
                assert_eq!(at_once.filled().map(|(_, bucket)| bucket.count).sum::<u64>(), 1);
            }
            is_added
        };
        for kind in [Kind::Gauge, Kind::Counter, Kind::Cumulative] {
            let places = [
                900, 995, 996, 1000, 1005, 1006, 1007, 1010, 1016, 1017, 1020, 1100,
            ];
            let found = places.map(|start_ms| added(kind, start_ms));
            let cut = [996, 1006, 1007, 1016, 1017];
            assert_eq!(found, places.map(|start_ms| !cut.contains(&start_ms)), "{kind:?}");
        }
    }

    #[test]
    fn a_run_longer_than_the_grid_is_not_added_at_once() {
        let mut fold = Fold::new(Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 1,
        });
        let run = Run::of(
            Kind::Gauge,
            &entries(&[(0, 1.), (105, 2.), (200, 3.)]).collect::<Vec<_>>(),
        );
        assert!(!fold.add_run(Kind::Gauge, 900, &run.unwrap()));
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
