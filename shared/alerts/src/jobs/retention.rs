//! Forgets deliveries that are long done with.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::alerting::Alerting;
use crate::store::deliveries;

const INTERVAL: Duration = Duration::from_secs(3600);
const DAY_MS: i64 = 86_400_000;
/// They are kept as long, to answer "was I told?".
const KEPT_DAYS: i64 = 30;

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        let dropped = app
            .alerts()
            .common
            .write(|tx| deliveries::drop_done(tx, unix_ms() - KEPT_DAYS * DAY_MS));
        if let Err(error) = dropped.await {
            tracing::error!(cause = error.cause, "retention of alerts: {}", error.detail);
        }
    }
}
