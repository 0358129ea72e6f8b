//! `/`: requests, Web Vitals, and what comes in; for programs, which service this is.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, RangePicker};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::overview_view::{
    EndpointChip, OverviewPage, Tab, http_view, ingest_facts, notes, targets, vitals_view,
};
use super::start_view::Start;
use crate::api::vantage::card;
use crate::app::App;
use crate::catalogue;
use crate::dashboard::{self, Scope, http, vitals};

/// What is shown where the URL says nothing.
pub(crate) const DEFAULT_RANGE: &str = "6h";
/// 400 where the range could not be read: the page shows another one, and says so.
pub(crate) fn status_of(picker: &RangePicker) -> StatusCode {
    match &picker.error {
        None => StatusCode::OK,
        Some(_) => StatusCode::BAD_REQUEST,
    }
}

/// Finest step of the charts: quantiles come by the minute.
const FINEST_MS: i64 = 60_000;

/// `GET /` for programs, and without a key where `VANTAGE_KEYS` is `optional`: the card is open then, the page is not.
pub(crate) async fn card_or_page(app: Arc<App>, request: Request) -> Result<Response> {
    match (card::is_wanted(&request), request.identity()) {
        (true, _) => Ok(card::card(&app)),
        (false, None) => Ok(Response::see_other("login")),
        (false, Some(_)) => show(app, request).await,
    }
}

/// `GET /[?range=|from=&to=][&project=][&requests=app|browser|monlight][&endpoint=]`
async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let query = request.query();
    let picker = RangePicker::read(query.pairs(), DEFAULT_RANGE, now_ms);
    let scope = Scope {
        project: query.get("project").map(str::to_owned),
        from_ms: picker.range.from_ms,
        to_ms: picker.range.to_ms,
    };
    let kinds = http::http_kinds(&app, scope.project.as_deref());
    let wanted = query.get("requests");
    let kind = kinds
        .iter()
        .copied()
        .find(|kind| Some(kind.key) == wanted)
        .or(kinds.first().copied());
    let endpoint = query.get("endpoint").filter(|endpoint| !endpoint.is_empty());
    let (n_metrics, projects) = {
        let registry = app.ingest.registry();
        let n_metrics = catalogue::names(&registry, None).len();
        (
            n_metrics,
            registry.projects().iter().map(ToString::to_string).collect(),
        )
    };
    let step_ms = dashboard::chart_step_ms(picker.range.length_ms(), FINEST_MS);
    let http = match kind {
        Some(names) => {
            let asked = http::Asked { names, endpoint };
            Some(http::http(&app, asked, &scope, step_ms, now_ms).await?)
        }
        None => None,
    };
    let marks = dashboard::marks(&app, &scope).await?;
    // Pages of browsers are no endpoints of an app, and none of Monlight's where something else is on the overview.
    let is_itself = kinds.len() > 1 && kind.is_some_and(|kind| kind.is_ours());
    let has_vitals = endpoint.is_none() && !is_itself && vitals::has_vitals(&app, scope.project.as_deref());
    let vitals = match has_vitals {
        true => vitals::vitals(&app, &scope).await?,
        false => None,
    };
    let health = app.ingest_health();
    let view = OverviewPage {
        frame: app.common.frame(&request, "Metrics"),
        start: Start::new(&app.common.address(&request)),
        n_metrics,
        kinds: kinds.iter().map(|names| Tab::of(names, kind, &picker)).collect(),
        kind_param: wanted.map(str::to_owned),
        endpoint: kind
            .zip(endpoint)
            .map(|(names, endpoint)| EndpointChip::of(names, endpoint, &picker)),
        http: http.map(|http| http_view(http, &scope, &picker, &marks, now_ms)),
        vitals: vitals.map(|vitals| vitals_view(vitals, &scope, now_ms)),
        facts: ingest_facts(&health, Count::new(n_metrics as u64), now_ms),
        notes: notes(&health),
        targets: targets(app.scrapes.all(), now_ms),
        project: scope.project,
        projects,
        picker,
    };
    let status = match n_metrics {
        // It shows no range, and waits.
        0 => StatusCode::OK,
        _ => status_of(&view.picker),
    };
    Ok(page(status, &view))
}
