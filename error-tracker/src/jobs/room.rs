//! Keeps the database within `MAX_DATABASE_MB`: what tells least leaves first.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::Ending;

use crate::app::App;
use crate::store::room::{self, Use};

const INTERVAL: Duration = Duration::from_secs(2);
/// Groups looked at in one transaction, so that no report waits for long.
const STEP: u32 = 100;
/// Room is made from this share of the limit on: what comes while it is made has to fit as well.
const HIGH_PERCENT: u64 = 90;
/// Until it is down to this share.
const LOW_PERCENT: u64 = 85;
/// Free pages given back to the file system in one transaction.
const SHRINK_PAGES: u32 = 500;
/// At most so many times in a row: between them others write.
const SHRINK_STEPS: u32 = 50;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let Some(limit) = app.settings.max_database_bytes else {
        return;
    };
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        if let Err(error) = make_room(&app, limit, &mut ending).await {
            tracing::error!(cause = error.cause, "no room could be made: {}", error.detail);
        }
    }
}

async fn make_room(app: &App, limit: u64, ending: &mut Ending) -> web::Result<()> {
    let is_over = |used: &Use, percent| used.bytes() > limit / 100 * percent;
    let used = app.common.read(room::used).await?;
    if used.file_bytes() > limit && !is_over(&used, HIGH_PERCENT) {
        for _ in 0..SHRINK_STEPS {
            app.common.write(|tx| sqlite::shrink(tx, SHRINK_PAGES)).await?;
            let is_small = app.common.read(room::used).await?.file_bytes() <= limit;
            if is_small || ending.unless(std::future::ready(())).await.is_none() {
                break;
            }
        }
        return Ok(());
    }
    if !is_over(&used, HIGH_PERCENT) {
        return Ok(());
    }
    tracing::warn!(
        used_bytes = used.bytes(),
        limit_bytes = limit,
        "the database is near MAX_DATABASE_MB: events that tell least are dropped"
    );
    for step in room::STEPS {
        // What waits to be counted takes room as well, and leaves by itself: no group has to go for it.
        app.settle(app.intake.next_seq()).await;
        if !is_over(&app.common.read(room::used).await?, LOW_PERCENT) {
            return Ok(());
        }
        let mut place = 0;
        loop {
            let from = place;
            let run = move |tx: &Connection| Ok((step.run(tx, from, STEP)?, room::used(tx)?));
            let (next, used) = match step.takes_groups() {
                true => app.change(run).await?,
                false => app.common.write(run).await?,
            };
            if !is_over(&used, LOW_PERCENT) || ending.unless(std::future::ready(())).await.is_none() {
                return Ok(());
            }
            match next {
                Some(next) => place = next,
                None => break,
            }
        }
    }
    tracing::error!("nothing more can be dropped: raise MAX_DATABASE_MB");
    Ok(())
}
