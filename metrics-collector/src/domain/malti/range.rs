//! Which range of time and which buckets `/api/v1/metrics/aggregate` tells of.

use super::submission::time;
use crate::domain::requests::query::{Bucket, Filters, MAX_POINTS, Query};
use crate::domain::timestamp::{DAY_MS, HOUR_MS};

/// What was asked, already read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// `start_time`, Unix milliseconds.
    pub start_ms: Option<i64>,
    /// `end_time`.
    pub end_ms: Option<i64>,
    /// `interval`.
    pub interval: Interval,
}

/// `interval`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// `1min`
    Minute,
    /// `5min`
    FiveMinutes,
    /// `1hour`
    Hour,
}

/// Spans from so many whole days on are told by the hour.
const HOURLY_FROM_MS: i64 = 5 * DAY_MS;

impl Interval {
    /// By its name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "1min" => Some(Self::Minute),
            "5min" => Some(Self::FiveMinutes),
            "1hour" => Some(Self::Hour),
            _ => None,
        }
    }
}

/// What to ask, and how many buckets without anything stand before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The question.
    pub query: Query,
    /// When the first bucket of the reply begins, Unix milliseconds. A bucket of five minutes or an hour that begins
    /// before `start_time` is told as empty, and is not part of any sum.
    pub first_ms: i64,
}

/// A time of the query string. A `+` that was not escaped came as a blank.
pub fn parse_time(text: &str) -> Option<i64> {
    time(text).or_else(|| {
        let (before, zone) = text.rsplit_once(' ')?;
        time(&format!("{before}+{zone}"))
    })
}

/// What to ask for; `None` if that is too much.
pub fn ask(asked: Asked, filters: Filters, now_ms: i64) -> Option<Ask> {
    let default_span_ms = match asked.interval {
        Interval::Minute => HOUR_MS,
        Interval::FiveMinutes | Interval::Hour => 7 * DAY_MS,
    };
    let end_ms = asked.end_ms.unwrap_or(now_ms);
    let start_ms = asked.start_ms.unwrap_or(now_ms - default_span_ms);
    let bucket = match asked.interval {
        Interval::Minute => Bucket::Minute,
        Interval::FiveMinutes if end_ms.saturating_sub(start_ms) < HOURLY_FROM_MS => Bucket::FiveMinutes,
        Interval::FiveMinutes | Interval::Hour => Bucket::Hour,
    };
    let span_ms = bucket.span_ms();
    let floor = |at_ms: i64| at_ms.div_euclid(span_ms).saturating_mul(span_ms);
    let first_ms = floor(start_ms);
    let from_ms = match bucket {
        // Of a minute only the whole is known.
        Bucket::Minute => first_ms,
        _ => floor(start_ms.saturating_add(span_ms - 1)),
    };
    // The bucket that begins at the end is part of it.
    let to_ms = floor(end_ms).saturating_add(span_ms).max(from_ms);
    let n = to_ms.saturating_sub(from_ms) / span_ms;
    let query = (n < MAX_POINTS as i64).then(|| Query::aligned(filters, from_ms, to_ms, bucket))??;
    Some(Ask { query, first_ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::timestamp::MINUTE_MS;

    const NOW_MS: i64 = 20_600 * DAY_MS + 12 * HOUR_MS + 20 * MINUTE_MS + 30_000;

    fn check(start_ms: Option<i64>, end_ms: Option<i64>, interval: &str) -> (i64, i64, i64, Bucket) {
        let asked = Asked {
            start_ms,
            end_ms,
            interval: Interval::parse(interval).unwrap(),
        };
        let ask = ask(asked, Filters::default(), NOW_MS).unwrap();
        let day = |ms: i64| (ms - 20_600 * DAY_MS) / MINUTE_MS;
        let query = ask.query;
        (
            day(ask.first_ms),
            day(query.from_ms),
            day(query.to_ms),
            query.bucket,
        )
    }

    #[test]
    fn ranges_and_buckets_are_as_malti_chooses_them() {
        let noon = 12 * 60;
        assert_eq!(
            check(None, None, "1min"),
            (noon - 40, noon - 40, noon + 21, Bucket::Minute)
        );
        // A week by default, which is told by the hour; the first one began before.
        assert_eq!(
            check(None, None, "5min"),
            (noon - 7 * 1440, noon - 7 * 1440 + 60, noon + 60, Bucket::Hour)
        );
        let start = |days: i64| Some(NOW_MS - days * DAY_MS);
        assert_eq!(check(start(1), None, "5min").3, Bucket::FiveMinutes);
        assert_eq!(
            check(start(1), None, "5min"),
            (noon - 1440 + 20, noon - 1440 + 25, noon + 25, Bucket::FiveMinutes)
        );
        assert_eq!(check(start(5), Some(NOW_MS - 1), "5min").3, Bucket::FiveMinutes);
        assert_eq!(check(start(5), None, "5min").3, Bucket::Hour);
        assert_eq!(check(start(1), None, "1hour").3, Bucket::Hour);
        // The end before the start: nothing.
        let (_, from, to, _) = check(start(1), start(2), "1hour");
        assert!(to <= from);
    }

    #[test]
    fn too_many_buckets_are_refused() {
        let asked = Asked {
            start_ms: Some(0),
            end_ms: None,
            interval: Interval::Hour,
        };
        assert_eq!(ask(asked, Filters::default(), NOW_MS), None);
        let asked = Asked {
            start_ms: Some(i64::MIN),
            end_ms: Some(i64::MAX),
            interval: Interval::Minute,
        };
        assert_eq!(ask(asked, Filters::default(), NOW_MS), None);
    }

    #[test]
    fn times_are_read_also_with_a_plus_that_became_a_blank() {
        let at = Some(1_795_168_800_000);
        assert_eq!(parse_time("2026-11-20T12:00:00+02:00"), at);
        assert_eq!(parse_time("2026-11-20T12:00:00 02:00"), at);
        assert_eq!(parse_time("2026-11-20 10:00:00"), at);
        assert_eq!(parse_time("2026-11-20 x"), None);
    }
}
