//! `/api/projects`, `/api/environments`: the names there are, for filters.

use std::sync::Arc;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::store::groups;

/// `GET /api/projects`: in byte order, the empty name included.
pub(crate) async fn projects(app: Arc<App>, _: Request) -> Result<Response> {
    let projects = app.read(groups::projects).await?;
    Ok(Response::json(StatusCode::OK, &json!({ "projects": projects })))
}

/// `GET /api/environments`: in byte order.
pub(crate) async fn environments(app: Arc<App>, _: Request) -> Result<Response> {
    let environments = app.read(groups::environments).await?;
    Ok(Response::json(
        StatusCode::OK,
        &json!({ "environments": environments }),
    ))
}
