//! How requests were answered.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use bench::table;

/// Answers by service and status. Status 0: the connection ended without one.
#[derive(Default)]
pub(crate) struct Answers(Mutex<BTreeMap<(&'static str, u16), u64>>);

impl Answers {
    /// Counts one.
    pub(crate) fn add(&self, service: &'static str, status: u16) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((service, status)).or_default() += 1;
    }

    /// Answers 5xx, and requests without any.
    pub(crate) fn n_failed(&self) -> u64 {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = counts
            .iter()
            .filter(|((_, status), _)| *status == 0 || *status >= 500);
        failed.map(|(_, count)| count).sum()
    }

    /// A row per service and status.
    pub(crate) fn print(&self) {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = counts.iter().map(|((service, status), count)| {
            let status = match status {
                0 => "none".to_owned(),
                status => status.to_string(),
            };
            vec![(*service).to_owned(), status, count.to_string()]
        });
        table::print(&["service", "answer", "requests"], rows);
    }
}
