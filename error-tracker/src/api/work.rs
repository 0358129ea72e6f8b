//! What people do with groups: `/api/errors/{id}/resolve` and its neighbours, and several groups at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Number, json};
use web::{Error, Request, Response, ResponseExt, Result, StatusCode};

use crate::app::App;
use crate::domain::json_text;
use crate::store::activities;
use crate::work::{self, Done, SnoozeFor, Work, group_id, merge_all, note_text};

/// Most groups changed by one request.
const MAX_IDS: usize = 1000;

/// `POST /api/errors/{id}/resolve`: the group is done until it comes back; with `{"in_next_release": true}`, until it
/// comes back in a release newer than the newest.
pub(crate) async fn resolve(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize, Default)]
    struct Options {
        #[serde(default)]
        in_next_release: bool,
    }
    let options: Options = optional_body(&mut request, "{\"in_next_release\": true or false}").await?;
    let work = match options.in_next_release {
        true => Work::ResolveInNextRelease,
        false => Work::Resolve,
    };
    answer(&app, &request, work, "resolved").await
}

/// `POST /api/errors/{id}/reopen`: takes that back, and a snooze too.
pub(crate) async fn reopen(app: Arc<App>, request: Request) -> Result<Response> {
    answer(&app, &request, Work::Reopen, "reopened").await
}

/// `POST /api/errors/{id}/snooze`: `{"hours": 24}`, `{"events": 100}`, `{"users": 10}`: whichever comes first.
pub(crate) async fn snooze(app: Arc<App>, mut request: Request) -> Result<Response> {
    let long: SnoozeFor = body(&mut request, "{\"hours\", \"events\", \"users\": a number}").await?;
    answer(&app, &request, Work::Snooze(long.checked()?), "snoozed").await
}

/// `DELETE /api/errors/{id}`: the group and all that hangs on it.
pub(crate) async fn delete(app: Arc<App>, request: Request) -> Result<Response> {
    answer(&app, &request, Work::Delete, "deleted").await
}

/// `POST /api/errors/{id}/merge`: the groups in `{"ids": [2, 3]}` are merged into this one.
pub(crate) async fn merge(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize)]
    struct Others {
        ids: Vec<Number>,
    }
    let others: Others = body(&mut request, "{\"ids\": a list of numbers}").await?;
    answer(&app, &request, Work::Merge(ids(&others.ids)?), "merged").await
}

/// `POST /api/errors/{id}/unmerge`: takes this group out of the one that it was merged into.
pub(crate) async fn unmerge(app: Arc<App>, request: Request) -> Result<Response> {
    answer(&app, &request, Work::Unmerge, "unmerged").await
}

/// `POST /api/errors/{id}/notes`: `{"text": …}` is written into the group's history.
pub(crate) async fn note(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize)]
    struct Note {
        text: String,
    }
    let note: Note = body(&mut request, "{\"text\": a string}").await?;
    let text = note_text(&note.text)?;
    let id = group_id(&request)?;
    let done = work::act_on(&app, id, Work::Note(text), work::author(&request)).await?;
    Ok(Response::json(
        StatusCode::CREATED,
        &json!({ "id": done.or_error()? }),
    ))
}

/// `DELETE /api/errors/{id}/notes/{note}`
pub(crate) async fn delete_note(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let missing = || Error::not_found("Note not found");
    let note: i64 = request.param("note").parse().map_err(|_| missing())?;
    let is_known = app
        .common
        .write(move |tx| activities::drop_note(tx, id, note))
        .await?;
    match is_known {
        true => Ok(Response::json(
            StatusCode::OK,
            &json!({ "status": "deleted", "id": note }),
        )),
        false => Err(missing()),
    }
}

async fn answer(app: &App, request: &Request, work: Work, status: &'static str) -> Result<Response> {
    #[derive(Serialize)]
    struct State {
        status: &'static str,
        id: i64,
    }
    let id = group_id(request)?;
    let done = work::act_on(app, id, work, work::author(request)).await?;
    let id = done.or_error()?;
    Ok(Response::json(StatusCode::OK, &State { status, id }))
}

/// `POST /api/errors/bulk`: the same done to several groups, all in one transaction.
pub(crate) async fn bulk(app: Arc<App>, mut request: Request) -> Result<Response> {
    #[derive(Deserialize, Clone, Copy)]
    #[serde(rename_all = "snake_case")]
    enum Action {
        Resolve,
        ResolveInNextRelease,
        Reopen,
        Snooze,
        Merge,
        Delete,
    }
    #[derive(Deserialize)]
    struct Bulk {
        action: Action,
        ids: Vec<Number>,
        #[serde(flatten)]
        snooze: SnoozeFor,
    }
    #[derive(Serialize)]
    struct Answer {
        changed: usize,
        unknown: Vec<i64>,
        refused: BTreeMap<i64, String>,
    }
    let shape = "{\"action\": resolve, resolve_in_next_release, reopen, snooze, merge or delete, \
                 \"ids\": a list of numbers}";
    let bulk: Bulk = body(&mut request, shape).await?;
    let mut ids = ids(&bulk.ids)?;
    let snooze = match bulk.snooze {
        nothing if nothing == SnoozeFor::default() => SnoozeFor::A_DAY,
        long => long.checked()?,
    };
    let work = match bulk.action {
        Action::Resolve => Work::Resolve,
        Action::ResolveInNextRelease => Work::ResolveInNextRelease,
        Action::Reopen => Work::Reopen,
        Action::Snooze => Work::Snooze(snooze),
        Action::Merge => merge_all(&mut ids),
        Action::Delete => Work::Delete,
    };
    let done = work::act(&app, ids, work, work::author(&request)).await?;
    let mut answer = Answer {
        changed: 0,
        unknown: Vec::new(),
        refused: BTreeMap::new(),
    };
    for (id, done) in done {
        match done {
            Done::To(_) | Done::Noted(_) => answer.changed += 1,
            Done::NoSuchGroup => answer.unknown.push(id),
            Done::Refused(why) => drop(answer.refused.insert(id, why)),
        }
    }
    Ok(Response::json(StatusCode::OK, &answer))
}

fn ids(numbers: &[Number]) -> Result<Vec<i64>> {
    if numbers.len() > MAX_IDS {
        return Err(Error::bad_request(format!("at most {MAX_IDS} ids at once")));
    }
    let ids: Option<Vec<i64>> = numbers.iter().map(json_text::whole).collect();
    ids.ok_or_else(|| Error::bad_request("ids are whole numbers from 1"))
}

/// The request's JSON; `shape` says what it must look like.
pub(crate) async fn body<T: DeserializeOwned>(request: &mut Request, shape: &str) -> Result<T> {
    let bytes = request.bytes().await?;
    serde_json::from_str(&json_text::mend(&bytes))
        .map_err(|_| Error::bad_request(format!("the body must be {shape}")))
}

/// The same where no body is as good as an empty object.
async fn optional_body<T: DeserializeOwned + Default>(request: &mut Request, shape: &str) -> Result<T> {
    let bytes = request.bytes().await?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(T::default());
    }
    // A client that sends anything else here never meant an option.
    match serde_json::from_str::<serde_json::Value>(&json_text::mend(&bytes)) {
        Ok(object @ serde_json::Value::Object(_)) => serde_json::from_value(object)
            .map_err(|_| Error::bad_request(format!("the body must be {shape}"))),
        _ => Ok(T::default()),
    }
}
