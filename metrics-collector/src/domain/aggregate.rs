//! What one bucket of time says: count, sum, least, greatest, last, and of histograms the distribution.
//! Two of them add up to what both together would have said.

use super::kind::Kind;
use super::sketch::Sketch;

/// The samples of a bucket, summed up. Of a cumulative series they are its increments, and `last` is its total.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// Samples; of a cumulative series those that have one before them count too.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// The latest.
    pub last: f64,
    /// When it was, Unix milliseconds.
    pub last_at: i64,
    /// The distribution, of histograms only.
    pub sketch: Option<Box<Sketch>>,
}

impl Default for Aggregate {
    fn default() -> Self {
        Self {
            count: 0,
            sum: 0.,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            last: 0.,
            last_at: i64::MIN,
            sketch: None,
        }
    }
}

impl Aggregate {
    /// Adds a sample, `n` times.
    pub fn add(&mut self, kind: Kind, at_ms: i64, value: f64, n: u64) {
        self.add_plain(at_ms, value, n);
        if kind == Kind::Histogram {
            self.sketch.get_or_insert_default().add(value, n);
        }
    }

    /// The same where the distribution does not matter.
    #[inline]
    pub fn add_plain(&mut self, at_ms: i64, value: f64, n: u64) {
        self.count += n;
        self.sum += value * n as f64;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        if at_ms >= self.last_at {
            (self.last, self.last_at) = (value, at_ms);
        }
    }

    /// Of values in order of time, the latest at `last_at`; not empty.
    pub fn of_run(values: &[f64], last_at: i64) -> Self {
        let fold = |first: f64, of: fn(f64, f64) -> f64| values.iter().copied().fold(first, of);
        Self {
            count: values.len() as u64,
            sum: values.iter().sum(),
            min: fold(f64::INFINITY, f64::min),
            max: fold(f64::NEG_INFINITY, f64::max),
            last: values.last().copied().unwrap_or_default(),
            last_at,
            sketch: None,
        }
    }

    /// Adds another bucket's, of the same or another series.
    pub fn merge(&mut self, other: &Self) {
        self.merge_plain(other);
        if let Some(sketch) = &other.sketch {
            match &mut self.sketch {
                Some(own) => own.merge(sketch),
                None => self.sketch = Some(sketch.clone()),
            }
        }
    }

    /// The same without the distribution.
    pub fn merge_plain(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if other.last_at >= self.last_at {
            (self.last, self.last_at) = (other.last, other.last_at);
        }
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The mean.
    pub fn avg(&self) -> f64 {
        self.sum / self.count as f64
    }

    /// See [`Sketch::quantile`]; `None` where there is no distribution.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        self.sketch.as_ref()?.quantile(q, (self.min, self.max))
    }

    /// Which part of the observations is at most `bound`, from 0 to 1.
    pub fn share_up_to(&self, bound: f64) -> Option<f64> {
        let sketch = self.sketch.as_ref()?;
        if bound >= self.max {
            return Some(1.);
        }
        if bound < self.min {
            return Some(0.);
        }
        Some(sketch.count_up_to(bound) / sketch.count() as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn halves_merged_equal_the_whole(samples in prop::collection::vec((0..100_i64, -1e3..1e3), 0..50), cut in 0..50_usize) {
            let of = |samples: &[(i64, f64)]| {
                let mut bucket = Aggregate::default();
                samples.iter().for_each(|(at, value)| bucket.add(Kind::Histogram, *at, value.round(), 1));
                bucket
            };
            let (left, right) = samples.split_at(cut.min(samples.len()));
            let mut merged = of(left);
            merged.merge(&of(right));
            prop_assert_eq!(merged, of(&samples));
        }
    }

    #[test]
    fn shares_and_quantiles_know_the_ends() {
        let mut bucket = Aggregate::default();
        assert_eq!(bucket.quantile(0.5), None);
        for value in 1..=4 {
            bucket.add(Kind::Histogram, value, value as f64, 1);
        }
        assert_eq!((bucket.quantile(1.), bucket.quantile(0.)), (Some(4.), Some(1.)));
        assert_eq!(
            (bucket.share_up_to(4.), bucket.share_up_to(0.9)),
            (Some(1.), Some(0.))
        );
        assert_eq!((bucket.avg(), bucket.last), (2.5, 4.));
    }
}
