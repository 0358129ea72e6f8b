//! What people do with groups, the same for the API and the pages: the change, and the line in the group's history.

use rusqlite::Connection;
use serde::Deserialize;
use service::unix_ms;
use web::{Error, Request, Result, StatusCode};

use crate::app::App;
use crate::store::activities::{self, Act, Kind};
use crate::store::families;
use crate::store::groups::{self, Until};
use crate::store::releases;
use crate::store::snoozes::{self, Snooze};
use crate::store::tallies::HOUR_MS;

/// Longest note, in characters.
const MAX_NOTE_CHARS: usize = 10_000;
/// Longest snooze.
const MAX_SNOOZE_HOURS: f64 = 10. * 366. * 24.;

/// Something done to a group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Work {
    Resolve,
    /// Only a report of a release newer than the newest reopens it.
    ResolveInNextRelease,
    Reopen,
    Snooze(SnoozeFor),
    Delete,
    /// What else is named is merged into it.
    Merge(Vec<i64>),
    Unmerge,
    Note(String),
}

/// How long a group is snoozed: whichever comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
pub(crate) struct SnoozeFor {
    /// From now.
    pub(crate) hours: Option<f64>,
    /// So many more reports.
    pub(crate) events: Option<f64>,
    /// Until it hit so many users, in all.
    pub(crate) users: Option<f64>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Done {
    /// It is done to this group; for a merged one, that is the group it is merged into.
    To(i64),
    /// A note was written: its number.
    Noted(i64),
    NoSuchGroup,
    /// It cannot be done as things stand: why.
    Refused(String),
}

impl Done {
    /// The answer to whoever asked for it alone.
    pub(crate) fn or_error(self) -> Result<i64> {
        match self {
            Self::To(id) | Self::Noted(id) => Ok(id),
            Self::NoSuchGroup => Err(no_such_group()),
            Self::Refused(why) => Err(Error::new(StatusCode::CONFLICT, why)),
        }
    }
}

/// Name of the key with which somebody did something.
pub(crate) fn author(request: &Request) -> Option<String> {
    request.identity().map(|identity| identity.name.clone())
}

/// The path's id; what is no number cannot be found.
pub(crate) fn group_id(request: &Request) -> Result<i64> {
    request
        .param("id")
        .parse()
        .ok()
        .filter(|id| *id > 0)
        .ok_or_else(no_such_group)
}

pub(crate) fn no_such_group() -> Error {
    Error::not_found("Error not found")
}

/// A note that may be stored.
pub(crate) fn note_text(text: &str) -> Result<String> {
    let text = text.trim().replace("\r\n", "\n");
    if text.is_empty() || text.chars().count() > MAX_NOTE_CHARS {
        return Err(Error::bad_request(format!(
            "a note has 1 to {MAX_NOTE_CHARS} characters"
        )));
    }
    Ok(text)
}

/// All into the oldest, which stays alone in `ids`.
pub(crate) fn merge_all(ids: &mut Vec<i64>) -> Work {
    ids.sort_unstable();
    ids.dedup();
    Work::Merge(ids.split_off(ids.len().min(1)))
}

impl SnoozeFor {
    /// What is meant where nothing is said.
    pub(crate) const A_DAY: Self = Self {
        hours: Some(24.),
        events: None,
        users: None,
    };

    /// Checks what was asked for.
    pub(crate) fn checked(self) -> Result<Self> {
        let is_count = |n: f64| n.fract() == 0. && (1. ..=1e12).contains(&n);
        if self == Self::default() {
            return Err(Error::bad_request(
                "a snooze needs hours, events or users: how long, or until how many",
            ));
        }
        if self
            .hours
            .is_some_and(|hours| !(hours > 0. && hours <= MAX_SNOOZE_HOURS))
        {
            return Err(Error::bad_request("hours must be over 0 and at most ten years"));
        }
        if [self.events, self.users]
            .into_iter()
            .flatten()
            .any(|n| !is_count(n))
        {
            return Err(Error::bad_request(
                "events and users must be whole numbers from 1",
            ));
        }
        Ok(self)
    }

    fn until(self, n_occurrences: i64, now: i64) -> Snooze {
        Snooze {
            until_at: self.hours.map(|hours| now + (hours * HOUR_MS as f64) as i64),
            until_n_occurrences: self.events.map(|n| n_occurrences + n as i64),
            until_n_users: self.users.map(|n| n as i64),
        }
    }

    /// For the group's history.
    fn words(self) -> String {
        let hours = self.hours.map(|hours| match hours {
            whole if whole % 24. == 0. => plural((whole / 24.) as i64, "day"),
            hours if hours.fract() == 0. => plural(hours as i64, "hour"),
            hours => format!("{hours:.2} hours"),
        });
        let events = self.events.map(|n| format!("{} more", plural(n as i64, "event")));
        let users = self.users.map(|n| plural(n as i64, "user"));
        let hours = hours.map(|hours| format!("for {hours}"));
        let counts = [events, users].into_iter().flatten();
        let until = counts.map(|count| format!("until {count}"));
        hours.into_iter().chain(until).collect::<Vec<_>>().join(" or ")
    }
}

fn plural(n: i64, what: &str) -> String {
    match n {
        1 => format!("1 {what}"),
        n => format!("{n} {what}s"),
    }
}

/// Does it to each group; all in one transaction, which is on the disk when this returns.
pub(crate) async fn act(
    app: &App,
    ids: Vec<i64>,
    work: Work,
    author: Option<String>,
) -> Result<Vec<(i64, Done)>> {
    let now = unix_ms();
    let done = app.change(move |tx| {
        ids.into_iter()
            .map(|id| Ok((id, one(tx, id, &work, author.as_deref(), now)?)))
            .collect::<rusqlite::Result<Vec<_>>>()
    });
    let done = done.await?;
    app.changed();
    Ok(done)
}

/// The same for one group.
pub(crate) async fn act_on(app: &App, id: i64, work: Work, author: Option<String>) -> Result<Done> {
    let done = act(app, vec![id], work, author).await?.pop();
    Ok(done.map_or(Done::NoSuchGroup, |(_, done)| done))
}

fn one(tx: &Connection, id: i64, work: &Work, author: Option<&str>, now: i64) -> rusqlite::Result<Done> {
    let Some(root) = families::root(tx, id)? else {
        return Ok(Done::NoSuchGroup);
    };
    let note = |group: i64, kind, detail: Option<&str>| {
        activities::note(tx, group, &Act { kind, author, detail }, now)
    };
    match work {
        Work::Resolve => {
            groups::resolve(tx, root, Until::Any, now)?;
            note(root, Kind::Resolved, None)?;
        }
        Work::ResolveInNextRelease => {
            let project = groups::project_of(tx, root)?;
            let Some(newest) = releases::newest(tx, &project)? else {
                return Ok(Done::Refused("this project never named a release".to_owned()));
            };
            groups::resolve(tx, root, Until::NewerThan(&newest), now)?;
            note(root, Kind::Resolved, Some(&newest))?;
        }
        Work::Reopen => {
            groups::reopen(tx, root)?;
            note(root, Kind::Reopened, None)?;
        }
        Work::Snooze(long) => {
            let n_occurrences = groups::n_occurrences(tx, root)?;
            if !snoozes::put(tx, root, &long.until(n_occurrences, now), now)? {
                return Ok(Done::Refused("a resolved group cannot be snoozed".to_owned()));
            }
            note(root, Kind::Snoozed, Some(&long.words()))?;
        }
        Work::Delete => {
            groups::delete(tx, root)?;
        }
        Work::Merge(others) => return merge(tx, root, others, author, now),
        Work::Unmerge => {
            let Some(root) = families::unmerge(tx, id)? else {
                return Ok(Done::Refused(format!("group {id} is not merged into another")));
            };
            note(root, Kind::Unmerged, Some(&id.to_string()))?;
            note(id, Kind::Unmerged, Some(&root.to_string()))?;
            return Ok(Done::To(id));
        }
        Work::Note(text) => return Ok(Done::Noted(note(root, Kind::Note, Some(text))?)),
    }
    Ok(Done::To(root))
}

fn merge(
    tx: &Connection,
    root: i64,
    others: &[i64],
    author: Option<&str>,
    now: i64,
) -> rusqlite::Result<Done> {
    match families::merge(tx, root, others)? {
        Ok(()) => {}
        Err(refusal) => return Ok(Done::Refused(refusal.to_string())),
    }
    for other in others {
        let act = |detail| Act {
            kind: Kind::Merged,
            author,
            detail,
        };
        activities::note(tx, root, &act(Some(&other.to_string())), now)?;
    }
    Ok(Done::To(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snooze_in_words() {
        let long = |hours, events, users| SnoozeFor { hours, events, users }.words();
        assert_eq!(long(Some(24.), None, None), "for 1 day");
        assert_eq!(
            long(Some(36.), Some(1.), None),
            "for 36 hours or until 1 event more"
        );
        assert_eq!(
            long(None, Some(100.), Some(3.)),
            "until 100 events more or until 3 users"
        );
    }

    #[test]
    fn a_snooze_says_how_long() {
        let checked = |hours, events, users| SnoozeFor { hours, events, users }.checked().is_ok();
        assert!(
            checked(Some(0.5), None, None) && checked(None, Some(1.), None) && checked(None, None, Some(7.))
        );
        assert!(!checked(None, None, None));
        assert!(!checked(Some(-1.), None, None) && !checked(Some(f64::NAN), None, None));
        assert!(!checked(None, Some(0.), None) && !checked(None, Some(1.5), None));
    }
}
