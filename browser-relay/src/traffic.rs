//! What arrived and what became of it, in memory until a job writes it down.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::traffic::{Kind, Outcome};

/// Rows told apart at once; the others count without a project.
const MAX_ROWS: usize = 5000;

/// How many, by project, kind and outcome.
pub(crate) type Counts = BTreeMap<(String, Kind, Outcome), i64>;

/// Shared by all requests and jobs.
#[derive(Debug, Default)]
pub struct Traffic(Mutex<Counts>);

impl Traffic {
    /// Counts one.
    pub fn count(&self, project: &str, kind: Kind, outcome: Outcome) {
        self.add((project.to_owned(), kind, outcome), 1);
    }

    /// Takes what was counted since the last time.
    pub fn take(&self) -> Counts {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts back what could not be written down.
    pub fn put_back(&self, counts: Counts) {
        for (key, n) in counts {
            self.add(key, n);
        }
    }

    fn add(&self, key: (String, Kind, Outcome), n: i64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = match counts.len() >= MAX_ROWS && !counts.contains_key(&key) {
            true => (String::new(), key.1, key.2),
            false => key,
        };
        *counts.entry(key).or_default() += n;
    }
}
