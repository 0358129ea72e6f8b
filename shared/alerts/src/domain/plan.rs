//! When the alerts of one channel leave: each by itself, or all as one digest.

/// An alert waits this long for others, so that a burst is seen as one.
const SETTLE_MS: i64 = 2_000;
/// More waiting alerts than this are a storm.
const MAX_SINGLES: usize = 3;
/// So is any alert after more single ones than this in [`RECENT_MS`].
const MAX_RECENT_SINGLES: usize = 5;
const RECENT_MS: i64 = 60_000;
/// A storm is over when nothing new came for this long.
const LULL_MS: i64 = 10_000;
/// How long the first alert of a storm waits if there is no lull, where nobody said otherwise.
pub const DEFAULT_MAX_WAIT_MS: i64 = 60_000;
/// After a digest, few alerts are calm again from here on.
const CALM_MS: i64 = 60_000;
/// Many wait until here for the next digest.
const DIGEST_EVERY_MS: i64 = 600_000;

/// What a channel has sent. Times in Unix milliseconds, in any order.
#[derive(Debug, Clone, Copy, Default)]
pub struct History<'a> {
    /// When alerts were sent singly: those of the last minute count.
    pub singles: &'a [i64],
    /// When the last digest was sent.
    pub last_digest_at: Option<i64>,
}

/// What to do for a channel now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing waits.
    Nothing,
    /// Ask again then, in Unix milliseconds and later than now, or when another alert comes.
    WaitUntil(i64),
    /// Send so many of the oldest, each by itself.
    SendSingly(usize),
    /// Send so many of the oldest as one digest.
    SendDigest(usize),
}

/// Decides for one channel. `waiting`: when each waiting alert was made, all of them, oldest first; `max_wait_ms`: how
/// long the first of a storm waits at most, such as [`DEFAULT_MAX_WAIT_MS`]; times in Unix milliseconds.
///
/// Up to three go out singly, two seconds after the first. More than three, or any after more than five within a
/// minute, are a storm: all are held until ten seconds without a new one, or until the first has waited `max_wait_ms`,
/// and leave as one digest. The next digest comes ten minutes later at the earliest; up to three go out singly again
/// one minute after a digest. It needs no memory of its own: that a storm is being gathered shows in what waits.
pub fn plan(waiting: &[i64], history: &History<'_>, max_wait_ms: i64, now: i64) -> Step {
    let (Some(oldest), Some(newest)) = (waiting.first(), waiting.last()) else {
        return Step::Nothing;
    };
    // A clock that was set back must not hold alerts: what seems to come from the future is long past.
    let past = |at: i64| if at > now { i64::MIN } else { at };
    let (oldest, newest) = (past(*oldest), past(*newest));
    let digest_at = past(history.last_digest_at.unwrap_or(i64::MIN));

    let settled_at = oldest.saturating_add(SETTLE_MS);
    let calm_at = settled_at
        .max(rested_at(history.singles, now))
        .max(digest_at.saturating_add(CALM_MS));
    let over_at = newest
        .saturating_add(LULL_MS)
        .min(oldest.saturating_add(max_wait_ms))
        .max(settled_at);
    let flush_at = over_at.max(digest_at.saturating_add(DIGEST_EVERY_MS));

    let is_few = waiting.len() <= MAX_SINGLES;
    if is_few && calm_at <= now {
        Step::SendSingly(waiting.len())
    } else if flush_at <= now {
        Step::SendDigest(waiting.len())
    } else if is_few {
        Step::WaitUntil(calm_at.min(flush_at))
    } else {
        Step::WaitUntil(flush_at)
    }
}

/// From when on not too many single alerts are recent.
fn rested_at(singles: &[i64], now: i64) -> i64 {
    let recent = |at: &&i64| **at <= now && now.saturating_sub(**at) < RECENT_MS;
    let mut recent: Vec<i64> = singles.iter().filter(recent).copied().collect();
    recent.sort_unstable();
    match recent.len().checked_sub(MAX_RECENT_SINGLES + 1) {
        Some(last_surplus) => recent[last_surplus].saturating_add(RECENT_MS),
        None => i64::MIN,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_168_800_000;
    const MINUTE: i64 = 60_000;

    /// What left, in order: when, as what, and how many.
    #[derive(Debug, Default)]
    struct Sent {
        singles: Vec<i64>,
        digests: Vec<(i64, usize)>,
        longest_wait: i64,
    }

    /// A channel from the first alert to the last, asked when it wants to be.
    fn simulate(arrivals: &[i64], max_wait_ms: i64) -> Sent {
        let mut sent = Sent::default();
        let mut arrivals = arrivals.to_vec();
        arrivals.sort_unstable();
        let mut coming = arrivals.iter().copied().peekable();
        let mut waiting: Vec<i64> = Vec::new();
        let mut now = NOW;
        loop {
            while let Some(at) = coming.next_if(|at| *at <= now) {
                waiting.push(at);
            }
            let history = History {
                singles: &sent.singles,
                last_digest_at: sent.digests.last().map(|(at, _)| *at),
            };
            let next = match plan(&waiting, &history, max_wait_ms, now) {
                Step::Nothing => None,
                Step::WaitUntil(at) => {
                    assert!(at > now, "waits for the past");
                    Some(at)
                }
                Step::SendSingly(n) => {
                    assert!((1..=MAX_SINGLES).contains(&n));
                    for at in waiting.drain(..n) {
                        sent.longest_wait = sent.longest_wait.max(now - at);
                        sent.singles.push(now);
                    }
                    Some(now)
                }
                Step::SendDigest(n) => {
                    for at in waiting.drain(..n) {
                        sent.longest_wait = sent.longest_wait.max(now - at);
                    }
                    sent.digests.push((now, n));
                    Some(now)
                }
            };
            now = match (next, coming.peek()) {
                (Some(next), Some(coming)) => next.min(*coming).max(now),
                (Some(next), None) => next,
                (None, Some(coming)) => *coming,
                (None, None) => return sent,
            };
        }
    }

    fn after(start: i64, offsets: impl IntoIterator<Item = i64>) -> Vec<i64> {
        offsets.into_iter().map(|offset| start + offset).collect()
    }

    #[test]
    fn one_alert_leaves_by_itself_after_two_seconds() {
        let sent = simulate(&[NOW], DEFAULT_MAX_WAIT_MS);
        assert_eq!(sent.singles, [NOW + 2000]);
        assert_eq!(sent.digests, []);
    }

    #[test]
    fn three_at_once_leave_singly() {
        let sent = simulate(&[NOW, NOW, NOW + 5], DEFAULT_MAX_WAIT_MS);
        assert_eq!((sent.singles.len(), sent.digests.len()), (3, 0));
        assert_eq!(sent.longest_wait, 2000);
    }

    #[test]
    fn a_storm_is_one_digest() {
        let sent = simulate(&after(NOW, (0..5000).map(|n| n * 2)), DEFAULT_MAX_WAIT_MS);
        assert!(sent.singles.is_empty());
        assert_eq!(sent.digests, [(NOW + 9998 + 10_000, 5000)]);
        let four = simulate(&[NOW; 4], DEFAULT_MAX_WAIT_MS);
        assert_eq!(four.digests, [(NOW + 10_000, 4)]);
    }

    #[test]
    fn a_storm_without_a_lull_is_told_after_the_longest_wait_and_then_every_ten_minutes() {
        let hour = after(NOW, (0..7200).map(|n| n * 500));
        let sent = simulate(&hour, DEFAULT_MAX_WAIT_MS);
        let times: Vec<_> = sent.digests.iter().map(|(at, _)| (at - NOW) / MINUTE).collect();
        assert_eq!(times, [1, 11, 21, 31, 41, 51, 61]);
        assert!(sent.singles.is_empty());
        let impatient = simulate(&hour, 5000);
        assert_eq!(impatient.digests[0].0, NOW + 5000);
    }

    #[test]
    fn many_single_alerts_within_a_minute_are_a_storm_too() {
        // Two every five seconds: three pairs leave singly, what comes then is gathered.
        let pairs = (0..6).flat_map(|n| [n * 5000, n * 5000 + 1]);
        let sent = simulate(&after(NOW, pairs), DEFAULT_MAX_WAIT_MS);
        assert_eq!(sent.singles.len(), 6);
        assert_eq!(sent.digests, [(NOW + 25_001 + 10_000, 6)]);
    }

    #[test]
    fn a_minute_after_a_digest_few_are_calm_again() {
        let digest_at = NOW;
        let history = History {
            singles: &[],
            last_digest_at: Some(digest_at),
        };
        let plan = |waiting: &[i64], now| plan(waiting, &history, DEFAULT_MAX_WAIT_MS, now);
        let soon = [NOW + 5000; 3];
        assert_eq!(plan(&soon, NOW + 7000), Step::WaitUntil(NOW + MINUTE));
        assert_eq!(plan(&soon, NOW + MINUTE), Step::SendSingly(3));
        let many = [NOW + 5000; 4];
        assert_eq!(plan(&many, NOW + MINUTE), Step::WaitUntil(NOW + 10 * MINUTE));
        assert_eq!(plan(&many, NOW + 10 * MINUTE), Step::SendDigest(4));
        let later = NOW + 5 * MINUTE;
        assert_eq!(plan(&[later], later + 2000), Step::SendSingly(1));
    }

    #[test]
    fn a_clock_that_was_set_back_holds_nothing() {
        let history = History {
            singles: &[NOW + 9_000_000; 20],
            last_digest_at: Some(NOW + 9_000_000),
        };
        let plan = |waiting: &[i64]| plan(waiting, &history, DEFAULT_MAX_WAIT_MS, NOW);
        assert_eq!(plan(&[NOW + 9_000_000]), Step::SendSingly(1));
        assert_eq!(plan(&[NOW + 9_000_000; 4]), Step::SendDigest(4));
        assert_eq!(plan(&[]), Step::Nothing);
    }

    /// Bursts and trickles: pauses between alerts, of very different lengths.
    fn arrivals() -> impl Strategy<Value = Vec<i64>> {
        let pause = prop_oneof![4 => Just(0), 4 => 0..500_i64, 3 => 0..15_000_i64, 1 => 0..900_000_i64];
        prop::collection::vec(pause, 0..120).prop_map(|pauses| {
            let times = pauses.into_iter().scan(NOW, |now, pause| {
                *now += pause;
                Some(*now)
            });
            times.collect()
        })
    }

    proptest! {
        #[test]
        fn every_alert_leaves_once_and_in_time(arrivals in arrivals(), max_wait_ms in 0..1_200_000_i64) {
            let sent = simulate(&arrivals, max_wait_ms);
            let n_digested: usize = sent.digests.iter().map(|(_, n)| n).sum();
            prop_assert_eq!(sent.singles.len() + n_digested, arrivals.len());
            prop_assert!(sent.longest_wait <= max_wait_ms.max(DIGEST_EVERY_MS), "{}", sent.longest_wait);
        }

        #[test]
        fn nobody_is_flooded(arrivals in arrivals()) {
            let sent = simulate(&arrivals, DEFAULT_MAX_WAIT_MS);
            let most = MAX_RECENT_SINGLES + MAX_SINGLES;
            prop_assert!(sent.singles.windows(most + 1).all(|some| some[most] - some[0] >= RECENT_MS));
            prop_assert!(sent.digests.windows(2).all(|pair| pair[1].0 - pair[0].0 >= DIGEST_EVERY_MS));
        }

        #[test]
        fn no_times_panic(waiting in prop::collection::vec(any::<i64>(), 0..9), singles: [i64; 9],
            last_digest_at: Option<i64>, max_wait_ms: i64, now: i64) {
            let history = History { singles: &singles, last_digest_at };
            match plan(&waiting, &history, max_wait_ms, now) {
                Step::Nothing => prop_assert!(waiting.is_empty()),
                Step::WaitUntil(at) => prop_assert!(at > now),
                Step::SendSingly(n) | Step::SendDigest(n) => prop_assert_eq!(n, waiting.len()),
            }
        }
    }
}
