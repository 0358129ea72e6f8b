//! `/api-monitoring/endpoint`: one route, and the way to its errors and logs.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Chart, Frame, RangePicker, Service, Template};
use web::{Error, Request, Response, Result};

use super::filters::FilterForm;
use super::overview::{Scale, charts, live_every};
use super::rows::{self, NamedRow, StatusRow};
use super::tiles::{self, Tile};
use crate::app::App;
use crate::domain::vantage::metric::MAX_AGE_MS;
use crate::monitoring::{self, Asked};
use crate::pages::overview::status_of;
use crate::vantage::{self, Failure};

/// What names an endpoint in the URL.
const OWN: [&str; 3] = ["service", "method", "endpoint"];

/// `endpoint.html`.
#[derive(Template)]
#[template(path = "pages/monitoring/endpoint.html")]
struct EndpointPage {
    frame: Frame,
    service: String,
    method: String,
    endpoint: String,
    /// The overview with the same filters.
    back: String,
    errors: Option<String>,
    logs: Option<String>,
    form: FilterForm,
    tiles: Vec<Tile>,
    charts: Vec<Chart>,
    scale: Scale,
    statuses: Vec<StatusRow>,
    consumers: Vec<NamedRow>,
    nodes: Vec<NamedRow>,
    failures: Vec<FailureRow>,
    picker: RangePicker,
}

/// A failed request as an agent told of it.
struct FailureRow {
    at: ui::Moment,
    status: u16,
    error: String,
    /// Logs of its trace.
    trace: Option<String>,
}

impl EndpointPage {
    /// What the form of filters keeps.
    fn own(&self) -> Vec<(&'static str, &str)> {
        let values = [&self.service, &self.method, &self.endpoint];
        let named = OWN.into_iter().zip(values.map(String::as_str));
        let set = named.filter(|(_, value)| !value.is_empty());
        set.chain(self.scale.is_log.then_some(("scale", "log"))).collect()
    }

    fn live_every(&self) -> Option<u32> {
        live_every(&self.picker)
    }
}

/// `GET /api-monitoring/endpoint?service=&method=&endpoint=…`, filters as on the overview. 400 without an endpoint.
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let asked = Asked::read(request.query(), app.requests.kept(), now_ms);
    let Some(endpoint) = asked.filter("endpoint").map(str::to_owned) else {
        return Err(Error::bad_request(
            "endpoint: say which, such as endpoint=/orders/{id}",
        ));
    };
    let frame = app.common.frame(&request, endpoint.clone());
    let sibling = |service: Service| {
        let found = frame.siblings.iter().find(|sibling| sibling.service == service);
        found.map(|sibling| sibling.url.clone())
    };
    let text = rows::literal(&endpoint);
    let logs = sibling(Service::Logs);
    let found = monitoring::find(&app, &asked, now_ms).await?;
    let (consumers, _) = rows::consumers(&found, &asked);
    let from_ms = asked.picker.range.from_ms.max(now_ms - MAX_AGE_MS);
    let failures = vantage::failures(
        &app,
        asked.filter("service"),
        &endpoint,
        from_ms,
        asked.picker.range.to_ms,
    )
    .await?;
    let view = EndpointPage {
        service: asked.filter("service").unwrap_or_default().to_owned(),
        method: asked.filter("method").unwrap_or_default().to_owned(),
        back: format!(
            "{}api-monitoring{}",
            frame.root,
            asked.link(&OWN.map(|name| (name, None)))
        ),
        errors: sibling(Service::Errors).and_then(|root| rows::search(&root, text, "")),
        logs: logs
            .as_deref()
            .and_then(|root| rows::search(root, &format!("\"{text}\""), &frame.range)),
        form: FilterForm::new(&app, &asked, &OWN),
        tiles: tiles::tiles(&found),
        charts: charts(&found, &asked, now_ms),
        scale: Scale::of(&asked),
        statuses: rows::statuses(&found, &asked),
        consumers,
        nodes: rows::named(&found.now.nodes, "node", &found, &asked),
        failures: failures
            .into_iter()
            .map(|failure| failure_row(failure, &frame, logs.as_deref()))
            .collect(),
        picker: asked.picker,
        endpoint,
        frame,
    };
    Ok(page(status_of(&view.picker), &view))
}

fn failure_row(failure: Failure, frame: &Frame, logs: Option<&str>) -> FailureRow {
    let trace = failure.trace_id.as_deref().zip(logs);
    FailureRow {
        at: frame.moment(failure.at_ms),
        status: failure.status,
        trace: trace.and_then(|(id, root)| rows::search(root, &format!("\"{id}\""), &frame.range)),
        error: failure.error,
    }
}
