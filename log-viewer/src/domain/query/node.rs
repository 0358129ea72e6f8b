//! A parsed query: what matches an entry.

use regex::Regex;

use super::Need;
use super::literal::{Literal, Phrase};
use super::number::{Compare, leading};
use crate::domain::entry::{Level, Stream};
use crate::domain::levels::Levels;
use crate::domain::view::EntryView;
use crate::domain::words::words;

#[derive(Debug, Clone)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Literal(Literal),
    Phrase(Phrase),
    /// At the beginning of the message.
    Start(Box<Node>),
    /// Phrases with at most so many words between the first and the last.
    Near(Vec<Phrase>, usize),
    Regex(Regex),
    Levels(Levels),
    Stream(Stream),
    Container(Glob),
    Field(Field),
}

/// `name:value`
#[derive(Debug, Clone)]
pub(super) struct Field {
    /// Folded.
    pub(super) name: String,
    pub(super) value: Value,
    /// The same as it was typed, for text that happens to look so.
    pub(super) as_text: Option<Literal>,
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Is in the field's value.
    Text(Box<Node>),
    Number(Compare, f64),
    /// Any value: the field is there.
    Present,
}

/// How large a search is.
#[derive(Debug, Default)]
pub(super) struct Size {
    /// Bytes of the longest literal.
    pub(super) n_literal_bytes: usize,
    /// Words of all phrases.
    pub(super) n_phrase_words: usize,
}

impl Size {
    fn add(&mut self, literal: &Literal) {
        self.n_literal_bytes = self.n_literal_bytes.max(literal.text().len());
    }
}

/// A name with `*` for anything.
#[derive(Debug, Clone)]
pub(super) struct Glob(pub(super) String);

impl Glob {
    fn matches(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        let mut pieces = self.0.split('*');
        let Some(mut rest) = name.strip_prefix(pieces.next().unwrap_or("")) else {
            return false;
        };
        let mut pieces: Vec<&str> = pieces.collect();
        let Some(last) = pieces.pop() else {
            return rest.is_empty();
        };
        for piece in pieces {
            match rest.find(piece) {
                Some(at) => rest = &rest[at + piece.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

impl Node {
    pub(super) fn matches(&self, view: &EntryView<'_>) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.matches(view)),
            Self::Any(nodes) => nodes.iter().any(|node| node.matches(view)),
            Self::Not(node) => !node.matches(view),
            Self::Field(field) => field.matches(view),
            Self::Levels(_) | Self::Stream(_) | Self::Container(_) => {
                self.holds(view.container, view.level, view.stream)
            }
            text => text.is_in(view.folded()),
        }
    }

    /// Whether it can be told without the text.
    pub(super) fn is_fact(&self) -> bool {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().all(Self::is_fact),
            Self::Not(node) => node.is_fact(),
            Self::Levels(_) | Self::Stream(_) | Self::Container(_) => true,
            _ => false,
        }
    }

    /// Whether it is true of an entry with these facts; for nodes that are facts.
    pub(super) fn holds(&self, container: &str, level: Level, stream: Stream) -> bool {
        match self {
            Self::All(nodes) => nodes.iter().all(|node| node.holds(container, level, stream)),
            Self::Any(nodes) => nodes.iter().any(|node| node.holds(container, level, stream)),
            Self::Not(node) => !node.holds(container, level, stream),
            Self::Levels(levels) => levels.has(level),
            Self::Stream(wanted) => *wanted == stream,
            Self::Container(glob) => glob.matches(container),
            _ => false,
        }
    }

    /// Whether the text has it; for nodes that ask for text.
    fn is_in(&self, folded: &str) -> bool {
        match self {
            Self::Literal(literal) => literal.is_in(folded),
            Self::Phrase(phrase) => phrase.is_in(folded),
            Self::Near(phrases, distance) => are_near(phrases, *distance, folded),
            Self::Regex(regex) => regex.is_match(folded),
            Self::Start(node) => match &**node {
                Self::Literal(literal) => literal.is_start_of(folded),
                Self::Phrase(phrase) => phrase.is_start_of(folded),
                _ => false,
            },
            _ => false,
        }
    }

    pub(super) fn need(&self) -> Need {
        match self {
            Self::All(nodes) => Need::all(nodes.iter().map(Self::need)),
            Self::Any(nodes) => Need::any(nodes.iter().map(Self::need)),
            Self::Literal(literal) => literal.need(),
            Self::Phrase(phrase) => phrase.need(),
            Self::Start(node) => node.need(),
            Self::Near(phrases, _) => Need::all(phrases.iter().map(Phrase::need)),
            Self::Field(field) => field.need(),
            Self::Not(_) | Self::Regex(_) | Self::Levels(_) | Self::Stream(_) | Self::Container(_) => {
                Need::Anything
            }
        }
    }

    /// Adds to the size of the search.
    pub(super) fn measure(&self, size: &mut Size) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => nodes.iter().for_each(|node| node.measure(size)),
            Self::Not(node) | Self::Start(node) => node.measure(size),
            Self::Literal(literal) => size.add(literal),
            Self::Phrase(phrase) => size.n_phrase_words += phrase.n_words(),
            Self::Near(phrases, _) => {
                size.n_phrase_words += phrases.iter().map(Phrase::n_words).sum::<usize>();
            }
            Self::Field(field) => {
                if let Value::Text(node) = &field.value {
                    node.measure(size);
                }
                field.as_text.iter().for_each(|text| size.add(text));
            }
            Self::Regex(_) | Self::Levels(_) | Self::Stream(_) | Self::Container(_) => {}
        }
    }

    pub(super) fn collect_marked(&self, texts: &mut Vec<String>) {
        match self {
            Self::All(nodes) | Self::Any(nodes) => {
                nodes.iter().for_each(|node| node.collect_marked(texts));
            }
            Self::Literal(literal) => texts.push(literal.text().to_owned()),
            Self::Phrase(phrase) => texts.extend(phrase.texts().map(str::to_owned)),
            Self::Near(phrases, _) => {
                texts.extend(phrases.iter().flat_map(Phrase::texts).map(str::to_owned));
            }
            Self::Start(node) => node.collect_marked(texts),
            Self::Field(Field {
                value: Value::Text(node),
                ..
            }) => node.collect_marked(texts),
            _ => {}
        }
    }
}

impl Field {
    fn matches(&self, view: &EntryView<'_>) -> bool {
        let mut values = view
            .fields()
            .iter()
            .filter(|(name, _)| *name == self.name)
            .map(|(_, value)| value.as_str());
        let is_found = match &self.value {
            Value::Text(node) => values.any(|value| node.is_in(value)),
            Value::Number(compare, number) => {
                values.any(|value| leading(value).is_some_and(|value| compare.holds(value, *number)))
            }
            Value::Present => values.next().is_some(),
        };
        is_found
            || self
                .as_text
                .as_ref()
                .is_some_and(|text| text.is_in(view.folded()))
    }

    fn need(&self) -> Need {
        let name = Need::all(words(&self.name).map(|word| Need::Word(word.to_owned())));
        let value = match &self.value {
            Value::Text(node) => node.need(),
            Value::Number(..) | Value::Present => Need::Anything,
        };
        let as_field = Need::all([name, value]);
        match &self.as_text {
            Some(text) => Need::any([as_field, text.need()]),
            None => as_field,
        }
    }
}

/// As FTS5 has it: the words between the end of the first phrase and the beginning of the last are at most `distance`.
fn are_near(phrases: &[Phrase], distance: usize, folded: &str) -> bool {
    let all: Vec<&str> = words(folded).collect();
    let find = |phrase: &Phrase, from: usize| phrase.position(&all, from);
    let first: Option<Vec<usize>> = phrases.iter().map(|phrase| find(phrase, 0)).collect();
    let Some(mut group) = first else {
        return false;
    };
    // Each phrase's first place from some place on, from left to right: one of these groups is the closest.
    loop {
        let ends = phrases.iter().zip(&group);
        let first_end = ends.map(|(phrase, place)| place + phrase.n_words()).min();
        let start = group.iter().min().copied().unwrap_or(0);
        let last_start = group.iter().max().copied().unwrap_or(0);
        if last_start <= first_end.unwrap_or(0).saturating_add(distance) {
            return true;
        }
        for (phrase, place) in phrases
            .iter()
            .zip(&mut group)
            .filter(|(_, place)| **place == start)
        {
            match find(phrase, start + 1) {
                Some(next) => *place = next,
                None => return false,
            }
        }
    }
}
