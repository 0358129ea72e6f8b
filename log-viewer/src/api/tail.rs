//! `/api/logs/tail`: what is stored from now on, as server-sent events.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use service::unix_ms;
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use web::sse::{self, Manner};
use web::{Error, Request, Response, Result};

use crate::app::App;
use crate::asked;
use crate::domain::entry::Stored;
use crate::domain::filter::Filter;
use crate::live;

/// Events and their ends as the contract has them (§2.5).
const MANNER: Manner = Manner {
    heartbeat: Bytes::from_static(b"event: heartbeat\ndata: {}\n\n"),
    max_age: Duration::from_secs(30 * 60),
    at_age: Bytes::from_static(b"event: close\ndata: {\"reason\": \"max_duration\"}\n\n"),
    at_end: Bytes::from_static(b"event: close\ndata: {\"reason\": \"shutdown\"}\n\n"),
};
/// Entries read at once for a reader who comes back.
const PAGE: usize = 200;
/// Pieces that wait for a slow reader of the past.
const WAITING: usize = 2;

/// `GET /api/logs/tail`: with the filters of the list. `Last-Event-ID` goes on after that entry, without a gap.
pub(crate) async fn stream(app: Arc<App>, request: Request) -> Result<Response> {
    let query = request.query();
    let filter = asked::filter(query, unix_ms())?;
    let last_id = sse::last_event_id(&request).or_else(|| query.get("last_event_id"));
    let last_id: Option<u64> = last_id.and_then(|id| id.parse().ok());
    let place = app.live.places.take(&request).map_err(too_many)?;
    let key = key(&request);
    let Some(last_id) = last_id else {
        return Ok(place.answer(MANNER, Vec::new(), app.live.listen(key, filter)));
    };
    let (pieces, stream) = mpsc::channel(WAITING);
    tokio::spawn(async move {
        // Neither a reader who left nor a store that fails is news to anybody: the stream ends.
        let _ = resume(&app, last_id, key, filter, &pieces).await;
    });
    Ok(place.answer(MANNER, Vec::new(), ReceiverStream::new(stream)))
}

/// Sends what was missed, as fast as it is read, then what comes. Says how many entries are gone by now: nobody can say
/// which of them would have matched, so all count. None: the reader has left.
async fn resume(
    app: &App,
    mut last_id: u64,
    key: String,
    filter: Filter,
    pieces: &mpsc::Sender<Bytes>,
) -> Option<()> {
    let newest = app.archive.newest_id().await.ok()?;
    if last_id > newest {
        // An id of another database, or of a restored one: it goes on from now on.
        pieces.send(live::gap(newest).into()).await.ok()?;
        last_id = newest;
    }
    let n_gone = app.archive.n_gone_after(last_id).await.ok()?;
    if n_gone > 0 {
        pieces.send(live::gap(n_gone).into()).await.ok()?;
    }
    let mut tail = None;
    loop {
        let found = app
            .archive
            .stored_after(last_id, filter.clone(), PAGE)
            .await
            .ok()?;
        if let Some(newest) = found.last() {
            last_id = newest.id;
            pieces.send(events(&found)).await.ok()?;
        }
        if found.len() == PAGE {
            tail = None;
            continue;
        }
        if tail.is_some() {
            break;
        }
        // Listens before it looks once more, so that what is stored meanwhile is in one of the two, or in both
        // and told apart by its id.
        tail = Some(app.live.listen(key.clone(), filter.clone()));
    }
    let mut tail = tail?.after(last_id);
    loop {
        tokio::select! {
            () = pieces.closed() => return None,
            piece = tail.next() => pieces.send(piece?).await.ok()?,
        }
    }
}

fn events(entries: &[Stored]) -> Bytes {
    let mut events = Vec::new();
    for stored in entries {
        events.extend_from_slice(&live::event(stored.id, &stored.entry));
    }
    events.into()
}

/// The parameters that make the filter; the same for all that ask for the same.
fn key(request: &Request) -> String {
    let counts = |name: &str| !matches!(name, "api_key" | "last_event_id");
    let mut pairs: Vec<String> = request
        .query()
        .pairs()
        .filter(|(name, value)| counts(name) && !value.is_empty())
        .map(|(name, value)| format!("{}={name}{}={value}", name.len(), value.len()))
        .collect();
    pairs.sort_unstable();
    pairs.concat()
}

fn too_many(mut error: Error) -> Error {
    error.detail = "Too many SSE connections".into();
    error
}
