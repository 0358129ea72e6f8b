//! To a service behind, or into its queue: what is answered 2xx is with one of them, on a disk.
//!
//! While nothing waits for a service, a request goes straight to it, and its answer comes back. If there is none in
//! time, or one that says "later", the request is queued under the same id, by which the service knows what it may
//! have taken already. While anything waits, what comes queues behind it, so that the order stays.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_client::Answer;
use service::{Common, unix_ms};
use web::{Error, Result};

use crate::app::App;
use crate::domain::backend::{Backend, Verdict, verdict};
use crate::domain::traffic::{Kind, Outcome};
use crate::link::Link;
use crate::store::outbox;

/// One request for a service.
pub(crate) struct Parcel {
    /// For whom.
    pub backend: Backend,
    /// By which it is known again.
    pub event_id: String,
    /// Who owns it.
    pub project: String,
    /// JSON.
    pub body: Vec<u8>,
}

/// What became of it.
pub(crate) enum Forwarded {
    /// The service took it, and answered this.
    Taken(Answer),
    /// The service will never take it.
    Refused,
    /// It waits.
    Queued,
    /// The settings name no service for it.
    Nowhere,
}

/// When a browser may come back to a full outbox.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Forwards, and counts what became of it. An error says that it is nowhere.
pub(crate) async fn forward(app: &App, kind: Kind, parcel: Parcel) -> Result<Forwarded> {
    let project = parcel.project.clone();
    let outcome = try_forward(app, parcel).await;
    let counted = match &outcome {
        Ok(Forwarded::Taken(answer)) => noise_of(kind, answer).unwrap_or(Outcome::Delivered),
        Ok(Forwarded::Refused) => Outcome::RefusedByBackend,
        Ok(Forwarded::Queued) => Outcome::Queued,
        Ok(Forwarded::Nowhere) => Outcome::NoBackend,
        Err(_) => Outcome::OutboxFull,
    };
    app.count(&project, kind, counted);
    outcome
}

async fn try_forward(app: &App, parcel: Parcel) -> Result<Forwarded> {
    let Some(link) = app.link(parcel.backend) else {
        return Ok(Forwarded::Nowhere);
    };
    if link.is_behind() {
        return queue(app, link, parcel).await;
    }
    let body = Bytes::from(parcel.body);
    let parcel = Parcel {
        body: Vec::new(),
        ..parcel
    };
    match link.send(&parcel.event_id, body.clone()).await {
        Ok(answer) => match verdict(answer.status.as_u16()) {
            Verdict::Taken => return Ok(Forwarded::Taken(answer)),
            Verdict::Refused => {
                tracing::debug!(
                    status = answer.status.as_u16(),
                    backend = link.backend.name(),
                    "refused an event"
                );
                return Ok(Forwarded::Refused);
            }
            Verdict::Later => {}
        },
        Err(failure) => tracing::debug!(%failure, "an event is queued"),
    }
    let body = Vec::from(body);
    queue(app, link, Parcel { body, ..parcel }).await
}

async fn queue(app: &App, link: &Arc<Link>, parcel: Parcel) -> Result<Forwarded> {
    let n_bytes: u64 = app.links.iter().map(|link| link.backlog().n_bytes).sum();
    if n_bytes + parcel.body.len() as u64 > app.settings.outbox_max_bytes {
        return Err(Error::unavailable("the outbox is full", RETRY_AFTER));
    }
    // What waits on our disk holds no secrets; the services take them out as well.
    let body = match std::str::from_utf8(&parcel.body) {
        Ok(text) => app.scrubber.json(text).into_owned().into_bytes(),
        Err(_) => parcel.body,
    };
    store(&app.common, link, Parcel { body, ..parcel }).await?;
    Ok(Forwarded::Queued)
}

async fn store(common: &Common, link: &Arc<Link>, parcel: Parcel) -> Result<()> {
    let link = link.clone();
    let stored = common.write_unguarded(move |tx| {
        let now = unix_ms();
        outbox::push(
            tx,
            parcel.backend,
            &parcel.event_id,
            &parcel.project,
            &parcel.body,
            now,
        )?;
        // Here, where it happens even if the browser has gone. If the commit fails, the job counts again.
        link.note_queued(parcel.body.len(), now);
        Ok(())
    });
    stored.await
}

/// Noise, if the tracker calls it so.
fn noise_of(kind: Kind, answer: &Answer) -> Option<Outcome> {
    #[derive(serde::Deserialize)]
    struct Filtered<'a> {
        status: &'a str,
        reason: &'a str,
    }
    if kind != Kind::Errors {
        return None;
    }
    let told: Filtered<'_> = serde_json::from_slice(&answer.body).ok()?;
    (told.status == "filtered").then(|| Outcome::filtered(told.reason))
}
