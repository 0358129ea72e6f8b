//! `/api/logs/export`: all that matches as NDJSON or text, the oldest first, in constant memory.

use std::sync::Arc;

use bytes::Bytes;
use service::unix_ms;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use web::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue};
use web::{Body, Error, Request, Response, ResponseExt, Result};

use crate::app::App;
use crate::asked;
use crate::domain::entry::Stored;
use crate::domain::filter::Filter;
use crate::domain::paging::{Order, Paging};
use crate::domain::time_text;
use crate::row::Row;

/// Entries read at once.
const PAGE: usize = 500;
/// Pieces that wait for a slow reader.
const WAITING: usize = 2;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Ndjson,
    Text,
}

/// `GET /api/logs/export?format=`: with the filters of the list.
pub(crate) async fn export(app: Arc<App>, request: Request) -> Result<Response> {
    let format = match request.query().get("format") {
        None | Some("ndjson") => Format::Ndjson,
        Some("text") => Format::Text,
        Some(_) => return Err(Error::bad_request("'format' is ndjson or text")),
    };
    let mut filter = asked::filter(request.query(), unix_ms())?;
    // Else it would never end while entries come. Not by their time: some are ahead of the clock.
    filter.newest_id = Some(app.archive.newest_id().await?);
    let (pieces, stream) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        if let Err(error) = write(&app, &filter, format, &pieces).await {
            // The status is long sent: whoever reads the lines finds out from the last one.
            let line = serde_json::json!({ "detail": error.detail });
            let _ = pieces.send(Bytes::from(format!("{line}\n"))).await;
        }
    });
    let (content_type, name) = match format {
        Format::Ndjson => ("application/x-ndjson", "attachment; filename=\"logs.ndjson\""),
        Format::Text => ("text/plain; charset=utf-8", "attachment; filename=\"logs.txt\""),
    };
    Ok(Response::new(Body::Stream(Box::pin(ReceiverStream::new(stream))))
        .with_header(CONTENT_TYPE, HeaderValue::from_static(content_type))
        .with_header(CONTENT_DISPOSITION, HeaderValue::from_static(name)))
}

async fn write(app: &App, filter: &Filter, format: Format, pieces: &mpsc::Sender<Bytes>) -> Result<()> {
    let mut paging = Paging {
        order: Order::OldestFirst,
        after: None,
        offset: 0,
        limit: PAGE,
        is_counted: false,
    };
    loop {
        let page = app.archive.page(filter.clone(), paging).await?;
        let mut piece = Vec::new();
        for stored in &page.entries {
            push(&mut piece, stored, format)?;
        }
        if !piece.is_empty() && pieces.send(piece.into()).await.is_err() {
            return Ok(());
        }
        match page.next {
            Some(next) => paging.after = Some(next),
            None => return Ok(()),
        }
    }
}

/// One line; in text, those of a message that has several follow as they are.
fn push(piece: &mut Vec<u8>, stored: &Stored, format: Format) -> Result<()> {
    let entry = &stored.entry;
    match format {
        Format::Ndjson => {
            serde_json::to_writer(&mut *piece, &Row::of(stored.id, entry)).map_err(Error::internal)?;
        }
        Format::Text => {
            let time = time_text::exact(entry.time_ns);
            let head = format!("{time} {} {} ", entry.container, entry.level.name());
            piece.extend_from_slice(head.as_bytes());
            piece.extend_from_slice(entry.message.as_bytes());
        }
    }
    piece.push(b'\n');
    Ok(())
}
