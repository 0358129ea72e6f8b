//! What is asked of API requests.

use super::group::Dimension;
use super::period::Tier;

/// Points of a time series, at most.
pub const MAX_POINTS: usize = 20_000;

/// A question. Times are Unix milliseconds and lie on borders of `bucket`; see [`Query::aligned`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// Which requests.
    pub filters: Filters,
    /// The first bucket.
    pub from_ms: i64,
    /// The end of the last.
    pub to_ms: i64,
    /// How long a point of the time series is.
    pub bucket: Bucket,
    /// Up to which latency, in µs, users are satisfied; up to four times that they tolerate it. For the apdex.
    pub apdex_us: u64,
}

/// Length of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bucket {
    /// A minute.
    Minute,
    /// Five minutes.
    FiveMinutes,
    /// An hour.
    Hour,
    /// A day, UTC.
    Day,
}

/// Exact matches, all of which must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// By [`Dimension`]. An empty text is a value like any other.
    pub values: [Option<String>; 6],
    /// Which statuses.
    pub status: Option<Statuses>,
}

/// Statuses that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statuses {
    /// One.
    Code(u16),
    /// 2 for 200 to 299, and so on.
    Class(u16),
}

impl Bucket {
    /// The tier that has such periods.
    pub fn tier(self) -> Tier {
        match self {
            Self::Minute => Tier::Minute,
            Self::FiveMinutes => Tier::FiveMinutes,
            Self::Hour => Tier::Hour,
            Self::Day => Tier::Day,
        }
    }

    /// Its length.
    pub fn span_ms(self) -> i64 {
        self.tier().span_ms()
    }
}

impl Statuses {
    /// Whether a status is meant.
    pub fn accept(self, status: u16) -> bool {
        match self {
            Self::Code(code) => status == code,
            Self::Class(class) => status / 100 == class,
        }
    }
}

impl Filters {
    /// The same with one more.
    pub fn with(mut self, dimension: Dimension, value: impl Into<String>) -> Self {
        self.values[dimension as usize] = Some(value.into());
        self
    }

    /// Dimensions that are asked for.
    pub fn dimensions(&self) -> impl Iterator<Item = Dimension> + Clone {
        let is_asked = |dimension: &Dimension| self.values[*dimension as usize].is_some();
        Dimension::ALL.into_iter().filter(is_asked)
    }

    /// Whether everything is meant.
    pub fn is_empty(&self) -> bool {
        self.status.is_none() && self.dimensions().next().is_none()
    }
}

impl Query {
    /// A question whose first bucket is the one that `from_ms` is in, and the last the one before which `to_ms` ends.
    /// `None` if there are more points than [`MAX_POINTS`].
    pub fn aligned(filters: Filters, from_ms: i64, to_ms: i64, bucket: Bucket) -> Option<Self> {
        let span_ms = bucket.span_ms();
        let from_ms = from_ms.div_euclid(span_ms).saturating_mul(span_ms);
        let n = to_ms.saturating_sub(from_ms).max(0) as u64;
        let n = n.div_ceil(span_ms as u64);
        (n <= MAX_POINTS as u64).then(|| Self {
            filters,
            from_ms,
            to_ms: from_ms + n as i64 * span_ms,
            bucket,
            apdex_us: 300_000,
        })
    }

    /// The same of all requests.
    pub fn unfiltered(&self) -> Self {
        Self {
            filters: Filters::default(),
            ..self.clone()
        }
    }

    /// Points of the time series.
    pub fn n_points(&self) -> usize {
        let n = (self.to_ms - self.from_ms) / self.bucket.span_ms();
        usize::try_from(n).unwrap_or(0).min(MAX_POINTS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timestamp::{DAY_MS, HOUR_MS};

    #[test]
    fn ranges_are_widened_to_whole_buckets() {
        let aligned = |from_ms, to_ms, bucket| {
            let query = Query::aligned(Filters::default(), from_ms, to_ms, bucket)?;
            Some((query.from_ms / HOUR_MS, query.to_ms / HOUR_MS, query.n_points()))
        };
        assert_eq!(aligned(HOUR_MS + 5, 3 * HOUR_MS, Bucket::Hour), Some((1, 3, 2)));
        assert_eq!(aligned(HOUR_MS, 3 * HOUR_MS + 1, Bucket::Hour), Some((1, 4, 3)));
        assert_eq!(aligned(HOUR_MS, 2 * DAY_MS, Bucket::Day), Some((0, 48, 2)));
        assert_eq!(aligned(HOUR_MS, 0, Bucket::Hour), Some((1, 1, 0)));
        assert_eq!(aligned(0, i64::MAX, Bucket::Day), None);
    }
}
