//! What the pages of API monitoring are asked, as their URL says it, and the questions to the store that follow.

use ui::{RangePicker, link};
use web::{Query as UrlQuery, Result};

use crate::app::App;
use crate::domain::malti::config::Thresholds;
use crate::domain::requests::group::Dimension;
use crate::domain::requests::overview::Overview;
use crate::domain::requests::period::{Kept, Tier};
use crate::domain::requests::query::{Bucket, Filters, Query, Statuses};
use crate::domain::timestamp::{DAY_MS, HOUR_MS};

/// What is shown where the URL says nothing.
const DEFAULT_RANGE: &str = "6h";
/// What the range picker offers.
const RANGES: [(&str, &str); 8] = [
    ("1h", "1 hour"),
    ("6h", "6 hours"),
    ("24h", "24 hours"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "3 months"),
    ("180d", "6 months"),
    ("365d", "1 year"),
];
/// Longest ranges by the minute, by five minutes, by the hour: a chart has about 100 to 750 points.
const LONGEST_MS: [(Bucket, i64); 3] = [
    (Bucket::Minute, 6 * HOUR_MS),
    (Bucket::FiveMinutes, 36 * HOUR_MS),
    (Bucket::Hour, 32 * DAY_MS),
];

/// Filters, as the URL calls them.
pub(crate) const FILTERS: [&str; 7] = [
    "service", "endpoint", "method", "status", "node", "consumer", "context",
];

/// In which order endpoints are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Most requests first.
    Volume,
    /// Most errors.
    Errors,
    /// Slowest, by p95.
    Slow,
    /// Most time in all: requests times their time.
    Impact,
}

impl Sort {
    pub(crate) const ALL: [Self; 4] = [Self::Volume, Self::Errors, Self::Slow, Self::Impact];

    /// As the URL has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Volume => "volume",
            Self::Errors => "errors",
            Self::Slow => "slow",
            Self::Impact => "impact",
        }
    }
}

/// A page's URL, read.
pub(crate) struct Asked {
    pub(crate) picker: RangePicker,
    /// Those that are set, in the order of [`FILTERS`].
    pub(crate) filters: Vec<(&'static str, String)>,
    pub(crate) sort: Sort,
    /// Latencies by powers of ten.
    pub(crate) is_log: bool,
    bucket: Bucket,
}

impl Asked {
    /// Reads a URL. What it does not know is passed over; `kept` says how fine the past still is.
    pub(crate) fn read(query: &UrlQuery, kept: Kept, now_ms: i64) -> Self {
        let mut picker = RangePicker::read(query.pairs(), DEFAULT_RANGE, now_ms);
        picker.offered = &RANGES;
        let set = FILTERS.into_iter().filter_map(|name| {
            let value = query.get(name).filter(|value| !value.is_empty())?;
            Some((name, value.to_owned()))
        });
        let sort = query.get("sort").unwrap_or_default();
        Self {
            filters: set.collect(),
            sort: Sort::ALL
                .into_iter()
                .find(|known| known.name() == sort)
                .unwrap_or(Sort::Volume),
            is_log: query.get("scale") == Some("log"),
            bucket: bucket(picker.range.length_ms(), now_ms - picker.range.from_ms, kept),
            picker,
        }
    }

    /// The value of a filter.
    pub(crate) fn filter(&self, name: &str) -> Option<&str> {
        let found = self.filters.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// `?…` of the same page with some of it changed: a filter, `sort` or `scale`; `None` takes it away.
    pub(crate) fn link(&self, changes: &[(&str, Option<&str>)]) -> String {
        let changed = |name: &str| {
            changes
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| *value)
        };
        let own = FILTERS.into_iter().chain(["sort", "scale"]).map(|name| {
            let value = changed(name).unwrap_or_else(|| match name {
                "sort" => Some(self.sort.name()).filter(|_| self.sort != Sort::Volume),
                "scale" => Some("log").filter(|_| self.is_log),
                name => self.filter(name),
            });
            (name, value)
        });
        let range = self.picker.range_pairs();
        let range = range.iter().map(|(name, value)| (*name, Some(value.as_str())));
        match link::query(own.chain(range)) {
            query if query.is_empty() => "?".to_owned(),
            query => query,
        }
    }

    fn filters(&self) -> Filters {
        let mut filters = Filters::default();
        for dimension in Dimension::ALL {
            if let Some(value) = self.filter(dimension.name()) {
                filters = filters.with(dimension, value);
            }
        }
        filters.status = self.filter("status").and_then(statuses);
        filters
    }

    fn query(&self, from_ms: i64, to_ms: i64, apdex_us: u64) -> Option<Query> {
        let query = Query::aligned(self.filters(), from_ms, to_ms, self.bucket)?;
        Some(Query { apdex_us, ..query })
    }
}

/// `404`, `4xx`.
fn statuses(text: &str) -> Option<Statuses> {
    if let Some(class) = text.strip_suffix("xx") {
        return class.parse().ok().map(Statuses::Class);
    }
    text.parse().ok().map(Statuses::Code)
}

/// The shortest points that make a chart one can read, and that are still kept.
fn bucket(length_ms: i64, age_ms: i64, kept: Kept) -> Bucket {
    let is_kept = |bucket: Bucket| bucket == Bucket::Hour || age_ms <= kept.of(bucket.tier()) + HOUR_MS;
    let fits = |(bucket, longest_ms): &(Bucket, i64)| length_ms <= *longest_ms && is_kept(*bucket);
    LONGEST_MS
        .into_iter()
        .find(fits)
        .map_or(Bucket::Day, |(bucket, _)| bucket)
}

/// What was found.
pub(crate) struct Found {
    pub(crate) now: Overview,
    /// In the range of equal length before.
    pub(crate) before: Overview,
    /// Seconds of the range that are over.
    pub(crate) seconds: f64,
    /// Length of a point.
    pub(crate) step_ms: i64,
    /// What is shown: from and to, on borders of points.
    pub(crate) span_ms: (i64, i64),
    pub(crate) thresholds: Thresholds,
}

/// Asks for a range and the one before.
pub(crate) async fn find(app: &App, asked: &Asked, now_ms: i64) -> Result<Found> {
    let range = &asked.picker.range;
    let thresholds = app.malti.thresholds();
    let apdex_us = (thresholds.latency_success.max(0.) * 1000.) as u64;
    let too_long = || web::Error::bad_request("range: is too long for so fine a chart");
    let query = asked
        .query(range.from_ms, range.to_ms, apdex_us)
        .ok_or_else(too_long)?;
    let over_ms = over_ms(&query, now_ms);
    let before = Query {
        from_ms: query.from_ms - over_ms,
        to_ms: query.from_ms,
        ..query.clone()
    };
    let (step_ms, span_ms) = (query.bucket.span_ms(), (query.from_ms, query.to_ms));
    let (now, before) = tokio::join!(app.request_overview(query), app.request_overview(before));
    let told_ms = span_ms.1.min(now_ms) - span_ms.0;
    Ok(Found {
        now: now?,
        before: before?,
        seconds: (told_ms.max(Tier::Minute.span_ms()) / 1000) as f64,
        step_ms,
        span_ms,
        thresholds,
    })
}

/// How much of the time asked for is over, in whole points: what is to come counts neither now nor before. All of it
/// where nothing is over yet.
fn over_ms(query: &Query, now_ms: i64) -> i64 {
    let step_ms = query.bucket.span_ms();
    let n_begun = (now_ms - query.from_ms + step_ms - 1).div_euclid(step_ms);
    match n_begun > 0 {
        true => (query.to_ms - query.from_ms).min(n_begun * step_ms),
        false => query.to_ms - query.from_ms,
    }
}

/// Values of a dimension that a form offers.
const MAX_OFFERED: usize = 500;

/// The values of a dimension that were ever told of, in order.
pub(crate) fn offered(app: &App, dimension: Dimension) -> Vec<String> {
    let registry = app.requests.registry();
    let mut values: Vec<String> = registry
        .of(dimension)
        .take(MAX_OFFERED)
        .map(|value| registry.text(value).to_owned())
        .filter(|value| !value.is_empty())
        .collect();
    values.sort();
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_168_800_000;
    const KEPT: Kept = Kept {
        minutes_ms: 7 * DAY_MS,
        five_minutes_ms: 90 * DAY_MS,
        hours_ms: 720 * DAY_MS,
    };

    fn asked(query: &str) -> Asked {
        Asked::read(&UrlQuery::parse(query), KEPT, NOW)
    }

    #[test]
    fn each_range_comes_from_the_tier_that_suits_it() {
        let check = |range: &str, bucket| assert_eq!(asked(range).bucket, bucket, "{range}");
        check("", Bucket::Minute);
        check("range=1h", Bucket::Minute);
        check("range=24h", Bucket::FiveMinutes);
        check("range=7d", Bucket::Hour);
        check("range=30d", Bucket::Hour);
        check("range=365d", Bucket::Day);
        // An hour of last month has no minutes any more, one of last year only hours.
        check("from=2026-10-20 00:00&to=2026-10-20 01:00", Bucket::FiveMinutes);
        check("from=2025-11-20 00:00&to=2025-11-20 01:00", Bucket::Hour);
    }

    #[test]
    fn what_is_still_to_come_counts_neither_now_nor_before() {
        let check = |query: &str, hours: i64| {
            let asked = asked(query);
            let range = &asked.picker.range;
            let query = asked.query(range.from_ms, range.to_ms, 0).unwrap();
            assert_eq!(over_ms(&query, NOW), hours * HOUR_MS);
        };
        check("range=6h", 6);
        check("from=2026-11-20 08:00&to=2026-11-20 12:00", 2);
        check("from=2026-11-19 08:00&to=2026-11-19 12:00", 4);
        check("from=2026-11-21 08:00&to=2026-11-21 12:00", 4);
    }

    #[test]
    fn a_link_keeps_what_it_does_not_change() {
        let asked = asked("service=shop&status=5xx&node=&sort=slow&range=7d&x=1");
        assert_eq!(asked.link(&[]), "?service=shop&status=5xx&sort=slow&range=7d");
        assert_eq!(
            asked.link(&[("status", None), ("scale", Some("log"))]),
            "?service=shop&sort=slow&scale=log&range=7d"
        );
        assert_eq!(asked.link(&[("sort", None)]), "?service=shop&status=5xx&range=7d");
    }

    #[test]
    fn statuses_are_codes_or_classes() {
        assert_eq!(statuses("404"), Some(Statuses::Code(404)));
        assert_eq!(statuses("5xx"), Some(Statuses::Class(5)));
        assert_eq!(statuses("bad"), None);
        assert_eq!(asked("status=bad").filters(), Filters::default());
    }
}
