//! `GET /api/dashboard`: a project in one answer (contract §3.6), true over any period.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};
use ui::moment::rfc3339_seconds;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::select_query;
use crate::app::App;
use crate::catalogue;
use crate::dashboard::Scope;
use crate::dashboard::vitals::{self, VitalTotals, Vitals};
use crate::domain::decimal;
use crate::domain::resolution::Step;
use crate::domain::select::Select;
use crate::domain::well_known::{RATED_QUANTILE, VITALS};

/// Metrics listed.
const MAX_TOP: usize = 10;
/// Vitals that the contract has over time and by page.
const N_CORE: usize = 3;

/// The answer. Written as it is read, since its points are many.
#[derive(Serialize)]
struct Dashboard<'a> {
    /// None where a range was asked for.
    period: Option<&'a str>,
    from: String,
    to: String,
    summary: Summary,
    top_metrics: Vec<Top>,
    /// Absent where no browser has told any.
    #[serde(skip_serializing_if = "Option::is_none")]
    web_vitals: Option<WebVitals>,
}

#[derive(Serialize)]
struct Summary {
    total_datapoints: u64,
    distinct_metrics: usize,
}

#[derive(Serialize)]
struct WebVitals {
    summary: Map<String, Value>,
    sessions: Option<u64>,
    timeseries: Vec<Moment>,
    by_page: Vec<Value>,
}

#[derive(Serialize)]
struct Top {
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    count: u64,
    total: f64,
}

/// `GET /api/dashboard[?period=24h|from=&to=][&project=]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let range = select_query::range(query, service::unix_ms())?;
    let scope = Scope {
        project: query.get("project").map(str::to_owned),
        from_ms: range.from_ms,
        to_ms: range.to_ms,
    };
    let mut metrics = metrics(&app, &scope).await?;
    let total_datapoints: u64 = metrics.iter().map(|metric| metric.count).sum();
    let distinct_metrics = metrics.len();
    metrics.sort_by_key(|metric| Reverse(metric.count));
    metrics.truncate(MAX_TOP);
    let web_vitals = match vitals::vitals(&app, &scope).await? {
        None => None,
        Some(vitals) => Some(WebVitals {
            summary: summary(&vitals),
            sessions: vitals.n_sessions,
            timeseries: timeseries(&app, &scope).await?,
            by_page: by_page(&vitals),
        }),
    };
    let body = Dashboard {
        period: range.period.as_deref(),
        from: rfc3339_seconds(scope.from_ms),
        to: rfc3339_seconds(scope.to_ms),
        summary: Summary {
            total_datapoints,
            distinct_metrics,
        },
        top_metrics: metrics,
        web_vitals,
    };
    Ok(Response::json(StatusCode::OK, &body))
}

/// Every metric that has samples in the range.
async fn metrics(app: &App, scope: &Scope) -> Result<Vec<Top>> {
    let names = catalogue::names(&app.ingest.registry(), scope.project.as_deref());
    let selects = names.iter().map(|metric| Select {
        kind: Some(metric.kind),
        is_plain: true,
        ..scope.select(&metric.name, Step::Whole)
    });
    let found = app.find(selects.collect()).await?;
    let tops = names.iter().zip(found).filter_map(|(metric, found)| {
        let (_, bucket) = found.wholes().next()?;
        Some(Top {
            name: metric.name.to_string(),
            kind: metric.kind.name(),
            count: bucket.count,
            total: decimal::tidy(bucket.sum, decimal::MAX_SCALE),
        })
    });
    Ok(tops.collect())
}

fn summary(vitals: &Vitals) -> Map<String, Value> {
    let told = |totals: &VitalTotals| {
        let [good, between, poor] = totals.shares.map_or([None; 3], |shares| shares.map(Some));
        json!({
            "avg": totals.avg,
            "p75": totals.p75,
            "count": totals.count,
            "rating": totals.rating.name(),
            "good": good,
            "needs_improvement": between,
            "poor": poor,
        })
    };
    let pairs = vitals
        .totals
        .iter()
        .map(|totals| (totals.vital.key.to_owned(), told(totals)));
    pairs.collect()
}

/// The vitals that the contract has over time: p75 of one bucket.
#[derive(Serialize)]
struct Moment {
    bucket: String,
    lcp: Option<f64>,
    inp: Option<f64>,
    cls: Option<f64>,
    count: u64,
}

/// p75 by bucket: a minute up to a day, else an hour.
async fn timeseries(app: &App, scope: &Scope) -> Result<Vec<Moment>> {
    let core = &VITALS[..N_CORE];
    let selects = core.iter().map(|vital| scope.select(vital.metric, Step::Auto));
    let found = app.find(selects.collect()).await?;
    let mut buckets: BTreeMap<i64, (u64, [Option<f64>; N_CORE])> = BTreeMap::new();
    for (place, found) in found.iter().enumerate() {
        for (at_ms, bucket) in found.buckets() {
            let (count, p75) = buckets.entry(at_ms).or_default();
            *count += bucket.count;
            p75[place] = bucket.quantile(RATED_QUANTILE);
        }
    }
    let told = buckets
        .into_iter()
        .map(|(at_ms, (count, [lcp, inp, cls]))| Moment {
            bucket: rfc3339_seconds(at_ms),
            lcp,
            inp,
            cls,
            count,
        });
    Ok(told.collect())
}

fn by_page(vitals: &Vitals) -> Vec<Value> {
    let told = vitals.pages.iter().map(|page| {
        let mut row = json!({ "page": page.path });
        for (vital, p75) in VITALS.iter().zip(page.p75) {
            row[vital.key] = p75.into();
        }
        row["page_views"] = page.n_views.into();
        row["sessions"] = page.n_sessions.into();
        row
    });
    told.collect()
}
