//! `/api/live`: says when there is something new to see.

use std::sync::Arc;

use web::{Request, Response, Result};

use crate::app::App;

/// `GET /api/live`: server-sent events named `changed`, at most one a second, without data.
pub(crate) async fn stream(app: Arc<App>, request: Request) -> Result<Response> {
    app.live.stream(&request)
}
