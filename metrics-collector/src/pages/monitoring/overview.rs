//! `/api-monitoring`: requests, errors and latency of all APIs, or of what the filters leave.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Chart, Count, Frame, RangePicker, Template};
use web::{Request, Response, Result, StatusCode};

use super::filters::FilterForm;
use super::rows::{EndpointRow, NamedRow, StatusRow};
use super::snippets::Snippets;
use super::tiles::{self, Tile};
use super::{latency, rows};
use crate::app::App;
use crate::monitoring::{self, Asked, Found, Sort};
use crate::pages::overview::status_of;

/// `overview.html`.
#[derive(Template)]
#[template(path = "pages/monitoring/overview.html")]
struct OverviewPage {
    frame: Frame,
    /// Nobody ever told of a request.
    is_first: bool,
    snippets: Snippets,
    form: FilterForm,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    scale: Scale,
    sorts: Vec<SortChoice>,
    sort: Sort,
    endpoints: Vec<EndpointRow>,
    n_more_endpoints: usize,
    statuses: Vec<StatusRow>,
    consumers: Vec<NamedRow>,
    n_more_consumers: usize,
    gone: Vec<(String, Count)>,
    nodes: Vec<NamedRow>,
    contexts: Vec<NamedRow>,
    folded: Vec<String>,
    picker: RangePicker,
}

/// Linear or by powers of ten.
pub(super) struct Scale {
    pub(super) is_log: bool,
    pub(super) linear: String,
    pub(super) log: String,
}

impl Scale {
    pub(super) fn of(asked: &Asked) -> Self {
        Self {
            is_log: asked.is_log,
            linear: asked.link(&[("scale", None)]),
            log: asked.link(&[("scale", Some("log"))]),
        }
    }
}

struct SortChoice {
    sort: Sort,
    title: &'static str,
    query: String,
}

/// Live pages look again after so many seconds: what is told by the minute as soon as it is there.
pub(super) fn live_every(picker: &RangePicker) -> Option<u32> {
    const SHORT_MS: i64 = 86_400_000;
    let is_short = picker.range.length_ms() <= SHORT_MS;
    picker.is_live().then_some(if is_short { 10 } else { 60 })
}

impl OverviewPage {
    fn live_every(&self) -> Option<u32> {
        match self.is_first {
            true => Some(2),
            false => live_every(&self.picker),
        }
    }

    /// Above the column of the order that is chosen.
    fn aria_sort(&self, sort: &Sort) -> bool {
        self.sort == *sort
    }

    /// What the form of filters keeps.
    fn kept(&self) -> Vec<(&'static str, &'static str)> {
        let sort = (self.sort != Sort::Volume).then(|| ("sort", self.sort.name()));
        let scale = self.scale.is_log.then_some(("scale", "log"));
        sort.into_iter().chain(scale).collect()
    }

    fn endpoint(&self, row: &EndpointRow) -> String {
        format!("{}api-monitoring/endpoint{}", self.frame.root, row.query)
    }
}

/// `GET /api-monitoring[?range=|from=&to=][&service=]…[&sort=][&scale=log]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let asked = Asked::read(request.query(), app.requests.kept(), now_ms);
    let found = monitoring::find(&app, &asked, now_ms).await?;
    let (endpoints, n_more_endpoints) = rows::endpoints(&found, &asked);
    let (consumers, n_more_consumers) = rows::consumers(&found, &asked);
    let sort = |(sort, title): (Sort, &'static str)| SortChoice {
        sort,
        title,
        query: asked.link(&[("sort", Some(sort.name()).filter(|_| sort != Sort::Volume))]),
    };
    let view = OverviewPage {
        frame: app.common.frame(&request, "API monitoring"),
        is_first: app.requests.is_empty(),
        snippets: Snippets::new(&app.common.address(&request)),
        form: FilterForm::new(&app, &asked, &[]),
        tiles: tiles::tiles(&found),
        charts: charts(&found, &asked, now_ms),
        scale: Scale::of(&asked),
        sorts: [
            (Sort::Volume, "Requests"),
            (Sort::Errors, "Errors"),
            (Sort::Slow, "p95"),
            (Sort::Impact, "Impact"),
        ]
        .map(sort)
        .into(),
        sort: asked.sort,
        endpoints,
        n_more_endpoints,
        statuses: rows::statuses(&found, &asked),
        consumers,
        n_more_consumers,
        gone: rows::gone(&found),
        nodes: rows::named(&found.now.nodes, "node", &found, &asked),
        contexts: rows::named(&found.now.contexts, "context", &found, &asked),
        folded: folded(&app),
        picker: asked.picker,
    };
    let status = match view.is_first {
        // It shows no range, and waits.
        true => StatusCode::OK,
        false => status_of(&view.picker),
    };
    Ok(page(status, &view))
}

pub(super) fn charts(found: &Found, asked: &Asked, now_ms: i64) -> Vec<Chart> {
    vec![
        latency::latency(found, asked.is_log, now_ms),
        latency::error_rate(found, now_ms),
    ]
}

/// What has more values than are told apart.
fn folded(app: &App) -> Vec<String> {
    let health = app.requests.health();
    let folded = health.folded.iter().map(|(dimension, n)| {
        format!(
            "There are too many values of {dimension}: {} requests are counted as __other__ (MAX_LABEL_VALUES).",
            Count::new(*n).exact
        )
    });
    folded.collect()
}
