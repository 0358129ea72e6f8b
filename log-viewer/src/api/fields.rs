//! `/api/logs/fields`: the fields of JSON and logfmt entries, with their values.

use std::sync::Arc;

use serde_json::{Value, json};
use service::unix_ms;
use web::{Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::asked;

/// `GET /api/logs/fields`: with the filters of the list; of the newest entries that match.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    let found = app
        .archive
        .fields(asked::filter(request.query(), unix_ms())?)
        .await?;
    let fields = found.fields.iter().map(|field| {
        let values: Vec<Value> = field
            .values
            .iter()
            .map(|(value, n)| json!({ "value": value, "count": n }))
            .collect();
        json!({ "name": field.name, "count": field.n_entries, "values": values })
    });
    let fields: Vec<Value> = fields.collect();
    Ok(Response::json(
        StatusCode::OK,
        &json!({
            "fields": fields,
            "entries": found.n_entries,
            "is_complete": found.is_complete,
        }),
    ))
}
