//! What runs on a clock or a queue.

mod figures;
mod matching;
mod retention;
mod room;
mod settling;
mod spikes;
mod waking;

use std::future::Future;
use std::sync::Arc;

use service::{Ending, Tasks};

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    start_one(app, tasks, "retention", retention::run);
    start_one(app, tasks, "figures", figures::run);
    start_one(app, tasks, "settling", settling::run);
    start_one(app, tasks, "waking", waking::run);
    start_one(app, tasks, "spikes", spikes::run);
    start_one(app, tasks, "room", room::run);
    start_one(app, tasks, "matching", matching::run);
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
