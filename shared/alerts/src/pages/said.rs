//! The line above the page: what was done, or why it was not.

use askama::Template;
use askama::filters::HtmlSafe;
use config::Secret;
use web::{Error, Result, StatusCode};

/// A line above the page; the default says nothing.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "pages/said.html")]
pub struct Said {
    words: String,
    is_bad: bool,
    /// Shown this once.
    secret: Option<Secret>,
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

    /// Why it was not, with the status of the answer. Passes on what is no fault of the asker's.
    pub(crate) fn of_refusal(error: Error) -> Result<(StatusCode, Self)> {
        if !error.status.is_client_error() && error.status != StatusCode::SERVICE_UNAVAILABLE {
            return Err(error);
        }
        let said = Self {
            words: error.detail.into_owned(),
            is_bad: true,
            secret: None,
        };
        Ok((error.status, said))
    }

    /// The same with a secret beside it.
    pub(crate) fn with_secret(self, secret: Secret) -> Self {
        Self {
            secret: Some(secret),
            ..self
        }
    }

    /// After a form that was done leads back to the page with `?said=`.
    pub(crate) fn after(done: Option<&str>) -> Self {
        match done {
            Some("added") => Self::done("Added."),
            Some("changed") => Self::done("Saved."),
            Some("paused") => Self::done("Paused: nobody is told of it until it is resumed."),
            Some("resumed") => Self::done("Resumed."),
            Some("deleted") => Self::done("Deleted."),
            Some("tested") => {
                Self::done("A test is on its way: what comes of it shows in the history below.")
            }
            _ => Self::default(),
        }
    }
}
