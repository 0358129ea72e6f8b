//! Sends what is due to webhooks, chats and push services, and tries again what they did not take.
//!
//! One alert at a time to one channel, several channels at once: one that is slow holds up no other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};
use tokio::task::JoinSet;

use super::failed::{Failed, note_delivered};
use crate::alerting::Alerting;
use crate::channel;
use crate::content;
use crate::store::channels::{self, Channel};
use crate::store::deliveries::{self, Delivery, Way};

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const BATCH: u32 = 50;

/// Channels to which something is on its way.
type Sending = JoinSet<Option<i64>>;

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let mut sending = Sending::new();
    let mut busy = BTreeSet::new();
    loop {
        let pause = match start_due(&app, &mut sending, &mut busy, &ending).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(cause = error.cause, "alert queue: {}", error.detail);
                MAX_PAUSE
            }
        };
        let called = async {
            tokio::select! {
                Some(ended) = sending.join_next() => ended.ok(),
                () = app.alerts().channels_waiting.notified() => None,
                () = tokio::time::sleep(pause) => None,
            }
        };
        match ending.unless(called).await {
            None => break,
            Some(Some(free)) => drop(busy.remove(&free)),
            Some(None) => {}
        }
        if sending.is_empty() {
            // Also after one that panicked.
            busy.clear();
        }
    }
    // Each ends after the alert it is at.
    while sending.join_next().await.is_some() {}
}

/// Begins to send what is due to channels that are free; returns how long there is nothing to do.
async fn start_due<A: Alerting>(
    app: &Arc<A>,
    sending: &mut Sending,
    busy: &mut BTreeSet<Option<i64>>,
    ending: &Ending,
) -> web::Result<Duration> {
    let common = &app.alerts().common;
    let but_not: Vec<i64> = busy.iter().copied().flatten().collect();
    let due = common
        .read(move |connection| deliveries::due(connection, Way::Channel, &but_not, unix_ms(), BATCH))
        .await?;
    let mut by_channel: BTreeMap<Option<i64>, Vec<Delivery>> = BTreeMap::new();
    for delivery in due {
        by_channel
            .entry(delivery.to.channel_id)
            .or_default()
            .push(delivery);
    }
    for (channel_id, due) in by_channel {
        busy.insert(channel_id);
        let (app, ending) = (app.clone(), ending.clone());
        sending.spawn(async move {
            if let Err(error) = to_channel(&*app, channel_id, due, ending).await {
                tracing::error!(cause = error.cause, "alert queue: {}", error.detail);
            }
            channel_id
        });
    }
    let next = common
        .read(|connection| deliveries::next_due(connection, Way::Channel))
        .await?;
    let now = unix_ms();
    // What is due and not begun waits for its channel, whose end is noticed.
    let next = next.filter(|at| *at > now);
    let pause = next.map_or(MAX_PAUSE, |at| Duration::from_millis((at - now) as u64));
    Ok(pause.min(MAX_PAUSE))
}

async fn to_channel<A: Alerting>(
    app: &A,
    channel_id: Option<i64>,
    due: Vec<Delivery>,
    mut ending: Ending,
) -> web::Result<()> {
    let alerts = app.alerts();
    let found = match channel_id {
        Some(id) => {
            alerts
                .common
                .read(move |connection| channels::find(connection, id))
                .await?
        }
        None => None,
    };
    for delivery in due {
        if ending.unless(std::future::ready(())).await.is_none() {
            return Ok(());
        }
        let id = delivery.id;
        match send(app, found.as_ref(), &delivery).await? {
            Ok(()) => {
                alerts.metrics.alerts_sent.inc();
                note_delivered(alerts, id).await;
            }
            Err(Failed { words, next }) => {
                alerts.metrics.alerts_failed.inc();
                tracing::warn!(delivery.id = id, "alert {id} was not delivered: {words}");
                let note = move |tx: &rusqlite::Connection| deliveries::failed(tx, id, &words, next);
                alerts.common.write(note).await?;
                // Whoever did not take this one is not asked again at once.
                if next.is_some() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn send<A: Alerting>(
    app: &A,
    stored: Option<&Channel>,
    delivery: &Delivery,
) -> web::Result<Result<(), Failed>> {
    let Some(stored) = stored else {
        return Ok(Err(Failed::for_good("its channel is gone")));
    };
    let channel = match channel::of(stored) {
        Ok(channel) => channel,
        Err(bad) => return Ok(Err(Failed::for_good(&bad.to_string()))),
    };
    let Some(content) = content::of(app, delivery).await? else {
        return Ok(Err(Failed::for_good("what it was about is gone")));
    };
    let request = channel.request(&content.message, &delivery.name(), unix_ms());
    let sent = app.alerts().sender.send(&request).await;
    Ok(sent.map_err(|error| Failed::of(&error, delivery.n_attempts, delivery.id)))
}
