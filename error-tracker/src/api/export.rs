//! `/api/export`: groups with their kept events as JSON lines; the events of one group at a time are in memory.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use web::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use web::{Body, Request, Response, ResponseExt, Result, StatusCode};

use super::errors::{Kept, Row, filter};
use crate::app::App;
use crate::store::groups::{Filter, Group, Sort};
use crate::store::listing::{self, Start};
use crate::store::occurrences::{self, Occurrence};

/// Groups read at once.
const PAGE: u64 = 50;
/// Lines that wait for a slow reader.
const WAITING: usize = 1;

/// `GET /api/export`: with the filters of `/api/errors`, one line a group.
pub(crate) async fn export(app: Arc<App>, request: Request) -> Result<Response> {
    let filter = filter(request.query())?;
    let (lines, stream) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = write(&app, &filter, &lines).await {
            // The status is long sent: whoever reads the lines finds out from the last one.
            let line = serde_json::json!({ "detail": error.detail });
            let _ = lines.send(Bytes::from(format!("{line}\n"))).await;
        }
    });
    let mut response = Response::new(Body::Stream(Box::pin(ReceiverStream::new(stream))));
    *response.status_mut() = StatusCode::OK;
    let attachment = HeaderValue::from_static("attachment; filename=\"errors.jsonl\"");
    Ok(response
        .with_header(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))
        .with_header(CONTENT_DISPOSITION, attachment))
}

async fn write(app: &App, filter: &Filter, lines: &mpsc::Sender<Bytes>) -> Result<()> {
    let keep = app.settings.keep_occurrences;
    // In an order that does not change while it is written, whatever is reported meanwhile.
    let filter = Filter {
        sort: Sort::FirstSeen,
        ..filter.clone()
    };
    let mut start = Start::Offset(0);
    loop {
        let filter = filter.clone();
        let page = app.read_searching(filter.search.is_some(), move |connection| {
            listing::list(connection, &filter, PAGE, start)
        });
        let page = page.await?;
        // One group's events at a time: they may have megabytes.
        for group in &page.groups {
            let id = group.id;
            let kept = app
                .common
                .read(move |connection| occurrences::of_group(connection, id, keep));
            if lines.send(line(group, &kept.await?)?).await.is_err() {
                return Ok(());
            }
        }
        match page.next_cursor.as_deref().and_then(Start::read_cursor) {
            Some(next) => start = next,
            None => return Ok(()),
        }
    }
}

fn line(group: &Group, kept: &[Occurrence]) -> Result<Bytes> {
    #[derive(Serialize)]
    struct Line<'a> {
        #[serde(flatten)]
        row: Row<'a>,
        occurrences: Vec<Kept<'a>>,
    }
    let line = Line {
        row: Row::of(group),
        occurrences: kept.iter().map(Kept::of).collect(),
    };
    let mut bytes = serde_json::to_vec(&line).map_err(web::Error::internal)?;
    bytes.push(b'\n');
    Ok(bytes.into())
}
