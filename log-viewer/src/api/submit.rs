//! `POST /api/logs`: entries from programs that send them themselves.

use std::sync::Arc;

use serde::Serialize;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::submitted::{self, MAX_ITEMS};

/// Refusals that are told one by one; of more only the number.
const MAX_TOLD: usize = 100;

/// `POST /api/logs`: a JSON list, or an object a line. Each is taken or refused by itself; 200 if all were taken,
/// 207 if some were refused. Answered when those taken are on the disk.
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
    for (index, item) in items.iter().enumerate() {
        match submitted::read(item, container, now_ns) {
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
    let first_id = match accepted {
        0 => None,
        _ => Some(app.ingest.store(entries, |_| Ok(())).await?),
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
