//! `/`: the groups, filtered by the URL.

use std::sync::Arc;

use service::{page, unix_ms};
use ui::{Count, Moment};
use web::{Request, Response, ResponseExt, Result, StatusCode};

use super::group_parts::{source_of, state_of, unsigned};
use super::history_view::History;
use super::inbox_filter::{Filter, Shown};
use super::inbox_view::{InboxPage, List, Row, Rows, Tallies};
use super::source_view::Source;
use super::start_view::Start;
use crate::app::App;
use crate::domain::search_query;
use crate::store::groups::{self, Group, Totals};
use crate::store::listing::{self, Groups};
use crate::store::tallies::{self, DAY_MS};
use crate::store::{activities, filtered};

/// Groups on one page.
const LIMIT: u64 = 50;

/// Hours of a row's chart.
const ROW_HOURS: i64 = 24;
/// Days over which what was not stored is counted, and those over which the time to resolve is looked at.
const FILTERED_DAYS: i64 = 7;
const RESOLVED_DAYS: i64 = 30;

/// What the store says for this page.
struct Found {
    groups: Groups,
    /// Reports of each group by hour.
    hours: Vec<Vec<i64>>,
    projects: Vec<String>,
    environments: Vec<String>,
    totals: Totals,
    filtered: Vec<(String, i64)>,
    time_to_resolve: Option<i64>,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.totals.n_open + self.totals.n_snoozed + self.totals.n_resolved == 0
    }
}

/// `GET /`
pub(crate) async fn show(app: Arc<App>, request: Request) -> Result<Response> {
    let filter = Filter::read(request.query().pairs());
    let now = unix_ms();
    let wanted = stored_filter(&filter, now);
    let offset = filter.offset;
    let found = app.read_searching(wanted.search.is_some(), move |connection| {
        let groups = listing::list(connection, &wanted, LIMIT, listing::Start::Offset(offset))?;
        let ids: Vec<i64> = groups.groups.iter().map(|group| group.id).collect();
        let day = now.div_euclid(DAY_MS) - FILTERED_DAYS + 1;
        Ok(Found {
            hours: tallies::hours_of(connection, &ids, now, ROW_HOURS)?,
            groups,
            projects: groups::projects(connection)?,
            environments: groups::environments(connection)?,
            totals: groups::totals(connection)?,
            filtered: filtered::since(connection, day, wanted.project.as_deref())?,
            time_to_resolve: activities::median_time_to_resolve(connection, now - RESOLVED_DAYS * DAY_MS)?,
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
        filtered: Vec::new(),
        time_to_resolve: None,
    };
    match found {
        Ok(found) => {
            inbox.list = list(&found, &app.common.address(&request), now);
            inbox.tallies = tallies(&found, &inbox.filter);
            let count = |(reason, n): &(String, i64)| (reason.replace('_', " "), Count::new(unsigned(*n)));
            inbox.filtered = found.filtered.iter().map(count).collect();
            inbox.time_to_resolve = found.time_to_resolve.map(duration_words);
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
    let release = filter
        .release
        .clone()
        .map(|it| ("release".to_owned(), it))
        .into_iter();
    let tag = filter.tag.as_deref().and_then(|tag| tag.split_once(':'));
    let tag = tag.map(|(name, value)| (name.to_owned(), value.to_owned()));
    groups::Filter {
        project: filter.project.clone(),
        environment: filter.environment.clone(),
        is_browser: filter.source.map(|source| source == Source::Browser),
        session_id: filter.session_id.clone(),
        state: match filter.shown {
            Shown::Open => Some(groups::State::Open),
            Shown::Snoozed => Some(groups::State::Snoozed),
            Shown::Resolved => Some(groups::State::Resolved),
            Shown::All => None,
        },
        level: filter.level.clone(),
        user_id: filter.user.clone(),
        new_in: filter.new_in.clone(),
        tags: release.chain(tag).collect(),
        sort: filter.sort,
        since: filter.since_ms(now),
        until: filter.until_ms(),
        search: filter.search.as_deref().and_then(search_query::parse),
    }
}

fn list(found: &Found, address: &str, now: i64) -> List {
    if found.is_empty() {
        return List::Start(Start::new(address));
    }
    let Some(newest) = found.groups.groups.first() else {
        return List::NoMatch;
    };
    let rows = found.groups.groups.iter().zip(&found.hours);
    List::Rows(Rows {
        rows: rows.map(|(group, hours)| row(group, hours, now)).collect(),
        total: unsigned(found.groups.n_total),
        has_more: !found.groups.is_exact,
        limit: LIMIT,
        newest_ms: newest.last_seen_at,
    })
}

/// Under a filter only the tab that is shown was counted.
fn tallies(found: &Found, filter: &Filter) -> Tallies {
    let count = |n: i64| Some(Count::new(unsigned(n)));
    let totals = &found.totals;
    if !filter.is_narrow() {
        return Tallies {
            open: count(totals.n_open),
            snoozed: count(totals.n_snoozed),
            resolved: count(totals.n_resolved),
            all: count(totals.n_open + totals.n_snoozed + totals.n_resolved),
        };
    }
    let mut tallies = Tallies::default();
    *match filter.shown {
        Shown::Open => &mut tallies.open,
        Shown::Snoozed => &mut tallies.snoozed,
        Shown::Resolved => &mut tallies.resolved,
        Shown::All => &mut tallies.all,
    } = count(found.groups.n_total);
    tallies
}

/// `40 min`, `3 h`, `5 d`: one number is enough.
fn duration_words(ms: i64) -> String {
    let minutes = ms / 60_000;
    match minutes {
        0..=119 => format!("{minutes} min"),
        120..=2879 => format!("{} h", minutes / 60),
        _ => format!("{} d", minutes / 1440),
    }
}

fn row(group: &Group, hours: &[i64], now: i64) -> Row {
    Row {
        id: group.id,
        exception_type: group.exception_type.clone(),
        message: group.message.clone(),
        culprit: group.culprit.clone(),
        project: group.project.clone(),
        environment: group.environment.clone(),
        source: source_of(group),
        state: state_of(group, now),
        users: Count::new(unsigned(group.n_users)),
        history: History {
            counts: hours.iter().map(|n| unsigned(*n)).collect(),
            step: "hour",
        },
        level: Some(group.level.clone()).filter(|level| level != "error"),
        release: group.release.clone(),
        count: Count::new(unsigned(group.n_occurrences)),
        first_seen: Moment::new(group.first_seen_at, now),
        last_seen: Moment::new(group.last_seen_at, now),
    }
}
