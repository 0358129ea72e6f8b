//! What runs on a clock.

mod alert_rules;
mod count_requests;
pub(crate) mod flush;
mod malti_config;
pub(crate) mod retention;
pub(crate) mod room;
pub(crate) mod scrape;
mod vantage_alerts;

use std::future::Future;
use std::sync::Arc;

use service::{Ending, Tasks};

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    start_one(app, tasks, "flush", flush::run);
    start_one(app, tasks, "retention", retention::run);
    start_one(app, tasks, "room", room::run);
    start_one(app, tasks, "malti config", malti_config::run);
    start_one(app, tasks, "count requests", count_requests::run);
    scrape::start(app, tasks);
    start_one(app, tasks, "alert rules", alert_rules::run);
    start_one(app, tasks, "alerts by quartiles", vantage_alerts::run);
    alerts::start(app, tasks);
}

fn start_one<F>(
    app: &Arc<App>,
    tasks: &mut Tasks,
    name: &'static str,
    run: impl Fn(Arc<App>, Ending) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let app = app.clone();
    tasks.spawn(name, move |ending| run(app.clone(), ending));
}
