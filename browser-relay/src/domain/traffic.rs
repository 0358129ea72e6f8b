//! What arrives and what becomes of it, as counted.

use std::borrow::Cow;

/// What browsers send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An error.
    Errors,
    /// A batch of metrics.
    Metrics,
    /// A batch of log lines.
    Logs,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Errors, Self::Metrics, Self::Logs];

    /// Its name, as stored and shown.
    pub fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

/// What became of a request, or of what it brought.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// A backend has it.
    Delivered,
    /// It waits in the outbox.
    Queued,
    /// The key is unknown, off, or past its end.
    WrongKey,
    /// The key may not be used from this page.
    WrongOrigin,
    /// The budget of the key or the address is spent.
    TooMany,
    /// The body is not what it must be.
    Malformed,
    /// The body is larger than it may be.
    TooLarge,
    /// The browser asked not to be watched.
    DoNotTrack,
    /// The settings name no service for it.
    NoBackend,
    /// The outbox is full.
    OutboxFull,
    /// The backend refuses what is in it.
    RefusedByBackend,
    /// It waited longer than it may.
    TooOld,
    /// The backend failed at it again and again.
    GivenUp,
    /// The tracker counts it as noise, for this reason.
    Filtered(Cow<'static, str>),
}

/// Longest reason of noise that is kept.
const MAX_REASON_CHARS: usize = 40;

impl Outcome {
    /// Noise, by the tracker's own name for it.
    pub fn filtered(reason: &str) -> Self {
        let is_plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        Self::Filtered(reason.chars().filter(is_plain).take(MAX_REASON_CHARS).collect())
    }

    /// Its name, as stored.
    pub fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Delivered => "delivered",
            Self::Queued => "queued",
            Self::WrongKey => "wrong_key",
            Self::WrongOrigin => "wrong_origin",
            Self::TooMany => "too_many",
            Self::Malformed => "malformed",
            Self::TooLarge => "too_large",
            Self::DoNotTrack => "do_not_track",
            Self::NoBackend => "no_backend",
            Self::OutboxFull => "outbox_full",
            Self::RefusedByBackend => "refused_by_backend",
            Self::TooOld => "too_old",
            Self::GivenUp => "given_up",
            Self::Filtered(reason) => return format!("filtered_{reason}").into(),
        })
    }
}

/// The words for a stored outcome.
pub fn words(name: &str) -> Cow<'static, str> {
    Cow::Borrowed(match name {
        "delivered" => "delivered at once",
        "queued" => "queued for later",
        "wrong_key" => "the key is unknown, off or expired",
        "wrong_origin" => "the key may not be used from that page",
        "too_many" => "too many at once",
        "malformed" => "the body was malformed",
        "too_large" => "the body was too large",
        "do_not_track" => "the browser asked not to be tracked",
        "no_backend" => "no service is set for it",
        "outbox_full" => "the outbox was full",
        "refused_by_backend" => "the service behind refused it",
        "too_old" => "it waited too long and was given up",
        "given_up" => "the service behind failed at it again and again",
        other => match other.strip_prefix("filtered_") {
            Some(reason) => return format!("noise: {}", reason.replace('_', " ")).into(),
            None => return other.to_owned().into(),
        },
    })
}

/// Whether a stored outcome means that nothing was lost.
pub fn is_good(name: &str) -> bool {
    matches!(name, "delivered" | "queued")
}
