//! `/api/occurrences`: kept reports of a release, and other stacks for them. The browser relay asks for them when a
//! source map comes after the events that it is of.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::{json_text, report};
use crate::store::stacks;

/// Reports of one answer.
const PAGE: u32 = 100;

/// `GET /api/occurrences?project=&release=&source=browser[&after=]`: kept reports, and where to go on.
pub(crate) async fn list(app: Arc<App>, request: Request) -> Result<Response> {
    #[derive(Serialize)]
    struct Page {
        occurrences: Vec<Shown>,
        next: Option<i64>,
    }
    #[derive(Serialize)]
    struct Shown {
        id: i64,
        exception_type: String,
        message: String,
        traceback: String,
    }
    let required = |name: &str| {
        let value = request.query().get(name).map(str::to_owned);
        value.ok_or_else(|| Error::bad_request(format!("Missing required parameter: {name}")))
    };
    let (project, release) = (required("project")?, required("release")?);
    if required("source")? != "browser" {
        return Err(Error::bad_request("source must be 'browser'"));
    }
    let after = request.query().number("after").unwrap_or(0);
    let after = i64::try_from(after).map_err(|_| Error::bad_request("after is too large"))?;
    let (found, next) = app
        .read(move |connection| stacks::of_release(connection, &project, &release, after, PAGE))
        .await?;
    let occurrences = found.into_iter().map(|it| Shown {
        id: it.id,
        exception_type: it.exception_type,
        message: it.message,
        traceback: it.traceback,
    });
    let page = Page {
        occurrences: occurrences.collect(),
        next,
    };
    Ok(Response::json(StatusCode::OK, &page))
}

/// `PUT /api/occurrences/{id}/stack`: `{"traceback", "exception"}` in place of what a kept report has.
pub(crate) async fn replace_stack(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize)]
    struct Stack<'a> {
        traceback: String,
        #[serde(borrow)]
        exception: &'a RawValue,
    }
    #[derive(Serialize)]
    struct Whole<'a> {
        project: &'a str,
        exception_type: &'a str,
        message: &'a str,
        traceback: &'a str,
        exception: &'a RawValue,
    }
    let not_found = || Error::not_found("Occurrence not found");
    let id: i64 = request.param("id").parse().map_err(|_| not_found())?;
    let body = request.bytes().await?;
    let text = json_text::mend(&body);
    let clean = app.scrubber.json(&text);
    let stack: Stack<'_> = serde_json::from_str(&clean)
        .map_err(|_| Error::bad_request("the body must be a JSON object with 'traceback' and 'exception'"))?;
    let old = app.read(move |connection| stacks::find(connection, id)).await?;
    let old = old.ok_or_else(not_found)?;
    let whole = serde_json::to_vec(&Whole {
        project: &old.project,
        exception_type: &old.exception_type,
        message: &old.message,
        traceback: &stack.traceback,
        exception: stack.exception,
    });
    let report = report::read(&whole.map_err(Error::internal)?, None)
        .map_err(|refusal| Error::bad_request(refusal.to_string()))?;
    let recognised = app.recognition.recognise(&report);
    let is_kept = app
        .change(move |tx| stacks::replace(tx, id, &report, &recognised))
        .await?;
    if !is_kept {
        return Err(not_found());
    }
    Ok(Response::json_text(StatusCode::OK, "{\"status\": \"replaced\"}"))
}
