//! Query strings and form bodies: percent-decoded pairs, `+` is a blank, the last of equal names wins.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Decoded `name=value` pairs. Bytes that are no UTF-8 become U+FFFD; nothing here fails.
#[derive(Debug, Default, Clone)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// Pairs read from one query string or form; the rest is ignored.
const MAX_PAIRS: usize = 256;

impl Query {
    /// Reads `a=1&b=2`. Pairs without `=` are skipped.
    pub fn parse(text: &str) -> Self {
        let pairs = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .take(MAX_PAIRS)
            .map(|(name, value)| (decode(name), decode(value)))
            .collect();
        Self { pairs }
    }

    /// The value of `name`, if given and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    /// The value of `name`, even if empty.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.pairs
            .iter()
            .rev()
            .find(|(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }

    /// A number, if `name` is given and is one.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.get(name)?.trim().parse().ok()
    }

    /// All pairs, in the order given.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn decode(text: &str) -> String {
    let text: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_decoded() {
        let query =
            Query::parse("project=my+shop%20%26%20co&since=2026-01-01T00%3A00%3A00Z&x=%ff&caf%C3%A9=1");
        assert_eq!(query.get("project"), Some("my shop & co"));
        assert_eq!(query.get("since"), Some("2026-01-01T00:00:00Z"));
        assert_eq!(query.get("x"), Some("\u{fffd}"));
        assert_eq!(query.get("café"), Some("1"));
    }

    #[test]
    fn last_wins_empty_is_not_given_and_bare_names_are_skipped() {
        let query = Query::parse("a=1&a=2&b=&c&limit=x&n=7");
        assert_eq!(query.get("a"), Some("2"));
        assert_eq!(query.get("b"), None);
        assert_eq!(query.raw("b"), Some(""));
        assert_eq!(query.get("c"), None);
        assert_eq!(query.number("limit"), None);
        assert_eq!(query.number("n"), Some(7));
    }
}
