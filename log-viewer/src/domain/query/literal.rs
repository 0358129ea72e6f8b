//! A text to be found in a text, both folded. It must not begin or end in the middle of a word.

use memchr::memmem::Finder;

use super::Need;
use crate::domain::words::{fold, is_word, joins, words};

/// See above.
#[derive(Debug, Clone)]
pub(super) struct Literal {
    finder: Finder<'static>,
    text: String,
    /// Whether the last word may go on.
    is_prefix: bool,
}

impl Literal {
    pub(super) fn new(text: &str, is_prefix: bool) -> Self {
        let text = fold(text);
        Self {
            finder: Finder::new(text.as_bytes()).into_owned(),
            text,
            is_prefix,
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_in(&self, folded: &str) -> bool {
        self.find(folded, 0).is_some()
    }

    /// Whether it is all that `folded` says, or the beginning of it.
    pub(super) fn is_start_of(&self, folded: &str) -> bool {
        let folded = folded.trim_start();
        folded.starts_with(&self.text) && self.fits(folded, 0)
    }

    /// Where it is first found from `from` on.
    pub(super) fn find(&self, folded: &str, mut from: usize) -> Option<usize> {
        loop {
            let at = from + self.finder.find(folded.as_bytes().get(from..)?)?;
            if self.fits(folded, at) {
                return Some(at);
            }
            // In the middle of a word nothing begins: there may be thousands of places in one.
            from = at + self.text.chars().next().map_or(1, char::len_utf8);
            let mut before = folded[..from].chars().next_back();
            for next in folded[from..].chars() {
                if !before.replace(next).is_some_and(|before| joins(before, next)) {
                    break;
                }
                from += next.len_utf8();
            }
        }
    }

    fn fits(&self, folded: &str, at: usize) -> bool {
        let end = at + self.text.len();
        let joined = |before: Option<char>, after: Option<char>| match (before, after) {
            (Some(before), Some(after)) => joins(before, after),
            _ => false,
        };
        let begins = !joined(folded[..at].chars().next_back(), self.text.chars().next());
        begins && (self.is_prefix || !joined(self.text.chars().next_back(), folded[end..].chars().next()))
    }

    /// Its words are whole words of any text that it is in.
    pub(super) fn need(&self) -> Need {
        let last_is_open = self.is_prefix && self.text.chars().next_back().is_some_and(is_word);
        let n_words = words(&self.text).count();
        Need::all(words(&self.text).enumerate().map(|(at, word)| {
            if last_is_open && at + 1 == n_words {
                Need::Prefix(word.to_owned())
            } else {
                Need::Word(word.to_owned())
            }
        }))
    }

    /// Itself, if it is one whole word.
    pub(super) fn as_word(&self) -> Option<&str> {
        self.lone_word().filter(|_| !self.is_prefix)
    }

    /// Itself, if it is one word or the beginning of one.
    pub(super) fn lone_word(&self) -> Option<&str> {
        (words(&self.text).next() == Some(&self.text)).then_some(&self.text)
    }

    pub(super) fn is_prefix(&self) -> bool {
        self.is_prefix
    }
}

/// Words one after another, whatever stands between them.
#[derive(Debug, Clone)]
pub(super) struct Phrase {
    first: Literal,
    rest: Vec<String>,
    last_is_prefix: bool,
}

impl Phrase {
    /// At least two words.
    pub(super) fn new(all: &[String], last_is_prefix: bool) -> Option<Self> {
        let (first, rest) = all.split_first()?;
        Some(Self {
            first: Literal::new(first, false),
            rest: rest.to_vec(),
            last_is_prefix,
        })
    }

    /// Whether the last word may go on.
    pub(super) fn is_open(&self) -> bool {
        self.last_is_prefix
    }

    pub(super) fn n_words(&self) -> usize {
        self.rest.len() + 1
    }

    pub(super) fn is_in(&self, folded: &str) -> bool {
        let mut from = 0;
        while let Some(at) = self.first.find(folded, from) {
            from = at + self.first.text.len();
            if self.goes_on(&folded[from..]) {
                return true;
            }
        }
        false
    }

    /// Whether the text begins with these words.
    pub(super) fn is_start_of(&self, folded: &str) -> bool {
        let mut found = words(folded);
        found.next() == Some(&self.first.text) && self.goes_on(&folded[found.at()..])
    }

    /// Whether the words after the first are those that `text` begins with.
    fn goes_on(&self, text: &str) -> bool {
        let mut found = words(text);
        self.rest.iter().enumerate().all(|(at, word)| {
            let is_open = self.last_is_prefix && at + 1 == self.rest.len();
            found
                .next()
                .is_some_and(|found| found == word || is_open && found.starts_with(word.as_str()))
        })
    }

    pub(super) fn need(&self) -> Need {
        let n_rest = self.rest.len();
        let rest = self.rest.iter().enumerate().map(|(at, word)| {
            if self.last_is_prefix && at + 1 == n_rest {
                Need::Prefix(word.clone())
            } else {
                Need::Word(word.clone())
            }
        });
        Need::all(std::iter::once(self.first.need()).chain(rest))
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.text()).chain(self.rest.iter().map(String::as_str))
    }

    /// The first position from `from` on, counted in words, at which it begins.
    pub(super) fn position(&self, all: &[&str], from: usize) -> Option<usize> {
        let fits = |at: &usize| {
            let here = &all[*at..];
            here.len() >= self.n_words()
                && self.texts().zip(here).enumerate().all(|(nth, (text, word))| {
                    let is_open = self.last_is_prefix && nth + 1 == self.n_words();
                    *word == text || is_open && word.starts_with(text)
                })
        };
        (from..all.len()).find(fits)
    }
}
