//! Metrics of Vantage's agents: on their way into the store, and out of it for those who ask in Vantage's words.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use service::unix_ms;
use sqlite::request_ids;
use web::Result;
use xxhash_rust::xxh3::xxh3_128;

use crate::app::App;
use crate::domain::kind::Kind;
use crate::domain::requests::record::Record;
use crate::domain::vantage::batch::Batch;
use crate::domain::vantage::health::Window;
use crate::domain::vantage::metric::{Metric, REQUESTS};
use crate::intake::Observation;
use crate::store::vantage as store;

/// Stores a batch: as rows, as samples of series, and as API requests where it tells of some. Returns when all of it is on the disk.
pub(crate) async fn keep(app: &App, batch: Batch, body: &[u8]) -> Result<()> {
    let counts = &app.vantage;
    counts.n_batches.fetch_add(1, Relaxed);
    counts.n_received.fetch_add(batch.n_received() as u64, Relaxed);
    counts.n_refused.fetch_add(batch.n_refused as u64, Relaxed);
    let id = request_id(&batch, body);
    let n_accepted = batch.metrics.len() as u64;
    let stored = store_all(app, batch.metrics, id).await;
    match &stored {
        Ok(()) => {
            counts.n_accepted.fetch_add(n_accepted, Relaxed);
            counts.n_bytes.fetch_add(body.len() as u64, Relaxed);
        }
        Err(_) => {
            counts.n_failed.fetch_add(1, Relaxed);
        }
    }
    stored
}

/// Each step has an id of its own: what a retry finds done is not done again, and the rest is.
async fn store_all(app: &App, metrics: Vec<Metric>, id: Option<String>) -> Result<()> {
    let step = |name: &str| id.as_ref().map(|id| format!("vantage-{name}-{id}"));
    let records: Vec<Record> = metrics.iter().filter_map(Metric::as_record).collect();
    app.record_requests(&records, step("requests")).await?;
    let observations = metrics.iter().flat_map(observations).collect();
    app.observe_once(observations, step("samples")).await?;
    let id = step("rows");
    let insert = move |tx: &rusqlite::Connection| match id {
        Some(id) if !request_ids::note(tx, &id, unix_ms())? => Ok(()),
        _ => store::insert(tx, &metrics),
    };
    app.common.write(insert).await
}

/// An agent that got no answer sends the same bytes again. Two that differ are never alike in all times and durations;
/// without those they might be, and then each counts.
fn request_id(batch: &Batch, body: &[u8]) -> Option<String> {
    let is_unlike = batch.metrics.iter().any(|metric| metric.value.fract() != 0.);
    (batch.has_all_times && is_unlike).then(|| format!("{:032x}", xxh3_128(body)))
}

/// A metric as samples: itself, and its duration if that is something else.
fn observations(metric: &Metric) -> impl Iterator<Item = Observation> + use<> {
    let fixed = [
        ("service_name", Some(metric.service.clone())),
        ("endpoint", metric.endpoint.clone()),
        ("method", metric.method.clone()),
        ("status", metric.status.map(|status| status.to_string())),
    ];
    let mut labels = metric.tags.clone();
    labels.extend(
        fixed
            .into_iter()
            .filter_map(|(key, value)| Some((key.to_owned(), value?))),
    );
    let own = Observation {
        name: metric.name.clone(),
        kind: metric.kind,
        project: Some(metric.service.clone()),
        labels,
        at_ms: metric.at_ms,
        value: metric.value,
        n: 1,
    };
    let duration_ms = metric.duration_ms.filter(|_| metric.name != REQUESTS);
    let duration = duration_ms.map(|value| Observation {
        name: format!("{}.duration_ms", own.name),
        kind: Kind::Histogram,
        value,
        ..own.clone()
    });
    std::iter::once(own).chain(duration)
}

/// Rows told in one answer; of more, the latest.
const MAX_ROWS: usize = 50_000;

/// Rows as JSON, the earliest first: of all services or of one, of the last `seconds`.
pub(crate) async fn rows(app: &App, service: Option<String>, seconds: i64) -> Result<String> {
    let now_ms = unix_ms();
    let read = move |connection: &rusqlite::Connection| {
        let mut rows: Vec<(i64, String)> = Vec::new();
        store::between(connection, now_ms - seconds * 1000, i64::MAX, |row| {
            if service.as_deref().is_some_and(|wanted| wanted != row.service) {
                return;
            }
            let text = serde_json::json!({
                "timestamp": row.at_ms,
                "service_name": row.service,
                "metric_name": row.name,
                "value": row.value,
                "duration_ms": row.duration_ms,
                "status_code": row.status,
                "endpoint": row.endpoint,
                "method": row.method,
            });
            rows.push((row.at_ms, text.to_string()));
            if rows.len() >= 2 * MAX_ROWS {
                keep_latest(&mut rows);
            }
        })?;
        keep_latest(&mut rows);
        Ok(rows)
    };
    let rows = app.common.read(read).await?;
    let texts: Vec<String> = rows.into_iter().map(|(_, text)| text).collect();
    Ok(format!("[{}]", texts.join(",")))
}

fn keep_latest(rows: &mut Vec<(i64, String)>) {
    rows.sort_by_key(|(at_ms, _)| *at_ms);
    rows.drain(..rows.len().saturating_sub(MAX_ROWS));
}

/// All rows with a duration together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Totals {
    pub(crate) n: u64,
    pub(crate) n_failed: u64,
    pub(crate) sum_ms: f64,
    /// Least and greatest.
    pub(crate) bounds_ms: Option<(f64, f64)>,
}

/// Sums up the last `seconds`. A status of 500 or more has failed.
pub(crate) async fn totals(app: &App, service: Option<String>, seconds: i64) -> Result<Totals> {
    let now_ms = unix_ms();
    let read = move |connection: &rusqlite::Connection| {
        let mut totals = Totals::default();
        store::between(connection, now_ms - seconds * 1000, i64::MAX, |row| {
            let is_meant = service.as_deref().is_none_or(|wanted| wanted == row.service);
            if let Some(ms) = row.duration_ms.filter(|_| is_meant) {
                totals.n += 1;
                totals.n_failed += u64::from(row.status.is_some_and(|status| status >= 500));
                totals.sum_ms += ms;
                let (least, greatest) = totals.bounds_ms.unwrap_or((ms, ms));
                totals.bounds_ms = Some((least.min(ms), greatest.max(ms)));
            }
        })?;
        Ok(totals)
    };
    app.common.read(read).await
}

/// What is known of the health of services in the last `seconds`: of all that ever sent, or of one, known or not.
pub(crate) async fn windows(
    app: &App,
    service: Option<String>,
    seconds: i64,
) -> Result<BTreeMap<String, Window>> {
    let now_ms = unix_ms();
    let read = move |connection: &rusqlite::Connection| {
        let names = match service {
            Some(service) => vec![service],
            None => store::services(connection)?,
        };
        let mut windows: BTreeMap<String, Window> =
            names.into_iter().map(|name| (name, Window::default())).collect();
        let begin_ms = now_ms - seconds * 1000;
        store::between(connection, begin_ms - seconds * 1000, now_ms, |row| {
            let Some(window) = windows.get_mut(row.service) else {
                return;
            };
            let is_request = row.name.contains("request");
            if row.at_ms < begin_ms {
                window.n_before += u64::from(is_request);
                return;
            }
            window.n_requests += u64::from(is_request);
            let has_failed = is_request && row.status.is_some_and(|status| status >= 400);
            window.n_failed += u64::from(has_failed);
            window.durations_ms.extend(row.duration_ms);
        })?;
        Ok(windows)
    };
    app.common.read(read).await
}

/// Values of a metric of a service from one time to another, Unix milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    pub(crate) service: String,
    pub(crate) metric: String,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// Values of one side of a comparison; more are not needed to know a mean.
const MAX_VALUES: usize = 1_000_000;

/// The values of both sides.
pub(crate) async fn values(app: &Arc<App>, sides: [Side; 2]) -> Result<[Vec<f64>; 2]> {
    let read = move |connection: &rusqlite::Connection| {
        let mut found = [Vec::new(), Vec::new()];
        for (side, values) in sides.iter().zip(&mut found) {
            store::between(connection, side.from_ms, side.to_ms.saturating_add(1), |row| {
                if row.service == side.service && row.name == side.metric && values.len() < MAX_VALUES {
                    values.push(row.value);
                }
            })?;
        }
        Ok(found)
    };
    app.common.read(read).await
}

/// A request that failed, as an agent told of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) at_ms: i64,
    pub(crate) status: u16,
    pub(crate) error: String,
    pub(crate) trace_id: Option<String>,
}

/// The latest of an endpoint, with what went wrong.
pub(crate) async fn failures(
    app: &App,
    service: Option<&str>,
    endpoint: &str,
    from_ms: i64,
    to_ms: i64,
) -> Result<Vec<Failure>> {
    const MAX_FAILURES: usize = 10;
    let (service, endpoint) = (service.map(str::to_owned), endpoint.to_owned());
    let read = move |connection: &rusqlite::Connection| {
        let mut failures = Vec::new();
        store::between(connection, from_ms, to_ms, |row| {
            let is_meant = row.endpoint == Some(endpoint.as_str())
                && service.as_deref().is_none_or(|service| service == row.service);
            if let (true, Some(error)) = (is_meant, row.error) {
                failures.push(Failure {
                    at_ms: row.at_ms,
                    status: row.status.unwrap_or_default(),
                    error: error.to_owned(),
                    trace_id: row.trace_id.map(str::to_owned),
                });
            }
            if failures.len() > 100 * MAX_FAILURES {
                failures.drain(..failures.len() - MAX_FAILURES);
            }
        })?;
        failures.sort_by_key(|failure| std::cmp::Reverse(failure.at_ms));
        failures.truncate(MAX_FAILURES);
        Ok(failures)
    };
    app.common.read(read).await
}
