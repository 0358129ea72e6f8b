//! A setting that cannot work, found when it is made rather than when an alert is due.

/// Why a channel's setting cannot be used; says so without repeating it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadSetting(String);

impl BadSetting {
    pub(crate) fn new(text: impl Into<String>) -> BadSetting {
        BadSetting(text.into())
    }
}
