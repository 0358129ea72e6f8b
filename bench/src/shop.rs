//! The errors of an invented shop: any number of bugs, each with a trace and words of its own, some very frequent.

use std::fmt::Write;

use crate::dice::Dice;

/// Words that all texts are made of.
pub const N_WORDS: u64 = 2000;
/// Users whom it may hit, `u-0` and up.
pub const N_USERS: u64 = 50_000;
/// Releases, `1.0.0` to `1.19.0`.
pub const N_RELEASES: u64 = 20;
/// Who owns the data.
pub const PROJECTS: [&str; 10] = [
    "shop", "checkout", "search", "billing", "stock", "mailer", "accounts", "reports", "gateway", "admin",
];
/// Where it runs; the first has eight of ten reports.
pub const ENVIRONMENTS: [&str; 3] = ["production", "staging", "development"];
/// Values of the tag `region`.
pub const REGIONS: [&str; 5] = ["eu-west", "eu-north", "us-east", "us-west", "ap-south"];
const RUNTIMES: [&str; 4] = ["cpython-3.11", "cpython-3.12", "cpython-3.13", "pypy-3.11"];
const LEVELS: [&str; 10] = [
    "error", "error", "error", "error", "error", "error", "error", "warning", "warning", "fatal",
];
const TYPES: [&str; 12] = [
    "ValueError",
    "KeyError",
    "TypeError",
    "AttributeError",
    "RuntimeError",
    "TimeoutError",
    "ConnectionError",
    "LookupError",
    "PermissionError",
    "IndexError",
    "OSError",
    "AssertionError",
];
const VERBS: [&str; 8] = ["load", "save", "price", "find", "check", "send", "merge", "apply"];
const ONSETS: [&str; 20] = [
    "b", "c", "d", "f", "g", "k", "l", "m", "n", "p", "r", "s", "t", "v", "z", "br", "ch", "gr", "pl", "st",
];
const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
/// One bug in so many is one of pages in browsers.
const BROWSER_EVERY: u64 = 10;
/// Bugs whose messages name another order each time: one in so many.
const OWN_TEXT_EVERY: u64 = 2;
const N_APP_FRAMES: u64 = 4;

/// The shop and its bugs.
pub struct Shop {
    words: Vec<String>,
    n_bugs: u64,
}

impl Shop {
    /// With so many bugs, numbered from 0, the most frequent first.
    pub fn new(n_bugs: u64) -> Self {
        Self {
            words: (0..N_WORDS).map(word).collect(),
            n_bugs,
        }
    }

    /// A word; the first are the most frequent in messages.
    pub fn word(&self, number: u64) -> &str {
        &self.words[(number % N_WORDS) as usize]
    }

    /// The bug of a report: each comes up once at its turn among `n_reports`, all else is by their frequency.
    pub fn bug_of(&self, report: u64, n_reports: u64) -> u64 {
        let every = (n_reports / self.n_bugs).max(1);
        let turn = report / every;
        match report.is_multiple_of(every) && turn < self.n_bugs {
            true => turn,
            false => Dice::new(report).zipf(self.n_bugs),
        }
    }

    /// Writes a report of a bug as JSON. No text in it needs an escape, but for the line ends and quotes of the trace.
    pub fn write(&self, bug: u64, report: u64, out: &mut String) {
        let (mut of_bug, mut of_report) = (Dice::new(bug), Dice::new(!report));
        let dice = &mut of_bug;
        let kind = dice.one_of(&TYPES);
        let (project, level) = (dice.one_of(&PROJECTS), dice.one_of(&LEVELS));
        let message = self.message(dice, report);
        let dice = &mut of_report;
        let environment = ENVIRONMENTS[dice.below(10).saturating_sub(7) as usize];
        let (region, runtime) = (dice.one_of(&REGIONS), dice.one_of(&RUNTIMES));
        let (user, release) = (dice.below(N_USERS), dice.below(N_RELEASES));
        let method = match bug.is_multiple_of(BROWSER_EVERY) {
            true => "BROWSER",
            false => "POST",
        };
        // Writing to a string cannot fail.
        let _ = write!(
            out,
            r#"{{"project":"{project}","exception_type":"{kind}","message":"{message}","traceback":""#
        );
        self.write_traceback(bug, kind, &message, out);
        let _ = write!(
            out,
            r#"","environment":"{environment}","request_method":"{method}","user_id":"u-{user}","level":"{level}","release":"1.{release}.0","tags":{{"region":"{region}","runtime":"{runtime}"}}}}"#
        );
    }

    /// Six to nine words; with some bugs the number of an order, which is another in each report.
    fn message(&self, dice: &mut Dice, report: u64) -> String {
        let mut out = String::with_capacity(80);
        for _ in 0..6 + dice.below(4) {
            out += self.word(dice.zipf(N_WORDS));
            out.push(' ');
        }
        if dice.below(OWN_TEXT_EVERY) == 0 {
            let _ = write!(out, "in order {}", 100_000 + report % 900_000);
        }
        out.truncate(out.trim_end().len());
        out
    }

    /// A library's frames and the app's own; the last names the bug, in words.
    fn write_traceback(&self, bug: u64, kind: &str, message: &str, out: &mut String) {
        *out += r#"Traceback (most recent call last):\n  File \"/usr/lib/python3/dist-packages/django/core/handlers/exception.py\", line 55, in inner\n  File \"/usr/lib/python3/dist-packages/django/core/handlers/base.py\", line 197, in _get_response\n"#;
        // The callers are shared by some bugs.
        let mut dice = Dice::new(bug % 977);
        for depth in 1..N_APP_FRAMES {
            let (package, function) = (self.word(dice.below(20)), self.word(dice.below(N_WORDS)));
            let line = 10 * depth + dice.below(10);
            let _ = write!(
                out,
                r#"  File \"/srv/shop/{package}/views.py\", line {line}, in {function}\n"#
            );
        }
        // The second word is never the same twice with the first.
        let (word, other) = (self.word(bug), self.word(bug / N_WORDS + bug % N_WORDS * 7));
        let verb = VERBS[(bug % VERBS.len() as u64) as usize];
        let line = 20 + bug % 300;
        let _ = write!(
            out,
            r#"  File \"/srv/shop/{other}/models.py\", line {line}, in {verb}_{word}_{other}\n{kind}: {message}"#
        );
    }
}

/// Two or three syllables.
fn word(number: u64) -> String {
    let n_syllables = (ONSETS.len() * VOWELS.len()) as u64;
    let mut out = syllable(number) + &syllable(number / n_syllables * 5 + number / 5 % 5);
    if number.is_multiple_of(3) {
        out += &syllable(number / 3);
    }
    out
}

fn syllable(number: u64) -> String {
    let (onset, vowel) = (number as usize / VOWELS.len(), number as usize % VOWELS.len());
    format!("{}{}", ONSETS[onset % ONSETS.len()], VOWELS[vowel])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use error_tracker::domain::{recognition::Recognition, report};

    use super::*;

    #[test]
    fn words_differ() {
        let words: BTreeSet<String> = (0..N_WORDS).map(word).collect();
        assert_eq!(words.len() as u64, N_WORDS);
    }

    #[test]
    fn each_bug_is_a_group_and_comes_up() {
        let (n_bugs, n_reports) = (5000, 20_000);
        let (shop, recognition) = (Shop::new(n_bugs), Recognition::default());
        let mut keys = BTreeSet::new();
        let mut n_hottest = 0;
        for number in 0..n_reports {
            let bug = shop.bug_of(number, n_reports);
            n_hottest += u64::from(bug == 0);
            let mut json = String::new();
            shop.write(bug, number, &mut json);
            let report = report::read(json.as_bytes(), None).unwrap();
            keys.insert((bug, recognition.recognise(&report).key.clone()));
        }
        let bugs: BTreeSet<u64> = keys.iter().map(|(bug, _)| *bug).collect();
        let groups: BTreeSet<&String> = keys.iter().map(|(_, key)| key).collect();
        assert_eq!((bugs.len(), keys.len(), groups.len()), (5000, 5000, 5000));
        assert!(n_hottest > n_reports / 20, "{n_hottest}");
    }
}
