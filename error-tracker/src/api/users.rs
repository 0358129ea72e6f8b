//! `/api/users/{user}`: what is kept of one user, to be forgotten.

use std::sync::Arc;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::store::users;

/// `DELETE /api/users/{user}`: deletes the kept events of this user and that they were hit. Counts of events stay.
pub(crate) async fn forget(app: Arc<App>, request: Request) -> Result<Response> {
    let user = request.param("user").to_owned();
    let forgotten = app.change(move |tx| users::forget(tx, &user)).await?;
    app.changed();
    let answer = json!({ "errors": forgotten.n_groups, "events": forgotten.n_occurrences });
    Ok(Response::json(StatusCode::OK, &answer))
}
