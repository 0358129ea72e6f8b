//! Counts and keeps what no reader asked for, so that the journal stays short and a start has little to catch up with.

use std::sync::Arc;
use std::time::Duration;

use service::Ending;

use crate::app::App;

const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // Under load what came since the last tick is counted by then, or waits for more of its group.
    let mut seq = app.intake.next_seq();
    while ending.unless(ticks.tick()).await.is_some() {
        // Also when nothing seems to wait: a write that was undone puts reports back into the journal.
        app.settle(seq).await;
        seq = app.intake.next_seq();
    }
    // What is left of the file then is plain to any reader.
    app.settle(i64::MAX).await;
}
