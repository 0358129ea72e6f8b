//! The line above the page: what was done, or why it was not.

use askama::Template;
use askama::filters::HtmlSafe;

/// A line above the page; the default says nothing.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "pages/said.html")]
pub struct Said {
    words: String,
    is_bad: bool,
    /// Shown this once.
    secret: Option<String>,
}

/// Its own template has escaped what is in it.
impl HtmlSafe for Said {}

impl Said {
    /// What was done.
    pub fn done(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            ..Self::default()
        }
    }

    /// Why it was not.
    pub fn refused(words: impl Into<String>) -> Self {
        Self {
            words: words.into(),
            is_bad: true,
            secret: None,
        }
    }

    /// The same with a secret beside it.
    pub(crate) fn with_secret(self, secret: String) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }

    /// After a form that was done leads back to the page with `?said=`.
    pub(crate) fn after(done: Option<&str>) -> Self {
        match done {
            Some("added") => Self::done("Added."),
            Some("deleted") => Self::done("Deleted."),
            Some("tested") => {
                Self::done("A test is on its way: what comes of it shows in the history below.")
            }
            _ => Self::default(),
        }
    }
}
