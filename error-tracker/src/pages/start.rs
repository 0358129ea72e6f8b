//! `/start`: how to send errors, for whoever comes back to it.

use std::sync::Arc;

use service::page;
use ui::{Frame, Template};
use web::{Request, Response, Result, StatusCode};

use super::start_view::Start;
use crate::app::App;

/// `start.html`.
#[derive(Template)]
#[template(path = "pages/start.html")]
struct StartPage {
    frame: Frame,
    start: Start,
}

/// `GET /start`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let view = StartPage {
        frame: app.common.frame(&request, "Send errors"),
        start: Start::new(&app.common.address(&request)),
    };
    Ok(page(StatusCode::OK, &view))
}
