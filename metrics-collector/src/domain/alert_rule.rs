//! When a metric is told of: beyond a threshold, or absent, for long enough; and when it is well again.

/// What is not to be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// The value is above this.
    Above(f64),
    /// The value is below this.
    Below(f64),
    /// No samples come.
    Absent,
}

impl Condition {
    /// `above`, `below` or `absent`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Above(_) => "above",
            Self::Below(_) => "below",
            Self::Absent => "absent",
        }
    }

    /// The other way round. None for another name, or without the number that it needs.
    pub fn read(name: &str, threshold: Option<f64>) -> Option<Self> {
        let threshold = threshold.filter(|it| it.is_finite());
        match name {
            "above" => threshold.map(Self::Above),
            "below" => threshold.map(Self::Below),
            "absent" => Some(Self::Absent),
            _ => None,
        }
    }

    /// Its number, if it has one.
    pub fn threshold(self) -> Option<f64> {
        match self {
            Self::Above(threshold) | Self::Below(threshold) => Some(threshold),
            Self::Absent => None,
        }
    }

    /// Whether it is so. `value`: none where there were no samples; a threshold says nothing about that, except where
    /// none means 0, which is the caller's.
    pub fn is_met(self, value: Option<f64>) -> bool {
        match (self, value) {
            (Self::Above(threshold), Some(value)) => value > threshold,
            (Self::Below(threshold), Some(value)) => value < threshold,
            (Self::Absent, value) => value.is_none(),
            (Self::Above(_) | Self::Below(_), None) => false,
        }
    }
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRule {
    /// As people call it.
    pub name: String,
    /// Which metric, and what of it, as the explorer's URL has it, without a time: `name=http_requests&function=rate`.
    pub query: String,
    /// What is not to be.
    pub condition: Condition,
    /// Over how long it is looked at, in milliseconds.
    pub window_ms: i64,
    /// For how long it must be so, in milliseconds.
    pub hold_ms: i64,
}

/// How one line of a rule stands. Without one all is well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is so, but not for long enough yet.
    Pending {
        /// Since when, Unix milliseconds.
        since: i64,
    },
    /// It was told.
    Firing {
        /// Since when it is so.
        since: i64,
    },
}

impl State {
    /// `pending` or `firing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending { .. } => "pending",
            Self::Firing { .. } => "firing",
        }
    }

    /// Since when it is so.
    pub fn since(self) -> i64 {
        match self {
            Self::Pending { since } | Self::Firing { since } => since,
        }
    }

    /// The way back from [`State::name`].
    pub fn read(name: &str, since: i64) -> Self {
        match name {
            "firing" => Self::Firing { since },
            _ => Self::Pending { since },
        }
    }
}

/// What is to be told of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It is so for long enough.
    Firing {
        /// Since when.
        since: i64,
    },
    /// It is not so any more, and was told before.
    Resolved {
        /// Since when it was so.
        since: i64,
    },
    /// It was told before, and nobody looks any more: its rule was deleted, paused or changed.
    Withdrawn {
        /// Since when it was so.
        since: i64,
    },
}

impl Told {
    /// `firing`, `resolved` or `withdrawn`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Firing { .. } => "firing",
            Self::Resolved { .. } => "resolved",
            Self::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Since when it is, or was, so.
    pub fn since(self) -> i64 {
        match self {
            Self::Firing { since } | Self::Resolved { since } | Self::Withdrawn { since } => since,
        }
    }
}

/// The next state of a line, and what is to be told. `is_met`: whether the condition is. Times in Unix milliseconds.
pub fn next(hold_ms: i64, state: Option<State>, is_met: bool, now: i64) -> (Option<State>, Option<Told>) {
    match (state, is_met) {
        (None, false) | (Some(State::Pending { .. }), false) => (None, None),
        (Some(State::Firing { since }), false) => (None, Some(Told::Resolved { since })),
        (Some(firing @ State::Firing { .. }), true) => (Some(firing), None),
        (None | Some(State::Pending { .. }), true) => {
            // A clock that was set back begins anew.
            let since = state.map_or(now, State::since).min(now);
            match now - since >= hold_ms {
                true => (Some(State::Firing { since }), Some(Told::Firing { since })),
                false => (Some(State::Pending { since }), None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_threshold_says_nothing_where_there_are_no_samples() {
        let met =
            |condition: Condition| [Some(1.), Some(2.), Some(3.), None].map(|value| condition.is_met(value));
        assert_eq!(met(Condition::Above(2.)), [false, false, true, false]);
        assert_eq!(met(Condition::Below(2.)), [true, false, false, false]);
        assert_eq!(met(Condition::Absent), [false, false, false, true]);
    }

    #[test]
    fn names_are_read_back() {
        for condition in [Condition::Above(-1.5), Condition::Below(0.), Condition::Absent] {
            assert_eq!(
                Condition::read(condition.name(), condition.threshold()),
                Some(condition)
            );
        }
        assert_eq!(Condition::read("above", None), None);
        assert_eq!(Condition::read("above", Some(f64::NAN)), None);
        assert_eq!(Condition::read("beyond", Some(1.)), None);
    }

    #[test]
    fn it_is_told_once_after_the_hold_time_and_once_when_it_is_well_again() {
        let mut state = None;
        let mut told = Vec::new();
        for (at, is_met) in [
            (0, true),
            (50, true),
            (60, false),
            (100, true),
            (199, true),
            (200, true),
            (300, true),
            (400, false),
            (500, false),
        ] {
            let (next_state, next_told) = next(100, state, is_met, at);
            state = next_state;
            told.extend(next_told.map(|told| (at, told)));
        }
        assert_eq!(
            told,
            [
                (200, Told::Firing { since: 100 }),
                (400, Told::Resolved { since: 100 })
            ]
        );
    }

    #[test]
    fn without_a_hold_time_it_is_told_at_once() {
        let (state, told) = next(0, None, true, 7);
        assert_eq!(state, Some(State::Firing { since: 7 }));
        assert_eq!(told, Some(Told::Firing { since: 7 }));
    }

    proptest! {
        #[test]
        fn firing_and_resolved_take_turns(looks in prop::collection::vec((any::<bool>(), 1..100_i64), 0..60), hold in 0..200_i64) {
            let (mut state, mut now, mut is_firing) = (None, 0, false);
            // How long it has been so, counted by hand.
            let mut so_since: Option<i64> = None;
            for (is_met, later) in looks {
                now += later;
                so_since = is_met.then(|| so_since.unwrap_or(now));
                let (next_state, told) = next(hold, state, is_met, now);
                let expected = match so_since {
                    Some(since) => is_firing || now - since >= hold,
                    None => false,
                };
                prop_assert_eq!(told.is_some(), expected != is_firing);
                is_firing = expected;
                prop_assert_eq!(matches!(next_state, Some(State::Firing { .. })), is_firing);
                state = next_state;
            }
        }
    }
}
