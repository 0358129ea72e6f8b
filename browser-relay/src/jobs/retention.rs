//! Deletes source maps and counts that are past their time, in small steps.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::app::App;
use crate::store::{source_maps, traffic};

const INTERVAL: Duration = Duration::from_secs(3600);
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Maps deleted in one transaction.
const STEP: u32 = 5;
/// Counts are kept as long.
const TRAFFIC_DAYS: i64 = 90;

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

async fn sweep(app: &Arc<App>) -> web::Result<()> {
    let before = unix_ms() - i64::from(app.settings.retention_days) * DAY_MS;
    while app
        .common
        .write(move |tx| source_maps::drop_before(tx, before, STEP))
        .await?
        == STEP as usize
    {}
    app.load_mapped_projects().await?;
    let before = (unix_ms() - TRAFFIC_DAYS * DAY_MS).div_euclid(HOUR_MS);
    app.common
        .write(move |tx| traffic::drop_before(tx, before))
        .await?;
    Ok(())
}
