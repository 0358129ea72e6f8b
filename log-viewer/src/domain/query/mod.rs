//! The search language: any text is a query, and an entry matches it or not.
//! `parse` cuts the text, `node` says what matches, `need` what the index is asked, `literal` finds text in text.

mod literal;
mod need;
mod node;
mod number;
mod parse;

pub use need::Need;

use crate::domain::view::EntryView;
use node::Node;

/// What was typed into the search box. The default matches everything.
///
/// Words (all must be there), `"phrases"`, `prefix*`, `AND`, `OR`, `NOT`, `-word`, parentheses, `field:value`,
/// `field:>5`, `level:>=warning`, `container:web*`, `stream:stderr`, `/regular expression/`; of FTS5 also
/// `NEAR(a b, 5)`, `message:word`, `a + b`, `^first`. Everything else is looked for as it is, in any case.
#[derive(Debug, Clone, Default)]
pub struct Query {
    text: String,
    root: Option<Node>,
}

/// The same text is the same query.
impl PartialEq for Query {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Query {}

impl Query {
    /// Reads any text; never fails.
    pub fn parse(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            root: parse::parse(text),
        }
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether it asks for nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.root.is_none()
    }

    /// Whether the entry matches.
    pub fn matches(&self, view: &EntryView<'_>) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(view))
    }

    /// What must be in a block of entries for one of them to match.
    pub fn need(&self) -> Need {
        self.root.as_ref().map_or(Need::Anything, Node::need)
    }

    /// The word that this query is, if it is nothing else: what matches can be counted without looking at it.
    pub fn as_word(&self) -> Option<&str> {
        match &self.root {
            Some(Node::Literal(literal)) => literal.as_word(),
            _ => None,
        }
    }

    /// Texts to be marked in what was found, in lower case.
    pub fn marked(&self) -> Vec<String> {
        let mut texts = Vec::new();
        if let Some(root) = &self.root {
            root.collect_marked(&mut texts);
        }
        texts
    }
}

#[cfg(test)]
mod tests;
