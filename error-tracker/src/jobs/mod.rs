//! What runs on a clock or a queue.

mod figures;
mod mail;
mod retention;
mod settling;

use std::sync::Arc;

use service::Tasks;

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    let retained = app.clone();
    tasks.spawn("retention", move |ending| {
        retention::run(retained.clone(), ending)
    });
    let counted = app.clone();
    tasks.spawn("figures", move |ending| figures::run(counted.clone(), ending));
    let settled = app.clone();
    tasks.spawn("settling", move |ending| settling::run(settled.clone(), ending));
    if app.settings.smtp.is_some() {
        let mailing = app.clone();
        tasks.spawn("mail", move |ending| mail::run(mailing.clone(), ending));
    }
}
