//! The one state in which a group is shown.

/// Where a group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Open, and first seen less than 24 hours ago.
    New,
    Open,
    /// Open again after it was resolved.
    Reopened,
    Snoozed,
    Resolved,
}

impl State {
    /// The state from what the store keeps.
    pub(crate) fn of(
        is_resolved: bool,
        is_snoozed: bool,
        was_reopened: bool,
        first_seen_ms: i64,
        now_ms: i64,
    ) -> State {
        let is_young = now_ms.saturating_sub(first_seen_ms) < NEW_FOR_MS;
        match (is_resolved, is_snoozed, was_reopened) {
            (true, _, _) => State::Resolved,
            (false, true, _) => State::Snoozed,
            (false, false, true) => State::Reopened,
            (false, false, false) if is_young => State::New,
            (false, false, false) => State::Open,
        }
    }

    /// The word of the badge and its class in the stylesheet; the ordinary state has none.
    pub(crate) fn badge(self) -> Option<&'static str> {
        match self {
            State::New => Some("new"),
            State::Open => None,
            State::Reopened => Some("reopened"),
            State::Snoozed => Some("snoozed"),
            State::Resolved => Some("resolved"),
        }
    }

    pub(crate) fn is_resolved(self) -> bool {
        self == State::Resolved
    }

    pub(crate) fn is_snoozed(self) -> bool {
        self == State::Snoozed
    }
}

/// How long a group is called new: 24 hours.
const NEW_FOR_MS: i64 = 24 * 3_600_000;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_182_202_123;

    #[test]
    fn a_group_has_one_state() {
        const DAY: i64 = 86_400_000;
        let check = |resolved, reopened, age, state| {
            assert_eq!(State::of(resolved, false, reopened, NOW - age, NOW), state)
        };
        check(false, false, 0, State::New);
        check(false, false, DAY, State::Open);
        check(false, true, 0, State::Reopened);
        check(true, true, 0, State::Resolved);
    }
}
