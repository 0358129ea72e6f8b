//! The search language: any text is a query, and an entry matches it or not.

use crate::domain::entry::{Entry, Level, Stream};

/// One entry, made ready to be compared with many queries.
#[derive(Debug)]
pub struct EntryView<'a> {
    pub(crate) time_ns: i64,
    pub(crate) container: &'a str,
    pub(crate) stream: Stream,
    pub(crate) level: Level,
    /// The message in lower case.
    folded: String,
}

impl<'a> EntryView<'a> {
    /// A view of this entry.
    pub fn of(entry: &'a Entry) -> Self {
        Self {
            time_ns: entry.time_ns,
            container: &entry.container,
            stream: entry.stream,
            level: entry.level,
            folded: entry.message.to_lowercase(),
        }
    }
}

/// What was typed into the search box. The default matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    words: Vec<String>,
}

impl Query {
    /// Reads any text; never fails.
    pub fn parse(text: &str) -> Self {
        Self {
            words: text.split_whitespace().map(str::to_lowercase).collect(),
        }
    }

    /// Whether it asks for nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Whether the entry matches.
    pub fn matches(&self, view: &EntryView<'_>) -> bool {
        self.words.iter().all(|word| view.folded.contains(word.as_str()))
    }
}

/// An entry of this text, for tests.
#[cfg(test)]
pub(crate) fn entry(message: &str) -> Entry {
    Entry {
        time_ns: 0,
        container: "web".into(),
        stream: Stream::Stdout,
        level: Level::Info,
        marks: crate::domain::entry::Marks::default(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_words_must_be_there_in_any_case() {
        let matches = |query: &str, text: &str| Query::parse(query).matches(&EntryView::of(&entry(text)));
        assert!(matches("Refused connection", "connection REFUSED"));
        assert!(!matches("refused twice", "connection refused"));
        assert!(matches("", "anything"));
    }
}
