//! `GET /v1/stats`: what came of the requests of Vantage's agents since the start.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;

/// Where Vantage has a queue, ours is the disk: `connected`, and what was stored.
pub(crate) async fn show(app: Arc<App>, _: Request) -> Result<Response> {
    let counts = &app.vantage;
    let (received, accepted) = (counts.n_received.load(Relaxed), counts.n_accepted.load(Relaxed));
    let (batches, failed) = (counts.n_batches.load(Relaxed), counts.n_failed.load(Relaxed));
    let body = json!({
        "ingestion": {
            "batches_received": batches,
            "metrics_received": received,
            "metrics_accepted": accepted,
            "metrics_rejected": counts.n_refused.load(Relaxed),
            "acceptance_rate": rate(accepted, received),
        },
        "kafka": {
            "connected": true,
            "messages_sent": batches - failed,
            "messages_failed": failed,
            "bytes_sent": counts.n_bytes.load(Relaxed),
            "success_rate": rate(batches - failed, batches),
        },
        "uptime_seconds": app.common.gate.uptime().as_secs_f64(),
        "service": app.common.name,
        "environment": "production",
    });
    Ok(Response::json(StatusCode::OK, &body))
}

/// 0 to 1; of nothing, 1.
fn rate(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 1.,
        whole => part as f64 / whole as f64,
    }
}
