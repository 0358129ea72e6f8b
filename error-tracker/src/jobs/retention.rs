//! Deletes what is past its retention, in small steps, so that no report waits behind a large delete.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::app::App;
use crate::store::tallies::{self, DAY_MS, HOUR_MS};
use crate::store::{event_ids, groups};

const INTERVAL: Duration = Duration::from_secs(3600);
/// Groups deleted in one transaction.
const STEP: u32 = 200;
/// Hours older than this are added up by day.
const HOURLY_DAYS: i64 = 35;
/// Hours of groups added up in one transaction, or a day's worth if that is more.
const ROLL_UP_STEP: u32 = 2000;
/// The same event sent again within so many days counts once.
const EVENT_ID_DAYS: i64 = 7;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        if let Err(error) = sweep(&app).await {
            tracing::error!(
                cause = error.cause,
                "retention stopped half-way: {}",
                error.detail
            );
        }
    }
}

async fn sweep(app: &App) -> web::Result<()> {
    let before = unix_ms() - i64::from(app.settings.retention_days) * DAY_MS;
    loop {
        let n_dropped = app
            .change(move |tx| groups::drop_resolved(tx, before, STEP))
            .await?;
        app.metrics.dropped.inc_by(n_dropped as u64);
        if n_dropped < STEP as usize {
            break;
        }
    }
    app.common
        .write(|tx| event_ids::drop_events(tx, unix_ms() - EVENT_ID_DAYS * DAY_MS))
        .await?;
    let before = (unix_ms() - HOURLY_DAYS * DAY_MS).div_euclid(HOUR_MS);
    while app
        .common
        .write(move |tx| tallies::roll_up(tx, before, ROLL_UP_STEP))
        .await?
        > 0
    {}
    Ok(())
}
