//! Asks the rules who is told of what happened.
//!
//! What happened is written down with what caused it, and who is told in one transaction: nothing is told twice or
//! forgotten, whenever the process dies.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use service::Ending;

use crate::app::App;
use crate::domain::alerting::Fact;
use crate::store::causes::{self, Alert};
use crate::store::rules::{self, StoredRule};
use alerts::{Audience, Event, Reach};

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
/// Shortest, so that a storm is looked at in batches.
const MIN_PAUSE: Duration = Duration::from_millis(200);
/// Alerts looked at in one transaction.
const BATCH: u32 = 500;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    loop {
        if let Err(error) = match_waiting(&app).await {
            tracing::error!(cause = error.cause, "alerts: {}", error.detail);
        }
        if ending.unless(tokio::time::sleep(MIN_PAUSE)).await.is_none() {
            return;
        }
        let called = tokio::time::timeout(MAX_PAUSE, app.alerts_waiting.notified());
        if ending.unless(called).await.is_none() {
            return;
        }
    }
}

async fn match_waiting(app: &App) -> web::Result<()> {
    while !app.common.read(causes::is_empty).await? {
        let reach = app.alerts.reach();
        app.common.write(move |tx| match_rules(tx, &reach)).await?;
        app.alerts.wake();
    }
    Ok(())
}

/// Takes alerts and holds them for all who want to be told of them.
fn match_rules(tx: &Connection, reach: &Reach) -> rusqlite::Result<()> {
    let mut rules = rules::all(tx)?;
    rules.retain(|stored| !stored.is_paused);
    let audience = Audience::read(tx, reach)?;
    for alert in causes::take(tx, BATCH)? {
        let wanted = rules.iter().filter(|rule| wants(rule, &alert));
        let event = Event {
            kind: alert.kind.name(),
            subject_id: alert.group_id,
            at: alert.at,
        };
        let wanted = wanted.map(|rule| (rule.target, rule.quiet_hours.as_deref()));
        audience.hold(tx, wanted, &event)?;
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
