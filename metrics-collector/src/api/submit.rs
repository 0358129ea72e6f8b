//! `POST /api/metrics`: samples in.

use std::sync::Arc;

use serde::Serialize;
use sqlite::request_ids;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::sample::BadBatch;
use crate::intake::{self, Refusal, Tally};

impl From<BadBatch> for Error {
    fn from(bad: BadBatch) -> Self {
        Error::bad_request(bad.to_string())
    }
}

/// Takes an array of metrics. 202 once what it says is taken is on the disk. A request that comes again with the same
/// `Idempotency-Key` within three days is answered alike, and stored once.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let body = request.bytes().await?;
    let text = std::str::from_utf8(&body).map_err(|_| BadBatch::Json)?;
    let (batch, tally) = intake::read(text, app.span(), &app.ingest.registry)?;
    let request_id = request
        .header("idempotency-key")
        .filter(|id| request_ids::is_usable(id));
    let is_new = app.keep_once(batch, request_id.map(str::to_owned)).await?;
    if is_new {
        app.ingest.count(&tally);
    }
    Ok(Response::json(StatusCode::ACCEPTED, &Taken::of(&tally)))
}

/// The answer: the contract's, and what was left out if anything was.
#[derive(Serialize)]
struct Taken {
    status: &'static str,
    count: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    refused: Vec<Refused>,
    #[serde(skip_serializing_if = "is_zero")]
    folded: u64,
}

#[derive(Serialize)]
struct Refused {
    reason: &'static str,
    count: u64,
}

impl Taken {
    fn of(tally: &Tally) -> Self {
        let refused = Refusal::ALL.into_iter().filter_map(|refusal| {
            let count = tally.refused[refusal as usize];
            (count > 0).then_some(Refused {
                reason: refusal.reason(),
                count,
            })
        });
        Self {
            status: "accepted",
            count: tally.n_taken,
            refused: refused.collect(),
            folded: tally.n_folded,
        }
    }
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}
