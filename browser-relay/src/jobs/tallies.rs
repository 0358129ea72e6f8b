//! Writes down what was counted, every few seconds and at the end.

use std::sync::Arc;
use std::time::Duration;

use service::{Ending, unix_ms};

use crate::app::App;
use crate::store::traffic;

const INTERVAL: Duration = Duration::from_secs(2);
const HOUR_MS: i64 = 3_600_000;

pub(crate) async fn run(app: Arc<App>, mut ending: Ending) {
    let mut ticks = tokio::time::interval(INTERVAL);
    while ending.unless(ticks.tick()).await.is_some() {
        write_down(&app).await;
    }
    write_down(&app).await;
}

/// Writes down what was counted so far.
pub(crate) async fn write_down(app: &App) {
    let counts = app.traffic.take();
    if counts.is_empty() {
        return;
    }
    let rows: Vec<(String, &'static str, String, i64)> = counts
        .iter()
        .map(|((project, kind, outcome), n)| (project.clone(), kind.name(), outcome.name().into_owned(), *n))
        .collect();
    let written = app.common.write(move |tx| {
        let hour = unix_ms().div_euclid(HOUR_MS);
        let rows = rows
            .iter()
            .map(|(project, kind, outcome, n)| (project.as_str(), *kind, outcome.as_str(), *n));
        traffic::add(tx, hour, rows)
    });
    if let Err(error) = written.await {
        tracing::warn!(
            cause = error.cause,
            "what arrived is not written down yet: {}",
            error.detail
        );
        app.traffic.put_back(counts);
    }
}
