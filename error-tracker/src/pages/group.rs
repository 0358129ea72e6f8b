//! `/errors/{id}`: one group, one of its occurrences, and the buttons that change its state.

use std::sync::Arc;

use service::{page, unix_ms};
use web::{Error, Query, Request, Response, ResponseExt, Result, StatusCode};

use super::group_reading::{About, Found, SHOWN_HOURS, view};
use crate::app::App;
use crate::store::tallies::{self, HOUR_MS};
use crate::store::{activities, families, groups, occurrences, releases, snoozes};
use crate::work::{self, Done, SnoozeFor, Work, group_id, merge_all, no_such_group, note_text};

/// `GET /errors/{id}[?occurrence=id]`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let now = unix_ms();
    let keep = app.settings.keep_occurrences;
    let found = app.read(move |connection| {
        let Some((group, traceback)) = groups::find(connection, id)? else {
            return Ok(None);
        };
        let about = About {
            tags: tallies::tags(connection, id, SHOWN_TAG_VALUES)?,
            hours: tallies::hours(connection, id, now, SHOWN_HOURS)?,
            days: tallies::days(connection, id, now, SHOWN_DAYS)?,
            grouping: tallies::grouping(connection, id)?,
            snooze: snoozes::find(connection, id)?,
            members: families::members(connection, id)?,
            activities: activities::of_group(connection, id, SHOWN_ACTIVITIES)?,
            releases: releases::since(connection, &group.project, now - SHOWN_HOURS * HOUR_MS)?,
            has_releases: releases::newest(connection, &group.project)?.is_some(),
        };
        let kept = occurrences::of_group(connection, id, keep)?;
        Ok(Some((group, traceback, kept, about)))
    });
    let (group, first_traceback, kept, about) = found.await?.ok_or_else(no_such_group)?;
    if let Some(root) = group.merged_into {
        return Ok(Response::see_other(&root.to_string()));
    }
    let wanted = request.query().get("occurrence").and_then(|id| id.parse().ok());
    let shown = kept
        .iter()
        .find(|it| Some(it.id) == wanted)
        .or_else(|| kept.first());
    let traceback = shown.map_or(first_traceback.as_str(), |shown| &shown.traceback);

    let found = Found {
        group: &group,
        kept: &kept,
        shown,
        traceback,
        about,
    };
    Ok(page(StatusCode::OK, &view(&app, &request, found, now)))
}

/// Days of the longer one.
const SHOWN_DAYS: i64 = 90;
/// Values shown of each tag: the most frequent.
const SHOWN_TAG_VALUES: u32 = 5;

/// Lines of a group's history shown: the newest.
const SHOWN_ACTIVITIES: u32 = 50;

/// `POST /errors/{id}/resolve`, with `in=next_release` if so: then back to where the button was.
pub(crate) async fn resolve(app: Arc<App>, request: Request) -> Result<Response> {
    let work = |form: &Query| {
        Ok(match form.get("in") {
            Some("next_release") => Work::ResolveInNextRelease,
            _ => Work::Resolve,
        })
    };
    act(app, request, work).await
}

/// `POST /errors/{id}/reopen`
pub(crate) async fn reopen(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |_| Ok(Work::Reopen)).await
}

/// `POST /errors/{id}/snooze`: `for=24h`, `for=100events`, `for=10users`.
pub(crate) async fn snooze(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |form| {
        Ok(Work::Snooze(snooze_for(form.get("for"))?))
    })
    .await
}

/// From a button's value: a number and what it counts.
fn snooze_for(text: Option<&str>) -> Result<SnoozeFor> {
    let text = text.unwrap_or_default();
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let n = text[..end].parse().ok();
    let long = SnoozeFor::default();
    match &text[end..] {
        "h" => SnoozeFor { hours: n, ..long },
        "events" => SnoozeFor { events: n, ..long },
        "users" => SnoozeFor { users: n, ..long },
        _ => long,
    }
    .checked()
}

/// `POST /errors/{id}/merge`: the group with the number in `other` is merged into this one.
pub(crate) async fn merge(app: Arc<App>, request: Request) -> Result<Response> {
    let work = |form: &Query| {
        let number = form
            .get("other")
            .unwrap_or_default()
            .trim()
            .trim_start_matches('#');
        let other = number
            .parse()
            .map_err(|_| Error::bad_request("other must be the number of an error"))?;
        Ok(Work::Merge(vec![other]))
    };
    act(app, request, work).await
}

/// `POST /errors/{id}/unmerge`
pub(crate) async fn unmerge(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |_| Ok(Work::Unmerge)).await
}

/// `POST /errors/{id}/notes`
pub(crate) async fn note(app: Arc<App>, request: Request) -> Result<Response> {
    act(app, request, |form| {
        Ok(Work::Note(note_text(form.raw("text").unwrap_or_default())?))
    })
    .await
}

/// `POST /errors/{id}/notes/{note}/delete`
pub(crate) async fn delete_note(app: Arc<App>, request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    let note: i64 = request.param("note").parse().unwrap_or(0);
    app.common
        .write(move |tx| activities::drop_note(tx, id, note))
        .await?;
    Ok(Response::see_other(&format!("../../../{id}")))
}

/// `POST /errors/{id}/delete`: then to the inbox, since its page is gone.
pub(crate) async fn delete(app: Arc<App>, mut request: Request) -> Result<Response> {
    let id = group_id(&request)?;
    request.form().await?;
    let done = work::act_on(&app, id, Work::Delete, work::author(&request)).await?;
    done.or_error()?;
    Ok(Response::see_other("../../"))
}

/// `POST /errors/bulk`: `action` on each `id`, then back to the inbox with the query it had.
pub(crate) async fn bulk(app: Arc<App>, mut request: Request) -> Result<Response> {
    let form = request.form().await?;
    let ids = form.pairs().filter(|(name, _)| *name == "id");
    let mut ids: Vec<i64> = ids.filter_map(|(_, id)| id.parse().ok()).collect();
    let work = match form.get("action") {
        Some("resolve") => Work::Resolve,
        Some("resolve_in_next_release") => Work::ResolveInNextRelease,
        Some("reopen") => Work::Reopen,
        Some("snooze") => Work::Snooze(SnoozeFor::A_DAY),
        Some("merge") => merge_all(&mut ids),
        Some("delete") => Work::Delete,
        _ => return Err(Error::bad_request("there is no such action")),
    };
    let done = work::act(&app, ids, work, work::author(&request)).await?;
    let refused = done.into_iter().find_map(|(_, done)| match done {
        Done::Refused(why) => Some(why),
        Done::To(_) | Done::Noted(_) | Done::NoSuchGroup => None,
    });
    match refused {
        Some(why) => Err(Error::new(StatusCode::CONFLICT, why)),
        None => Ok(Response::see_other(&format!(
            "../{}",
            next(&form).unwrap_or_default()
        ))),
    }
}

async fn act(
    app: Arc<App>,
    mut request: Request,
    work: impl FnOnce(&Query) -> Result<Work>,
) -> Result<Response> {
    let id = group_id(&request)?;
    let form = request.form().await?;
    let done = work::act_on(&app, id, work(&form)?, work::author(&request)).await?;
    done.or_error()?;
    // The inbox with the query it had, if the form came from there, else the group's page.
    Ok(
        match (next(&form), form.get("to").and_then(|to| to.parse::<i64>().ok())) {
            (Some(query), _) => Response::see_other(&format!("../../{query}")),
            (None, Some(to)) => Response::see_other(&format!("../{to}")),
            (None, None) => Response::see_other(&format!("../{id}")),
        },
    )
}

/// A query of the inbox; anything else could lead elsewhere.
fn next(form: &Query) -> Option<&str> {
    let is_query = |next: &&str| {
        next.is_empty() || (next.starts_with('?') && next.bytes().all(|byte| byte.is_ascii_graphic()))
    };
    form.raw("next").filter(is_query)
}
