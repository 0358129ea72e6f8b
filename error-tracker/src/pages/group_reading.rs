//! What the page of a group shows, from what the store says.

use ui::{Count, Excerpt, Moment};
use web::Request;

use super::exception_reading::{exception_in_pieces, exceptions};
use super::group_parts::{source_of, state_of, unsigned};
use super::group_view::{ActivityView, GroupPage, Mark, OccurrenceLink, Related, TagView, Why};
use super::history_view::History;
use super::occurrence_reading::occurrence;
use crate::app::App;
use crate::domain::grouping::{By, Grouping};
use crate::store::activities::{Activity, Kind};
use crate::store::families::Member;
use crate::store::groups::Group;
use crate::store::occurrences::Occurrence;
use crate::store::snoozes::Snooze;
use crate::store::tallies::{HOUR_MS, Tag};

/// Hours of the chart: a week.
pub(super) const SHOWN_HOURS: i64 = 7 * 24;

/// Counts of a group, why it is one, and what people did with it.
pub(super) struct About {
    pub(super) tags: Vec<Tag>,
    pub(super) hours: Vec<i64>,
    pub(super) days: Vec<i64>,
    pub(super) grouping: Option<String>,
    pub(super) snooze: Option<Snooze>,
    pub(super) members: Vec<Member>,
    pub(super) activities: Vec<Activity>,
    /// Of its project, in the time that is shown: version and first sight.
    pub(super) releases: Vec<(String, i64)>,
    pub(super) has_releases: bool,
}

/// What the store says of a group.
pub(super) struct Found<'a> {
    pub(super) group: &'a Group,
    /// The occurrences that are kept, newest first, and the one that is shown.
    pub(super) kept: &'a [Occurrence],
    pub(super) shown: Option<&'a Occurrence>,
    pub(super) traceback: &'a str,
    pub(super) about: About,
}

/// The page.
pub(super) fn view(app: &App, request: &Request, found: Found<'_>, now: i64) -> GroupPage {
    let Found {
        group,
        kept,
        shown,
        traceback,
        about,
    } = found;
    let in_pieces = shown.map(|shown| &shown.rich.exceptions[..]).unwrap_or_default();
    let exceptions = match in_pieces {
        [] => exceptions(stacktrace::parse(traceback)),
        pieces => pieces.iter().rev().enumerate().map(exception_in_pieces).collect(),
    };
    GroupPage {
        frame: app.common.frame(
            request,
            Excerpt::line(&format!("{}: {}", group.exception_type, group.message), 120),
        ),
        id: group.id,
        exception_type: group.exception_type.clone(),
        message: shown.map_or(&group.message, |shown| &shown.message).clone(),
        culprit: group.culprit.clone(),
        project: group.project.clone(),
        environment: shown
            .and_then(|shown| shown.environment.clone())
            .or_else(|| group.environment.clone()),
        release: shown
            .and_then(|shown| shown.rich.release.clone())
            .or_else(|| group.release.clone()),
        source: source_of(group),
        state: state_of(group, now),
        resolved_after: group.resolved_after.clone(),
        first_release: group.first_release.clone(),
        snoozed_until: about
            .snooze
            .as_ref()
            .and_then(|it| Some(Moment::new(it.until_at?, now))),
        snoozed_until_counts: about.snooze.as_ref().and_then(until_counts),
        has_releases: about.has_releases,
        members: about
            .members
            .iter()
            .map(|it| {
                (
                    it.id,
                    it.exception_type.clone(),
                    it.message.clone(),
                    Count::new(unsigned(it.n_occurrences)),
                )
            })
            .collect(),
        activities: about.activities.iter().map(|it| activity(it, now)).collect(),
        marks: about
            .releases
            .iter()
            .map(|(version, at)| mark(version, *at, now))
            .collect(),
        resolved_at: group.resolved_at.map(|at| Moment::new(at, now)),
        count: Count::new(unsigned(group.n_occurrences)),
        users: (group.n_users > 0).then(|| Count::new(unsigned(group.n_users))),
        first_seen: Moment::new(group.first_seen_at, now),
        last_seen: Moment::new(group.last_seen_at, now),
        exceptions,
        traceback: traceback.to_owned(),
        occurrence: shown.map(|shown| occurrence(shown, now)),
        occurrences: kept
            .iter()
            .map(|it| OccurrenceLink {
                id: it.id,
                at: Moment::new(it.received_at, now),
            })
            .collect(),
        related: related(app, shown),
        fingerprint: group.fingerprint.clone(),
        level: group.level.clone(),
        why: about.grouping.as_deref().and_then(why),
        tags: tags(&about.tags, group.n_occurrences),
        history: History {
            counts: about.hours.iter().map(|count| unsigned(*count)).collect(),
            step: "hour",
        },
        days: History {
            counts: about.days.iter().map(|count| unsigned(*count)).collect(),
            step: "day",
        },
    }
}

/// With which counts a snoozed group wakes.
fn until_counts(snooze: &Snooze) -> Option<String> {
    let events = snooze.until_n_occurrences.map(|n| format!("{n} events in all"));
    let users = snooze.until_n_users.map(|n| format!("{n} users in all"));
    let all: Vec<String> = [events, users].into_iter().flatten().collect();
    (!all.is_empty()).then(|| all.join(" or "))
}

fn activity(activity: &Activity, now: i64) -> ActivityView {
    let detail = activity.detail.clone().unwrap_or_default();
    let words = match activity.kind {
        Kind::Resolved if detail.is_empty() => "resolved it".to_owned(),
        Kind::Resolved => format!("resolved it in the release after {detail}"),
        Kind::Reopened => "reopened it".to_owned(),
        Kind::Regressed if detail.is_empty() => "came back".to_owned(),
        Kind::Regressed => format!("came back in {detail}"),
        Kind::Snoozed => format!("snoozed it {detail}"),
        Kind::Woken => "woke up".to_owned(),
        Kind::Spiked => format!("spiked: {detail} events in an hour"),
        Kind::Merged => format!("merged #{detail} into it"),
        Kind::Unmerged => format!("took it apart from #{detail}"),
        Kind::Note => "wrote".to_owned(),
    };
    let is_note = activity.kind == Kind::Note;
    ActivityView {
        id: activity.id,
        author: match activity.author.as_deref() {
            Some("session") => "Somebody signed in".to_owned(),
            Some(name) => name.to_owned(),
            None => "It".to_owned(),
        },
        words,
        note: is_note.then_some(detail),
        at: Moment::new(activity.at, now),
    }
}

/// Where in the chart a release begins.
fn mark(version: &str, at: i64, now: i64) -> Mark {
    let first_hour = now.div_euclid(HOUR_MS) - SHOWN_HOURS + 1;
    let hour = (at.div_euclid(HOUR_MS) - first_hour).clamp(0, SHOWN_HOURS - 1);
    Mark {
        step: usize::try_from(hour).unwrap_or(0),
        version: version.to_owned(),
    }
}

/// Time of logs before and after an event.
const LOGS_AROUND_MS: i64 = 30_000;

/// Time of metrics before and after an event.
const METRICS_AROUND_MS: i64 = 30 * 60_000;

/// The logs of that minute, and the metrics of that endpoint, where those services are set.
fn related(app: &App, shown: Option<&Occurrence>) -> Vec<Related> {
    let Some(shown) = shown else {
        return Vec::new();
    };
    let at = shown.rich.occurred_at.unwrap_or(shown.received_at);
    let range = |around: i64| (ui::moment::rfc3339(at - around), ui::moment::rfc3339(at + around));
    let siblings = app.common.settings.siblings.iter();
    let links = siblings.filter_map(|(service, url)| {
        let (title, query) = match service {
            ui::Service::Logs => {
                let (from, to) = range(LOGS_AROUND_MS);
                let query = ui::link::query([("from", Some(from.as_str())), ("to", Some(to.as_str()))]);
                ("Logs of that minute", query)
            }
            ui::Service::Metrics => {
                let (from, to) = range(METRICS_AROUND_MS);
                let endpoint = endpoint(shown);
                let query = ui::link::query([
                    ("from", Some(from.as_str())),
                    ("to", Some(to.as_str())),
                    ("endpoint", endpoint.as_deref()),
                ]);
                let title = match endpoint {
                    Some(_) => "Metrics of that endpoint",
                    None => "Metrics of that time",
                };
                (title, query)
            }
            ui::Service::Errors | ui::Service::Browser => return None,
        };
        Some(Related {
            title: title.to_owned(),
            url: format!("{url}{query}"),
        })
    });
    links.collect()
}

/// The route, or the path of the request.
fn endpoint(shown: &Occurrence) -> Option<String> {
    if let Some(route) = &shown.rich.transaction {
        return Some(route.clone());
    }
    let url = shown.details.request_url.as_deref()?;
    let path = url
        .split_once("://")
        .map_or(url, |(_, rest)| &rest[rest.find('/').unwrap_or(rest.len())..]);
    path.split(['?', '#'])
        .next()
        .filter(|path| !path.is_empty())
        .map(str::to_owned)
}

fn why(grouping: &str) -> Option<Why> {
    let grouping: Grouping = serde_json::from_str(grouping).ok()?;
    let reason = match grouping.by {
        By::Fingerprint => "The app named a fingerprint of its own; reports with the same one are one group.",
        By::App => {
            "The same types and the same calls of the app's own code, whatever the lines. The words that counted:"
        }
        By::Stack => {
            "The same types and the same calls; none of them is known to be the app's own. The words that counted:"
        }
        By::Message => {
            "There are no calls to compare, so the type and the message counted, without what varies in it:"
        }
    };
    Some(Why {
        reason,
        parts: grouping.parts,
    })
}

fn tags(tags: &[Tag], n_occurrences: i64) -> Vec<TagView> {
    let share = |n: i64| unsigned(n * 100 / n_occurrences.max(1)).min(100);
    tags.chunk_by(|a, b| a.name == b.name)
        .map(|values| TagView {
            name: values[0].name.clone(),
            values: values
                .iter()
                .map(|tag| (tag.value.clone(), Count::new(unsigned(tag.n)), share(tag.n)))
                .collect(),
        })
        .collect()
}
