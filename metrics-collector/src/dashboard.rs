//! What overview page and `/api/dashboard` tell of well-known metrics, asked of the query engine over any range.

use ui::chart::Mark;
use web::Result;

use crate::app::App;
use crate::catalogue;
use crate::domain::resolution::Step;
use crate::domain::select::{Answer, Function, Point, Select, Split};
use crate::domain::well_known::{
    DEPLOYMENTS, HTTP, HttpMetrics, RATED_QUANTILE, Rating, VITALS, Vital, is_failure,
};

/// Endpoints and pages listed.
pub(crate) const MAX_ROWS: usize = 20;

/// Which metrics are meant: whose, and when.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) project: Option<String>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Scope {
    /// The range of the same length just before.
    pub(crate) fn before(&self) -> Self {
        Self {
            from_ms: 2 * self.from_ms - self.to_ms,
            to_ms: self.from_ms,
            project: self.project.clone(),
        }
    }

    /// Everything of a metric in it, merged.
    pub(crate) fn select(&self, name: &str, step: Step) -> Select {
        Select {
            project: self.project.clone(),
            step,
            ..Select::new(name, self.from_ms, self.to_ms)
        }
    }

    fn by(&self, name: &str, labels: &[&str], function: Function, step: Step) -> Select {
        Select {
            split: Split::By(labels.iter().map(|label| (*label).to_owned()).collect()),
            function: Some(function),
            ..self.select(name, step)
        }
    }
}

/// What is told of the requests of one kind of client.
pub(crate) struct Http {
    pub(crate) names: &'static HttpMetrics,
    /// Requests per second over time, a line for each status.
    pub(crate) by_status: Answer,
    /// Over time, all merged: its points have the quantiles.
    pub(crate) latency: Answer,
    pub(crate) now: Totals,
    pub(crate) before: Totals,
    /// Those with most requests.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// One range in a few numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Totals {
    pub(crate) n_requests: f64,
    pub(crate) n_failed: f64,
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
    pub(crate) seconds: f64,
}

impl Totals {
    pub(crate) fn per_second(&self) -> f64 {
        self.n_requests / self.seconds.max(1.0)
    }

    /// From 0 to 1; none without requests.
    pub(crate) fn failed_share(&self) -> Option<f64> {
        (self.n_requests > 0.0).then(|| self.n_failed / self.n_requests)
    }
}

/// One of the things asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Endpoint {
    pub(crate) name: String,
    pub(crate) n_requests: f64,
    pub(crate) n_failed: f64,
    pub(crate) p95: Option<f64>,
}

/// The kinds of client that have told of requests.
pub(crate) fn http_kinds(app: &App, project: Option<&str>) -> Vec<&'static HttpMetrics> {
    let registry = app.ingest.registry();
    let has = |name: &str| catalogue::series(&registry, name, project, &[]).next().is_some();
    HTTP.iter().filter(|names| has(names.requests)).collect()
}

/// Reads all of it.
pub(crate) async fn http(
    app: &App,
    names: &'static HttpMetrics,
    scope: &Scope,
    step_ms: i64,
) -> Result<Http> {
    let step = Step::Ms(step_ms);
    let by_status = scope.by(names.requests, &[names.status], Function::Rate, step);
    let labels = [names.endpoint, names.status];
    let counts = app
        .select(scope.by(names.requests, &labels, Function::Increase, Step::Whole))
        .await?;
    let by_endpoint = scope.by(
        names.durations,
        &[names.endpoint],
        Function::Quantile(0.95),
        Step::Whole,
    );
    let durations = app.select(by_endpoint).await?;
    Ok(Http {
        names,
        by_status: app.select(by_status).await?,
        latency: app.select(scope.select(names.durations, step)).await?,
        now: totals(app, names, scope).await?,
        before: totals(app, names, &scope.before()).await?,
        endpoints: endpoints(&counts, &durations),
    })
}

async fn totals(app: &App, names: &HttpMetrics, scope: &Scope) -> Result<Totals> {
    let counts = scope.by(names.requests, &[names.status], Function::Increase, Step::Whole);
    let counts = app.select(counts).await?;
    let durations = app.select(scope.select(names.durations, Step::Whole)).await?;
    let mut totals = Totals {
        seconds: (scope.to_ms - scope.from_ms) as f64 / 1000.0,
        ..Totals::default()
    };
    for line in &counts.series {
        let n = line.points.iter().filter_map(|point| point.value).sum::<f64>();
        totals.n_requests += n;
        if line.labels.first().is_some_and(|(_, status)| is_failure(status)) {
            totals.n_failed += n;
        }
    }
    if let Some(point) = whole(&durations) {
        (totals.p50, totals.p95, totals.p99) = (point.p50, point.p95, point.p99);
    }
    Ok(totals)
}

/// The one bucket of a merged answer.
fn whole(answer: &Answer) -> Option<&Point> {
    answer.series.first()?.points.first()
}

fn endpoints(counts: &Answer, durations: &Answer) -> Vec<Endpoint> {
    let mut endpoints: Vec<Endpoint> = Vec::new();
    for line in &counts.series {
        let [(_, name), (_, status)] = &line.labels[..] else {
            continue;
        };
        let n = line.points.iter().filter_map(|point| point.value).sum::<f64>();
        let known = endpoints.iter().position(|endpoint| endpoint.name == *name);
        let place = known.unwrap_or_else(|| {
            endpoints.push(Endpoint {
                name: name.clone(),
                n_requests: 0.0,
                n_failed: 0.0,
                p95: None,
            });
            endpoints.len() - 1
        });
        endpoints[place].n_requests += n;
        endpoints[place].n_failed += if is_failure(status) { n } else { 0.0 };
    }
    endpoints.retain(|endpoint| endpoint.n_requests > 0.0);
    endpoints.sort_by(|left, right| right.n_requests.total_cmp(&left.n_requests));
    endpoints.truncate(MAX_ROWS);
    for endpoint in &mut endpoints {
        let line = durations.series.iter().find(|line| {
            let own = line.labels.first();
            own.is_some_and(|(_, name)| *name == endpoint.name)
        });
        endpoint.p95 = line.and_then(|line| line.points.first()?.value);
    }
    endpoints
}

/// Releases marked in one chart: the latest of more.
const MAX_MARKS: usize = 50;

/// The releases within a range, as `deployments_total` tells them, the first one first.
pub(crate) async fn marks(app: &App, scope: &Scope) -> Result<Vec<Mark>> {
    let (name, label) = DEPLOYMENTS;
    if catalogue::series(&app.ingest.registry(), name, None, &[])
        .next()
        .is_none()
    {
        return Ok(Vec::new());
    }
    let step = Step::Ms(chart_step_ms(scope.to_ms - scope.from_ms, MARK_STEP_MS));
    let answer = app
        .select(scope.by(name, &[label], Function::Increase, step))
        .await?;
    let mut marks: Vec<Mark> = answer
        .series
        .iter()
        .flat_map(|line| line.points.iter().map(move |point| (line, point)))
        .filter(|(_, point)| point.value.is_some_and(|added| added > 0.0))
        .map(|(line, point)| Mark {
            at: point.at_ms,
            label: line
                .labels
                .first()
                .map_or_else(String::new, |(_, release)| release.clone()),
        })
        .collect();
    marks.sort_by_key(|mark| mark.at);
    marks.drain(..marks.len().saturating_sub(MAX_MARKS));
    Ok(marks)
}

const MARK_STEP_MS: i64 = 10_000;

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
    let mut totals = Vec::with_capacity(VITALS.len());
    for vital in &VITALS {
        totals.push(vital_totals(app, vital, scope).await?);
    }
    if totals.iter().all(|vital| vital.count == 0) {
        return Ok(None);
    }
    let sessions = app
        .sessions(scope.project.clone(), scope.from_ms, scope.to_ms)
        .await?;
    let mut pages = pages(app, scope).await?;
    for page in &mut pages {
        page.n_sessions = sessions.pages.get(&page.path).copied();
    }
    Ok(Some(Vitals {
        totals,
        pages,
        n_sessions: (sessions.total > 0).then_some(sessions.total),
    }))
}

async fn vital_totals(app: &App, vital: &'static Vital, scope: &Scope) -> Result<VitalTotals> {
    let mut values = [None; 3];
    let functions = [
        Function::Quantile(RATED_QUANTILE),
        Function::Share(vital.good),
        Function::Share(vital.poor),
    ];
    let mut all = None;
    for (value, function) in values.iter_mut().zip(functions) {
        let select = Select {
            function: Some(function),
            ..scope.select(vital.metric, Step::Whole)
        };
        all = whole(&app.select(select).await?).copied();
        *value = all.and_then(|point| point.value);
    }
    let [p75, good, below_poor] = values;
    Ok(VitalTotals {
        vital,
        count: all.map_or(0, |point| point.count),
        avg: all.map(|point| point.avg),
        p75,
        rating: vital.rate(p75),
        shares: good.zip(below_poor).map(|(good, below_poor)| {
            let below_poor = below_poor.max(good);
            [good, below_poor - good, 1.0 - below_poor]
        }),
    })
}

/// Places in [`VITALS`].
const LCP: usize = 0;
const TTFB: usize = VITALS.len() - 1;

async fn pages(app: &App, scope: &Scope) -> Result<Vec<Page>> {
    let mut pages: Vec<(Page, [u64; VITALS.len()])> = Vec::new();
    for (place, vital) in VITALS.iter().enumerate() {
        let quantile = Function::Quantile(RATED_QUANTILE);
        let answer = app
            .select(scope.by(vital.metric, &["page"], quantile, Step::Whole))
            .await?;
        for line in &answer.series {
            let (Some((_, path)), Some(point)) = (line.labels.first(), line.points.first()) else {
                continue;
            };
            let path = if path.is_empty() { "/" } else { path };
            let known = pages.iter().position(|(page, _)| page.path == path);
            let at = known.unwrap_or_else(|| {
                pages.push((Page::new(path), [0; VITALS.len()]));
                pages.len() - 1
            });
            pages[at].0.p75[place] = point.value;
            pages[at].1[place] = point.count;
        }
    }
    let mut pages: Vec<Page> = pages
        .into_iter()
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
    Ok(pages)
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

/// Steps of charts in milliseconds: lengths of time that people count in, each in whole buckets of a tier.
const STEPS_MS: [i64; 15] = [
    10_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
];
/// Points of a chart, about: a line of pixels has no more to tell.
const CHART_POINTS: i64 = 150;

/// The step of a chart over a range, not below `finest_ms`.
pub(crate) fn chart_step_ms(range_ms: i64, finest_ms: i64) -> i64 {
    let wanted = (range_ms / CHART_POINTS).max(finest_ms);
    let fitting = STEPS_MS.into_iter().find(|step| *step >= wanted);
    fitting.unwrap_or(STEPS_MS[STEPS_MS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_have_about_as_many_points_as_are_seen() {
        let check = |range_ms: i64, finest_ms: i64, step_ms: i64| {
            assert_eq!(chart_step_ms(range_ms, finest_ms), step_ms, "{range_ms}");
        };
        check(15 * 60_000, 10_000, 10_000);
        check(15 * 60_000, 60_000, 60_000);
        check(6 * 3_600_000, 60_000, 300_000);
        check(24 * 3_600_000, 60_000, 600_000);
        check(30 * 86_400_000, 60_000, 21_600_000);
        check(3_650 * 86_400_000, 60_000, 604_800_000);
    }
}
