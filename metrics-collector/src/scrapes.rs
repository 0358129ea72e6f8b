//! What is known of each target: when it was last asked and how it went. In memory, for the page.

use std::sync::{Mutex, PoisonError};

use crate::target::Target;

/// How the last scrape went.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// When it began, Unix milliseconds.
    pub(crate) at_ms: i64,
    /// Seconds until the answer was read, or given up.
    pub(crate) seconds: f64,
    /// Samples taken from it; the error tells why there are none.
    pub(crate) taken: Result<u64, String>,
}

/// All targets, each with its last scrape.
#[derive(Debug, Default)]
pub(crate) struct Scrapes {
    targets: Vec<Target>,
    outcomes: Mutex<Vec<Option<Outcome>>>,
}

impl Scrapes {
    /// None of them asked yet.
    pub(crate) fn new(targets: Vec<Target>) -> Self {
        let outcomes = Mutex::new(vec![None; targets.len()]);
        Self { targets, outcomes }
    }

    /// Notes how the scrape of the target at this place went.
    pub(crate) fn note(&self, place: usize, outcome: Outcome) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = outcomes.get_mut(place) {
            *last = Some(outcome);
        }
    }

    /// Every target, and its last scrape if there was one.
    pub(crate) fn all(&self) -> Vec<(Target, Option<Outcome>)> {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        self.targets
            .iter()
            .cloned()
            .zip(outcomes.iter().cloned())
            .collect()
    }
}
