//! The range picker: what `charts.html` draws of a [`Range`], as one GET form that keeps the page's other parameters.

use crate::link;
use crate::moment::{Moment, exact};
use crate::range::Range;

/// One picker of a page.
#[derive(Clone, Debug)]
pub struct RangePicker {
    /// What is shown.
    pub range: Range,
    /// The page's other parameters, which a new range leaves as they are.
    pub kept: Vec<(String, String)>,
    /// Why the range in the URL was not taken, if so.
    pub error: Option<String>,
    /// What the button says in place of the range: for a page that shows all there is where no range is asked for.
    pub label: Option<&'static str>,
    /// What is offered, the shortest first: the range as the URL has it, and in words.
    pub offered: &'static [(&'static str, &'static str)],
    now_ms: i64,
}

/// What is offered where a page says nothing else.
const QUICK: [(&str, &str); 9] = [
    ("15m", "15 min"),
    ("1h", "1 hour"),
    ("3h", "3 hours"),
    ("6h", "6 hours"),
    ("24h", "24 hours"),
    ("2d", "2 days"),
    ("7d", "7 days"),
    ("30d", "30 days"),
    ("90d", "90 days"),
];

/// Parameters that say a range, or a place in a list that another range does not have.
const OWN: [&str; 4] = ["range", "from", "to", "cursor"];

/// One of the quick ranges.
#[derive(Clone, Copy, Debug)]
pub struct Quick {
    /// `6h`.
    pub value: &'static str,
    /// `6 hours`.
    pub label: &'static str,
    /// Whether it is the one that is shown.
    pub is_current: bool,
}

impl RangePicker {
    /// Reads the range out of the page's parameters. One that cannot be read becomes the default and an error to show.
    pub fn read<'q>(
        pairs: impl Iterator<Item = (&'q str, &'q str)>,
        default: &str,
        now_ms: i64,
    ) -> RangePicker {
        let pairs: Vec<(&str, &str)> = pairs.collect();
        let get = |name: &str| {
            pairs
                .iter()
                .rev()
                .find(|(n, _)| *n == name)
                .map(|(_, value)| *value)
        };
        let (range, error) = match Range::read(get, default, now_ms) {
            Ok(range) => (Ok(range), None),
            Err(error) => (Range::read(|_| None, default, now_ms), Some(error)),
        };
        let kept = pairs
            .iter()
            .filter(|(name, value)| !OWN.contains(name) && !value.is_empty());
        RangePicker {
            range: range.unwrap_or(Range {
                from_ms: now_ms - 1,
                to_ms: now_ms,
                quick: None,
            }),
            kept: kept
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            error,
            label: None,
            offered: &QUICK,
            now_ms,
        }
    }

    /// Whether the page goes on by itself: one whose range could not be read has nothing to go on with.
    pub fn is_live(&self) -> bool {
        self.error.is_none() && self.range.is_live()
    }

    /// What is offered.
    pub fn quick(&self) -> impl Iterator<Item = Quick> {
        self.offered.iter().map(|&(value, label)| Quick {
            value,
            label,
            is_current: self.range.quick.as_deref() == Some(value),
        })
    }

    /// The begin as a `<time>` shows it.
    pub fn from(&self) -> Moment {
        Moment::new(self.range.from_ms, self.now_ms)
    }

    /// The end as a `<time>` shows it.
    pub fn to(&self) -> Moment {
        Moment::new(self.range.to_ms, self.now_ms)
    }

    /// The begin as its field shows it: `2026-11-28 07:00:00`, UTC.
    pub fn from_field(&self) -> String {
        field(self.range.from_ms)
    }

    /// The end as its field shows it.
    pub fn to_field(&self) -> String {
        field(self.range.to_ms)
    }

    /// The page's query with the range half its length earlier.
    pub fn earlier(&self) -> String {
        self.query_of(&self.range.moved(-1))
    }

    /// The same half its length later; None where that is still to come.
    pub fn later(&self) -> Option<String> {
        let later = self.range.moved(1);
        (later.from_ms < self.now_ms && !self.range.is_live()).then(|| self.query_of(&later))
    }

    /// The same for a range twice as long.
    pub fn wider(&self) -> String {
        self.query_of(&self.range.wider(self.now_ms))
    }

    /// The parameters that say the range, for another form of the same page.
    pub fn range_pairs(&self) -> Vec<(&'static str, String)> {
        self.range.pairs()
    }

    /// `?…` of the page's other parameters and this range.
    fn query_of(&self, range: &Range) -> String {
        let range = range.pairs();
        let kept = self
            .kept
            .iter()
            .map(|(name, value)| (name.as_str(), Some(value.as_str())));
        link::query(kept.chain(range.iter().map(|(name, value)| (*name, Some(value.as_str())))))
    }
}

fn field(unix_ms: i64) -> String {
    exact(unix_ms).trim_end_matches(" UTC").to_owned()
}

/// `range=6h`, or `from=…&to=…`, of a page's parameters, to go along to the next page; empty if there is none.
pub fn kept_range<'q>(pairs: impl Iterator<Item = (&'q str, &'q str)>) -> String {
    let own =
        pairs.filter(|(name, value)| ["range", "from", "to"].contains(name) && value.len() <= MAX_VALUE);
    let query = link::query(own.map(|(name, value)| (name, Some(value).filter(|value| !value.is_empty()))));
    query.trim_start_matches('?').to_owned()
}

/// A longer value is no time.
const MAX_VALUE: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_852_800_000;

    fn picker(query: &[(&'static str, &'static str)]) -> RangePicker {
        RangePicker::read(query.iter().copied(), "6h", NOW)
    }

    #[test]
    fn a_new_range_keeps_the_other_parameters_but_no_cursor() {
        let picker = picker(&[("name", "a b"), ("range", "1h"), ("cursor", "x"), ("empty", "")]);
        assert_eq!(picker.kept, [("name".to_owned(), "a b".to_owned())]);
        assert_eq!(
            picker.earlier(),
            "?name=a%20b&from=2026-11-28T06%3A30%3A00Z&to=2026-11-28T07%3A30%3A00Z"
        );
        assert_eq!(picker.later(), None);
        assert_eq!(picker.quick().filter(|quick| quick.is_current).count(), 1);
    }

    #[test]
    fn a_range_that_cannot_be_read_is_the_default_and_says_so() {
        let picker = picker(&[("range", "soon")]);
        assert_eq!(picker.range.quick.as_deref(), Some("6h"));
        assert!(!picker.is_live());
        assert!(picker.error.unwrap().starts_with("range: 'soon'"));
    }

    #[test]
    fn only_the_range_goes_along_to_another_page() {
        let kept = |pairs: &[(&'static str, &'static str)]| kept_range(pairs.iter().copied());
        assert_eq!(kept(&[("name", "x"), ("range", "7d")]), "range=7d");
        assert_eq!(kept(&[("from", "now-1h"), ("to", "a&b")]), "from=now-1h&to=a%26b");
        assert_eq!(kept(&[("name", "x"), ("range", "")]), "");
    }
}
