//! Sends what is due to webhooks, chats and push services, and tries again what they did not take.
//!
//! One alert at a time to one channel, several channels at once: one that is slow holds up no other. One that did not
//! take something is left alone for a while; only a test that somebody asks for goes there at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};
use tokio::task::JoinSet;

use super::failed::{Failed, note_delivered};
use crate::alerting::Alerting;
use crate::channel;
use crate::store::channels::{self, Channel};
use crate::store::deliveries::{self, Delivery, Occupied, Way};
use crate::wording;

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const BATCH: u32 = 50;

/// Channels to which something is on its way, and those that are left alone.
#[derive(Default)]
struct Lanes {
    sending: JoinSet<Ended>,
    busy: BTreeSet<i64>,
    /// Until when.
    resting: BTreeMap<i64, i64>,
}

/// A channel is free again.
struct Ended {
    channel_id: i64,
    rest_until: Option<i64>,
}

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let mut lanes = Lanes::default();
    loop {
        let pause = match start_due(&app, &mut lanes, &ending).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(cause = error.cause, "alert queue: {}", error.detail);
                MAX_PAUSE
            }
        };
        let called = async {
            tokio::select! {
                Some(ended) = lanes.sending.join_next() => ended.ok(),
                () = app.alerts().channels_waiting.notified() => None,
                () = tokio::time::sleep(pause) => None,
            }
        };
        match ending.unless(called).await {
            None => break,
            Some(Some(ended)) => lanes.free(&ended),
            Some(None) => {}
        }
        if lanes.sending.is_empty() {
            // Also after one that panicked.
            lanes.busy.clear();
        }
    }
    // Each ends after the alert it is at.
    while lanes.sending.join_next().await.is_some() {}
}

impl Lanes {
    fn free(&mut self, ended: &Ended) {
        self.busy.remove(&ended.channel_id);
        match ended.rest_until {
            Some(until) => drop(self.resting.insert(ended.channel_id, until)),
            // It works again.
            None => drop(self.resting.remove(&ended.channel_id)),
        }
    }

    fn occupied(&mut self, now: i64) -> Occupied {
        self.resting.retain(|_, until| *until > now);
        Occupied {
            busy: self.busy.iter().copied().collect(),
            resting: self.resting.keys().copied().collect(),
        }
    }
}

/// Begins to send what is due to channels that are free; returns how long there is nothing to do.
async fn start_due<A: Alerting>(app: &Arc<A>, lanes: &mut Lanes, ending: &Ending) -> web::Result<Duration> {
    let common = &app.alerts().common;
    let now = unix_ms();
    let occupied = lanes.occupied(now);
    let due = common
        .read(move |connection| deliveries::due(connection, Way::Channel, &occupied, now, BATCH))
        .await?;
    let mut by_channel: BTreeMap<i64, Vec<Delivery>> = BTreeMap::new();
    for delivery in due {
        let channel_id = delivery.to.channel_id.unwrap_or_default();
        by_channel.entry(channel_id).or_default().push(delivery);
    }
    for (channel_id, due) in by_channel {
        lanes.busy.insert(channel_id);
        let (app, ending) = (app.clone(), ending.clone());
        lanes.sending.spawn(async move {
            let sent = to_channel(&*app, channel_id, due, ending).await;
            let rest_until = sent.unwrap_or_else(|error| {
                tracing::error!(cause = error.cause, "alert queue: {}", error.detail);
                None
            });
            Ended {
                channel_id,
                rest_until,
            }
        });
    }
    let next = common
        .read(move |connection| deliveries::next_due(connection, Way::Channel, now))
        .await?;
    // What is due and not begun waits for its channel: its end is noticed, that of its rest is looked for.
    let rested = lanes.resting.values().min().copied();
    let next = next.into_iter().chain(rested).min();
    let pause = next.map_or(MAX_PAUSE, |at| Duration::from_millis((at - now).max(0) as u64));
    Ok(pause.min(MAX_PAUSE))
}

/// Returns until when the channel is to be left alone.
async fn to_channel<A: Alerting>(
    app: &A,
    channel_id: i64,
    due: Vec<Delivery>,
    mut ending: Ending,
) -> web::Result<Option<i64>> {
    let alerts = app.alerts();
    let found = alerts
        .common
        .read(move |connection| channels::find(connection, channel_id));
    let found = found.await?;
    for delivery in due {
        if ending.unless(std::future::ready(())).await.is_none() {
            return Ok(None);
        }
        let id = delivery.id;
        match send(app, found.as_ref(), &delivery).await? {
            Ok(()) => {
                alerts.metrics.alerts_sent.inc();
                note_delivered(alerts, id).await;
            }
            Err(Failed {
                words,
                next,
                rest_until,
            }) => {
                alerts.metrics.alerts_failed.inc();
                tracing::warn!(delivery.id = id, "alert {id} was not delivered: {words}");
                let note = move |tx: &rusqlite::Connection| deliveries::failed(tx, id, &words, next);
                alerts.common.write(note).await?;
                // Whoever did not take this one is not asked again at once.
                if rest_until.is_some() {
                    return Ok(rest_until);
                }
            }
        }
    }
    Ok(None)
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
    let Some(content) = wording::of(app, delivery).await? else {
        return Ok(Err(Failed::for_good("what it was about is gone")));
    };
    let request = channel.request(&content.message, &delivery.name(), unix_ms());
    let sent = app.alerts().sender.send(&request).await;
    Ok(sent.map_err(|error| Failed::of(&error, delivery.n_attempts, delivery.id, unix_ms())))
}
