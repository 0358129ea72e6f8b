//! Keeps the database within `MAX_DATABASE_MB`: the oldest samples leave first, then the oldest minutes, and so on; of API
//! requests the minutes after the samples, and then what is longer with what is longer.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use service::Ending;
use web::Result;

use crate::app::App;
use crate::domain::requests::period;
use crate::domain::resolution::Tier;
use crate::domain::timestamp::HOUR_MS;
use crate::jobs::retention;
use crate::store::request_blocks::{self, Part};
use crate::store::room::{self, Use};
use crate::store::tiers::{self, Table};
use crate::store::vantage;

const INTERVAL: Duration = Duration::from_secs(1);
/// Room is made from this share of the limit on: what comes while it is made has to fit as well.
const HIGH_PERCENT: u64 = 90;
/// Until it is down to this share.
const LOW_PERCENT: u64 = 80;
/// From this share on nothing is taken in.
const FULL_PERCENT: u64 = 98;
/// Free pages given back to the file system in one transaction.
const SHRINK_PAGES: u32 = 500;
/// Periods of API requests dropped at once: an hour of minutes, two days and a half of hours.
const REQUEST_PERIODS: i64 = 60;
/// At most so many times in a row: between them others write.
const SHRINK_STEPS: u32 = 50;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let Some(limit) = app.settings.max_database_bytes else {
        return;
    };
    let mut ticks = tokio::time::interval(INTERVAL.min(app.settings.flush_interval));
    while ending.unless(ticks.tick()).await.is_some() {
        if let Some(Err(error)) = ending.unless(make_room(&app, limit)).await {
            tracing::error!(cause = error.cause, "no room could be made: {}", error.detail);
        }
    }
}

async fn make_room(app: &App, limit: u64) -> Result<()> {
    let is_over = |used: &Use, percent: u64| used.bytes() > limit / 100 * percent;
    let mut used = app.common.read(room::used).await?;
    if is_over(&used, HIGH_PERCENT) {
        tracing::warn!(
            used_bytes = used.bytes(),
            limit_bytes = limit,
            "the database is near MAX_DATABASE_MB: the oldest samples are dropped"
        );
        while is_over(&used, LOW_PERCENT) && drop_oldest(app).await? {
            used = app.common.read(room::used).await?;
        }
    }
    app.is_full.store(is_over(&used, FULL_PERCENT), Relaxed);
    for _ in 0..SHRINK_STEPS {
        if used.file_bytes() <= limit || used.bytes() == used.file_bytes() {
            break;
        }
        app.common.write(|tx| sqlite::shrink(tx, SHRINK_PAGES)).await?;
        used = app.common.read(room::used).await?;
    }
    Ok(())
}

/// Rows of Vantage's agents that leave at once. They are told as samples, too, and so leave first.
const ROWS_STEP_MS: i64 = HOUR_MS;

/// Drops the oldest hour of rows, else the oldest piece of the finest tier that has more than one. False where there is
/// none.
async fn drop_oldest(app: &App) -> Result<bool> {
    if let Some(oldest_ms) = app.common.read(vantage::oldest_ms).await? {
        retention::delete_rows(app, oldest_ms + ROWS_STEP_MS).await?;
        return Ok(true);
    }
    for (samples, requests) in [
        (Tier::Raw, period::Tier::Minute),
        (Tier::Minute, period::Tier::FiveMinutes),
        (Tier::FiveMinutes, period::Tier::Hour),
        (Tier::Hour, period::Tier::Day),
    ] {
        if drop_samples(app, samples).await? || drop_requests(app, requests).await? {
            return Ok(true);
        }
    }
    tracing::error!("nothing more can be dropped: raise MAX_DATABASE_MB");
    Ok(false)
}

async fn drop_samples(app: &App, tier: Tier) -> Result<bool> {
    let bounds = move |connection: &rusqlite::Connection| {
        Ok((
            tiers::first_piece(connection, Table::of(tier))?,
            tiers::last_piece(connection, Table::of(tier))?,
        ))
    };
    match app.common.read(bounds).await? {
        (Some(first), Some(last)) if first < last => {
            retention::delete(app, tier, first + 1).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

async fn drop_requests(app: &App, tier: period::Tier) -> Result<bool> {
    // The smallest part that each tier has tells which periods there are.
    let part = match tier {
        period::Tier::Minute => Part::ALL,
        _ => Part::ROUTES,
    };
    let bounds = app
        .common
        .read(move |connection| request_blocks::bounds(connection, tier, part))
        .await?;
    let Some((first, last)) = bounds.filter(|(first, last)| first < last) else {
        return Ok(false);
    };
    retention::delete_requests(app, tier, (first + REQUEST_PERIODS).min(last)).await?;
    Ok(true)
}
