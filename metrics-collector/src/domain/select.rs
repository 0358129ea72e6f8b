//! A query: which series, over which time, and what of them. And its answer.

use super::aggregate::Aggregate;
use super::decimal;
use super::kind::Kind;
use super::matcher::Matcher;
use super::resolution::{Step, Tier};

/// What is asked of each bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// The mean of all samples.
    Avg,
    /// Their sum; of counters, what was added.
    Sum,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// How many.
    Count,
    /// The latest.
    Last,
    /// Added per second: of counters their increase, of histograms their observations.
    Rate,
    /// Added in all: the same, not by time.
    Increase,
    /// The mean of each series, summed over all of them: what gauges of many instances are together.
    Total,
    /// A quantile from 0 to 1, of histograms.
    Quantile(f64),
    /// Which part of the observations is at most this, from 0 to 1, of histograms.
    Share(f64),
}

impl Function {
    /// `avg`, `sum` …, `p95`, `quantile(0.95)`, `share(2.5)`.
    pub fn read(text: &str) -> Option<Self> {
        let argument = |name: &str| {
            text.strip_prefix(name)?
                .strip_prefix('(')?
                .strip_suffix(')')?
                .trim()
                .parse()
                .ok()
        };
        Some(match text {
            "avg" => Self::Avg,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "count" => Self::Count,
            "last" => Self::Last,
            "rate" => Self::Rate,
            "increase" => Self::Increase,
            "total" => Self::Total,
            _ => {
                let percent = text
                    .strip_prefix('p')
                    .and_then(|percent| percent.parse::<f64>().ok());
                let quantile = percent
                    .map(|percent| percent / 100.)
                    .or_else(|| argument("quantile"));
                match quantile {
                    Some(q) if (0. ..=1.).contains(&q) => Self::Quantile(q),
                    Some(_) => return None,
                    None => Self::Share(argument("share").filter(|bound: &f64| bound.is_finite())?),
                }
            }
        })
    }

    /// Whether series of a kind have it.
    pub fn is_of(self, kind: Kind) -> bool {
        match self {
            Self::Rate | Self::Increase => kind.is_additive(),
            Self::Quantile(_) | Self::Share(_) => kind == Kind::Histogram,
            _ => true,
        }
    }

    /// Its value for a bucket that is not empty. `total` is the sum of the series' means.
    pub fn of(self, kind: Kind, bucket: &Aggregate, total: f64, step_ms: i64) -> Option<f64> {
        let added = match kind {
            Kind::Histogram => bucket.count as f64,
            _ => bucket.sum,
        };
        self.is_of(kind).then_some(())?;
        match self {
            Self::Avg => Some(bucket.avg()),
            Self::Sum => Some(bucket.sum),
            Self::Min => Some(bucket.min),
            Self::Max => Some(bucket.max),
            Self::Count => Some(bucket.count as f64),
            Self::Last => Some(bucket.last),
            Self::Rate => Some(added * 1000. / step_ms as f64),
            Self::Increase => Some(added),
            Self::Total => Some(total),
            Self::Quantile(q) => bucket.quantile(q),
            Self::Share(bound) => bucket.share_up_to(bound),
        }
    }
}

/// Which series come together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Split {
    /// All.
    #[default]
    Merged,
    /// Those with equal values of these labels.
    By(Vec<String>),
    /// None.
    All,
}

/// A query.
#[derive(Debug, Clone)]
pub struct Select {
    /// Name of the metric.
    pub name: String,
    /// Its kind; where a name has several and this says nothing, the one with most series.
    pub kind: Option<Kind>,
    /// Only this project's.
    pub project: Option<String>,
    /// Conditions on labels; all must hold.
    pub matchers: Vec<Matcher>,
    /// Which series come together.
    pub split: Split,
    /// What is asked; what the contract tells of each bucket is told whatever this says.
    pub function: Option<Function>,
    /// From when, Unix milliseconds.
    pub from_ms: i64,
    /// Until when.
    pub to_ms: i64,
    /// How finely.
    pub step: Step,
    /// Nobody asks for distributions: they are not read.
    pub is_plain: bool,
}

impl Select {
    /// All of a metric, merged, by the contract's step.
    pub fn new(name: impl Into<String>, from_ms: i64, to_ms: i64) -> Self {
        Self {
            name: name.into(),
            kind: None,
            project: None,
            matchers: Vec::new(),
            split: Split::Merged,
            function: None,
            from_ms,
            to_ms,
            step: Step::Auto,
            is_plain: false,
        }
    }
}

/// The answer to a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// Kind of the series; `None` where there are none.
    pub kind: Option<Kind>,
    /// From which tier.
    pub tier: Tier,
    /// Length of each bucket in milliseconds.
    pub step_ms: i64,
    /// Where the first bucket would begin, and the last end.
    pub from_ms: i64,
    /// See `from_ms`.
    pub to_ms: i64,
    /// How many series were read.
    pub n_series: usize,
    /// By labels. Merged, there is exactly one.
    pub series: Vec<SeriesResult>,
}

/// One line of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesResult {
    /// What its series have in common: nothing when merged, the labels asked for, or all of them.
    pub labels: Vec<(String, String)>,
    /// Whose it is, where series are apart.
    pub project: Option<String>,
    /// The buckets that have samples, by time.
    pub points: Vec<Point>,
}

/// One bucket.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Where it begins, Unix milliseconds.
    pub at_ms: i64,
    /// Samples.
    pub count: u64,
    /// Their sum.
    pub sum: f64,
    /// The least.
    pub min: f64,
    /// The greatest.
    pub max: f64,
    /// Their mean.
    pub avg: f64,
    /// The latest.
    pub last: f64,
    /// Of histograms.
    pub p50: Option<f64>,
    /// Of histograms.
    pub p95: Option<f64>,
    /// Of histograms.
    pub p99: Option<f64>,
    /// What the function gives; none without one, or where the kind has no such thing.
    pub value: Option<f64>,
}

impl Point {
    /// Of a bucket that is not empty.
    pub fn of(
        at_ms: i64,
        kind: Kind,
        bucket: &Aggregate,
        total: f64,
        function: Option<Function>,
        step_ms: i64,
    ) -> Self {
        let sum = decimal::tidy(bucket.sum, decimal::MAX_SCALE);
        Self {
            at_ms,
            count: bucket.count,
            sum,
            min: bucket.min,
            max: bucket.max,
            avg: sum / bucket.count as f64,
            last: bucket.last,
            p50: bucket.quantile(0.5),
            p95: bucket.quantile(0.95),
            p99: bucket.quantile(0.99),
            value: function.and_then(|function| function.of(kind, bucket, total, step_ms)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_read_by_name() {
        let check = |text, expected| assert_eq!(Function::read(text), expected, "{text}");
        check("avg", Some(Function::Avg));
        check("p99", Some(Function::Quantile(0.99)));
        check("p99.9", Some(Function::Quantile(0.9990000000000001)));
        check("quantile(0.75)", Some(Function::Quantile(0.75)));
        check("share(2500)", Some(Function::Share(2500.)));
        for text in [
            "",
            "p",
            "p101",
            "p-1",
            "quantile(2)",
            "share()",
            "share(inf)",
            "AVG",
            "total(1)",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_kind_has_only_what_makes_sense() {
        let mut bucket = Aggregate::default();
        bucket.add(Kind::Histogram, 0, 3., 6);
        let of = |function: Function, kind| function.of(kind, &bucket, 7., 2000);
        assert_eq!(of(Function::Rate, Kind::Histogram), Some(3.));
        assert_eq!(of(Function::Rate, Kind::Counter), Some(9.));
        assert_eq!(of(Function::Rate, Kind::Gauge), None);
        assert_eq!(of(Function::Quantile(0.5), Kind::Gauge), None);
        assert_eq!(
            (of(Function::Total, Kind::Gauge), of(Function::Sum, Kind::Gauge)),
            (Some(7.), Some(18.))
        );
    }
}
