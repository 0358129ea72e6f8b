//! Counts and keeps what no reader asked for, so that the journal stays short and a start has little to catch up with.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::app::App;
use crate::store::filtered;
use crate::store::tallies::DAY_MS;

const INTERVAL: Duration = Duration::from_secs(1);
/// Steps of the search index before what was reported meanwhile is counted.
const INDEX_STEPS: usize = 64;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    // Under load what came since the last tick is counted by then, or waits for more of its group.
    let mut seq = app.intake.next_seq();
    let mut counted = seq;
    while ending.unless(ticks.tick()).await.is_some() {
        // Also when nothing seems to wait: a write that was undone puts reports back into the journal.
        app.settle(seq).await;
        if seq != counted {
            // Counting may have led to a number of reports that a rule asks for.
            app.alerts_waiting.notify_one();
            counted = seq;
        }
        app.index(INDEX_STEPS).await;
        let next_seq = app.intake.next_seq();
        if next_seq != seq {
            app.changed();
        }
        seq = next_seq;
        write_filtered(&app).await;
    }
    // What is left of the file then is plain to any reader.
    app.settle(i64::MAX).await;
    write_filtered(&app).await;
}

/// Writes down how many events were counted and not stored.
async fn write_filtered(app: &App) {
    let counts = app.filtered.take();
    if counts.is_empty() {
        return;
    }
    let day = unix_ms().div_euclid(DAY_MS);
    let written = counts.clone();
    if app
        .common
        .write(move |tx| filtered::add(tx, day, &written))
        .await
        .is_err()
    {
        app.filtered.put_back(counts);
    }
}
