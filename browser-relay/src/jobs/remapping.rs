//! Maps stored events again when a source map comes after them: asks the tracker for those of the release, and gives
//! back the stacks that now have more of their sources.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_client::Answer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::Ending;
use web::Method;

use crate::app::App;
use crate::domain::backend::{Backend, Verdict, verdict};
use crate::link::Link;
use crate::mapping::{self, Mapped};
use crate::store::remaps::{self, Remap};
use crate::store::source_maps::{self, Build};

/// How often is looked for what is left, besides when a map comes.
const INTERVAL: Duration = Duration::from_secs(30);
/// Maps of one release come one after another: wait for the last.
const SETTLE: Duration = Duration::from_millis(500);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    loop {
        let wake = tokio::time::timeout(INTERVAL, app.remaps_waiting.notified());
        let Some(woken) = ending.unless(wake).await else {
            return;
        };
        if woken.is_ok() && ending.unless(tokio::time::sleep(SETTLE)).await.is_none() {
            return;
        }
        match ending.unless(all(&app)).await {
            None => return,
            Some(Ok(())) => {}
            Some(Err(what)) => tracing::debug!("stored events are mapped later: {what}"),
        }
    }
}

async fn all(app: &Arc<App>) -> Result<(), String> {
    let Some(link) = app.link(Backend::Tracker) else {
        return Ok(());
    };
    let told = |error: web::Error| error.to_string();
    let mut last = Remap::default();
    loop {
        let next = app.common.read(move |connection| remaps::next(connection, &last));
        let Some(remap) = next.await.map_err(told)? else {
            return Ok(());
        };
        // What waits is not with the tracker yet.
        if link.is_behind() {
            return Err("events wait for the tracker".to_owned());
        }
        // It may have come to the store a moment ago; without maps nothing would be mapped, and that for good.
        if !app.has_maps(&remap.project) {
            app.load_mapped_projects().await.map_err(told)?;
        }
        last = remap.clone();
        match one(app, link, &remap).await {
            Ok(n) => {
                if n > 0 {
                    tracing::info!(n, "stored events have their sources now");
                }
                let done = app.common.write(move |tx| remaps::done(tx, &remap));
                done.await.map_err(told)?;
            }
            // It has its next turn with all others, which do not wait for it.
            Err(what) => tracing::debug!(remap.release, "stored events are mapped later: {what}"),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    occurrences: Vec<Occurrence>,
    next: Option<i64>,
}

#[derive(Deserialize)]
struct Occurrence {
    id: i64,
    exception_type: String,
    message: String,
    traceback: String,
}

#[derive(Serialize)]
struct Stack<'a> {
    traceback: &'a str,
    exception: &'a RawValue,
}

/// Maps the stored events of one release. How many have more sources than before.
async fn one(app: &App, link: &Link, remap: &Remap) -> Result<usize, String> {
    let (project, release) = (remap.project.clone(), remap.release.clone());
    let sources = app
        .common
        .read(move |connection| source_maps::sources(connection, &project, &release))
        .await;
    let sources = Arc::new(sources.map_err(|error| error.to_string())?);
    let mut n = 0;
    let mut after = 0;
    loop {
        let page = page(link, remap, after).await?;
        for occurrence in page.occurrences {
            let build = Build {
                project: remap.project.clone(),
                release: Some(remap.release.clone()),
                debug_ids: Vec::new(),
            };
            let Occurrence {
                id,
                exception_type,
                message,
                traceback,
            } = occurrence;
            let sources = sources.clone();
            let mapped = mapping::map_again(app, build, sources, &exception_type, &message, &traceback).await;
            let mapped = mapped.map_err(|error| error.to_string())?;
            // What was mapped before stands in the text with its source, and is not counted.
            let mapped = mapped.filter(|mapped| mapped.n_mapped > 0 && mapped.traceback != traceback);
            if let Some(mapped) = mapped {
                n += usize::from(give_back(link, id, &mapped).await?);
            }
        }
        match page.next {
            Some(next) if next > after => after = next,
            _ => return Ok(n),
        }
    }
}

async fn page(link: &Link, remap: &Remap, after: i64) -> Result<Page, String> {
    let (project, release) = (encoded(&remap.project), encoded(&remap.release));
    let path = format!("/api/occurrences?project={project}&release={release}&source=browser&after={after}");
    let answer = ask(link, Method::GET, &path, Bytes::new()).await?;
    if !answer.status.is_success() {
        return Err(format!("the tracker answered {}", answer.status.as_u16()));
    }
    serde_json::from_slice(&answer.body)
        .map_err(|cause| format!("the tracker's answer is not understood: {cause}"))
}

/// Whether the tracker has taken it.
async fn give_back(link: &Link, id: i64, mapped: &Mapped) -> Result<bool, String> {
    let body = serde_json::to_vec(&Stack {
        traceback: &mapped.traceback,
        exception: &mapped.exception,
    });
    let body = Bytes::from(body.map_err(|cause| cause.to_string())?);
    let path = format!("/api/occurrences/{id}/stack");
    let status = ask(link, Method::PUT, &path, body).await?.status.as_u16();
    match status {
        200..=299 => Ok(true),
        // The event has left meanwhile.
        404 => Ok(false),
        // It may be too large with its sources. It stays as it is, and holds up no other.
        _ if verdict(status) == Verdict::Refused => {
            tracing::debug!(status, "a stored event is not taken with its sources");
            Ok(false)
        }
        _ => Err(format!("the tracker answered {status}")),
    }
}

async fn ask(link: &Link, method: Method, path: &str, body: Bytes) -> Result<Answer, String> {
    let asked = link.ask(method, path, body).await;
    asked.map_err(|failure| failure.to_string())
}

/// A query value.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
