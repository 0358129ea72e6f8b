//! Events that were counted and not stored, in memory until a job writes them down.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::domain::noise::Noise;

/// Projects told apart at once; the others count as one without a name.
const MAX_PROJECTS: usize = 200;

/// How many, by project and reason.
pub type Counts = BTreeMap<(String, Noise), i64>;

/// Shared by all requests.
#[derive(Debug, Default)]
pub struct Filtered(Mutex<Counts>);

impl Filtered {
    /// Counts one.
    pub fn count(&self, project: &str, noise: Noise) {
        self.add((project.to_owned(), noise), 1);
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

    fn add(&self, key: (String, Noise), n: i64) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_full = counts.len() >= MAX_PROJECTS * Noise::ALL.len();
        let key = match is_full && !counts.contains_key(&key) {
            true => (String::new(), key.1),
            false => key,
        };
        *counts.entry(key).or_default() += n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_and_does_not_grow_without_end() {
        let filtered = Filtered::default();
        for number in 0..10 * MAX_PROJECTS {
            for noise in Noise::ALL {
                filtered.count(&format!("project-{number}"), noise);
            }
        }
        let counts = filtered.take();
        assert!(counts.len() <= (MAX_PROJECTS + 1) * Noise::ALL.len());
        let total: i64 = counts.values().sum();
        assert_eq!(total as usize, 10 * MAX_PROJECTS * Noise::ALL.len());
        filtered.put_back(counts);
        assert_eq!(filtered.take().values().sum::<i64>(), total);
        assert!(filtered.take().is_empty());
    }
}
