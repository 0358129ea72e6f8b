//! Web Vitals over a range: each one's distribution, and all of them by page.

use std::collections::HashMap;

use web::Result;

use super::{MAX_ROWS, Scope};
use crate::app::App;
use crate::catalogue;
use crate::domain::aggregate::Aggregate;
use crate::domain::decimal;
use crate::domain::resolution::Step;
use crate::domain::timestamp::HOUR_MS;
use crate::domain::well_known::{RATED_QUANTILE, Rating, VITALS, Vital};
use crate::engine::Found;

/// One vital over the whole range.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VitalTotals {
    pub(crate) vital: &'static Vital,
    pub(crate) count: u64,
    pub(crate) avg: Option<f64>,
    pub(crate) p75: Option<f64>,
    pub(crate) rating: Rating,
    /// Which parts of the values are good, in between, and poor; together 1.
    pub(crate) shares: Option<[f64; 3]>,
}

/// The vitals of one page.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Page {
    pub(crate) path: String,
    /// Page loads: each tells its time to the first byte once; where none did, its largest paints.
    pub(crate) n_views: u64,
    /// p75, in the order of [`VITALS`].
    pub(crate) p75: [Option<f64>; VITALS.len()],
    /// Distinct sessions; none where they are not told.
    pub(crate) n_sessions: Option<u64>,
}

/// Web Vitals over a range.
pub(crate) struct Vitals {
    /// In the order of [`VITALS`].
    pub(crate) totals: Vec<VitalTotals>,
    /// By views, most first.
    pub(crate) pages: Vec<Page>,
    /// Distinct sessions of all pages.
    pub(crate) n_sessions: Option<u64>,
}

/// Whether sessions, which are kept by the hour, can be told of a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionsTold {
    /// It is made of whole hours.
    Exactly,
    /// Those of all hours that it touches, the first of which begins then.
    Since(i64),
    /// Those hours would be much longer than it.
    No,
}

/// Hours that a range of this length touches are longer by a third at most; those that end now by a sixth.
const LEAST_MS: i64 = 6 * HOUR_MS;

impl SessionsTold {
    /// `to_ms` of a range that ends now or later is all there is.
    pub(crate) fn of(scope: &Scope, now_ms: i64) -> Self {
        let is_on_hour = |at_ms: i64| at_ms.rem_euclid(HOUR_MS) == 0;
        match scope.to_ms - scope.from_ms {
            _ if is_on_hour(scope.from_ms) && (is_on_hour(scope.to_ms) || scope.to_ms >= now_ms) => {
                Self::Exactly
            }
            LEAST_MS.. => Self::Since(scope.from_ms - scope.from_ms.rem_euclid(HOUR_MS)),
            _ => Self::No,
        }
    }
}

/// Whether there are any.
pub(crate) fn has_vitals(app: &App, project: Option<&str>) -> bool {
    let registry = app.ingest.registry();
    VITALS.iter().any(|vital| {
        catalogue::series(&registry, vital.metric, project, &[])
            .next()
            .is_some()
    })
}

/// Reads them; none where no value is in the range.
pub(crate) async fn vitals(app: &App, scope: &Scope) -> Result<Option<Vitals>> {
    let selects = VITALS
        .iter()
        .map(|vital| scope.by(vital.metric, &["page"], Step::Whole));
    let found = app.find(selects.collect()).await?;
    let totals: Vec<VitalTotals> = VITALS
        .iter()
        .zip(&found)
        .map(|(vital, found)| vital_totals(vital, &found.whole()))
        .collect();
    if totals.iter().all(|vital| vital.count == 0) {
        return Ok(None);
    }
    let sessions = app
        .sessions(scope.project.clone(), scope.from_ms, scope.to_ms)
        .await?;
    let mut pages = pages(&found);
    for page in &mut pages {
        page.n_sessions = sessions.pages.get(&page.path).copied();
    }
    Ok(Some(Vitals {
        totals,
        pages,
        n_sessions: (sessions.total > 0).then_some(sessions.total),
    }))
}

fn vital_totals(vital: &'static Vital, all: &Aggregate) -> VitalTotals {
    let p75 = all.quantile(RATED_QUANTILE);
    let shares = all.share_up_to(vital.good).zip(all.share_up_to(vital.poor));
    VitalTotals {
        vital,
        count: all.count,
        avg: (!all.is_empty()).then(|| decimal::tidy(all.sum, decimal::MAX_SCALE) / all.count as f64),
        p75,
        rating: vital.rate(p75),
        shares: shares.map(|(good, below_poor)| {
            let below_poor = below_poor.max(good);
            [good, below_poor - good, 1.0 - below_poor]
        }),
    }
}

/// Places in [`VITALS`].
const LCP: usize = 0;
const TTFB: usize = VITALS.len() - 1;

/// `found` of each vital, by page.
fn pages(found: &[Found]) -> Vec<Page> {
    let mut pages: HashMap<&str, (Page, [u64; VITALS.len()])> = HashMap::new();
    for (place, found) in found.iter().enumerate() {
        for (labels, bucket) in found.wholes() {
            let path = labels.first().map_or("", |(_, path)| path.as_str());
            let path = if path.is_empty() { "/" } else { path };
            let (page, counts) = pages
                .entry(path)
                .or_insert_with(|| (Page::new(path), [0; VITALS.len()]));
            page.p75[place] = bucket.quantile(RATED_QUANTILE);
            counts[place] = bucket.count;
        }
    }
    let mut pages: Vec<Page> = pages
        .into_values()
        .map(|(page, counts)| Page {
            n_views: match counts[TTFB] {
                0 => counts[LCP],
                n => n,
            },
            ..page
        })
        .collect();
    pages.sort_by(|left, right| {
        right
            .n_views
            .cmp(&left.n_views)
            .then_with(|| left.path.cmp(&right.path))
    });
    pages.truncate(MAX_ROWS);
    pages
}

impl Page {
    fn new(path: &str) -> Self {
        Self {
            path: path.to_owned(),
            n_views: 0,
            p75: [None; VITALS.len()],
            n_sessions: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_told_where_whole_hours_are_about_the_range() {
        const NOW: i64 = 1000 * HOUR_MS + 20 * 60_000;
        let check = |from_ms: i64, to_ms: i64, expected: SessionsTold| {
            let scope = Scope {
                project: None,
                from_ms,
                to_ms,
            };
            assert_eq!(SessionsTold::of(&scope, NOW), expected, "{from_ms} {to_ms}");
        };
        let hour = |n: i64| n * HOUR_MS;
        check(NOW - 15 * 60_000, NOW, SessionsTold::No);
        check(NOW - hour(5), NOW, SessionsTold::No);
        check(NOW - hour(6), NOW, SessionsTold::Since(hour(994)));
        check(hour(1000), NOW, SessionsTold::Exactly);
        check(hour(1000), hour(1001), SessionsTold::Exactly);
        check(hour(998), hour(999), SessionsTold::Exactly);
        check(hour(998), hour(999) + 1, SessionsTold::No);
    }
}
