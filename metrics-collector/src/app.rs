//! What a handler may reach.

use std::sync::Arc;

use service::Common;

/// Shared by all handlers.
pub struct App {
    pub(crate) common: Arc<Common>,
}
