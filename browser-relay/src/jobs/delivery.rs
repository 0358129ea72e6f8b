//! Empties the queue of one service, in order: what it takes leaves, what it cannot take now is tried again, what it
//! will never take, or what waited too long, is given up and counted.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_client::Answer;
use serde::Deserialize;
use service::{Ending, unix_ms};
use web::header::RETRY_AFTER;

use crate::app::App;
use crate::domain::backend::{Backend, Verdict, pause, verdict};
use crate::domain::traffic::{Kind, Outcome};
use crate::link::Link;
use crate::store::outbox::{self, Waiting};

/// Events of one batch for the tracker, and bytes of it.
const MAX_BATCH: u32 = 100;
const MAX_BATCH_BYTES: usize = 2 << 20;
/// How often a service may fail with an error of its own at one request before that is set aside: one that breaks it
/// must not hold up all others for a day.
const MAX_BREAKDOWNS: u32 = 20;
/// How long a service is tried before anything is given up as too old: after a start it may come later than the relay.
const PATIENCE: Duration = Duration::from_secs(600);
/// Pause after our own storage failed.
const STORAGE_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(app: Arc<App>, link: Arc<Link>, mut ending: Ending) {
    let mut breakdowns = Breakdowns::default();
    loop {
        let step = step(&app, &link, &mut breakdowns);
        let pause = match ending.unless(step).await {
            None => return,
            Some(Ok(Step::Empty)) => {
                let wake = tokio::time::timeout(Duration::from_secs(5), link.waiting.notified());
                if ending.unless(wake).await.is_none() {
                    return;
                }
                continue;
            }
            Some(Ok(Step::Delivered)) => continue,
            Some(Ok(Step::Later(pause))) => pause,
            Some(Err(error)) => {
                tracing::error!(
                    cause = error.cause,
                    "the outbox cannot be read or written: {}",
                    error.detail
                );
                STORAGE_PAUSE
            }
        };
        if ending.unless(tokio::time::sleep(pause)).await.is_none() {
            return;
        }
    }
}

enum Step {
    Empty,
    Delivered,
    Later(Duration),
}

/// How often the front of the queue broke the service.
#[derive(Default)]
struct Breakdowns {
    seq: i64,
    n: u32,
}

async fn step(app: &App, link: &Arc<Link>, breakdowns: &mut Breakdowns) -> web::Result<Step> {
    let backend = link.backend;
    if !link.is_behind() {
        let oldest = app
            .common
            .read(move |connection| outbox::oldest_at(connection, backend));
        if oldest.await?.is_none() {
            return Ok(Step::Empty);
        }
        // The counters were wrong: what waits must not depend on them.
        recount(app, link).await?;
    }
    let limit = match backend {
        Backend::Tracker if breakdowns.n == 0 => MAX_BATCH,
        // One by one, to find the one that breaks it.
        _ => 1,
    };
    let front = app
        .common
        .read(move |connection| outbox::front(connection, backend, limit, MAX_BATCH_BYTES))
        .await?;
    let (now, max_age) = (unix_ms(), app.settings.outbox_max_age);
    let since = |age: Duration| now - i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let oldest = since(max_age);
    // Only what the service does not take: whatever lay here while the relay was off is tried first.
    let is_hopeless = link
        .trouble()
        .is_some_and(|trouble| trouble.since <= since(max_age.min(PATIENCE)));
    let (old, front): (Vec<Waiting>, Vec<Waiting>) = front
        .into_iter()
        .partition(|it| is_hopeless && it.queued_at < oldest);
    if !old.is_empty() {
        remove(app, link, &old).await?;
        old.iter()
            .for_each(|it| app.count(&it.project, kind(backend), Outcome::TooOld));
        tracing::warn!(
            n = old.len(),
            "what waited too long for the {} is given up",
            backend.name()
        );
        return Ok(Step::Delivered);
    }
    let Some(first) = front.first() else {
        // Nothing there, or not yet: a commit may be on its way.
        recount(app, link).await?;
        return Ok(if link.is_behind() {
            Step::Later(Duration::from_millis(20))
        } else {
            Step::Empty
        });
    };
    let sent = match front.len() {
        1 => {
            link.resend(&first.event_id, Bytes::from(first.body.clone()))
                .await
        }
        _ => link.resend_batch(batch(&front)).await,
    };
    let answer = match sent {
        Ok(answer) => answer,
        Err(failure) => return Ok(later(link, failure.to_string(), None)),
    };
    match verdict(answer.status.as_u16()) {
        Verdict::Taken => {
            *breakdowns = Breakdowns::default();
            note_refused(app, &front, &answer);
        }
        // Too large together is not too large one by one.
        Verdict::Refused if front.len() > 1 => {
            *breakdowns = Breakdowns { seq: first.seq, n: 1 };
            return Ok(Step::Delivered);
        }
        Verdict::Refused => {
            tracing::warn!(
                status = answer.status.as_u16(),
                "the {} refuses an event that waited",
                backend.name()
            );
            app.count(&first.project, kind(backend), Outcome::RefusedByBackend);
        }
        Verdict::Later => {
            if !breaks_down(&answer, first, breakdowns) {
                let told = format!("{} answered {}", link.base(), answer.status.as_u16());
                return Ok(later(link, told, retry_after(&answer)));
            }
            *breakdowns = Breakdowns::default();
            tracing::warn!(
                "the {} fails at an event again and again, which is given up",
                backend.name()
            );
            app.count(&first.project, kind(backend), Outcome::GivenUp);
        }
    }
    remove(app, link, &front).await?;
    if let Some(trouble) = link.note_taken() {
        let seconds = (unix_ms() - trouble.since) / 1000;
        tracing::info!("the {} takes events again after {seconds} s", backend.name());
    }
    Ok(Step::Delivered)
}

/// Whether the service failed at this very request often enough.
fn breaks_down(answer: &Answer, first: &Waiting, breakdowns: &mut Breakdowns) -> bool {
    if answer.status.as_u16() != 500 {
        return false;
    }
    if breakdowns.seq != first.seq {
        *breakdowns = Breakdowns { seq: first.seq, n: 0 };
    }
    breakdowns.n += 1;
    breakdowns.n > MAX_BREAKDOWNS
}

fn later(link: &Link, what: String, retry_after: Option<Duration>) -> Step {
    let mut random = [0; 8];
    // Without randomness there is no jitter.
    let _ = getrandom::fill(&mut random);
    let n_failures = link.n_failures() + 1;
    let pause = pause(n_failures, retry_after, u64::from_le_bytes(random));
    if n_failures == 1 {
        tracing::warn!("events wait for the {}: {what}", link.backend.name());
    }
    link.note_trouble(what, unix_ms(), pause);
    Step::Later(pause)
}

fn retry_after(answer: &Answer) -> Option<Duration> {
    let seconds = answer
        .headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(Duration::from_secs(seconds))
}

/// A JSON list of bodies.
fn batch(front: &[Waiting]) -> Bytes {
    let mut list = Vec::with_capacity(front.iter().map(|it| it.body.len() + 1).sum::<usize>() + 1);
    list.push(b'[');
    for (number, waiting) in front.iter().enumerate() {
        if number > 0 {
            list.push(b',');
        }
        list.extend_from_slice(&waiting.body);
    }
    list.push(b']');
    Bytes::from(list)
}

/// Counts those of a batch that the tracker will not have, or calls noise.
fn note_refused(app: &App, front: &[Waiting], answer: &Answer) {
    #[derive(Deserialize)]
    struct Batch {
        results: Vec<Item>,
    }
    #[derive(Deserialize)]
    struct Item {
        status: String,
        #[serde(default)]
        reason: Option<String>,
    }
    let Ok(told) = serde_json::from_slice::<Batch>(&answer.body) else {
        return;
    };
    for (waiting, item) in front.iter().zip(told.results) {
        match (item.status.as_str(), item.reason) {
            ("refused", _) => app.count(&waiting.project, Kind::Errors, Outcome::RefusedByBackend),
            ("filtered", Some(reason)) => {
                app.count(&waiting.project, Kind::Errors, Outcome::filtered(&reason))
            }
            _ => {}
        }
    }
}

fn kind(backend: Backend) -> Kind {
    match backend {
        Backend::Tracker => Kind::Errors,
        Backend::Collector => Kind::Metrics,
        Backend::LogViewer => Kind::Logs,
    }
}

/// Takes out what is gone. The counters follow when that is on the disk: before, a commit that fails would leave them
/// too low for what still waits.
async fn remove(app: &App, link: &Arc<Link>, gone: &[Waiting]) -> web::Result<()> {
    let seqs: Vec<i64> = gone.iter().map(|it| it.seq).collect();
    let n_bytes: usize = gone.iter().map(|it| it.body.len()).sum();
    app.common.write(move |tx| outbox::remove(tx, &seqs)).await?;
    let (link, n) = (link.clone(), gone.len());
    // If this fails they stay too high, and are counted again when the queue is found empty.
    let noted = app.common.write(move |tx| {
        link.note_removed(n, n_bytes, outbox::oldest_at(tx, link.backend)?);
        Ok(())
    });
    noted.await
}

/// Takes over what the store says. On the writer, so that nothing is queued between the look and the note.
pub(crate) async fn recount(app: &App, link: &Arc<Link>) -> web::Result<()> {
    let link = link.clone();
    let counted = app.common.write(move |tx| {
        link.set_backlog(outbox::backlog(tx, link.backend)?);
        Ok(())
    });
    counted.await
}
