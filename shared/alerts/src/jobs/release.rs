//! Decides what of that which is held leaves now, by itself or in a digest.
//!
//! What is decided is written down in one transaction: nothing is told twice or forgotten, whenever the process dies.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};

use crate::alerting::Alerting;
use crate::domain::plan::{self, DEFAULT_MAX_WAIT_MS, History, Step};
use crate::machinery::Alerts;
use crate::store::deliveries::{self, Address, Held};

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Shortest, so that a storm is looked at in batches.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// How far back it matters what was sent: between two digests, and a little more.
const HISTORY_MS: i64 = 15 * 60_000;

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let alerts = app.alerts();
    loop {
        let pause = match decide(alerts).await {
            Ok(pause) => pause.min(MAX_PAUSE),
            Err(error) => {
                tracing::error!(cause = error.cause, "alerts: {}", error.detail);
                MAX_PAUSE
            }
        };
        if ending.unless(tokio::time::sleep(MIN_PAUSE)).await.is_none() {
            return;
        }
        let called = tokio::time::timeout(pause, alerts.held_waiting.notified());
        if ending.unless(called).await.is_none() {
            return;
        }
    }
}

/// Returns how long there is nothing to decide.
async fn decide(alerts: &Alerts) -> web::Result<Duration> {
    let now = unix_ms();
    let held = alerts
        .common
        .read(move |connection| deliveries::held(connection, now))
        .await?;
    let mut pause = alerts
        .common
        .read(deliveries::next_held)
        .await?
        .map_or(MAX_PAUSE, |at| until(at, now));
    for (to, waiting) in held {
        pause = pause.min(release(alerts, to, waiting, now).await?);
    }
    Ok(pause)
}

fn until(at: i64, now: i64) -> Duration {
    match at > now {
        true => Duration::from_millis((at - now) as u64),
        // It is decided by its channel.
        false => MAX_PAUSE,
    }
}

/// Lets go what is to go to one address; returns how long there is nothing to do for it.
async fn release(alerts: &Alerts, to: Address, waiting: Vec<Held>, now: i64) -> web::Result<Duration> {
    let whose = to.clone();
    let history = alerts
        .common
        .read(move |connection| deliveries::history_of(connection, &whose, now - HISTORY_MS))
        .await?;
    let times: Vec<i64> = waiting.iter().map(|held| held.at).collect();
    let history = History {
        singles: &history.single,
        last_digest_at: history.last_digest,
    };
    let is_mail = to.recipient.is_some();
    match plan::plan(&times, &history, DEFAULT_MAX_WAIT_MS, now) {
        Step::Nothing => return Ok(MAX_PAUSE),
        Step::WaitUntil(at) => return Ok(until(at, now)),
        // A digest of one is that one.
        Step::SendSingly(n) | Step::SendDigest(n @ 1) => {
            let let_go =
                move |tx: &Connection| deliveries::release(tx, &waiting[..n.min(waiting.len())], now);
            alerts.common.write(let_go).await?;
        }
        Step::SendDigest(n) => {
            let let_go = move |tx: &Connection| {
                deliveries::release_digest(tx, &to, &waiting[..n.min(waiting.len())], now)
            };
            alerts.common.write(let_go).await?;
        }
    }
    match is_mail {
        true => alerts.mails_waiting.notify_one(),
        false => alerts.channels_waiting.notify_one(),
    }
    Ok(Duration::ZERO)
}
