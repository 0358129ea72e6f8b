//! `POST /api/logs`: entries from programs that send them themselves.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use service::unix_ms;
use sqlite::request_ids;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::entry::Entry;
use crate::domain::submitted::{self, MAX_ITEMS, Refusal};
use crate::store::names::{MAX_NAMES, Names};

/// Refusals that are told one by one; of more only the number.
const MAX_TOLD: usize = 100;

/// `POST /api/logs`: a JSON list, or an object a line. Each is taken or refused by itself; 200 if all were taken,
/// 207 if some were refused. Answered when those taken are on the disk. A request that comes again with the same
/// `Idempotency-Key` within three days is answered alike, without a first id, and stored once.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Answer {
        accepted: usize,
        refused: usize,
        /// Id of the first; the others follow.
        first_id: Option<u64>,
        errors: Vec<Refused>,
    }
    #[derive(Serialize)]
    struct Refused {
        index: usize,
        detail: String,
    }
    if request.headers().contains_key("idempotency-key")
        && !request
            .header("idempotency-key")
            .is_some_and(request_ids::is_usable)
    {
        return Err(Error::bad_request(
            "'Idempotency-Key' has 1 to 128 visible ASCII characters and no blanks",
        ));
    }
    let body = request.bytes().await?;
    let items = submitted::items(&body).map_err(|refusal| Error::bad_request(refusal.to_string()))?;
    if items.len() > MAX_ITEMS {
        return Err(Error::bad_request(format!(
            "a batch holds at most {MAX_ITEMS} entries, this one has {}",
            items.len()
        )));
    }
    let container = request.query().get("container");
    let now_ns = unix_ms().saturating_mul(1_000_000);
    let (mut entries, mut errors) = (Vec::new(), Vec::new());
    let mut refused = 0;
    let mut new_names = NewNames::beside(app.archive.names().await?);
    for (index, item) in items.iter().enumerate() {
        let read = submitted::read(item, container, now_ns);
        match read.and_then(|entry| new_names.admit(entry)) {
            Ok(entry) => entries.push(entry),
            Err(refusal) => {
                refused += 1;
                if errors.len() < MAX_TOLD {
                    let detail = refusal.to_string();
                    errors.push(Refused { index, detail });
                }
            }
        }
    }
    let accepted = entries.len();
    let request_id = request.header("idempotency-key");
    let first_id = match (accepted, request_id) {
        (0, _) => None,
        (_, None) => Some(app.ingest.store(entries, |_| Ok(())).await?),
        (_, Some(id)) => {
            let (app, id) = (app.clone(), id.to_owned());
            // A task of its own: a caller that goes away must not free its id while its entries are on their way.
            let stored = tokio::spawn(async move { store_once(&app, entries, &id).await });
            stored.await.map_err(Error::internal)??
        }
    };
    let status = if refused == 0 {
        StatusCode::OK
    } else {
        StatusCode::MULTI_STATUS
    };
    let answer = Answer {
        accepted,
        refused,
        first_id,
        errors,
    };
    Ok(Response::json(status, &answer))
}

/// Containers of a request that were never heard of.
struct NewNames<'a> {
    known: &'a Names,
    new: HashSet<Arc<str>>,
}

impl<'a> NewNames<'a> {
    fn beside(known: &'a Names) -> Self {
        Self {
            known,
            new: HashSet::new(),
        }
    }

    /// Gives the entry back, unless its container would be one too many: names are kept in memory and for good.
    fn admit(&mut self, entry: Entry) -> std::result::Result<Entry, Refusal> {
        let name = &entry.container;
        if self.known.find(name).is_some() || self.new.contains(name) {
            return Ok(entry);
        }
        if self.known.len() + self.new.len() >= MAX_NAMES {
            return Err(Refusal::new(format!(
                "there are {MAX_NAMES} containers, no new one is taken"
            )));
        }
        self.new.insert(name.clone());
        Ok(entry)
    }
}

/// Stores the entries of a request with an id; nothing, if that was done before.
async fn store_once(app: &App, entries: Vec<Entry>, id: &str) -> Result<Option<u64>> {
    let Some(_turn) = app.sending.begin(id) else {
        let detail = "a request with this Idempotency-Key is being stored";
        return Err(Error::unavailable(detail, Duration::from_secs(1)));
    };
    let looked_up = id.to_owned();
    let now = unix_ms();
    let is_known = app
        .common
        .read(move |connection| request_ids::is_known(connection, &looked_up, now))
        .await?;
    if is_known {
        return Ok(None);
    }
    let noted = id.to_owned();
    let stored = app
        .ingest
        .store(entries, move |tx| request_ids::note(tx, &noted, now).map(drop));
    stored.await.map(Some)
}
