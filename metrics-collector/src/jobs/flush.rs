//! Writes windows that are over from memory to chunks and tiers, a few series at a time, and then empties the journal
//! up to there. What comes late is written the same way a little later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};
use web::Result;

use crate::app::App;
use crate::domain::timestamp::{DAY_MS, MINUTE_MS};
use crate::domain::window;
use crate::heads::Frozen;
use crate::ingest::Ingest;
use crate::rolling::{Roller, Slot};
use crate::store::progress::{self, Cut, Round};
use crate::store::{journal, series, sessions};
use crate::visits::Visits;

/// Series written in one transaction, so that no request waits behind it for long.
const STEP: usize = 500;
/// Batches deleted in one transaction.
const JOURNAL_STEP: u32 = 2_000;
/// How long a window stays open when it is over: what is under way comes in order.
const GRACE_MS: i64 = 2 * MINUTE_MS;
/// Beyond so many bytes of heads the window that runs is written too.
const MAX_HEAD_BYTES: usize = 128 << 20;
/// How often it is looked whether readers of what is written have ended.
const QUIET_PAUSE: Duration = Duration::from_millis(20);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(app.settings.flush_interval);
    let roller = Arc::new(Mutex::new(Roller::default()));
    while ending.unless(ticks.tick()).await.is_some() {
        let flushed = ending.unless(flush(&app, &roller)).await;
        if let Some(Err(error)) = flushed {
            tracing::error!(
                cause = error.cause,
                "samples stay in memory and journal for now: {}",
                error.detail
            );
        }
    }
}

/// One round: the one that is under way, or a new one if there is something to write.
async fn flush(app: &App, roller: &Arc<Mutex<Roller>>) -> Result<()> {
    // What the round before has left, had the process ended in the midst of it.
    let done = app.common.read(progress::read).await?.done;
    forget(app, done).await?;
    let Some(frozen) = freeze(&app.ingest, max_head_bytes(app)) else {
        return Ok(());
    };
    let visits = frozen.clone();
    app.common
        .write(move |tx| write_visits(tx, &visits.visits))
        .await?;
    loop {
        let (ingest, frozen, room) = (app.ingest.clone(), frozen.clone(), roller.clone());
        let step = app.common.write(move |tx| {
            let mut roller = room.lock().unwrap_or_else(PoisonError::into_inner);
            write_some(tx, &ingest, &frozen, &mut roller)
        });
        match step.await {
            Ok(true) => break,
            Ok(false) => {}
            Err(error) => {
                // Its transaction may have failed after all of it was done.
                roller
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .forget_times();
                return Err(error);
            }
        }
    }
    app.ingest.readers.turn();
    while !app.ingest.readers.is_quiet() {
        tokio::time::sleep(QUIET_PAUSE).await;
    }
    // Before anything else that may fail: what is frozen would be written again.
    app.ingest.heads().thaw();
    forget(app, frozen.cut).await
}

/// The journal of what is in memory takes up to three times its room, and has to fit into the database.
fn max_head_bytes(app: &App) -> usize {
    let of_database = app
        .settings
        .max_database_bytes
        .map_or(MAX_HEAD_BYTES as u64, |limit| limit / 8);
    usize::try_from(of_database)
        .unwrap_or(MAX_HEAD_BYTES)
        .min(MAX_HEAD_BYTES)
}

/// Deletes what is written from the journal.
async fn forget(app: &App, cut: Cut) -> Result<()> {
    let delete = move |tx: &Connection| journal::delete_written(tx, cut, JOURNAL_STEP);
    while app.common.write(delete).await? > 0 {}
    Ok(())
}

/// What is to be written, kept apart from what comes.
fn freeze(ingest: &Ingest, max_bytes: usize) -> Option<Arc<Frozen>> {
    let mut heads = ingest.heads();
    if let Some(frozen) = heads.frozen() {
        return Some(frozen);
    }
    let over = window::of(unix_ms() - GRACE_MS);
    let is_full = heads.heap_bytes() > max_bytes;
    let end = heads.windows().last()? + 1;
    if !is_full && heads.windows().all(|number| number >= over) {
        return None;
    }
    // Cuts only grow: after one that is lower, samples between the two would be taken for unwritten.
    let wanted = if is_full { end } else { over };
    let last = heads.last_cut();
    Some(heads.freeze(wanted.max(last.window)))
}

fn write_visits(tx: &Connection, visits: &Visits) -> rusqlite::Result<()> {
    visits
        .iter()
        .try_for_each(|(hour, project, page, them)| sessions::unite(tx, hour, project, page, them))
}

/// Writes the next series. True when all are written.
fn write_some(
    tx: &Connection,
    ingest: &Ingest,
    frozen: &Frozen,
    roller: &mut Roller,
) -> rusqlite::Result<bool> {
    let progress = progress::read(tx)?;
    let cut = frozen.cut;
    if progress.done == cut {
        return Ok(true);
    }
    let under_way = progress.round.filter(|round| round.cut == cut);
    let (next_window, next_series) = under_way.map_or((i64::MIN, 0), |round| round.next);
    let mut n_left = STEP;
    for (number, window) in frozen.windows.range(next_window..) {
        let first = if *number == next_window { next_series } else { 0 };
        for (id, head) in window.series_from(first) {
            if n_left == 0 {
                let next = (*number, id);
                progress::write_round(tx, progress.done, Some(Round { cut, next }))?;
                return Ok(false);
            }
            n_left -= 1;
            // A series that was forgotten meanwhile had nothing newer.
            let Some(kind) = ingest.kind(id) else { continue };
            roller.write(
                tx,
                &progress,
                Slot {
                    window: *number,
                    series: id,
                    kind,
                },
                head,
            )?;
            series::seen(tx, id, window::start_ms(number + 1).div_euclid(DAY_MS))?;
        }
    }
    progress::write_round(tx, cut, None)?;
    Ok(true)
}
