//! `GET /api/v1/auth/test`: whether a user's key is good, and what colours the dashboard.

use std::sync::Arc;

use serde_json::json;
use service::unix_ms;
use ui::moment::rfc3339;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::access;
use crate::app::App;

/// Ten times a minute for each address; only good keys count.
pub(crate) async fn auth_test(app: Arc<App>, request: Request) -> Result<Response> {
    let name = access::user(&app, &request)?;
    if !app.malti.may_test(request.client(), app.common.gate.uptime()) {
        let body = json!({
            "error": "Rate limit exceeded",
            "detail": "Rate limit exceeded: 10 per 1 minute",
            "retry_after": 60,
        });
        return Ok(Response::json(StatusCode::TOO_MANY_REQUESTS, &body));
    }
    let thresholds = app.malti.thresholds();
    let body = json!({
        "authenticated": true,
        "user": { "name": name, "type": "user", "permissions": ["metrics"] },
        "thresholds": {
            "error_rate_success": thresholds.error_rate_success,
            "error_rate_warning": thresholds.error_rate_warning,
            "latency_success": thresholds.latency_success,
            "latency_warning": thresholds.latency_warning,
        },
        "timestamp": rfc3339(unix_ms()),
        "rate_limit_info": {
            "endpoint": "auth_test",
            "limit": "10/minute",
            "description": "Each address may test ten keys a minute",
        },
    });
    Ok(Response::json(StatusCode::OK, &body))
}
