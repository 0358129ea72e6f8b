//! When a saved search is told of: so many matches within so much time, then a pause.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

/// Most matches that a rule may wait for; more are not counted.
pub const MAX_MATCHES: usize = 10_000;
/// Newest matches that are kept to be shown.
const MAX_SAMPLES: usize = 3;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertRule {
    /// As people call it.
    pub name: String,
    /// The search, as the page's URL has it, without a time: `search=timeout&level=%3E%3DERROR`.
    pub query: String,
    /// How many matches, from 1 to [`MAX_MATCHES`].
    pub n_matches: u32,
    /// Within how long, in milliseconds.
    pub window_ms: i64,
    /// How long nothing more is told, in milliseconds.
    pub pause_ms: i64,
}

/// The matches of one rule that count: those within its window that were not told of. Times in Unix milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Matches {
    /// The newest [`MAX_MATCHES`], the oldest on top.
    times: BinaryHeap<Reverse<i64>>,
    samples: VecDeque<String>,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Matches in the window; [`MAX_MATCHES`] means that or more.
    pub n_matches: usize,
    /// When the first of them was.
    pub from_ms: i64,
    /// The newest, for a look at them, the newest last.
    pub samples: Vec<String>,
}

impl Matches {
    /// Adds one, in any order. A time from the future, of a clock that is ahead, is taken as now.
    pub fn add(&mut self, at_ms: i64, now_ms: i64, sample: impl FnOnce() -> String) {
        self.times.push(Reverse(at_ms.min(now_ms)));
        if self.times.len() > MAX_MATCHES {
            self.times.pop();
        }
        self.samples.push_back(sample());
        if self.samples.len() > MAX_SAMPLES {
            self.samples.pop_front();
        }
    }

    /// Whether the rule is to be told of now. `told_at`: when it was before.
    pub fn due(&mut self, rule: &AlertRule, told_at: Option<i64>, now_ms: i64) -> Option<Due> {
        let since = now_ms.saturating_sub(rule.window_ms);
        while self.times.peek().is_some_and(|Reverse(at)| *at <= since) {
            self.times.pop();
        }
        // A clock that was set back must not hold alerts.
        let is_resting = told_at.is_some_and(|at| (at..at.saturating_add(rule.pause_ms)).contains(&now_ms));
        let Reverse(from_ms) = self.times.peek()?;
        let is_enough = self.times.len() >= rule.n_matches as usize;
        (is_enough && !is_resting).then(|| Due {
            n_matches: self.times.len(),
            from_ms: *from_ms,
            samples: self.samples.iter().cloned().collect(),
        })
    }

    /// What was told of does not count again.
    pub fn clear(&mut self) {
        self.times.clear();
        self.samples.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_852_800_000;

    fn rule(n_matches: u32, window_ms: i64, pause_ms: i64) -> AlertRule {
        AlertRule {
            name: "r".to_owned(),
            query: String::new(),
            n_matches,
            window_ms,
            pause_ms,
        }
    }

    fn due(matches: &mut Matches, rule: &AlertRule, told_at: Option<i64>, now: i64) -> Option<usize> {
        matches.due(rule, told_at, now).map(|due| due.n_matches)
    }

    #[test]
    fn so_many_within_the_window_are_due_and_one_less_is_not() {
        let rule = rule(3, 1000, 0);
        let mut matches = Matches::default();
        for at in [NOW - 999, NOW - 500] {
            matches.add(at, NOW, || "x".to_owned());
            assert_eq!(due(&mut matches, &rule, None, NOW), None);
        }
        matches.add(NOW - 1000, NOW, || "too old".to_owned());
        assert_eq!(due(&mut matches, &rule, None, NOW), None);
        matches.add(NOW + 99_000, NOW, || "a clock that is ahead".to_owned());
        assert_eq!(due(&mut matches, &rule, None, NOW), Some(3));
        assert_eq!(due(&mut matches, &rule, None, NOW + 1), None, "the oldest is out");
    }

    #[test]
    fn after_an_alert_there_is_a_pause_in_which_matches_count_on() {
        let rule = rule(1, 1000, 300);
        let mut matches = Matches::default();
        matches.add(NOW, NOW, || "x".to_owned());
        assert_eq!(due(&mut matches, &rule, Some(NOW - 299), NOW), None);
        assert_eq!(due(&mut matches, &rule, Some(NOW - 299), NOW + 1), Some(1));
        assert_eq!(
            due(&mut matches, &rule, Some(NOW + 9000), NOW),
            Some(1),
            "the clock was set back"
        );
        matches.clear();
        assert_eq!(due(&mut matches, &rule, None, NOW), None);
    }

    #[test]
    fn the_newest_are_shown() {
        let mut matches = Matches::default();
        for n in 0..20_000 {
            matches.add(NOW - 20_000 + n, NOW, || n.to_string());
        }
        let due = matches.due(&rule(1, 60_000, 0), None, NOW).unwrap();
        assert_eq!(due.n_matches, MAX_MATCHES);
        assert_eq!(due.from_ms, NOW - 10_000);
        assert_eq!(due.samples, ["19997", "19998", "19999"]);
    }

    proptest! {
        #[test]
        fn it_is_due_exactly_when_a_count_over_all_says_so(
            times in prop::collection::vec(-50..50_i64, 0..60), n in 1..20_u32, window_ms in 1..60_i64, later in 0..60_i64,
        ) {
            let rule = rule(n, window_ms, 0);
            let mut matches = Matches::default();
            for at in &times {
                matches.add(NOW + at, NOW, String::new);
            }
            let now = NOW + later;
            let within = |at: &&i64| NOW + (**at).min(0) > now - window_ms;
            let n_within = times.iter().filter(within).count();
            let expected = (n_within >= n as usize).then_some(n_within);
            prop_assert_eq!(due(&mut matches, &rule, None, now), expected);
        }
    }
}
