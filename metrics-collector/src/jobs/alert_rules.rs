//! Looks again and again whether the conditions of rules are met, and tells when that changes.
//!
//! How each line stands is in the database, and is written with what is told: a restart tells nothing twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use alerts::{Audience, Event, Reach};
use rusqlite::Connection;
use service::{Ending, unix_ms};
use web::Result;

use crate::alert_rule;
use crate::app::App;
use crate::domain::alert_rule::{Condition, State, Told, next};
use crate::domain::select::Function;
use crate::store::alert_events;
use crate::store::alert_rules::{self, StoredRule};

/// Lines of one rule that are looked at; the others are not told of.
const MAX_LINES: usize = 200;
/// What was told is kept as long as deliveries are, which speak of it.
const KEPT_MS: i64 = 30 * 86_400_000;
/// Between two looks for what is older.
const SWEEP_MS: i64 = 3_600_000;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(app.settings.alert_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut swept_at = 0;
    while ending.unless(ticks.tick()).await.is_some() {
        if let Err(error) = look(&app).await {
            tracing::error!(cause = error.cause, "metric alerts: {}", error.detail);
        }
        let now = unix_ms();
        if now - swept_at >= SWEEP_MS {
            swept_at = now;
            let swept = app
                .common
                .write(move |tx| alert_events::drop_old(tx, now - KEPT_MS));
            if let Err(error) = swept.await {
                tracing::error!(cause = error.cause, "metric alerts: {}", error.detail);
            }
        }
    }
}

async fn look(app: &App) -> Result<()> {
    let found = app
        .common
        .read(|connection| Ok((alert_rules::all(connection)?, alert_rules::states(connection)?)));
    let (rules, mut states) = found.await?;
    for stored in rules.into_iter().filter(|stored| !stored.is_paused) {
        let states = states.remove(&stored.id).unwrap_or_default();
        let id = stored.id;
        // One that cannot be answered holds up no other.
        if let Err(error) = look_at(app, stored, states).await {
            tracing::warn!(
                rule.id = id,
                cause = error.cause,
                "metric alert {id}: {}",
                error.detail
            );
        }
    }
    Ok(())
}

/// What is to be written of a line.
struct Change {
    labels: String,
    state: Option<State>,
    told: Option<Told>,
    value: Option<f64>,
}

async fn look_at(app: &App, stored: StoredRule, states: BTreeMap<String, State>) -> Result<()> {
    let now = unix_ms();
    let values = values(app, &stored, now).await?;
    let changes = changes(&stored, states, values, now);
    if changes.is_empty() {
        return Ok(());
    }
    let is_told = changes.iter().any(|change| change.told.is_some());
    let reach = app.alerts.reach();
    app.common
        .write(move |tx| write(tx, &stored, &changes, &reach, now))
        .await?;
    if is_told {
        app.alerts.wake();
    }
    Ok(())
}

/// The value of each line, by its labels as JSON.
async fn values(app: &App, stored: &StoredRule, now: i64) -> Result<BTreeMap<String, Option<f64>>> {
    let select = alert_rule::select(&stored.rule.query, now - stored.rule.window_ms, now + 1)?;
    // Where nothing came, nothing was added.
    let is_added = matches!(
        select.function,
        Some(Function::Rate | Function::Increase | Function::Count)
    );
    let nothing = is_added.then_some(0.);
    let answer = app.select(select).await?;
    let lines = answer.series.iter().take(MAX_LINES).map(|line| {
        let point = line.points.first();
        let value = match stored.rule.condition {
            // Any sample will do, whatever the function makes of it.
            Condition::Absent => point.map(|point| point.count as f64),
            _ => point.map_or(nothing, |point| point.value),
        };
        (serde_json::json!(line.labels).to_string(), value)
    });
    Ok(lines.collect())
}

fn changes(
    stored: &StoredRule,
    states: BTreeMap<String, State>,
    mut values: BTreeMap<String, Option<f64>>,
    now: i64,
) -> Vec<Change> {
    // A line that is forgotten has no samples.
    for labels in states.keys() {
        values.entry(labels.clone()).or_default();
    }
    let rule = &stored.rule;
    let mut changes = Vec::new();
    for (labels, value) in values {
        let before = states.get(&labels).copied();
        let (state, told) = next(rule.hold_ms, before, rule.condition.is_met(value), now);
        if state != before || told.is_some() {
            changes.push(Change {
                labels,
                state,
                told,
                value,
            });
        }
    }
    changes
}

fn write(
    tx: &Connection,
    stored: &StoredRule,
    changes: &[Change],
    reach: &Reach,
    now: i64,
) -> rusqlite::Result<()> {
    if !alert_rules::is_active(tx, stored.id)? {
        return Ok(());
    }
    let audience = Audience::read(tx, reach)?;
    for change in changes {
        alert_rules::set_state(tx, stored.id, &change.labels, change.state)?;
        let Some(told) = change.told else { continue };
        let rule = (stored.id, &stored.rule);
        let event = Event {
            kind: told.name(),
            subject_id: alert_events::add(tx, rule, told, &change.labels, change.value, now)?,
            at: now,
        };
        let meant = (stored.target, stored.quiet_hours.as_deref());
        audience.hold(tx, std::iter::once(meant), &event)?;
    }
    Ok(())
}
