//! Starts the thread that reads, and stores what it gives: entries and positions in one transaction.
//! When storing fails nothing of a batch is kept, and reading begins again from what is stored.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use service::{Ending, unix_ms};
use tokio::sync::mpsc;

use crate::app::App;
use crate::jobs::follow::follower::{Batch, Follower, Line};
use crate::store::positions;

/// Pause before reading begins again after storing failed.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    while let Err(error) = follow(&app, &mut ending).await {
        tracing::error!(cause = error.cause, "logs cannot be stored: {}", error.detail);
        app.following
            .change(|status| status.store_problem = Some(error.detail.to_string()));
        if ending.unless(tokio::time::sleep(RETRY_PAUSE)).await.is_none() {
            return;
        }
    }
}

/// Until the service ends, or storing fails.
async fn follow(app: &App, ending: &mut Ending) -> web::Result<()> {
    let (known, since_ms) = app
        .common
        .write(|tx| Ok((positions::all(tx)?, positions::following_since(tx, unix_ms())?)))
        .await?;
    let (batches, mut incoming) = mpsc::channel(1);
    let (answer, stored) = std::sync::mpsc::channel();
    let line = Line {
        batches,
        stored,
        stop: Arc::new(AtomicBool::new(false)),
    };
    let stop = line.stop.clone();
    let follower = Follower::new(&app.settings, known, since_ms, app.following.clone(), line);
    let thread = tokio::task::spawn_blocking(move || follower.run());
    let mut result = Ok(());
    while let Some(Some(batch)) = ending.unless(incoming.recv()).await {
        result = store(app, batch).await;
        if result.is_ok() && app.following.read().store_problem.is_some() {
            app.following.change(|status| status.store_problem = None);
        }
        if result.is_err() || answer.send(()).is_err() {
            break;
        }
    }
    stop.store(true, Ordering::Relaxed);
    drop((incoming, answer));
    if let Err(cause) = thread.await
        && result.is_ok()
    {
        // The task's keeper logs it and starts the job again.
        std::panic::resume_unwind(cause.into_panic());
    }
    result
}

async fn store(app: &App, batch: Batch) -> web::Result<()> {
    let Batch {
        entries,
        positions,
        gone,
    } = batch;
    if entries.is_empty() {
        return app
            .common
            .write(move |tx| positions::save(tx, &positions, &gone))
            .await;
    }
    let saved = move |tx: &rusqlite::Connection| positions::save(tx, &positions, &gone);
    app.ingest.store(entries, saved).await.map(|_| ())
}
