//! What runs beside the requests.

mod alert_rules;
mod firings;
mod follow;

use std::future::Future;
use std::sync::Arc;

use service::{Ending, Tasks};

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    start_one(app, tasks, "follow", follow::job::run);
    start_one(app, tasks, "alert rules", alert_rules::run);
    start_one(app, tasks, "firings", firings::run);
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
