//! What an answer of a service behind the relay means, and when what failed is tried again.

use std::time::Duration;

/// The services that the relay forwards to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Backend {
    /// The error tracker.
    Tracker,
    /// The metrics collector.
    Collector,
    /// The log viewer.
    LogViewer,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tracker, Self::Collector, Self::LogViewer];

    /// Its number in the store.
    pub fn number(self) -> i64 {
        self as i64 + 1
    }

    /// Its name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tracker => "error tracker",
            Self::Collector => "metrics collector",
            Self::LogViewer => "log viewer",
        }
    }

    /// Where it takes what it is for.
    pub fn path(self) -> &'static str {
        match self {
            Self::Tracker => "/api/errors",
            Self::Collector => "/api/metrics",
            Self::LogViewer => "/api/logs",
        }
    }
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It has it.
    Taken,
    /// It will never take this.
    Refused,
    /// It may take it later: it is down, busy, or refuses us rather than this.
    Later,
}

/// Judges a status.
pub fn verdict(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Taken,
        400 | 409 | 411 | 413 | 414 | 415 | 422 | 431 => Verdict::Refused,
        // 401 and 403 are a wrong key of ours, 404 and 405 a wrong address: an operator mends them.
        _ => Verdict::Later,
    }
}

/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// No server's wish to wait is followed for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(300);

/// How long to wait after so many failures in a row: a quarter of a second, doubled up to half a minute. `jitter` is
/// any random number, so that relays which failed together do not come back together.
pub fn pause(n_failures: u32, retry_after: Option<Duration>, jitter: u64) -> Duration {
    let doubled = Duration::from_millis(250).saturating_mul(1 << n_failures.saturating_sub(1).min(10));
    let wait = doubled
        .min(MAX_PAUSE)
        .max(retry_after.unwrap_or_default().min(MAX_RETRY_AFTER));
    let extra = jitter % (wait.as_millis() as u64 / 5 + 1);
    wait + Duration::from_millis(extra)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_wrong_with_the_event_itself_is_final() {
        for status in [200, 201, 202, 207] {
            assert_eq!(verdict(status), Verdict::Taken, "{status}");
        }
        for status in [400, 413, 422] {
            assert_eq!(verdict(status), Verdict::Refused, "{status}");
        }
        for status in [301, 401, 403, 404, 408, 429, 500, 502, 503, 507] {
            assert_eq!(verdict(status), Verdict::Later, "{status}");
        }
    }

    #[test]
    fn pauses_grow_to_half_a_minute_and_a_server_may_ask_for_more() {
        let ms = |n, after: Option<u64>| pause(n, after.map(Duration::from_secs), 0).as_millis();
        assert_eq!((ms(1, None), ms(2, None), ms(5, None)), (250, 500, 4000));
        assert_eq!((ms(8, None), ms(u32::MAX, None)), (30_000, 30_000));
        assert_eq!((ms(1, Some(60)), ms(1, Some(86_400))), (60_000, 300_000));
        assert!(pause(8, None, u64::MAX) <= Duration::from_secs(36));
    }
}
