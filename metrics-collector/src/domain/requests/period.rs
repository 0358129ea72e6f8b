//! Periods in which requests are counted, and by which of them a range of time is covered with the least to read.

use crate::domain::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Everything begins here.
    Minute,
    /// Malti's first rollup.
    FiveMinutes,
    /// Malti's second.
    Hour,
    /// For long ranges, which would read too many hours.
    Day,
    /// For still longer ones; since 1970-01-01.
    FourWeeks,
}

impl Tier {
    /// From the shortest on.
    pub const ALL: [Self; 5] = [
        Self::Minute,
        Self::FiveMinutes,
        Self::Hour,
        Self::Day,
        Self::FourWeeks,
    ];

    /// Its length.
    pub fn span_ms(self) -> i64 {
        match self {
            Self::Minute => MINUTE_MS,
            Self::FiveMinutes => 5 * MINUTE_MS,
            Self::Hour => HOUR_MS,
            Self::Day => DAY_MS,
            Self::FourWeeks => 28 * DAY_MS,
        }
    }

    /// The number of the period that a time is in.
    pub fn period(self, at_ms: i64) -> i64 {
        at_ms.div_euclid(self.span_ms())
    }
}

/// How long which periods are kept, in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// Minutes.
    pub minutes_ms: i64,
    /// Five minutes.
    pub five_minutes_ms: i64,
    /// Hours and longer.
    pub hours_ms: i64,
}

impl Kept {
    /// How long periods of a tier are kept.
    pub fn of(&self, tier: Tier) -> i64 {
        match tier {
            Tier::Minute => self.minutes_ms,
            Tier::FiveMinutes => self.five_minutes_ms,
            Tier::Hour | Tier::Day | Tier::FourWeeks => self.hours_ms,
        }
    }

    /// The first period of a tier that is kept.
    pub fn first(&self, tier: Tier, now_ms: i64) -> i64 {
        tier.period(now_ms - self.of(tier))
    }
}

/// Periods of one length, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Their length.
    pub tier: Tier,
    /// The number of the first.
    pub first: i64,
    /// The number of the one after the last.
    pub end: i64,
}

/// Covers a range, which begins and ends with a minute, with as few periods as can be.
///
/// What is before `closed_ms` is in periods of all lengths, and what is after it in minutes only; so a long period in
/// which that lies has all that is before it, and can be taken when the range reaches that far.
pub fn cover(from_ms: i64, to_ms: i64, closed_ms: i64) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let mut push = |tier: Tier, first: i64, end: i64| match runs.last_mut() {
        Some(last) if last.tier == tier && last.end == first => last.end = end,
        _ => runs.push(Run { tier, first, end }),
    };
    let mut at_ms = from_ms;
    while at_ms < to_ms.min(closed_ms) {
        let fits = |tier: &Tier| {
            let span_ms = tier.span_ms();
            at_ms.rem_euclid(span_ms) == 0 && (at_ms + span_ms).min(closed_ms) <= to_ms
        };
        let tier = Tier::ALL.into_iter().rev().find(fits).unwrap_or(Tier::Minute);
        let period = tier.period(at_ms);
        push(tier, period, period + 1);
        at_ms = (period + 1) * tier.span_ms();
    }
    let open_ms = from_ms.max(closed_ms);
    if open_ms < to_ms {
        push(
            Tier::Minute,
            Tier::Minute.period(open_ms),
            Tier::Minute.period(to_ms - 1) + 1,
        );
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_minute_is_covered_once(from in 0_i64..200_000, length in 0_i64..200_000, closed in 0_i64..7_000) {
            let (from_ms, to_ms, closed_ms) = (from * MINUTE_MS, (from + length) * MINUTE_MS, closed * HOUR_MS);
            let mut next_ms = from_ms;
            for run in cover(from_ms, to_ms, closed_ms) {
                prop_assert_eq!(run.first * run.tier.span_ms(), next_ms);
                next_ms = run.end * run.tier.span_ms();
                if run.tier > Tier::Minute {
                    prop_assert!(next_ms <= to_ms || closed_ms <= to_ms);
                    // What is after is open, and begins there.
                    next_ms = next_ms.min(closed_ms);
                }
            }
            prop_assert_eq!(next_ms, to_ms.max(from_ms));
        }
    }

    #[test]
    fn a_year_takes_few_periods() {
        let now_ms = 20_785 * DAY_MS + 13 * HOUR_MS + 17 * MINUTE_MS;
        let closed_ms = 20_785 * DAY_MS + 12 * HOUR_MS;
        let runs = cover(now_ms - now_ms % HOUR_MS - 365 * DAY_MS, now_ms, closed_ms);
        let n: i64 = runs
            .iter()
            .filter(|run| run.tier > Tier::Minute)
            .map(|run| run.end - run.first)
            .sum();
        assert!(n <= 14 + 27 + 23, "{runs:?}");
    }
}
