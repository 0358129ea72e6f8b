//! `/api/users/{user}`: what is kept of one user, to be forgotten.

use std::sync::Arc;

use serde_json::json;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::store::{room, users};

/// Free pages given back to the file system in one transaction, so that no report waits for long.
const STEP: u32 = 500;

/// `DELETE /api/users/{user}`: deletes the kept events of this user and that they were hit. Counts of events stay.
pub(crate) async fn forget(app: Arc<App>, request: Request) -> Result<Response> {
    let user = request.param("user").to_owned();
    let forgotten = app.change(move |tx| users::forget(tx, &user)).await?;
    app.changed();
    give_back(&app).await?;
    let answer = json!({ "errors": forgotten.n_groups, "events": forgotten.n_occurrences });
    Ok(Response::json(StatusCode::OK, &answer))
}

/// Gives free pages back: they still hold what was once in them, such as a user's reports before they were counted.
async fn give_back(app: &App) -> Result<()> {
    let n_free = app.common.read(room::used).await?.n_free();
    for _ in 0..n_free.div_ceil(u64::from(STEP)) {
        app.common.write(|tx| sqlite::shrink(tx, STEP)).await?;
    }
    Ok(())
}
