//! Takes up `malti.toml` when it has changed.

use std::sync::Arc;
use std::time::Duration;

use service::Ending;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        let app = app.clone();
        // A file, which may lie on a slow disk.
        let reloaded = tokio::task::spawn_blocking(move || app.malti.reload()).await;
        match reloaded {
            Ok(Ok(true)) => tracing::info!("Malti's keys and thresholds were read anew"),
            Ok(Ok(false)) => {}
            Ok(Err(problem)) => {
                tracing::error!("Malti's keys and thresholds stay as they were: {problem}");
            }
            Err(cause) => tracing::error!(%cause, "Malti's file was not looked at"),
        }
    }
}
