//! When a known group is suddenly far over its own past: the rule of the spike alert.
//!
//! It would rather miss one than cry wolf: the hour that has only begun is compared with whole hours, and with the
//! busy ones among them.

/// The rule in one sentence, for the page.
pub const RULE: &str = "A spike is an hour with at least 20 events and at least 5 times as many as a busy hour of \
    the past week (the larger of the mean and the 95th percentile), in a group older than a day that had no spike \
    in the 25 hours before.";

const MIN_EVENTS: u64 = 20;
const MIN_RATIO: u64 = 5;
const MAX_PAST_HOURS: usize = 168;
/// A group has a past after a day: the first, broken hour and 24 whole ones.
const MIN_PAST_HOURS: usize = 25;
/// A day, and one hour more: what fails every night may be a little late.
const N_CALM_HOURS: usize = 25;
const HOUR_MS: i64 = 3_600_000;

/// Events of one group by hour of the clock (UTC).
#[derive(Debug, Clone, Copy)]
pub struct Counts<'a> {
    /// Of the present hour so far.
    pub this_hour: u64,
    /// Of the hours before, oldest first, with those without events as 0. Only the last 168 count.
    pub past_hours: &'a [u64],
    /// When the group's first event came, in Unix milliseconds.
    pub first_seen_at: i64,
}

/// A spike, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spike {
    /// Events of the present hour so far.
    pub n_events: u64,
    /// Events of a busy hour of the past week.
    pub busy_hour: u64,
}

/// The spike that the present hour is, if it is one. It stays one until the hour ends, so whoever alerts remembers
/// that it did; in the hours after, it is the spike before them. `now` in Unix milliseconds.
pub fn of(counts: &Counts<'_>, now: i64) -> Option<Spike> {
    // Hours before the group's first event are no quiet ones: there was nothing to hear.
    let n_lived = now.div_euclid(HOUR_MS) - counts.first_seen_at.div_euclid(HOUR_MS);
    let n_lived = usize::try_from(n_lived).unwrap_or_default();
    let all = counts.past_hours;
    let past = &all[all.len() - all.len().min(n_lived).min(MAX_PAST_HOURS)..];
    let mut recent = past.len().saturating_sub(N_CALM_HOURS)..past.len();
    if recent.any(|at| far_over(past[at], &past[..at]).is_some()) {
        return None;
    }
    far_over(counts.this_hour, past)
}

fn far_over(n_events: u64, past: &[u64]) -> Option<Spike> {
    if n_events < MIN_EVENTS || past.len() < MIN_PAST_HOURS {
        return None;
    }
    let busy_hour = busy_hour(past);
    let is_far = n_events >= busy_hour.saturating_mul(MIN_RATIO);
    is_far.then_some(Spike { n_events, busy_hour })
}

/// The larger of the mean, rounded up, and the 95th percentile. `past` is not empty.
fn busy_hour(past: &[u64]) -> u64 {
    let n_hours = past.len() as u64;
    let sum = past.iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
    let mut sorted = past.to_vec();
    let rank = (past.len() * 95).div_ceil(100) - 1;
    let (_, percentile, _) = sorted.select_nth_unstable(rank);
    sum.div_ceil(n_hours).max(*percentile)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_795_168_800_000;

    /// Of a group that is as old as its past.
    fn spike(this_hour: u64, past_hours: &[u64]) -> Option<Spike> {
        let counts = Counts {
            this_hour,
            past_hours,
            first_seen_at: NOW - past_hours.len() as i64 * HOUR_MS,
        };
        of(&counts, NOW)
    }

    fn is_spike(this_hour: u64, past_hours: &[u64]) -> bool {
        spike(this_hour, past_hours).is_some()
    }

    /// In how many hours of a sequence somebody is alerted.
    fn n_spikes(hours: &[u64]) -> usize {
        (0..hours.len())
            .filter(|at| is_spike(hours[*at], &hours[..*at]))
            .count()
    }

    #[test]
    fn a_quiet_group_spikes_at_twenty_events() {
        assert!(!is_spike(19, &[0; 168]));
        assert_eq!(
            spike(20, &[0; 168]),
            Some(Spike {
                n_events: 20,
                busy_hour: 0
            })
        );
        assert!(is_spike(20, &[1; 168]));
    }

    #[test]
    fn a_busy_group_spikes_at_five_times_its_busy_hour() {
        assert!(!is_spike(499, &[100; 168]));
        assert!(is_spike(500, &[100; 168]));
        // Office hours: 100 in eight hours of a day. The mean is 34, and still 400 is an ordinary rush.
        let week: Vec<u64> = (0..168).map(|hour| if hour % 24 < 8 { 100 } else { 0 }).collect();
        assert!(!is_spike(400, &week));
        assert!(is_spike(500, &week));
    }

    #[test]
    fn a_group_without_a_past_has_no_spike() {
        assert!(!is_spike(1_000_000, &[]));
        assert!(!is_spike(1_000_000, &[0; 24]));
        assert!(is_spike(1_000_000, &[0; 25]));
        // The zeros before its first event do not make it older.
        let counts = Counts {
            this_hour: 1000,
            past_hours: &[0; 168],
            first_seen_at: NOW - 3 * HOUR_MS,
        };
        assert_eq!(of(&counts, NOW), None);
        let of_the_future = Counts {
            first_seen_at: i64::MAX,
            ..counts
        };
        assert_eq!(of(&of_the_future, NOW), None);
    }

    #[test]
    fn a_spike_is_told_once_however_long_it_lasts() {
        let mut hours = vec![1; 100];
        hours.extend([300; 60]);
        assert_eq!(n_spikes(&hours), 1);
        let flapping: Vec<u64> = (0..100).map(|hour| if hour % 5 == 0 { 300 } else { 0 }).collect();
        assert_eq!(n_spikes(&[vec![0; 100], flapping].concat()), 1);
    }

    #[test]
    fn what_fails_every_night_is_told_once() {
        let nights: Vec<u64> = (0..24 * 20)
            .map(|hour| if hour % 24 == 2 { 500 } else { 0 })
            .collect();
        assert_eq!(n_spikes(&nights), 1);
    }

    #[test]
    fn the_rule_is_told_with_its_numbers() {
        for number in [MIN_EVENTS, MIN_RATIO, N_CALM_HOURS as u64] {
            assert!(RULE.contains(&format!(" {number} ")), "{number}");
        }
        assert!(!RULE.contains("  "));
    }

    fn hours() -> impl Strategy<Value = Vec<u64>> {
        let hour = prop_oneof![4 => Just(0), 4 => 0..30_u64, 1 => 0..5000_u64, 1 => any::<u64>()];
        prop::collection::vec(hour, 0..200)
    }

    proptest! {
        #[test]
        fn more_events_never_end_a_spike(
            n_events in 0..300_u64, more: u64, past in prop::collection::vec(0..15_u64, 0..200),
        ) {
            prop_assert!(!is_spike(n_events, &past) || is_spike(n_events.saturating_add(more), &past));
        }

        #[test]
        fn no_two_spikes_are_within_a_day(hours in hours()) {
            let spikes: Vec<_> = (0..hours.len()).filter(|at| is_spike(hours[*at], &hours[..*at])).collect();
            prop_assert!(spikes.windows(2).all(|pair| pair[1] - pair[0] > 24), "{:?}", spikes);
        }

        #[test]
        fn what_swings_less_than_fivefold_never_spikes(hours in prop::collection::vec(100..500_u64, 0..200)) {
            prop_assert_eq!(n_spikes(&hours), 0);
        }
    }
}
