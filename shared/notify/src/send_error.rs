//! Why a request was not taken, for the queue (is there a point in trying again, and when?) and for the operator.

use std::time::Duration;

/// A request that was not taken, or may not have been. Its text names the host and nothing else of the URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SendError {
    text: String,
    is_permanent: bool,
    retry_after: Option<Duration>,
}

impl SendError {
    pub(crate) fn permanent(text: impl Into<String>) -> SendError {
        SendError {
            text: text.into(),
            is_permanent: true,
            retry_after: None,
        }
    }

    pub(crate) fn transient(text: impl Into<String>) -> SendError {
        SendError {
            text: text.into(),
            is_permanent: false,
            retry_after: None,
        }
    }

    pub(crate) fn with_retry_after(self, retry_after: Option<Duration>) -> SendError {
        SendError { retry_after, ..self }
    }

    /// The same request will fail again until somebody changes a setting.
    pub fn is_permanent(&self) -> bool {
        self.is_permanent
    }

    /// How long the server asks to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}
