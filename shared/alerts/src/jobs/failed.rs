//! What became of a try: noted as delivered, or as failed and when it is tried again.

use std::time::Duration;

use notify::SendError;
use rusqlite::Connection;
use service::unix_ms;

use crate::channel::advised;
use crate::machinery::Alerts;
use crate::store::deliveries;

/// Between tries to store that something is delivered.
const NOTE_PAUSE: Duration = Duration::from_secs(1);

/// What became of a try that did not succeed.
pub(super) struct Failed {
    /// For the operator.
    pub(super) words: String,
    /// When it is tried again.
    pub(super) next: Option<i64>,
    /// Until when nothing else is tried there.
    pub(super) rest_until: Option<i64>,
}

/// Longest that nothing is tried after a failure, unless the server asks for more time: it may be well again long before
/// what it did not take is due.
const MAX_REST: Duration = Duration::from_secs(600);

impl Failed {
    pub(super) fn for_good(words: &str) -> Self {
        Self {
            words: words.to_owned(),
            next: None,
            rest_until: None,
        }
    }

    /// As the waits of `notify` have it, after `n_before` tries before this one.
    pub(super) fn of(error: &SendError, n_before: u32, id: i64, now: i64) -> Self {
        let next = match error.is_permanent() {
            true => None,
            false => notify::next_attempt(n_before + 1, error.retry_after(), now, id as u64),
        };
        let longest = error.retry_after().unwrap_or_default().max(MAX_REST).as_millis() as i64;
        Self {
            words: advised(error.to_string()),
            next,
            rest_until: next.map(|next| next.min(now.saturating_add(longest))),
        }
    }
}

/// Goes on until it is stored: a mail that is not known to be delivered would go out again and again.
pub(super) async fn note_delivered(alerts: &Alerts, id: i64) {
    let note = move |tx: &Connection| deliveries::delivered(tx, id, unix_ms());
    while let Err(error) = alerts.common.write(note).await {
        tracing::error!(
            mail.id = id,
            cause = error.cause,
            "mail {id} is delivered, which cannot be stored yet: {}",
            error.detail
        );
        tokio::time::sleep(NOTE_PAUSE).await;
    }
}
