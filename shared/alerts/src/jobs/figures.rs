//! Keeps the gauges of `/metrics` that only the store knows: a scrape itself must not wait for a query.

use std::sync::Arc;
use std::time::Duration;

use service::Ending;

use crate::alerting::Alerting;
use crate::store::deliveries;

/// Half of Prometheus' usual scrape interval.
const INTERVAL: Duration = Duration::from_secs(15);

pub(crate) async fn run<A: Alerting>(app: Arc<A>, mut ending: Ending) {
    let alerts = app.alerts();
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        // A busy store answers at the next tick; the gauges stay as they were.
        let Ok(queue) = alerts.common.read(deliveries::queue_state).await else {
            continue;
        };
        alerts.metrics.alerts_waiting.set(queue.n_waiting);
        alerts.metrics.alerts_given_up.set(queue.n_given_up);
    }
}
