//! `WS /ws/metrics`: every five seconds the rows of the last minute, as Vantage's pages expect them.

use std::sync::Arc;
use std::time::Duration;

use web::ws::{self, Manner};
use web::{Request, Response, Result};

use crate::app::App;
use crate::vantage;

const MANNER: Manner = Manner {
    every: Duration::from_secs(5),
    max_age: Duration::from_secs(3600),
};
const SECONDS: i64 = 60;

/// Becomes a WebSocket. 503 where too many are open.
pub(crate) async fn open(app: Arc<App>, mut request: Request) -> Result<Response> {
    let place = app.sockets.take(&request)?;
    ws::tell(&mut request, place, MANNER, move || message(app.clone()))
}

async fn message(app: Arc<App>) -> Option<String> {
    let rows = vantage::rows(&app, None, SECONDS).await.ok()?;
    Some(format!("{{\"type\":\"metrics\",\"data\":{rows}}}"))
}
