//! A value of a row or an answer: how it is compared, put in order and told.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use serde_json::Value;

/// A value.
#[derive(Debug, Clone)]
pub enum Cell<'a> {
    /// Nothing: it matches no condition, and comes first in order.
    Null,
    /// A finite number.
    Number(f64),
    /// A text.
    Text(Cow<'a, str>),
}

impl Cell<'_> {
    /// The same on its own.
    pub fn into_owned(self) -> Cell<'static> {
        match self {
            Self::Null => Cell::Null,
            Self::Number(number) => Cell::Number(number),
            Self::Text(text) => Cell::Text(Cow::Owned(text.into_owned())),
        }
    }

    /// Nothing, numbers, texts; each in order.
    pub fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
        }
    }

    /// As JSON; whole numbers without a fraction.
    pub fn json(&self) -> Value {
        const EXACT: f64 = 9_007_199_254_740_992.;
        match self {
            Self::Null => Value::Null,
            Self::Number(number) if number.fract() == 0. && number.abs() < EXACT => (*number as i64).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_ref().into(),
        }
    }

    /// How many bytes it takes.
    pub fn n_bytes(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Text(text) => text.len(),
                Self::Null | Self::Number(_) => 0,
            }
    }
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}

impl Eq for Cell<'_> {}

impl Hash for Cell<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Null => 0_u8.hash(state),
            Self::Number(number) => number.to_bits().hash(state),
            Self::Text(text) => text.hash(state),
        }
    }
}

/// `LIKE`: `%` is any text, `_` any character; letters of ASCII in either case, as in SQLite. Takes at most the product of
/// both lengths.
pub fn is_like(text: &str, pattern: &str) -> bool {
    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
    let (mut at, mut of) = (0, 0);
    // Where to go on from if what follows the last `%` does not fit.
    let mut again: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(of) {
            Some('%') => {
                again = Some((at, of + 1));
                of += 1;
            }
            Some(wanted) if *wanted == '_' || wanted.eq_ignore_ascii_case(&text[at]) => {
                at += 1;
                of += 1;
            }
            _ => match again {
                Some((from, after)) => {
                    again = Some((from + 1, after));
                    (at, of) = (from + 1, after);
                }
                None => return false,
            },
        }
    }
    pattern[of..].iter().all(|char| *char == '%')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_any_text_and_any_character() {
        for (text, pattern, expected) in [
            ("/orders/7", "/orders%", true),
            ("/orders/7", "/ORDERS/_", true),
            ("/orders/7", "%orders", false),
            ("/orders/7", "%7", true),
            ("aaab", "%ab", true),
            ("", "%", true),
            ("", "_", false),
            ("ab", "a", false),
            ("é", "_", true),
        ] {
            assert_eq!(is_like(text, pattern), expected, "{text} {pattern}");
        }
    }

    #[test]
    fn numbers_are_told_whole_if_they_are() {
        assert_eq!(
            Cell::Number(1_795_168_800_000.).json(),
            serde_json::json!(1_795_168_800_000_i64)
        );
        assert_eq!(Cell::Number(1.5).json(), serde_json::json!(1.5));
        assert_eq!(Cell::Null.json(), Value::Null);
    }
}
