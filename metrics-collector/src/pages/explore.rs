//! `/explore`: any metric, filtered, grouped, by any function; without a metric, the list of all.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Chart, RangePicker};
use web::{Request, Response, Result};

use super::explore_view::{Asked, ExplorePage, Found, Metrics, chosen, function_choices, unit_of};
use super::overview::{DEFAULT_RANGE, status_of};
use super::plot;
use crate::api::select_query;
use crate::app::App;
use crate::catalogue;
use crate::dashboard::{self, Scope, chart_step_ms};
use crate::domain::kind::Kind;
use crate::domain::resolution::Step;
use crate::domain::select::{Answer, Function, Select, Split};

/// Finest steps of charts: whoever counts tells it by the minute at least, and exporters are asked four times in one.
const FINEST_MS: i64 = 60_000;
const FINEST_GAUGE_MS: i64 = 30_000;
/// Labels and values that are offered.
const MAX_VALUES: usize = 50;

/// `GET /explore[?name=][&project=][&labels=][&function=][&group_by=][&compare=1]` and a range.
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let query = request.query();
    let picker = RangePicker::read(query.pairs(), DEFAULT_RANGE, now_ms);
    let asked = Asked::read(query);
    let (metrics, labels, projects) = {
        let registry = app.ingest.registry();
        let project = asked.project.as_deref();
        let name = asked.name.as_deref();
        (
            catalogue::names(&registry, project),
            name.map_or_else(Vec::new, |name| {
                catalogue::labels(&registry, name, project, MAX_VALUES)
            }),
            registry.projects().iter().map(ToString::to_string).collect(),
        )
    };
    let kind = metrics
        .iter()
        .filter(|metric| Some(&*metric.name) == asked.name.as_deref());
    let kind = kind
        .max_by_key(|metric| metric.n_series)
        .map(|metric| metric.kind);
    let mut view = ExplorePage {
        frame: app.common.frame(&request, "Explore"),
        functions: function_choices(kind, asked.function.as_deref()),
        metrics: Metrics::of(metrics, &asked, &picker),
        labels,
        projects,
        found: None,
        problem: None,
        asked,
        picker,
    };
    let mut status = status_of(&view.picker);
    if let (Some(name), Some(kind)) = (view.asked.name.clone(), kind) {
        match select_query::matchers(query) {
            Ok(matchers) => {
                let select = Select {
                    kind: Some(kind),
                    project: view.asked.project.clone(),
                    matchers,
                    split: view.asked.split(),
                    step: step(&view.picker, kind, view.asked.step_ms()),
                    ..Select::new(name, view.picker.range.from_ms, view.picker.range.to_ms)
                };
                match explore(&app, select, &view.asked, kind, now_ms).await {
                    Ok(found) => view.found = Some(found),
                    Err(error) => (status, view.problem) = (error.status, Some(error.detail.into_owned())),
                }
            }
            Err(error) => (status, view.problem) = (error.status, Some(error.detail.into_owned())),
        }
    }
    Ok(page(status, &view))
}

fn step(picker: &RangePicker, kind: Kind, wanted_ms: Option<i64>) -> Step {
    let finest_ms = match kind {
        Kind::Gauge => FINEST_GAUGE_MS,
        _ => FINEST_MS,
    };
    Step::Ms(wanted_ms.unwrap_or_else(|| chart_step_ms(picker.range.length_ms(), finest_ms)))
}

async fn explore(app: &App, select: Select, asked: &Asked, kind: Kind, now_ms: i64) -> Result<Found> {
    let chosen = chosen(kind, asked.function.as_deref(), &select.split);
    let shift_ms = select.to_ms - select.from_ms;
    let earlier = Select {
        function: chosen,
        from_ms: select.from_ms - shift_ms,
        to_ms: select.to_ms - shift_ms,
        ..select.clone()
    };
    let select = Select {
        function: chosen,
        ..select
    };
    let name = select.name.clone();
    let split = select.split.clone();
    let scope = Scope {
        project: select.project.clone(),
        from_ms: select.from_ms,
        to_ms: select.to_ms,
    };
    let marks = dashboard::marks(app, &scope).await?;
    let answer = app.select(select).await?;
    let (series, n_left_out) = series(&answer, chosen, now_ms);
    let mut chart = Chart {
        kind: match chosen {
            Some(Function::Increase | Function::Count) if !asked.compare && n_left_out == 0 => {
                ui::chart::Kind::StackedBars
            }
            _ => ui::chart::Kind::Lines,
        },
        series,
        ..plot::chart(
            "explored",
            name,
            unit_of(&answer, chosen, asked.name.as_deref()),
            &answer,
        )
    };
    chart.marks = marks;
    if asked.compare {
        let earlier = app.select(earlier).await?;
        let (series, _) = series_of_before(&earlier, chosen, now_ms, &chart);
        let series = plot::before(&chart, series, earlier.from_ms, shift_ms);
        chart.series.extend(series);
    }
    Ok(Found::new(chart, &answer, n_left_out, &split))
}

fn series(answer: &Answer, function: Option<Function>, now_ms: i64) -> (Vec<ui::chart::Series>, usize) {
    match function {
        Some(function) => plot::lines(answer, function, now_ms),
        None => (plot::quantiles(answer, now_ms), 0),
    }
}

/// Of the earlier lines only those that are shown now.
fn series_of_before(
    earlier: &Answer,
    function: Option<Function>,
    now_ms: i64,
    chart: &Chart,
) -> (Vec<ui::chart::Series>, usize) {
    let (mut found, n_left_out) = series(earlier, function, now_ms);
    found.retain(|earlier| chart.series.iter().any(|series| series.name == earlier.name));
    (found, n_left_out)
}

impl Asked {
    /// Which series come together.
    fn split(&self) -> Split {
        match self.group_by.as_deref() {
            None => Split::Merged,
            Some("*") => Split::All,
            Some(key) => Split::By(vec![key.to_owned()]),
        }
    }
}
