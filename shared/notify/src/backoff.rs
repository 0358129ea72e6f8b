//! When what failed is tried again.

use std::time::Duration;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Seconds to wait after the first try, the second … Together 67 hours, or up to 74 with the jitter: a long week-end's
/// outage is outlived, and after about three days nobody wants the news.
const WAITS: [i64; 10] = [
    30,
    2 * MINUTE,
    10 * MINUTE,
    HOUR,
    6 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
    12 * HOUR,
];

/// No server's wish to wait is followed for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// When to try again after `n_attempts` tries (at least 1), in Unix milliseconds as `now` is; `None` gives up.
///
/// `jitter` is any random number: it adds up to a tenth of the wait, so that what failed together does not come back
/// together. `retry_after` is the error's: it is never tried sooner, within a day.
pub fn next_attempt(n_attempts: u32, retry_after: Option<Duration>, now: i64, jitter: u64) -> Option<i64> {
    let wait = WAITS.get(n_attempts.saturating_sub(1) as usize)? * 1000;
    let asked = retry_after.unwrap_or_default().min(MAX_RETRY_AFTER).as_millis() as i64;
    let extra = jitter % (wait as u64 / 10 + 1);
    Some(now.saturating_add(wait.max(asked)).saturating_add(extra as i64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn waits_grow_until_it_gives_up() {
        assert_eq!(next_attempt(1, None, 1000, 0), Some(31_000));
        assert_eq!(next_attempt(2, None, 0, 0), Some(120_000));
        assert_eq!(next_attempt(4, None, 0, 0), Some(3_600_000));
        assert_eq!(next_attempt(10, None, 0, 0), Some(12 * 3_600_000));
        assert_eq!(next_attempt(11, None, 0, 0), None);
        assert_eq!(next_attempt(u32::MAX, None, 0, 0), None);
        assert_eq!(next_attempt(0, None, 0, 0), Some(30_000));
    }

    #[test]
    fn a_server_may_ask_for_more_time_but_not_for_any() {
        let after = |seconds| next_attempt(1, Some(Duration::from_secs(seconds)), 0, 0);
        assert_eq!(after(5), Some(30_000));
        assert_eq!(after(90), Some(90_000));
        assert_eq!(after(u64::MAX), Some(24 * 3_600_000));
    }

    #[test]
    fn all_tries_together_take_about_three_days() {
        let mut now = 0;
        let mut n_attempts = 1;
        while let Some(next) = next_attempt(n_attempts, None, now, u64::MAX) {
            now = next;
            n_attempts += 1;
        }
        let hours = now / 3_600_000;
        assert!((66..=74).contains(&hours), "{hours}");
    }

    proptest! {
        #[test]
        fn jitter_adds_a_tenth_at_most(n in 1u32..=10, jitter: u64, now in 0i64..1 << 50) {
            let wait = next_attempt(n, None, 0, 0).unwrap();
            let actual = next_attempt(n, None, now, jitter).unwrap() - now;
            prop_assert!((wait..=wait + wait / 10).contains(&actual));
            prop_assert!(next_attempt(n, None, i64::MAX, jitter).is_some());
        }
    }
}
