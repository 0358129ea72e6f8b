//! What the pages read of a stored group: where it stands, where its reports come from.

use super::source_view::Source;
use super::state_view::State;
use crate::store::groups::Group;

/// Where a group stands.
pub(super) fn state_of(group: &Group, now: i64) -> State {
    State::of(
        group.is_resolved,
        group.is_snoozed,
        group.reopened_at.is_some(),
        group.first_seen_at,
        now,
    )
}

/// Where a group's reports come from.
pub(super) fn source_of(group: &Group) -> Source {
    if group.is_browser {
        Source::Browser
    } else {
        Source::Server
    }
}

/// A count from the store, which is never negative.
pub(super) fn unsigned(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}
