//! `POST /vql/execute`, `GET /vql/examples`: questions about rows in Vantage's words.

use std::sync::Arc;
use std::time::Instant;

use serde::Deserialize;
use serde_json::json;
use service::unix_ms;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use super::unprocessable;
use crate::app::App;
use crate::domain::vql::parse::parse;
use crate::domain::vql::run::Run;
use crate::domain::vql::{EXAMPLES, Refusal};
use crate::store::vantage as store;

#[derive(Deserialize)]
struct Asked {
    query: String,
}

/// Answers a query. 400 for one that is blocked or not understood; 503 for one that takes too long.
pub(crate) async fn execute(app: Arc<App>, mut request: Request) -> Result<Response> {
    let body = request.bytes().await?;
    let Asked { query: text } = match serde_json::from_slice(&body) {
        Ok(asked) => asked,
        Err(problem) => return Ok(unprocessable(&["body", "query"], &problem.to_string())),
    };
    let started = Instant::now();
    let query = match parse(&text, unix_ms()) {
        Ok(query) => query,
        Err(refusal) => return refused(refusal),
    };
    let read = move |connection: &rusqlite::Connection| {
        let mut run = Run::new(&query);
        let (from, to) = query.span();
        store::until(connection, from, to, |row| run.add(&row))?;
        Ok(run.finish())
    };
    let results = match app.common.read(read).await? {
        Ok(results) => results,
        Err(refusal) => return refused(refusal),
    };
    let body = json!({
        "row_count": results.len(),
        "results": results,
        "query": text,
        "execution_time_ms": started.elapsed().as_secs_f64() * 1000.,
    });
    Ok(Response::json(StatusCode::OK, &body))
}

fn refused(refusal: Refusal) -> Result<Response> {
    match refusal {
        Refusal::Faulty(problem) => Err(Error::bad_request(problem)),
        Refusal::Blocked(message) => {
            let detail = json!({"error": "Query blocked", "message": message});
            Ok(Response::json(
                StatusCode::BAD_REQUEST,
                &json!({ "detail": detail }),
            ))
        }
    }
}

/// Queries to begin with.
pub(crate) async fn examples(_: Arc<App>, _: Request) -> Result<Response> {
    let examples = EXAMPLES.map(|(name, query)| json!({"name": name, "query": query}));
    Ok(Response::json(StatusCode::OK, &json!({ "examples": examples })))
}
