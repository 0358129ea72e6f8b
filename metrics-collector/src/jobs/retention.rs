//! What is past its retention: samples become minutes, and older buckets go, in small steps so that no request waits
//! behind a large delete. Series that have nothing any more are forgotten.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Common, Ending, unix_ms};
use web::Result;

use crate::app::App;
use crate::domain::requests::period;
use crate::domain::resolution::Tier;
use crate::domain::timestamp::{DAY_MS, HOUR_MS};
use crate::domain::vantage::metric;
use crate::ingest::Ingest;
use crate::rolling::{Roller, Slot};
use crate::store::progress::{self, Progress};
use crate::store::tiers::{self, Table};
use crate::store::{day_versions, request_blocks, series, sessions, vantage};

const INTERVAL: Duration = Duration::from_secs(300);
/// Chunks made into minutes in one transaction.
const DEMOTE_STEP: u32 = 300;
/// Rows deleted in one transaction.
const DELETE_STEP: u32 = 1_000;
/// The same of API requests, whose rows are larger.
const DELETE_REQUESTS_STEP: u32 = 200;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL.min(app.settings.flush_interval * 10));
    while ending.unless(ticks.tick()).await.is_some() {
        if let Some(Err(error)) = ending.unless(sweep(&app, unix_ms())).await {
            tracing::error!(
                cause = error.cause,
                "retention stopped half-way: {}",
                error.detail
            );
        }
    }
}

async fn sweep(app: &App, now_ms: i64) -> Result<()> {
    let kept = app.settings.retention;
    let first = move |tier: Tier| (now_ms - kept.of(tier)).div_euclid(Table::of(tier).span_ms());
    demote(&app.common, &app.ingest, first(Tier::Raw)).await?;
    for tier in [Tier::Minute, Tier::FiveMinutes, Tier::Hour] {
        delete(app, tier, first(tier)).await?;
    }
    let hour = (now_ms - kept.of(Tier::Hour)).div_euclid(HOUR_MS);
    let delete_sessions = move |tx: &Connection| sessions::delete_below(tx, hour, DELETE_STEP);
    while app.common.write(delete_sessions).await? > 0 {}
    let kept = app.requests.kept();
    for tier in period::Tier::ALL {
        delete_requests(app, tier, kept.first(tier, now_ms)).await?;
    }
    app.requests.forget(&app.common, now_ms).await?;
    let kept = app.settings.retention;
    delete_rows(app, now_ms - metric::ROWS_KEPT_MS).await?;
    forget(app, (now_ms - kept.of(Tier::Hour)).div_euclid(DAY_MS) - 1).await
}

/// Deletes rows of Vantage's agents before a time.
pub(crate) async fn delete_rows(app: &App, ms: i64) -> Result<()> {
    let delete = move |tx: &Connection| vantage::delete_before(tx, ms, DELETE_STEP);
    while app.common.write(delete).await? > 0 {}
    Ok(())
}

/// Makes minutes of all chunks of windows below one.
pub(crate) async fn demote(common: &Common, ingest: &Arc<Ingest>, window: i64) -> Result<()> {
    loop {
        let ingest = ingest.clone();
        let is_done = common.write(move |tx| demote_some(tx, &ingest, window)).await?;
        if is_done {
            return Ok(());
        }
    }
}

/// True when there is nothing left to do.
fn demote_some(tx: &Connection, ingest: &Ingest, below: i64) -> rusqlite::Result<bool> {
    let Some(window) = tiers::first_piece(tx, Table::Chunks)?.filter(|window| *window < below) else {
        return Ok(tiers::delete_below(tx, Table::Times, below, DELETE_STEP)? == 0);
    };
    raise(tx, |progress| {
        progress.chunks_from = progress.chunks_from.max(window + 1)
    })?;
    let mut roller = Roller::default();
    for series in tiers::series_of(tx, window, 0, DEMOTE_STEP)? {
        match ingest.kind(series) {
            Some(kind) => roller.demote(tx, Slot { window, series, kind })?,
            None => tiers::delete(tx, Table::Chunks, tiers::place(window, series))?,
        }
    }
    Ok(false)
}

/// Deletes the rows of a tier below a piece of time.
pub(crate) async fn delete(app: &App, tier: Tier, piece: i64) -> Result<()> {
    let delete = move |tx: &Connection| {
        let table = Table::of(tier);
        if tiers::first_piece(tx, table)?.is_none_or(|first| first >= piece) {
            return Ok(0);
        }
        raise(tx, |progress| {
            let from = progress.from_mut(tier);
            *from = piece.max(*from);
        })?;
        match table {
            Table::Chunks => tiers::delete_below(tx, Table::Times, piece, DELETE_STEP).map(drop)?,
            Table::Hours => day_versions::delete_below(tx, piece)?,
            _ => {}
        }
        tiers::delete_below(tx, table, piece, DELETE_STEP)
    };
    while app.common.write(delete).await? > 0 {}
    Ok(())
}

/// Deletes what was counted of API requests in periods of a tier below one.
pub(crate) async fn delete_requests(app: &App, tier: period::Tier, below: i64) -> Result<()> {
    let parts = app
        .common
        .read(move |connection| request_blocks::parts(connection, tier))
        .await?;
    for part in parts {
        let delete =
            move |tx: &Connection| request_blocks::delete_below(tx, tier, part, below, DELETE_REQUESTS_STEP);
        while app.common.write(delete).await? > 0 {}
    }
    Ok(())
}

fn raise(tx: &Connection, change: impl FnOnce(&mut Progress)) -> rusqlite::Result<()> {
    let mut progress = progress::read(tx)?;
    change(&mut progress);
    progress::write_tiers(tx, &progress)
}

/// Forgets series whose last sample is from before a day.
async fn forget(app: &App, day: i64) -> Result<()> {
    let ingest = app.ingest.clone();
    let idle = app
        .common
        .read(move |connection| series::idle(connection, day))
        .await?;
    let idle: Vec<u32> = idle.into_iter().filter(|id| !ingest.heads().has(*id)).collect();
    if idle.is_empty() {
        return Ok(());
    }
    let gone = idle.clone();
    app.common.write(move |tx| series::delete(tx, &gone)).await?;
    app.ingest.registry_mut().forget(&idle);
    tracing::info!("{} series without samples were forgotten", idle.len());
    Ok(())
}
