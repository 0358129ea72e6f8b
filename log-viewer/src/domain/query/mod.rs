//! The search language: any text is a query, and an entry matches it or not.
//! `parse` cuts the text, `node` says what matches, `need` what the index is asked, `literal` finds text in text.

mod literal;
mod need;
mod node;
mod number;
mod parse;

pub use need::Need;

use crate::domain::entry::{Level, Stream};
use crate::domain::view::EntryView;
use node::{Node, Size};

/// Longest text that is looked for as it is: in a text that repeats itself, each of its bytes may be compared at every place.
const MAX_LITERAL_BYTES: usize = 512;

/// What was typed into the search box. The default matches everything.
///
/// Words (all must be there), `"phrases"`, `prefix*`, `AND`, `OR`, `NOT`, `-word`, parentheses, `field:value`,
/// `field:>5`, `level:>=warning`, `container:web*`, `stream:stderr`, `/regular expression/`; of FTS5 also
/// `NEAR(a b, 5)`, `message:word`, `a + b`, `^first`. Everything else is looked for as it is, in any case.
#[derive(Clone, Default)]
pub struct Query {
    text: String,
    /// What can be told of an entry without its text; all must hold.
    facts: Vec<Node>,
    rest: Option<Node>,
}

/// The same text is the same query.
impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Query {}

impl std::fmt::Debug for Query {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Query").field(&self.text).finish()
    }
}

impl Query {
    /// Reads any text; never fails.
    pub fn parse(text: &str) -> Self {
        let all = match parse::parse(text) {
            Some(Node::All(nodes)) => nodes,
            root => root.into_iter().collect(),
        };
        let (facts, rest) = all.into_iter().partition(Node::is_fact);
        Self {
            text: text.to_owned(),
            facts,
            rest: parse::all(rest),
        }
    }

    /// Why it would take too long to look for, if it would.
    pub fn refusal(&self) -> Option<String> {
        let mut size = Size::default();
        self.rest.iter().for_each(|rest| rest.measure(&mut size));
        if size.n_literal_bytes > MAX_LITERAL_BYTES {
            return Some(format!(
                "a text to be found has at most {MAX_LITERAL_BYTES} bytes"
            ));
        }
        (size.n_phrase_words > parse::MAX_TERMS)
            .then(|| format!("phrases have at most {} words in all", parse::MAX_TERMS))
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.facts.is_empty() && self.rest.is_none()
    }

    /// Whether the entry matches.
    pub fn matches(&self, view: &EntryView<'_>) -> bool {
        self.has_facts(view.container, view.level, view.stream) && self.matches_text(view)
    }

    /// Whether an entry with these facts may match.
    pub fn has_facts(&self, container: &str, level: Level, stream: Stream) -> bool {
        self.facts.iter().all(|fact| fact.holds(container, level, stream))
    }

    /// Whether entries must be read to know whether they match.
    pub fn needs_text(&self) -> bool {
        self.rest.is_some()
    }

    /// Whether an entry matches whose facts do.
    pub fn matches_text(&self, view: &EntryView<'_>) -> bool {
        self.rest.as_ref().is_none_or(|rest| rest.matches(view))
    }

    /// What must be in a block of entries for one of them to match.
    pub fn need(&self) -> Need {
        self.rest.as_ref().map_or(Need::Anything, Node::need)
    }

    /// The word that this query is beside facts, if it is nothing else: it can be counted without looking at entries.
    pub fn as_word(&self) -> Option<&str> {
        match &self.rest {
            Some(Node::Literal(literal)) => literal.as_word(),
            _ => None,
        }
    }

    /// Texts to be marked in what was found, in lower case.
    pub fn marked(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(rest) = &self.rest {
            rest.collect_marked(&mut texts);
        }
        texts
    }
}

#[cfg(test)]
mod tests;
