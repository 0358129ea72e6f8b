//! Keeps the gauges of `/metrics` that only the store knows: a scrape itself must not wait for a query.

use std::sync::Arc;
use std::time::Duration;

use service::Ending;

use crate::app::App;
use crate::store::groups;

/// Half of Prometheus' usual scrape interval.
const INTERVAL: Duration = Duration::from_secs(15);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        let figures = app.read(groups::totals).await;
        // A busy store answers at the next tick; the gauges stay as they were.
        let Ok(totals) = figures else { continue };
        app.metrics.groups_open.set(totals.n_open);
        app.metrics.groups_resolved.set(totals.n_resolved);
        app.metrics.groups_snoozed.set(totals.n_snoozed);
    }
}
