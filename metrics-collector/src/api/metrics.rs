//! `GET /api/metrics`: what a metric was over time.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value};
use ui::moment::{rfc3339, rfc3339_seconds};
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::api::select_query;
use crate::app::App;
use crate::domain::select::{Point, SeriesResult, Split};

/// Bytes of an answer without its buckets, and of one bucket, about.
const BODY_BYTES: usize = 1_000;
const BUCKET_BYTES: usize = 180;

/// What an answer begins with.
#[derive(Serialize)]
struct Head<'a> {
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
}

/// What a line begins with, where series are apart.
#[derive(Serialize)]
struct LineHead<'a> {
    labels: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<&'a str>,
}

/// Answers by bucket: all series in one, or apart in `series`.
pub(crate) async fn query(app: Arc<App>, request: Request) -> Result<Response> {
    let (select, range) = select_query::read(request.query())?;
    let (is_merged, has_function) = (select.split == Split::Merged, select.function.is_some());
    let name = select.name.clone();
    let answer = app.select(select).await?;
    let head = Head {
        name: &name,
        kind: answer.kind.map(|kind| kind.name()),
        resolution: answer.tier.name(),
        period: range.period,
        from: rfc3339(range.from_ms),
        to: rfc3339(range.to_ms),
        step: answer.step_ms / 1000,
        n_series: answer.n_series,
    };
    let text = written(&head, &answer.series, is_merged, has_function).map_err(Error::internal)?;
    Ok(Response::json_text(StatusCode::OK, text))
}

/// The answer. Its buckets are many, and all alike: they are not written field by field through serde.
fn written(
    head: &Head<'_>,
    lines: &[SeriesResult],
    is_merged: bool,
    has_function: bool,
) -> serde_json::Result<Vec<u8>> {
    let n_points: usize = lines.iter().map(|line| line.points.len()).sum();
    let mut text = Vec::with_capacity(BODY_BYTES + n_points * BUCKET_BYTES);
    serde_json::to_writer(&mut text, head)?;
    text.pop();
    if is_merged {
        let points = lines.first().map_or(&[][..], |merged| &merged.points);
        push_data(&mut text, points, has_function)?;
    } else {
        text.extend_from_slice(b",\"series\":[");
        for (place, line) in lines.iter().enumerate() {
            if place > 0 {
                text.push(b',');
            }
            let labels = line.labels.iter();
            let head = LineHead {
                labels: labels
                    .map(|(key, value)| (key.clone(), value.as_str().into()))
                    .collect(),
                project: line.project.as_deref(),
            };
            serde_json::to_writer(&mut text, &head)?;
            text.pop();
            push_data(&mut text, &line.points, has_function)?;
            text.push(b'}');
        }
        text.push(b']');
    }
    text.push(b'}');
    Ok(text)
}

/// `,"data":` and the buckets as the contract tells them (§3.3), with the function's value where one was asked for.
fn push_data(text: &mut Vec<u8>, points: &[Point], has_function: bool) -> serde_json::Result<()> {
    text.extend_from_slice(b",\"data\":[");
    for (place, point) in points.iter().enumerate() {
        let before = if place > 0 {
            ",{\"bucket\":\""
        } else {
            "{\"bucket\":\""
        };
        text.extend_from_slice(before.as_bytes());
        text.extend_from_slice(rfc3339_seconds(point.at_ms).as_bytes());
        text.extend_from_slice(b"\",\"count\":");
        serde_json::to_writer(&mut *text, &point.count)?;
        let numbers = [
            (",\"sum\":", Some(point.sum)),
            (",\"min\":", Some(point.min)),
            (",\"max\":", Some(point.max)),
            (",\"avg\":", Some(point.avg)),
            (",\"p50\":", point.p50),
            (",\"p95\":", point.p95),
            (",\"p99\":", point.p99),
            (",\"last\":", Some(point.last)),
            (",\"value\":", point.value),
        ];
        let n = numbers.len() - usize::from(!has_function);
        for (name, number) in &numbers[..n] {
            text.extend_from_slice(name.as_bytes());
            serde_json::to_writer(&mut *text, number)?;
        }
        text.push(b'}');
    }
    text.push(b']');
    Ok(())
}
