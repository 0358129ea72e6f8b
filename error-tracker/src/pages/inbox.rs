//! `/`: the groups, filtered by the URL.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, Moment};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::group_view::State;
use super::inbox_view::{Filter, InboxPage, List, Row, Rows, Shown, Source, Start, Tallies};
use crate::app::App;
use crate::domain::search_query;
use crate::store::groups::{self, Group, Groups};

/// Groups on one page.
const LIMIT: u64 = 50;

/// What the store says for this page.
struct Found {
    groups: Groups,
    projects: Vec<String>,
    environments: Vec<String>,
    is_empty: bool,
}

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let filter = Filter::read(request.query().pairs());
    let now = unix_ms();
    let wanted = stored_filter(&filter, now);
    let offset = filter.offset;
    let found = app.read(move |connection| {
        let totals = groups::totals(connection)?;
        Ok(Found {
            groups: groups::list(connection, &wanted, LIMIT, offset)?,
            projects: groups::projects(connection)?,
            environments: groups::environments(connection)?,
            is_empty: totals.n_open + totals.n_resolved == 0,
        })
    });
    let found = found.await;
    if let Some(last) = found.as_ref().ok().and_then(|found| last_page(&filter, found)) {
        return Ok(Response::see_other(&format!("./{}", last.query())));
    }
    let (status, found) = match found {
        Ok(found) => (StatusCode::OK, Ok(found)),
        Err(error) => (error.status, Err(error)),
    };
    let mut inbox = InboxPage {
        frame: app.common.frame(&request, "Errors"),
        filter,
        projects: Vec::new(),
        environments: Vec::new(),
        tallies: Tallies::default(),
        list: List::NoMatch,
    };
    match found {
        Ok(found) => {
            inbox.list = list(&found, &app.common.address(&request), now);
            inbox.tallies = tallies(&found.groups, inbox.filter.shown);
            inbox.projects = found.projects;
            inbox.environments = found.environments;
        }
        Err(error) => inbox.list = List::Failed(error.detail.into_owned()),
    }
    Ok(page(status, &inbox))
}

/// The last page, for a visitor who is beyond it: what was there is resolved meanwhile.
fn last_page(filter: &Filter, found: &Found) -> Option<Filter> {
    let n_total = unsigned(found.groups.n_total);
    let is_beyond = filter.offset > 0 && found.groups.groups.is_empty();
    is_beyond.then(|| Filter {
        offset: n_total.saturating_sub(1) / LIMIT * LIMIT,
        ..filter.clone()
    })
}

fn stored_filter(filter: &Filter, now: i64) -> groups::Filter {
    groups::Filter {
        project: filter.project.clone(),
        environment: filter.environment.clone(),
        is_browser: filter.source.map(|source| source == Source::Browser),
        session_id: filter.session_id.clone(),
        is_resolved: match filter.shown {
            Shown::Open => Some(false),
            Shown::Resolved => Some(true),
            Shown::All => None,
        },
        since: filter.since_ms(now),
        search: filter.search.as_deref().and_then(search_query::parse),
        ..groups::Filter::default()
    }
}

fn list(found: &Found, address: &str, now: i64) -> List {
    if found.is_empty {
        return List::Start(Start::new(address));
    }
    let Some(newest) = found.groups.groups.first() else {
        return List::NoMatch;
    };
    List::Rows(Rows {
        rows: found.groups.groups.iter().map(|group| row(group, now)).collect(),
        total: unsigned(found.groups.n_total),
        limit: LIMIT,
        newest_ms: newest.last_seen_at,
    })
}

/// Only the tab that is shown was counted.
fn tallies(groups: &Groups, shown: Shown) -> Tallies {
    let count = Some(Count::new(unsigned(groups.n_total)));
    match shown {
        Shown::Open => Tallies {
            open: count,
            ..Tallies::default()
        },
        Shown::Resolved => Tallies {
            resolved: count,
            ..Tallies::default()
        },
        Shown::All => Tallies {
            all: count,
            ..Tallies::default()
        },
    }
}

fn row(group: &Group, now: i64) -> Row {
    Row {
        id: group.id,
        exception_type: group.exception_type.clone(),
        message: group.message.clone(),
        culprit: group.culprit.clone(),
        project: group.project.clone(),
        environment: group.environment.clone(),
        source: source_of(group),
        state: State::of(
            group.is_resolved,
            group.reopened_at.is_some(),
            group.first_seen_at,
            now,
        ),
        count: Count::new(unsigned(group.n_occurrences)),
        first_seen: Moment::new(group.first_seen_at, now),
        last_seen: Moment::new(group.last_seen_at, now),
    }
}

/// Where a group's reports come from.
pub(crate) fn source_of(group: &Group) -> Source {
    if group.is_browser {
        Source::Browser
    } else {
        Source::Server
    }
}

/// A count from the store, which is never negative.
pub(crate) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
