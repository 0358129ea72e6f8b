//! `/`: the log page, filtered by the URL.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, RangePicker};
use web::{Request, Response, Result, StatusCode};

use super::asked_view::Asked;
use super::entry_view::{EntryRow, SHOWN_CHARS};
use super::logs_view::{Container, List, LogsPage, Rows, Start};
use super::sources_view::Sources;
use super::volume_view::Volume;
use crate::app::App;
use crate::asked::{self, DEFAULT_RANGE};
use crate::domain::paging::{Cursor, Overview, Paging};

/// Rows that come with the page; the script gets more as one scrolls.
const LIMIT: usize = 200;
/// Bars of the histogram.
const N_BARS: usize = 80;

/// What the archive says for this page, and the newest entry there was before it was asked.
type Found = (u64, Overview);

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let now_ms = unix_ms();
    let query = request.query();
    let asked = Asked::read(query);
    let mut shown = LogsPage {
        frame: app.common.frame(&request, "Logs"),
        picker: RangePicker::read(query.pairs(), DEFAULT_RANGE, now_ms),
        containers: Vec::new(),
        volume: None,
        list: List::NoMatch,
        sources: Sources::of(&app.following.read()),
        newest_id: 0,
        is_live: false,
        errors_url: errors_url(&app),
        asked,
    };
    let mut status = StatusCode::OK;
    match find(&app, &request, now_ms).await {
        Ok(found) => fill(&mut shown, &app, &request, found, now_ms),
        Err(error) => {
            status = error.status;
            shown.list = List::Failed(error.detail.into_owned());
        }
    }
    Ok(page(status, &shown))
}

async fn find(app: &App, request: &Request, now_ms: i64) -> Result<Found> {
    let filter = asked::filter(request.query(), now_ms)?;
    let paging = Paging {
        after: asked::cursor(request.query())?,
        // The volume has counted them.
        is_counted: false,
        ..Paging::newest(LIMIT)
    };
    // Before the entries, so that the tail begins no later than the list ends.
    let newest_id = app.archive.newest_id().await?;
    Ok((newest_id, app.archive.overview(filter, paging, N_BARS).await?))
}

fn fill(shown: &mut LogsPage, app: &App, request: &Request, (newest_id, found): Found, now_ms: i64) {
    let stats = &found.stats;
    if shown.asked.range.is_empty() {
        shown.picker.label = Some("All time");
        let ms = |time_ns: Option<i64>| time_ns.map_or(now_ms - 1, |ns| ns.div_euclid(1_000_000));
        shown.picker.range.quick = None;
        shown.picker.range.from_ms = ms(stats.oldest_ns).min(now_ms - 1);
        shown.picker.range.to_ms = now_ms;
    }
    let is_paged = request.query().get("cursor").is_some();
    shown.is_live = !is_paged && (shown.asked.range.is_empty() || shown.picker.range.is_live());
    shown.newest_id = newest_id;
    let containers = stats.containers.iter();
    shown.containers = containers
        .map(|container| Container::new(container, &shown.asked))
        .collect();
    shown.list = list(app, request, &found);
    shown.volume = Some(Volume::new(found.histogram, now_ms)).filter(|volume| !volume.is_empty());
}

fn list(app: &App, request: &Request, found: &Overview) -> List {
    if found.stats.n_entries == 0 {
        return List::Start(Start {
            address: app.common.address(request),
        });
    }
    if found.page.entries.is_empty() {
        return List::NoMatch;
    }
    let total = found.histogram.total();
    let entries = found.page.entries.iter();
    List::Rows(Rows {
        rows: entries.map(|stored| EntryRow::new(stored, SHOWN_CHARS)).collect(),
        total: Count::new(total.n),
        is_lower_bound: total.is_lower_bound,
        next: found.page.next.map(Cursor::text),
    })
}

/// The tracker's page, where its address is set.
pub(crate) fn errors_url(app: &App) -> Option<String> {
    let siblings = app.common.settings.siblings.iter();
    let mut errors = siblings.filter(|(service, _)| *service == ui::Service::Errors);
    errors
        .next()
        .and_then(|(_, url)| ui::link::web(url))
        .map(str::to_owned)
}
