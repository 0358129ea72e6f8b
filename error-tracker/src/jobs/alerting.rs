//! Decides who is told of what happened, and whether it goes by itself or in a digest.
//!
//! What happened is written down with what caused it, and what is decided in one transaction: nothing is told twice or
//! forgotten, whenever the process dies.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::{Ending, unix_ms};

use crate::alerts::channel;
use crate::alerts::domain::plan::{self, DEFAULT_MAX_WAIT_MS, History, Step};
use crate::alerts::domain::quiet_hours::QuietHours;
use crate::alerts::store::channels::{self, Channel};
use crate::alerts::store::deliveries::{self, Address, Held};
use crate::app::App;
use crate::domain::alerting::Fact;
use crate::store::causes::{self, Alert};
use crate::store::rules::{self, StoredRule, Target};

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Shortest, so that a storm is looked at in batches.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// Alerts looked at in one transaction.
const BATCH: u32 = 500;
/// How far back it matters what was sent: between two digests, and a little more.
const HISTORY_MS: i64 = 15 * 60_000;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    loop {
        let pause = match decide(&app).await {
            Ok(pause) => pause.min(MAX_PAUSE),
            Err(error) => {
                tracing::error!(cause = error.cause, "alerts: {}", error.detail);
                MAX_PAUSE
            }
        };
        if ending.unless(tokio::time::sleep(MIN_PAUSE)).await.is_none() {
            return;
        }
        let called = tokio::time::timeout(pause, app.alerts_waiting.notified());
        if ending.unless(called).await.is_none() {
            return;
        }
    }
}

/// Returns how long there is nothing to decide.
async fn decide(app: &App) -> web::Result<Duration> {
    while !app.common.read(causes::is_empty).await? {
        let (emails, has_mail) = (app.recipients.clone(), app.settings.has_mail());
        app.common
            .write(move |tx| match_rules(tx, &emails, has_mail))
            .await?;
    }
    let now = unix_ms();
    let held = app
        .common
        .read(move |connection| deliveries::held(connection, now))
        .await?;
    let mut pause = app
        .common
        .read(deliveries::next_held)
        .await?
        .map_or(MAX_PAUSE, |at| until(at, now));
    for (to, waiting) in held {
        pause = pause.min(release(app, to, waiting, now).await?);
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

/// Takes alerts and holds them for all who want to be told of them.
fn match_rules(tx: &Connection, emails: &[String], has_mail: bool) -> rusqlite::Result<()> {
    let rules = rules::all(tx)?;
    let channels = channels::all(tx)?;
    for alert in causes::take(tx, BATCH)? {
        // Whoever is meant by several rules is told once, and sooner rather than later.
        let mut told: Vec<(Address, Option<i64>)> = Vec::new();
        for rule in rules.iter().filter(|rule| wants(rule, &alert)) {
            let hold_until = hold_until(rule, alert.at);
            for to in meant(rule.target, &channels, emails, has_mail) {
                match told.iter_mut().find(|(known, _)| *known == to) {
                    Some((_, until)) => *until = (*until).min(hold_until),
                    None => told.push((to, hold_until)),
                }
            }
        }
        for (to, hold_until) in told {
            deliveries::hold(tx, &to, alert.group_id, alert.kind, alert.at, hold_until)?;
        }
    }
    Ok(())
}

fn wants(stored: &StoredRule, alert: &Alert) -> bool {
    let (n_before, n_after) = alert.growth.unwrap_or_default();
    stored.rule.wants(&Fact {
        kind: alert.kind,
        project: &alert.project,
        environment: alert.environment.as_deref(),
        n_before,
        n_after,
    })
}

/// None: at once.
fn hold_until(stored: &StoredRule, at: i64) -> Option<i64> {
    let quiet = QuietHours::read(stored.quiet_hours.as_deref()?).ok()?;
    quiet.is_quiet(at).then(|| quiet.ends_at(at))
}

fn meant(target: Target, channels: &[Channel], emails: &[String], has_mail: bool) -> Vec<Address> {
    let emails = emails.iter().map(|recipient| Address {
        channel_id: None,
        recipient: Some(recipient.clone()),
    });
    let of_channels = |wanted: Option<i64>| {
        let channels = channels.iter();
        let wanted = channels.filter(move |stored| wanted.is_none_or(|id| id == stored.id));
        wanted.flat_map(|stored| channel::addressed(stored, has_mail))
    };
    match target {
        Target::All => emails.chain(of_channels(None)).collect(),
        Target::Emails => emails.collect(),
        Target::Channel(id) => of_channels(Some(id)).collect(),
    }
}

/// Lets go what is to go to one address; returns how long there is nothing to do for it.
async fn release(app: &App, to: Address, waiting: Vec<Held>, now: i64) -> web::Result<Duration> {
    let whose = to.clone();
    let history = app
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
            app.common.write(let_go).await?;
        }
        Step::SendDigest(n) => {
            let let_go = move |tx: &Connection| {
                deliveries::release_digest(tx, &to, &waiting[..n.min(waiting.len())], now)
            };
            app.common.write(let_go).await?;
        }
    }
    match is_mail {
        true => app.mails_waiting.notify_one(),
        false => app.channels_waiting.notify_one(),
    }
    Ok(Duration::ZERO)
}
