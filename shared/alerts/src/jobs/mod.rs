//! What runs on a clock or a queue.

mod channels;
mod failed;
mod figures;
mod mail;
mod release;
mod retention;
mod smtp;

pub(crate) use smtp::greet;

use std::future::Future;
use std::sync::Arc;

use service::{Ending, Tasks};

use crate::alerting::Alerting;

/// Starts all jobs.
pub fn start<A: Alerting>(app: &Arc<A>, tasks: &mut Tasks) {
    start_one(app, tasks, "release of alerts", release::run);
    start_one(app, tasks, "mail", mail::run);
    start_one(app, tasks, "channels", channels::run);
    start_one(app, tasks, "figures of alerts", figures::run);
    start_one(app, tasks, "retention of alerts", retention::run);
}

fn start_one<A: Alerting, F>(
    app: &Arc<A>,
    tasks: &mut Tasks,
    name: &'static str,
    run: impl Fn(Arc<A>, Ending) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let app = app.clone();
    tasks.spawn(name, move |ending| run(app.clone(), ending));
}
