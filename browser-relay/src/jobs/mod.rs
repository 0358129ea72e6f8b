//! What runs on a clock or a queue.

mod delivery;
mod remapping;
mod retention;
mod tallies;

use std::future::Future;
use std::sync::Arc;

use service::{Ending, Tasks};

pub(crate) use self::delivery::recount;
pub(crate) use self::tallies::write_down;
use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    for link in &app.links {
        let (app, link) = (app.clone(), link.clone());
        tasks.spawn("delivery", move |ending| {
            delivery::run(app.clone(), link.clone(), ending)
        });
    }
    start_one(app, tasks, "tallies", tallies::run);
    start_one(app, tasks, "retention", retention::run);
    start_one(app, tasks, "remapping", remapping::run);
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
