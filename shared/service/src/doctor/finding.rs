//! One thing that was looked at.

use serde::Serialize;

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Well,
    /// The service works, but somebody should look at it.
    Doubtful,
    /// Something does not work.
    Wrong,
}

/// What was looked at, what was seen, what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// One word: `disk`, `clock`, `mail`.
    pub area: &'static str,
    /// How it is.
    pub grade: Grade,
    /// What was seen; a sentence without its full stop, and without a secret.
    pub saw: String,
    /// What to do about it; none where all is well.
    pub advice: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn well(area: &'static str, saw: impl Into<String>) -> Self {
        Self {
            area,
            grade: Grade::Well,
            saw: saw.into(),
            advice: None,
        }
    }

    /// It works, but somebody should look at it.
    pub fn doubtful(area: &'static str, saw: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            area,
            grade: Grade::Doubtful,
            saw: saw.into(),
            advice: Some(advice.into()),
        }
    }

    /// It does not work.
    pub fn wrong(area: &'static str, saw: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            grade: Grade::Wrong,
            ..Self::doubtful(area, saw, advice)
        }
    }
}
