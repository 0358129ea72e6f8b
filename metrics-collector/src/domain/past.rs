//! Minutes and hours of the original collector as buckets of ours. What it counted wrong is mended where it can be:
//! a bucket that is there several times counts once, and an hour counts only where it has no minutes.

use std::collections::BTreeMap;

use super::aggregate::Aggregate;
use super::kind::Kind;
use super::timestamp::{HOUR_MS, MINUTE_MS};

/// Points by which a distribution is drawn through its percentiles.
const POINTS: u64 = 1000;

/// What is known of one series, by Unix milliseconds of the beginning.
#[derive(Debug, Clone, Default)]
pub struct Past {
    /// Of samples: minutes that are known in full.
    pub sampled: BTreeMap<i64, Aggregate>,
    /// Minutes as the original summed them up.
    pub minutes: BTreeMap<i64, Aggregate>,
    /// Hours likewise.
    pub hours: BTreeMap<i64, Aggregate>,
}

impl Past {
    /// Adds a sample.
    pub fn sample(&mut self, kind: Kind, at_ms: i64, value: f64) {
        let minute = at_ms - at_ms.rem_euclid(MINUTE_MS);
        self.sampled.entry(minute).or_default().add(kind, at_ms, value, 1);
    }

    /// Adds a bucket; of several of one time the one with the most samples counts.
    pub fn bucket(&mut self, at_ms: i64, is_hour: bool, bucket: Aggregate) {
        let all = if is_hour {
            &mut self.hours
        } else {
            &mut self.minutes
        };
        let known = all.entry(at_ms).or_default();
        if bucket.count > known.count {
            *known = bucket;
        }
    }

    /// Minutes, of samples where there are any, else as the original has them; and the hours without any of them.
    pub fn buckets(mut self) -> (BTreeMap<i64, Aggregate>, BTreeMap<i64, Aggregate>) {
        self.minutes.append(&mut self.sampled);
        let has_minutes = |hour: i64| self.minutes.range(hour..hour + HOUR_MS).next().is_some();
        self.hours.retain(|hour, _| !has_minutes(*hour));
        (self.minutes, self.hours)
    }
}

/// A bucket that ends at `last_at`. Count, sum, least and greatest are exact; of a histogram the distribution is
/// drawn straight between least, p50, p95, p99 and greatest.
pub fn aggregate(
    kind: Kind,
    count: u64,
    [sum, min, max]: [f64; 3],
    percentiles: Option<[f64; 3]>,
    last_at: i64,
) -> Aggregate {
    let mut bucket = Aggregate {
        count,
        sum,
        min,
        max,
        last: match kind {
            Kind::Counter => max,
            _ => sum / count as f64,
        },
        last_at,
        sketch: None,
    };
    if kind == Kind::Histogram {
        let [p50, p95, p99] = percentiles.unwrap_or([sum / count as f64; 3]);
        let line = [(0.0, min), (0.5, p50), (0.95, p95), (0.99, p99), (1.0, max)];
        let sketch = bucket.sketch.get_or_insert_default();
        let n_points = count.min(POINTS);
        for point in 0..n_points {
            // Each point stands for its share of the count; together they are all of it.
            let n = count * (point + 1) / n_points - count * point / n_points;
            sketch.add(at(&line, (point as f64 + 0.5) / n_points as f64), n);
        }
    }
    bucket
}

/// The height of a line at `q`.
fn at(line: &[(f64, f64)], q: f64) -> f64 {
    for pair in line.windows(2) {
        let ((from, low), (to, high)) = (pair[0], pair[1]);
        if q <= to {
            return low + (high - low) * (q - from) / (to - from);
        }
    }
    line.last().map_or(0.0, |(_, value)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(count: u64) -> Aggregate {
        aggregate(Kind::Counter, count, [count as f64, 1.0, 1.0], None, 0)
    }

    #[test]
    fn a_distribution_has_the_percentiles_that_it_is_drawn_through() {
        let bucket = aggregate(
            Kind::Histogram,
            10_000,
            [1e6, 1.0, 900.0],
            Some([50.0, 200.0, 500.0]),
            7,
        );
        assert_eq!(
            (bucket.count, bucket.sum, bucket.min, bucket.max),
            (10_000, 1e6, 1.0, 900.0)
        );
        let sketch = bucket.sketch.unwrap();
        assert_eq!(sketch.count(), 10_000);
        for (q, expected) in [(0.5, 50.0), (0.95, 200.0), (0.99, 500.0)] {
            let found = sketch.quantile(q, (1.0, 900.0)).unwrap();
            assert!((found / expected - 1.0).abs() < 0.06, "p{q}: {found}");
        }
        let few = aggregate(Kind::Histogram, 3, [6.0, 1.0, 3.0], None, 7);
        assert_eq!(few.sketch.unwrap().count(), 3);
    }

    #[test]
    fn what_was_counted_several_times_counts_once() {
        let mut past = Past::default();
        past.bucket(0, true, counted(600));
        past.bucket(HOUR_MS, true, counted(600));
        past.bucket(HOUR_MS, true, counted(500));
        past.bucket(5 * MINUTE_MS, false, counted(10));
        past.bucket(5 * MINUTE_MS, false, counted(9));
        past.sample(Kind::Counter, 5 * MINUTE_MS + 1, 2.0);
        past.sample(Kind::Counter, 5 * MINUTE_MS + 2, 3.0);
        let (minutes, hours) = past.buckets();
        let sums =
            |all: BTreeMap<i64, Aggregate>| all.into_iter().map(|(at, it)| (at, it.sum)).collect::<Vec<_>>();
        assert_eq!(sums(minutes), [(5 * MINUTE_MS, 5.0)]);
        assert_eq!(sums(hours), [(HOUR_MS, 600.0)]);
    }
}
