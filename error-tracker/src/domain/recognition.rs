//! What the rules say of a report, remembered for reports with the same trace: a storm of one bug reads its trace once.
//! Only a memo: the answer is that of [`grouping::of`], [`fingerprint::of`] and [`exception::culprit`].

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};

use super::exception;
use super::fingerprint;
use super::grouping::{self, Grouping};
use super::report::Report;

/// Traces of one generation; at most two are remembered.
const MAX_REMEMBERED: usize = 1024;

/// Where a report belongs, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised {
    /// What clients see; see [`fingerprint::of`].
    pub fingerprint: String,
    /// [`Grouping::key`]
    pub key: String,
    /// What decides the group.
    pub grouping: Grouping,
    /// Short place where it happened.
    pub culprit: Option<String>,
}

/// Shared by all requests. An entry is known by 64 bits that nobody outside can predict.
#[derive(Debug, Default)]
pub struct Recognition {
    hasher: RandomState,
    remembered: Mutex<Generations>,
}

/// Two generations: when the young one is full it becomes the old one, and what of that is not asked for again is
/// forgotten. So what comes often stays, however much comes once.
#[derive(Debug, Default)]
struct Generations {
    young: HashMap<u64, Arc<Recognised>>,
    old: HashMap<u64, Arc<Recognised>>,
}

impl Generations {
    fn find(&mut self, key: u64) -> Option<Arc<Recognised>> {
        if let Some(found) = self.young.get(&key) {
            return Some(found.clone());
        }
        let found = self.old.remove(&key)?;
        self.add(key, found.clone());
        Some(found)
    }

    fn add(&mut self, key: u64, recognised: Arc<Recognised>) {
        if self.young.len() >= MAX_REMEMBERED {
            // The room of the old one is used again.
            std::mem::swap(&mut self.young, &mut self.old);
            self.young.clear();
        }
        self.young.insert(key, recognised);
    }
}

impl Recognition {
    /// Applies the rules to a report, or remembers what they said of one with the same project, type and trace.
    pub fn recognise(&self, report: &Report) -> Arc<Recognised> {
        // What a client sends in pieces or names itself differs from report to report.
        if report
            .rich
            .as_ref()
            .is_some_and(|rich| !rich.exceptions.is_empty())
            || !report.fingerprint.is_empty()
        {
            return Arc::new(recognise(report).0);
        }
        let key = self
            .hasher
            .hash_one((&report.project, &report.exception_type, &report.traceback));
        if let Some(found) = self.remembered().find(key) {
            return found;
        }
        let (recognised, has_message) = recognise(report);
        let recognised = Arc::new(recognised);
        // Where the message counts, the trace alone does not tell.
        if !has_message {
            self.remembered().add(key, recognised.clone());
        }
        recognised
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Generations> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Also whether the message had a part in it.
fn recognise(report: &Report) -> (Recognised, bool) {
    let exceptions = report.exceptions();
    let (grouping, has_message) = grouping::decide(&grouping::Facts {
        exception_type: &report.exception_type,
        message: &report.message,
        exceptions: &exceptions,
        fingerprint: &report.fingerprint,
    });
    let recognised = Recognised {
        fingerprint: fingerprint::of(report),
        key: grouping.key(),
        grouping,
        culprit: exception::culprit(&exceptions),
    };
    (recognised, has_message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::report;

    fn report(kind: &str, message: &str, traceback: &str) -> Report {
        let body = serde_json::json!({
            "project": "p", "exception_type": kind, "message": message, "traceback": traceback
        });
        report::read(body.to_string().as_bytes(), None).unwrap()
    }

    #[test]
    fn what_is_remembered_is_what_the_rules_say() {
        let recognition = Recognition::default();
        let with_frames = "Traceback (most recent call last):\n  File \"/srv/a.py\", line 1, in run\nE: x";
        let minified = "TypeError: x\n    at t (https://x.example/a.js:1:5)";
        for round in 0..3 {
            for (kind, traceback) in [
                ("E", with_frames),
                ("F", with_frames),
                ("E", minified),
                ("E", "no frames"),
            ] {
                for message in ["order 7 is gone", "another thing"] {
                    let report = report(kind, message, traceback);
                    let expected = recognise(&report).0;
                    assert_eq!(
                        *recognition.recognise(&report),
                        expected,
                        "{round} {kind} {message} {traceback}"
                    );
                }
            }
        }
        assert_eq!(
            recognition.remembered().young.len(),
            2,
            "those in which the message has no part"
        );
    }

    fn numbered(number: usize) -> Report {
        let traceback = format!("  File \"/srv/a{number}.py\", line 1, in run{number}");
        report("E", "m", &traceback)
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let recognition = Recognition::default();
        for number in 0..3 * MAX_REMEMBERED {
            recognition.recognise(&numbered(number));
        }
        let remembered = recognition.remembered();
        assert!(remembered.young.len() <= MAX_REMEMBERED && remembered.old.len() <= MAX_REMEMBERED);
    }

    #[test]
    fn what_comes_often_stays_however_much_comes_once() {
        let recognition = Recognition::default();
        let often = numbered(0);
        let first = recognition.recognise(&often);
        for number in 1..5 * MAX_REMEMBERED {
            recognition.recognise(&numbered(number));
            if number % 100 == 0 {
                assert!(Arc::ptr_eq(&first, &recognition.recognise(&often)), "{number}");
            }
        }
    }
}
