//! What runs beside the requests.

mod follow;

use std::sync::Arc;

use service::Tasks;

use crate::app::App;

/// Starts all jobs.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    let app = app.clone();
    tasks.spawn("follow", move |ending| follow::job::run(app.clone(), ending));
}
