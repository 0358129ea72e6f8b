//! Forgets what was told long ago.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::app::App;
use crate::store::firings;

const INTERVAL: Duration = Duration::from_secs(3600);
/// As long as deliveries are kept, which speak of them.
const KEPT_MS: i64 = 30 * 86_400_000;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        let dropped = app.common.write(|tx| firings::drop_old(tx, unix_ms() - KEPT_MS));
        if let Err(error) = dropped.await {
            tracing::error!(cause = error.cause, "log alerts: {}", error.detail);
        }
    }
}
