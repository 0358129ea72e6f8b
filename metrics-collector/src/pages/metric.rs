//! `/metrics/{name}`: all about one metric: its numbers, its charts, its labels, its series.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::chart::{Kind as Drawn, Series};
use ui::{Chart, RangePicker, Unit};
use web::{Error, Request, Response, Result};

use super::metric_view::{MetricPage, label_rows, series_rows, tiles};
use super::overview::{DEFAULT_RANGE, status_of};
use super::plot::{self, Line, Pick};
use crate::app::App;
use crate::catalogue;
use crate::dashboard::{self, Scope, chart_step_ms};
use crate::domain::kind::Kind;
use crate::domain::resolution::Step;
use crate::domain::select::{Answer, Function, Select, Split};

const FINEST_MS: i64 = 60_000;
/// Values of a label that are listed.
const MAX_VALUES: usize = 12;

/// `GET /metrics/{name}[?project=]` and a range.
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let name = request.param("name").to_owned();
    let query = request.query();
    let picker = RangePicker::read(query.pairs(), DEFAULT_RANGE, now_ms);
    let project = query.get("project").map(str::to_owned);
    let (kinds, labels) = {
        let registry = app.ingest.registry();
        let metrics = catalogue::names(&registry, project.as_deref());
        let kinds: Vec<Kind> = metrics
            .iter()
            .filter(|it| *it.name == *name)
            .map(|it| it.kind)
            .collect();
        (
            kinds,
            catalogue::labels(&registry, &name, project.as_deref(), MAX_VALUES),
        )
    };
    let Some(kind) = kinds.first().copied() else {
        return Err(Error::not_found(format!("no such metric: {name}")));
    };
    let scope = Scope {
        project,
        from_ms: picker.range.from_ms,
        to_ms: picker.range.to_ms,
    };
    let select = |scope: &Scope, step: Step, function: Option<Function>, split: Split| Select {
        kind: Some(kind),
        function,
        split,
        ..scope.select(&name, step)
    };
    let over = scope.over(now_ms);
    let step = Step::Ms(chart_step_ms(picker.range.length_ms(), FINEST_MS));
    let rate = kind.is_additive().then_some(Function::Rate);
    let over_time = app.select(select(&scope, step, rate, Split::Merged)).await?;
    let whole = app
        .select(select(&over, Step::Whole, rate, Split::Merged))
        .await?;
    let each = app.select(select(&over, Step::Whole, rate, Split::All)).await?;
    let marks = dashboard::marks(&app, &scope).await?;
    let mut charts = charts(&over_time, &name, now_ms);
    for chart in &mut charts {
        chart.marks = marks.clone();
    }
    let series = series_rows(&each, &name, &scope, &picker);
    let view = MetricPage {
        tiles: tiles(&whole, &name),
        charts,
        labels: label_rows(&labels, &name, &scope, &picker),
        n_series: ui::Count::new(each.n_series as u64),
        n_more_series: ui::Count::new(each.n_series.saturating_sub(series.len()) as u64),
        series,
        kind,
        kinds,
        frame: app.common.frame(&request, name.clone()),
        name,
        picker,
    };
    Ok(page(status_of(&view.picker), &view))
}

/// One chart of what matters most for the kind; of a histogram a second one of how many there were.
fn charts(answer: &Answer, name: &str, now_ms: i64) -> Vec<Chart> {
    let unit = Unit::of_name(name);
    let Some(line) = answer.series.first() else {
        return Vec::new();
    };
    let rates = |title: &str, unit: Unit| Chart {
        kind: Drawn::Bars,
        series: vec![Series {
            name: "per second".to_owned(),
            values: Line::new(answer, line, Some(Function::Rate), now_ms).values(|point| point.value),
            ..Series::default()
        }],
        ..plot::chart("rate", title, unit, answer)
    };
    match answer.kind {
        Some(Kind::Counter | Kind::Cumulative) => vec![rates("Per second", unit.rate())],
        Some(Kind::Histogram) => {
            let quantiles = Chart {
                series: plot::quantiles(answer, now_ms),
                ..plot::chart("quantiles", "Distribution", unit, answer)
            };
            vec![quantiles, rates("Observations per second", Unit::PerSecond)]
        }
        _ => {
            let line = Line::new(answer, line, None, now_ms);
            let picks: [Pick; 3] = [
                ("mean", |point| Some(point.avg)),
                ("least", |point| Some(point.min)),
                ("greatest", |point| Some(point.max)),
            ];
            let series = picks.into_iter().map(|(name, pick)| Series {
                name: name.to_owned(),
                values: line.values(pick),
                is_dashed: name != "mean",
                ..Series::default()
            });
            vec![Chart {
                series: series.collect(),
                ..plot::chart("values", "Value", unit, answer)
            }]
        }
    }
}
