//! `/`: what browsers sent, what was refused and why, and what waits for the services behind.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, Excerpt, Frame, Moment, Template};
use web::{Request, Response, Result, StatusCode};

use crate::app::App;
use crate::domain::backend::Backend;
use crate::domain::traffic::{is_good, words};
use crate::jobs::write_down;
use crate::store::dsn_keys;
use crate::store::traffic::{self, Sum};

const HOUR_MS: i64 = 3_600_000;
/// Ranges on offer: hours, and their words.
const RANGES: &[(&str, &str)] = &[
    ("1", "hour"),
    ("24", "24 hours"),
    ("168", "7 days"),
    ("720", "30 days"),
];
const DEFAULT_RANGE: &str = "24";

/// `traffic.html`.
#[derive(Template)]
#[template(path = "pages/traffic.html")]
struct TrafficPage {
    frame: Frame,
    n_keys: usize,
    backends: Vec<BackendRow>,
    max_size: String,
    max_age: String,
    ranges: &'static [(&'static str, &'static str)],
    range: &'static str,
    project: Option<String>,
    projects: Vec<String>,
    sums: Vec<SumRow>,
}

struct BackendRow {
    name: &'static str,
    address: String,
    is_set: bool,
    n: u64,
    n_waiting: Count,
    size: String,
    oldest: Option<Moment>,
    trouble: Option<TroubleRow>,
}

struct TroubleRow {
    what: String,
    next_try: Moment,
}

struct SumRow {
    kind: String,
    words: String,
    is_good: bool,
    n: Count,
}

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    // So that what has just happened is on the page.
    write_down(&app).await;
    let asked = request.query().get("range").unwrap_or(DEFAULT_RANGE);
    let range = RANGES
        .iter()
        .map(|(value, _)| *value)
        .find(|value| *value == asked)
        .unwrap_or(DEFAULT_RANGE);
    let hours: i64 = range.parse().unwrap_or(24);
    let project = request.query().get("project").map(str::to_owned);
    let wanted = project.clone();
    let (keys, sums) = app
        .common
        .read(move |connection| {
            let since = unix_ms().div_euclid(HOUR_MS) - hours + 1;
            Ok((
                dsn_keys::all(connection)?,
                traffic::since(connection, since, wanted.as_deref())?,
            ))
        })
        .await?;
    let frame = app.common.frame(&request, ui::Service::Browser.title());
    let mut projects: Vec<String> = keys.iter().map(|key| key.project.clone()).collect();
    projects.sort_unstable();
    projects.dedup();
    let view = TrafficPage {
        n_keys: keys.iter().filter(|key| key.is_active).count(),
        backends: Backend::ALL
            .iter()
            .map(|backend| backend_row(&app, *backend, &frame))
            .collect(),
        max_size: size(app.settings.outbox_max_bytes),
        max_age: age(app.settings.outbox_max_age.as_secs()),
        ranges: RANGES,
        range,
        project,
        projects,
        sums: sums.iter().map(sum_row).collect(),
        frame,
    };
    Ok(page(StatusCode::OK, &view))
}

fn backend_row(app: &App, backend: Backend, frame: &Frame) -> BackendRow {
    let link = app.link(backend);
    let backlog = link.map(|link| link.backlog()).unwrap_or_default();
    let trouble = link.and_then(|link| link.trouble()).filter(|_| backlog.n > 0);
    BackendRow {
        name: backend.name(),
        address: link.map(|link| link.base().to_string()).unwrap_or_default(),
        is_set: link.is_some(),
        n: backlog.n,
        n_waiting: Count::new(backlog.n),
        size: size(backlog.n_bytes),
        oldest: backlog.oldest_at.map(|at| frame.moment(at)),
        trouble: trouble.map(|trouble| TroubleRow {
            what: trouble.what,
            next_try: frame.moment(trouble.next_try_at),
        }),
    }
}

fn sum_row(sum: &Sum) -> SumRow {
    SumRow {
        kind: sum.kind.clone(),
        words: words(&sum.outcome).into_owned(),
        is_good: is_good(&sum.outcome),
        n: Count::new(u64::try_from(sum.n).unwrap_or(0)),
    }
}

/// Bytes in the unit that suits them.
pub(crate) fn size(n_bytes: u64) -> String {
    match n_bytes {
        0..1024 => format!("{n_bytes} bytes"),
        1024..1_048_576 => format!("{} KB", n_bytes / 1024),
        _ => format!("{:.1} MB", n_bytes as f64 / 1_048_576.),
    }
}

fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7200 => format!("{} minutes", seconds / 60),
        _ => format!("{} hours", seconds / 3600),
    }
}
