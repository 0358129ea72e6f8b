//! Maps stored events again when a source map comes after them: asks the tracker for those of the release, and gives
//! back the stacks that now have more of their sources.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use service::Ending;
use web::Method;

use crate::app::App;
use crate::domain::backend::Backend;
use crate::link::Link;
use crate::mapping;
use crate::store::remaps;
use crate::store::source_maps::Build;

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
    while let Some((project, release, requested_at)) = app.common.read(remaps::next).await.map_err(told)? {
        // What waits is not with the tracker yet.
        if link.is_behind() {
            return Err("events wait for the tracker".to_owned());
        }
        // It may have come to the store a moment ago; without maps nothing would be mapped, and that for good.
        if !app.has_maps(&project) {
            app.load_mapped_projects().await.map_err(told)?;
        }
        let n = one(app, link, &project, &release).await?;
        if n > 0 {
            tracing::info!(n, "stored events have their sources now");
        }
        app.common
            .write(move |tx| remaps::done(tx, &project, &release, requested_at))
            .await
            .map_err(told)?;
    }
    Ok(())
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
async fn one(app: &App, link: &Link, project: &str, release: &str) -> Result<usize, String> {
    let mut n = 0;
    let mut after = 0;
    loop {
        let query = [("project", project), ("release", release)];
        let query = query
            .map(|(name, value)| format!("{name}={}", encoded(value)))
            .join("&");
        let path = format!("/api/occurrences?{query}&source=browser&after={after}");
        let page: Page = serde_json::from_slice(&ask(link, Method::GET, &path, Bytes::new()).await?)
            .map_err(|cause| format!("the tracker's answer is not understood: {cause}"))?;
        for occurrence in page.occurrences {
            let build = Build {
                project: project.to_owned(),
                release: Some(release.to_owned()),
                debug_ids: Vec::new(),
            };
            let Occurrence {
                id,
                exception_type,
                message,
                traceback,
            } = occurrence;
            let mapped = mapping::map(app, build, &exception_type, &message, &traceback).await;
            let mapped = mapped.map_err(|error| error.to_string())?;
            // What was mapped before stands in the text with its source, of which there is no map.
            let Some(mapped) = mapped.filter(|mapped| mapped.n_mapped > 0 && mapped.traceback != traceback)
            else {
                continue;
            };
            let body = serde_json::to_vec(&Stack {
                traceback: &mapped.traceback,
                exception: &mapped.exception,
            });
            let body = body.map_err(|cause| cause.to_string())?;
            ask(
                link,
                Method::PUT,
                &format!("/api/occurrences/{id}/stack"),
                Bytes::from(body),
            )
            .await?;
            n += 1;
        }
        match page.next {
            Some(next) if next > after => after = next,
            _ => return Ok(n),
        }
    }
}

async fn ask(link: &Link, method: Method, path: &str, body: Bytes) -> Result<Bytes, String> {
    let answer = link
        .ask(method, path, body)
        .await
        .map_err(|failure| failure.to_string())?;
    match answer.status.as_u16() {
        200..=299 => Ok(answer.body),
        // The event has left meanwhile.
        404 if path.ends_with("/stack") => Ok(Bytes::new()),
        status => Err(format!("the tracker answered {status}")),
    }
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
