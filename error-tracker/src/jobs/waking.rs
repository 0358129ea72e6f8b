//! Puts snoozed groups back when their snooze is over.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};

use crate::app::App;
use crate::domain::alerting::Kind;
use crate::store::activities::{self, Act};
use crate::store::{causes, snoozes};

const INTERVAL: Duration = Duration::from_secs(1);
/// Groups woken in one transaction.
const STEP: u32 = 100;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        if let Err(error) = wake(&app).await {
            tracing::error!(cause = error.cause, "snoozed groups: {}", error.detail);
        }
    }
}

async fn wake(app: &App) -> web::Result<()> {
    let now = unix_ms();
    // What waits to be counted is counted within a second: no need to hurry it.
    let over = app
        .common
        .read(move |connection| snoozes::over(connection, now, STEP))
        .await?;
    if over.is_empty() {
        return Ok(());
    }
    app.common
        .write(move |tx| over.iter().try_for_each(|id| wake_one(tx, *id, now)))
        .await?;
    app.alerts_waiting.notify_one();
    app.changed();
    Ok(())
}

fn wake_one(tx: &Connection, id: i64, now: i64) -> rusqlite::Result<()> {
    if !snoozes::wake(tx, id)? {
        return Ok(());
    }
    let woken = Act {
        kind: activities::Kind::Woken,
        author: None,
        detail: None,
    };
    activities::note(tx, id, &woken, now)?;
    causes::queue(tx, Kind::Woken, id, None, now)
}
