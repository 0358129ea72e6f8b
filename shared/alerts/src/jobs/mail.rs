//! Sends queued mails, one at a time, and tries again what a server did not take.
//!
//! A mail is marked as delivered after the server took it. Only a crash between the two sends it twice; its
//! Message-ID is the same then, so that mailboxes can tell.

use std::sync::Arc;
use std::time::Duration;

use notify::{Channel, Postmark};
use service::{Ending, unix_ms};

use super::failed::{Failed, note_delivered};
use super::smtp::{self, NotTaken};
use crate::alerting::Alerting;
use crate::content::Content;
use crate::domain::mail;
use crate::machinery::Alerts;
use crate::settings::{PostmarkAccount, Smtp};
use crate::store::deliveries::{self, Delivery, Occupied, Way};
use crate::wording;

/// Longest wait without looking: covers clock jumps.
const MAX_PAUSE: Duration = Duration::from_secs(60);
const BATCH: u32 = 20;
/// How long nothing is tried after the server was not there.
const SERVER_REST_MS: i64 = 5_000;
/// The same, if it says how long itself.
const MAX_REST: Duration = Duration::from_secs(30);

/// How mails leave.
#[derive(Clone, Copy)]
enum WayOut<'a> {
    Smtp(&'a Smtp),
    Postmark(&'a PostmarkAccount),
}

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let alerts = app.alerts();
    let way_out = match (&alerts.settings.smtp, &alerts.settings.postmark) {
        (Some(smtp), _) => WayOut::Smtp(smtp),
        (None, Some(postmark)) => WayOut::Postmark(postmark),
        (None, None) => return,
    };
    loop {
        let pause = match send_due(&*app, way_out, &mut ending).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(cause = error.cause, "mail queue: {}", error.detail);
                MAX_PAUSE
            }
        };
        // A timeout is as good as a call: both mean to look again.
        let called = tokio::time::timeout(pause, alerts.mails_waiting.notified());
        if ending.unless(called).await.is_none() {
            return;
        }
    }
}

/// Sends what is due; returns how long there is nothing to do.
///
/// Where the server does not let us in, the mail that found out waits its own time, and all others a little.
async fn send_due<A: Alerting>(app: &A, way_out: WayOut<'_>, ending: &mut Ending) -> web::Result<Duration> {
    let common = &app.alerts().common;
    loop {
        let due = common
            .read(|connection| deliveries::due(connection, Way::Mail, &Occupied::default(), unix_ms(), BATCH))
            .await?;
        if due.is_empty() {
            let next = common
                .read(|connection| deliveries::next_due(connection, Way::Mail, unix_ms()))
                .await?;
            let pause = next.map_or(MAX_PAUSE, |at| {
                Duration::from_millis((at - unix_ms()).max(0) as u64)
            });
            return Ok(pause.min(MAX_PAUSE));
        }
        for mail in due {
            // Between two mails is the place to stop: within one, a mail could go out unnoted.
            if ending.unless(std::future::ready(())).await.is_none() {
                return Ok(MAX_PAUSE);
            }
            if let Some(rest) = send(app, way_out, mail).await? {
                if ending.unless(tokio::time::sleep(rest)).await.is_none() {
                    return Ok(MAX_PAUSE);
                }
                break;
            }
        }
    }
}

/// Returns how long nothing is to be tried.
async fn send<A: Alerting>(app: &A, way_out: WayOut<'_>, mail: Delivery) -> web::Result<Option<Duration>> {
    let alerts = app.alerts();
    let outcome = match (wording::of(app, &mail).await?, way_out) {
        (None, _) => Err(Failed::for_good("what it was about is gone")),
        (Some(content), WayOut::Smtp(smtp)) => {
            let sent = smtp::deliver(smtp, &mail, content.mail).await;
            sent.map_err(|not_taken| failed(&mail, &not_taken, unix_ms()))
        }
        (Some(content), WayOut::Postmark(account)) => by_postmark(alerts, account, &mail, &content).await,
    };
    match outcome {
        Ok(()) => {
            alerts.metrics.mails_sent.inc();
            note_delivered(alerts, mail.id).await;
            Ok(None)
        }
        Err(Failed {
            words,
            next,
            rest_until,
        }) => {
            alerts.metrics.mails_failed.inc();
            tracing::warn!(mail.id, "mail {} was not delivered: {words}", mail.id);
            alerts
                .common
                .write(move |tx| deliveries::failed(tx, mail.id, &words, next))
                .await?;
            let rest = rest_until.map(|until| Duration::from_millis((until - unix_ms()).max(0) as u64));
            Ok(rest.map(|rest| rest.min(MAX_REST)))
        }
    }
}

fn failed(mail: &Delivery, not_taken: &NotTaken, now: i64) -> Failed {
    let rest_until = match not_taken {
        NotTaken::Server(_) => Some(now.saturating_add(SERVER_REST_MS)),
        NotTaken::Mail(_) => None,
    };
    Failed {
        words: not_taken.to_string(),
        next: mail::next_attempt(mail.created_at, mail.n_attempts, now),
        rest_until,
    }
}

async fn by_postmark(
    alerts: &Alerts,
    account: &PostmarkAccount,
    mail: &Delivery,
    content: &Content,
) -> Result<(), Failed> {
    let recipient = mail.to.recipient.as_deref().unwrap_or_default();
    let postmark = Postmark::new(account.token.clone(), &account.from, &[recipient])
        .map_err(|bad| Failed::for_good(&bad.to_string()))?;
    let request = Channel::Postmark(postmark).request(&content.message, &mail.name(), unix_ms());
    let sent = alerts.sender.send(&request).await;
    sent.map_err(|error| Failed::of(&error, mail.n_attempts, mail.id, unix_ms()))
}
