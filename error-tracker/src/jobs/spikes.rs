//! Looks whether groups whose hour got fuller are far over their own past.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};

use crate::app::App;
use crate::domain::alerting::Kind;
use crate::domain::spike::{self, Counts};
use crate::store::activities::{self, Act};
use crate::store::intake::MIN_RISING;
use crate::store::tallies::HOUR_MS;
use crate::store::{causes, groups, tallies};

const INTERVAL: Duration = Duration::from_secs(10);
/// A group that was told of rests so long.
const REST_MS: i64 = 6 * HOUR_MS;
/// Hours that are its past: a week, and the present one.
const HOURS: i64 = 7 * 24 + 1;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // What the process before counted, and may not have looked at.
    let mut has_begun = false;
    while ending.unless(ticks.tick()).await.is_some() {
        let hour = unix_ms().div_euclid(HOUR_MS);
        if !has_begun {
            let full = app
                .common
                .read(move |connection| tallies::full(connection, hour, MIN_RISING));
            match full.await {
                Ok(full) => app.intake.put_back_rising(full),
                Err(_) => continue,
            }
            has_begun = true;
        }
        let rising = app.intake.take_rising();
        if rising.is_empty() {
            continue;
        }
        if let Err(error) = look(&app, rising.iter().copied().collect()).await {
            tracing::error!(cause = error.cause, "spikes: {}", error.detail);
            app.intake.put_back_rising(rising);
        }
    }
}

async fn look(app: &App, rising: Vec<i64>) -> web::Result<()> {
    let now = unix_ms();
    let spiked = app.common.read(move |connection| {
        let mut spiked = Vec::new();
        for id in rising {
            spiked.extend(of_group(connection, id, now)?.map(|n| (id, n)));
        }
        Ok(spiked)
    });
    let spiked = spiked.await?;
    if spiked.is_empty() {
        return Ok(());
    }
    app.common
        .write(move |tx| spiked.iter().try_for_each(|(id, n)| tell(tx, *id, *n, now)))
        .await?;
    app.alerts_waiting.notify_one();
    Ok(())
}

/// Reports in this hour, if they are a spike that nobody was told of.
fn of_group(connection: &Connection, id: i64, now: i64) -> rusqlite::Result<Option<u64>> {
    let Some((group, _)) = groups::find(connection, id)? else {
        return Ok(None);
    };
    let last = activities::last_of(connection, id, activities::Kind::Spiked)?;
    if group.is_resolved || group.is_snoozed || last.is_some_and(|at| now - at < REST_MS) {
        return Ok(None);
    }
    let hours = tallies::hours(connection, id, now, HOURS)?;
    let hours: Vec<u64> = hours.iter().map(|n| n.unsigned_abs()).collect();
    let Some((present, past)) = hours.split_last() else {
        return Ok(None);
    };
    let counts = Counts {
        this_hour: *present,
        past_hours: past,
        first_seen_at: group.first_seen_at,
    };
    Ok(spike::of(&counts, now).map(|spike| spike.n_events))
}

fn tell(tx: &Connection, id: i64, n: u64, now: i64) -> rusqlite::Result<()> {
    let n = n.to_string();
    let spiked = Act {
        kind: activities::Kind::Spiked,
        author: None,
        detail: Some(&n),
    };
    activities::note(tx, id, &spiked, now)?;
    causes::queue(tx, Kind::Spike, id, None, now)
}
