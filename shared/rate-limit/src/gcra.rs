//! The arithmetic of one client's budget, as the generic cell rate algorithm has it (ITU-T I.371).
//!
//! A client's whole state is one instant: when its budget will be full again. A request moves it one interval
//! later; it is refused when that would put it more than a burst ahead of now.

use std::time::Duration;

/// What one client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Requests per minute in the long run. 0 = unlimited.
    pub per_minute: u32,
    /// Requests a rested client may make at once; 0 counts as 1, or nobody could ever make any.
    pub burst: u32,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go ahead.
    Allow {
        /// Requests left at this instant; `u32::MAX` when unlimited.
        remaining: u32,
    },
    /// Not now.
    Refuse {
        /// How long until one request is allowed again; never zero.
        retry_after: Duration,
    },
}

/// Ticks that one request costs. A minute has `per_minute` times as many, so that no rate is ever rounded.
const COST: u128 = Duration::from_secs(60).as_nanos();

/// An instant, in nanoseconds times `per_minute`: when a client's budget is full again.
pub(crate) type FullAt = u128;

impl Quota {
    pub(crate) fn is_unlimited(self) -> bool {
        self.per_minute == 0
    }

    /// `now` on the scale of [`FullAt`]. Fits: nanoseconds need at most 94 bits, the rate 32.
    pub(crate) fn ticks(self, now: Duration) -> u128 {
        now.as_nanos() * u128::from(self.per_minute)
    }

    /// Requests left when the budget is full again at `full_at`.
    pub(crate) fn remaining(self, full_at: FullAt, now: u128) -> u32 {
        let spare = self.depth().saturating_sub(full_at.saturating_sub(now));
        u32::try_from(spare / COST).unwrap_or(u32::MAX)
    }

    /// The state after one more request, or how long to wait for it.
    pub(crate) fn spend(self, full_at: FullAt, now: u128) -> Result<FullAt, Duration> {
        let after = full_at.max(now) + COST;
        match after.checked_sub(now + self.depth()) {
            None | Some(0) => Ok(after),
            Some(excess) => Err(self.duration(excess)),
        }
    }

    fn depth(self) -> u128 {
        u128::from(self.burst.max(1)) * COST
    }

    fn duration(self, ticks: u128) -> Duration {
        let nanos = ticks.div_ceil(u128::from(self.per_minute.max(1)));
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(quota: Quota, full_at: FullAt, now: Duration, expected: Result<u32, Duration>) {
        let now = quota.ticks(now);
        let actual = quota
            .spend(full_at, now)
            .map(|full_at| quota.remaining(full_at, now));
        assert_eq!(actual, expected);
    }

    #[test]
    fn a_rested_client_has_its_whole_burst() {
        let quota = Quota {
            per_minute: 60,
            burst: 3,
        };
        check(quota, 0, Duration::ZERO, Ok(2));
        check(quota, 0, Duration::from_secs(1_000_000), Ok(2));
    }

    #[test]
    fn an_exhausted_client_waits_one_interval() {
        let quota = Quota {
            per_minute: 60,
            burst: 3,
        };
        check(quota, 3 * COST, Duration::ZERO, Err(Duration::from_secs(1)));
        check(quota, 3 * COST, Duration::from_secs(1), Ok(0));
    }

    #[test]
    fn the_largest_numbers_do_not_overflow() {
        let quota = Quota {
            per_minute: u32::MAX,
            burst: u32::MAX,
        };
        check(quota, 0, Duration::MAX, Ok(u32::MAX - 1));
        check(
            Quota {
                per_minute: 1,
                burst: 0,
            },
            0,
            Duration::MAX,
            Ok(0),
        );
    }
}
