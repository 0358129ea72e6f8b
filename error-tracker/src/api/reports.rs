//! `POST /api/errors` and its batch: take reports in.

use std::sync::Arc;

use serde::Serialize;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::json_text;
use crate::domain::noise::Noise;
use crate::domain::report::{self, Report};
use crate::store::filing::{Filed, Outcome};

/// `POST /api/errors`: files one report under its group. 201 if the group is new or reopened, else 200.
pub(crate) async fn submit(app: Arc<App>, mut request: Request) -> Result<Response> {
    let body = request.bytes().await?;
    let report = read(&app, &body, request.query().get("project"))?;
    // Its room is the connection's, which is about to wait for the next request.
    drop(body);
    if let Some(noise) = filtered(&app, &report) {
        let answer: Answer<'_> = Answer::filtered(noise);
        return Ok(Response::json(StatusCode::OK, &answer));
    }
    let filed = app.file(app.filing(report, unix_ms())).await?;
    count(&app, &filed);
    Ok(answer(&filed))
}

fn read(app: &App, body: &[u8], project: Option<&str>) -> Result<Report> {
    let text = json_text::mend(body);
    let clean = app.scrubber.json(&text);
    report::read(clean.as_bytes(), project).map_err(|refusal| {
        app.metrics.refused.inc();
        Error::bad_request(refusal.to_string())
    })
}

/// Counts an event that nobody can mend, which is not stored then. None for all others.
fn filtered(app: &App, report: &Report) -> Option<Noise> {
    let noise = report
        .noise()
        .filter(|noise| app.settings.noise_filters.contains(noise))?;
    app.metrics.filtered.inc();
    app.filtered.count(&report.project, noise);
    Some(noise)
}

/// Most reports in one batch.
const MAX_BATCH: usize = 1000;

/// `POST /api/errors/batch`: a JSON list of reports. Each is taken or refused by itself; 200 if all were taken,
/// 207 if some were refused.
pub(crate) async fn submit_batch(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Answers<'a> {
        accepted: usize,
        refused: usize,
        results: Vec<Item<'a>>,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Item<'a> {
        Taken(Answer<'a>),
        Refused { status: &'static str, detail: String },
    }
    let body = request.bytes().await?;
    let project = request.query().get("project");
    let text = json_text::mend(&body);
    let clean = app.scrubber.json(&text);
    let items = report::items(&clean).map_err(|refusal| Error::bad_request(refusal.to_string()))?;
    if items.len() > MAX_BATCH {
        return Err(Error::bad_request(format!(
            "a batch holds at most {MAX_BATCH} reports, this one has {}",
            items.len()
        )));
    }
    let now = unix_ms();
    let read = items.iter().map(|item| report::read(item, project));
    // What is answered at once; none where the store has to say.
    let (mut filings, mut answers) = (Vec::new(), Vec::new());
    for item in read {
        answers.push(match item.map(|report| (filtered(&app, &report), report)) {
            Ok((Some(noise), _)) => Some(Item::Taken(Answer::filtered(noise))),
            Ok((None, report)) => {
                filings.push(app.filing(report, now));
                None
            }
            Err(refusal) => Some(Item::Refused {
                status: "refused",
                detail: refusal.to_string(),
            }),
        });
    }
    let refused = answers
        .iter()
        .filter(|it| matches!(it, Some(Item::Refused { .. })))
        .count();
    app.metrics.refused.inc_by(refused as u64);
    let filed = match filings.is_empty() {
        true => Vec::new(),
        false => app.file_all(filings).await?,
    };
    filed.iter().for_each(|filed| count(&app, filed));
    let mut taken = filed.iter();
    let results = answers
        .into_iter()
        .filter_map(|answer| answer.or_else(|| taken.next().map(|filed| Item::Taken(Answer::of(filed).0))));
    let answers = Answers {
        accepted: items.len() - refused,
        refused,
        results: results.collect(),
    };
    let status = match refused {
        0 => StatusCode::OK,
        _ => StatusCode::MULTI_STATUS,
    };
    Ok(Response::json(status, &answers))
}

fn count(app: &App, filed: &Filed) {
    match filed.outcome {
        Outcome::Created => app.metrics.created.inc(),
        Outcome::Incremented => app.metrics.incremented.inc(),
        Outcome::Reopened => app.metrics.reopened.inc(),
        Outcome::Repeated => app.metrics.repeated.inc(),
    };
    if matches!(filed.outcome, Outcome::Created | Outcome::Reopened) {
        app.alerts_waiting.notify_one();
    }
}

#[derive(Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
enum Answer<'a> {
    Created { id: i64, fingerprint: &'a str },
    Incremented { id: i64, count: i64 },
    Reopened { id: i64, count: i64 },
    Filtered { reason: &'static str },
}

impl<'a> Answer<'a> {
    fn filtered(noise: Noise) -> Self {
        Self::Filtered { reason: noise.name() }
    }

    fn of(filed: &'a Filed) -> (Self, StatusCode) {
        let (id, count) = (filed.group_id, filed.n_occurrences);
        match filed.outcome {
            Outcome::Created => {
                let fingerprint = &filed.fingerprint;
                (Self::Created { id, fingerprint }, StatusCode::CREATED)
            }
            // To a client that sends again, what it sent is counted.
            Outcome::Incremented | Outcome::Repeated => (Self::Incremented { id, count }, StatusCode::OK),
            Outcome::Reopened => (Self::Reopened { id, count }, StatusCode::CREATED),
        }
    }
}

fn answer(filed: &Filed) -> Response {
    let (answer, status) = Answer::of(filed);
    Response::json(status, &answer)
}
