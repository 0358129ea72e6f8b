//! Counts API requests from their journal into minutes, and hours that are over into longer periods.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};
use web::Result;

use crate::app::App;
use crate::requests::counting::Counter;

/// Questions read what waits in the journal, so it must stay short.
const INTERVAL: Duration = Duration::from_secs(5);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL.min(app.settings.flush_interval));
    while ending.unless(ticks.tick()).await.is_some() {
        if let Some(Err(error)) = ending.unless(count(&app)).await {
            tracing::error!(
                cause = error.cause,
                "API requests stay in the journal for now: {}",
                error.detail
            );
        }
    }
}

async fn count(app: &App) -> Result<()> {
    step(app, Counter::count).await?;
    step(app, Counter::close_next).await
}

/// One transaction after the other until there is nothing left to do.
async fn step(app: &App, step: fn(&Counter, &Connection) -> rusqlite::Result<bool>) -> Result<()> {
    loop {
        let requests = app.requests.clone();
        // On the writer, where all groups of what is stored are known.
        let is_done = app
            .common
            .write(move |tx| step(&Counter::new(&requests, unix_ms()), tx));
        if is_done.await? {
            return Ok(());
        }
    }
}
