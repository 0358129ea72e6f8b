//! What runs on a clock.

mod scrape;

use std::sync::Arc;

use service::Tasks;

use crate::app::App;

/// Starts them all.
pub(crate) fn start(app: &Arc<App>, tasks: &mut Tasks) {
    scrape::start(app, tasks);
}
