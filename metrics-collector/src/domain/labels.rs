//! The labels of a series in their one form: sorted by key, each key once, cut to a size.
//! Packed into one string, since there are as many as there are series.

use std::fmt::Write;

/// What a value becomes where there are too many different ones.
pub const OTHER: &str = "__other__";
/// Labels of a series; what comes after is left out.
pub const MAX_LABELS: usize = 32;
/// Longest key and value, in bytes; the rest is cut off.
pub const MAX_KEY_BYTES: usize = 128;
/// See [`MAX_KEY_BYTES`].
pub const MAX_VALUE_BYTES: usize = 512;

/// Between key and value, and behind each value: ASCII's unit and record separators, which no label holds.
const UNIT: char = '\u{1f}';
const RECORD: char = '\u{1e}';

/// Sorted `key=value` pairs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Labels(Box<str>);

impl Labels {
    /// Of pairs in any order. Of equal keys the last one counts; control characters become blanks.
    pub fn new<K: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut clean: Vec<(String, String)> = Vec::new();
        for (key, value) in pairs {
            let key = clean_text(key.as_ref(), MAX_KEY_BYTES);
            let value = clean_text(value.as_ref(), MAX_VALUE_BYTES);
            match clean.iter().position(|(known, _)| *known == key) {
                Some(place) => clean[place].1 = value,
                None if clean.len() < MAX_LABELS => clean.push((key, value)),
                None => {}
            }
        }
        clean.sort_unstable();
        let mut packed = String::with_capacity(clean.iter().map(|(k, v)| k.len() + v.len() + 2).sum());
        for (key, value) in clean {
            packed.extend([key.as_str(), "\u{1f}", value.as_str(), "\u{1e}"]);
        }
        Self(packed.into())
    }

    /// The packed form, for hashing and storing.
    pub fn packed(&self) -> &str {
        &self.0
    }

    /// From the packed form as [`Labels::packed`] gave it.
    pub fn of_packed(packed: &str) -> Self {
        Self(packed.into())
    }

    /// Key and value of each, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .split_terminator(RECORD)
            .filter_map(|record| record.split_once(UNIT))
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == key)
            .map(|(_, value)| value)
    }

    /// As one reads it: `{method="GET", status="200"}`.
    pub fn text(&self) -> String {
        let mut text = String::from("{");
        for (key, value) in self.iter() {
            let between = if text.len() > 1 { ", " } else { "" };
            let _ = write!(text, "{between}{key}={value:?}");
        }
        text.push('}');
        text
    }
}

/// Cut to `max` bytes at a character's beginning, without control characters.
pub fn clean_text(text: &str, max: usize) -> String {
    let cut = &text[..text.floor_char_boundary(max)];
    if cut.bytes().any(|byte| byte < 0x20 || byte == 0x7f) {
        return cut.replace(|c: char| c.is_ascii_control(), " ");
    }
    cut.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_sorted_and_each_key_is_there_once() {
        let labels = Labels::new([("b", "2"), ("a", "1"), ("b", "3")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "3")]);
        assert_eq!((labels.get("b"), labels.get("c")), (Some("3"), None));
        assert_eq!(labels.text(), "{a=\"1\", b=\"3\"}");
    }

    #[test]
    fn what_would_break_the_form_is_taken_out() {
        let labels = Labels::new([("a\u{1f}b", "c\u{1e}d\n")]);
        assert_eq!(labels.iter().collect::<Vec<_>>(), [("a b", "c d ")]);
        let long = "ä".repeat(MAX_VALUE_BYTES);
        let labels = Labels::new([("k", long.as_str())]);
        assert_eq!(labels.get("k").unwrap().len(), MAX_VALUE_BYTES);
        let many = (0..100).map(|n| (n.to_string(), "v"));
        assert_eq!(Labels::new(many).iter().count(), MAX_LABELS);
    }

    proptest! {
        #[test]
        fn the_order_of_labels_never_changes_a_series(mut pairs in prop::collection::btree_map(".{0,9}", ".{0,9}", 0..9).prop_map(|map| map.into_iter().collect::<Vec<_>>())) {
            let keys: std::collections::BTreeSet<String> = pairs.iter().map(|(key, _)| clean_text(key, MAX_KEY_BYTES)).collect();
            prop_assume!(keys.len() == pairs.len());
            let labels = Labels::new(pairs.clone());
            pairs.reverse();
            prop_assert_eq!(&labels, &Labels::new(pairs.clone()));
            prop_assert_eq!(labels.iter().count(), pairs.len());
            prop_assert_eq!(&Labels::of_packed(labels.packed()), &labels);
        }
    }
}
