//! `GET /api/metrics`: what a metric was over time.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use ui::moment::{rfc3339, rfc3339_seconds};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::api::select_query::{self, Range};
use crate::app::App;
use crate::domain::select::{Answer, Point, SeriesResult, Split};

/// One bucket as the contract tells it (§3.3), and what was asked for beside.
#[derive(Serialize)]
struct Bucket {
    bucket: String,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    avg: f64,
    p50: Option<f64>,
    p95: Option<f64>,
    p99: Option<f64>,
    last: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Option<f64>>,
}

/// One line where series are apart.
#[derive(Serialize)]
struct Line {
    labels: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    data: Vec<Bucket>,
}

#[derive(Serialize)]
struct Body<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    resolution: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<String>,
    from: String,
    to: String,
    /// Seconds.
    step: i64,
    n_series: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Vec<Bucket>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    series: Option<Vec<Line>>,
}

/// Answers by bucket: all series in one, or apart in `series`.
pub(crate) async fn query(app: Arc<App>, request: Request) -> Result<Response> {
    let (select, range) = select_query::read(request.query())?;
    let (is_merged, has_function) = (select.split == Split::Merged, select.function.is_some());
    let name = select.name.clone();
    let answer = app.select(select).await?;
    let body = body(&name, range, answer, is_merged, has_function);
    Ok(Response::json(StatusCode::OK, &body))
}

fn body(name: &str, range: Range, answer: Answer, is_merged: bool, has_function: bool) -> Body<'_> {
    let buckets = |points: Vec<Point>| {
        points
            .into_iter()
            .map(|point| bucket(point, has_function))
            .collect()
    };
    let line = |result: SeriesResult| Line {
        labels: result
            .labels
            .into_iter()
            .map(|(key, value)| (key, value.into()))
            .collect(),
        project: result.project,
        data: buckets(result.points),
    };
    let mut lines = answer.series.into_iter();
    let (data, series) = match is_merged {
        true => (
            Some(
                lines
                    .next()
                    .map_or_else(Vec::new, |merged| buckets(merged.points)),
            ),
            None,
        ),
        false => (None, Some(lines.map(line).collect())),
    };
    Body {
        name,
        kind: answer.kind.map(|kind| kind.name()),
        resolution: answer.tier.name(),
        period: range.period,
        from: rfc3339(range.from_ms),
        to: rfc3339(range.to_ms),
        step: answer.step_ms / 1000,
        n_series: answer.n_series,
        data,
        series,
    }
}

fn bucket(point: Point, has_function: bool) -> Bucket {
    Bucket {
        bucket: rfc3339_seconds(point.at_ms),
        count: point.count,
        sum: point.sum,
        min: point.min,
        max: point.max,
        avg: point.avg,
        p50: point.p50,
        p95: point.p95,
        p99: point.p99,
        last: point.last,
        value: has_function.then_some(point.value),
    }
}
