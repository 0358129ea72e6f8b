//! The charts: latencies over bars of requests, and the part of requests that failed.

use ui::chart::{Kind, Series, Tone};
use ui::{Chart, Unit};

use crate::domain::requests::overview::{Latencies, Stats};
use crate::monitoring::Found;
use crate::pages::overview_view::thresholds;

/// From which part of its time on the point that is still running is shown: before, it says too little.
const RUNNING_SHARE: f64 = 0.2;

fn chart(found: &Found, id: &str, title: &str, unit: Unit) -> Chart {
    Chart {
        id: id.to_owned(),
        title: title.to_owned(),
        unit,
        from: found.span_ms.0,
        to: found.span_ms.1,
        step: found.step_ms,
        times: found.now.series.iter().map(|point| point.at_ms).collect(),
        sync: Some("page"),
        ..Chart::default()
    }
}

/// What `of` takes of each point; nothing of one that has hardly begun.
fn values(found: &Found, now_ms: i64, of: impl Fn(&Stats) -> Option<f64>) -> Vec<Option<f64>> {
    let is_shown = |at_ms: i64| (now_ms - at_ms) as f64 >= found.step_ms as f64 * RUNNING_SHARE;
    let points = found.now.series.iter();
    points
        .map(|point| of(&point.stats).filter(|_| is_shown(point.at_ms)))
        .collect()
}

/// p50, p95 and p99 in front of bars of requests.
pub(crate) fn latency(found: &Found, is_log: bool, now_ms: i64) -> Chart {
    let line = |name: &str, of: fn(&Latencies) -> f64| Series {
        name: name.to_owned(),
        values: values(found, now_ms, |stats| stats.latency.as_ref().map(of)),
        ..Series::default()
    };
    let (success, warning) = (found.thresholds.latency_success, found.thresholds.latency_warning);
    let has_any = found.now.total.total > 0;
    Chart {
        series: vec![
            Series {
                name: "requests".to_owned(),
                values: values(found, now_ms, |stats| has_any.then_some(stats.total as f64)),
                tone: Some(Tone::Soft),
                is_behind: true,
                ..Series::default()
            },
            line("p50", |it| it.p50),
            line("p95", |it| it.p95),
            line("p99", |it| it.p99),
        ],
        thresholds: thresholds(success, warning),
        is_log,
        ..chart(found, "latency", "Latency and requests", Unit::Milliseconds)
    }
}

/// The part of requests that failed.
pub(crate) fn error_rate(found: &Found, now_ms: i64) -> Chart {
    let of = |stats: &Stats| (stats.total > 0).then(|| stats.error_rate() / 100.);
    let (success, warning) = (
        found.thresholds.error_rate_success / 100.,
        found.thresholds.error_rate_warning / 100.,
    );
    Chart {
        kind: Kind::Lines,
        series: vec![Series {
            name: "failed".to_owned(),
            values: values(found, now_ms, of),
            tone: Some(Tone::Bad),
            ..Series::default()
        }],
        thresholds: thresholds(success, warning),
        ..chart(found, "errors", "Error rate", Unit::Ratio)
    }
}
