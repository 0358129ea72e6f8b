//! How fine the answer to a query is: raw samples, or buckets of a minute, five minutes or an hour, and from which
//! tier it is read. The coarsest tier that gives every bucket exactly is the one taken.

use std::ops::Range;

use super::timestamp::{DAY_MS, HOUR_MS, MINUTE_MS};

/// Buckets of one answer.
pub const MAX_POINTS: i64 = 11_000;
/// Buckets of a whole range are at least this much finer than the range, so that its ends are right to 1 %.
const WHOLE_PARTS: i64 = 100;

/// A tier of the store, the finest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tier {
    /// Samples themselves; of histograms, minutes.
    Raw,
    /// Buckets of a minute.
    Minute,
    /// Buckets of five minutes.
    FiveMinutes,
    /// Buckets of an hour.
    Hour,
}

impl Tier {
    /// All, the coarsest first.
    const COARSEST_FIRST: [Tier; 4] = [Tier::Hour, Tier::FiveMinutes, Tier::Minute, Tier::Raw];

    /// Length of its buckets; raw times are looked at by the second.
    pub fn width_ms(self) -> i64 {
        match self {
            Self::Raw => 1000,
            Self::Minute => MINUTE_MS,
            Self::FiveMinutes => 5 * MINUTE_MS,
            Self::Hour => HOUR_MS,
        }
    }

    /// Its name in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Minute => "minute",
            Self::FiveMinutes => "five_minutes",
            Self::Hour => "hour",
        }
    }
}

/// How long the buckets are to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Step {
    /// The contract's choice (§3.3): a minute up to a day, else an hour.
    #[default]
    Auto,
    /// The buckets of a tier.
    Of(Tier),
    /// So many milliseconds, or more where that is no longer kept.
    Ms(i64),
    /// One bucket for all.
    Whole,
}

/// How long each tier is kept, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Retention {
    /// `RETENTION_RAW`
    pub raw_ms: i64,
    /// `RETENTION_MINUTE`
    pub minute_ms: i64,
    /// `RETENTION_FIVE_MINUTES`
    pub five_minutes_ms: i64,
    /// `RETENTION_HOURLY`
    pub hour_ms: i64,
}

impl Retention {
    /// How long a tier is kept. A finer one does for a coarser one, so none is shorter than the one before.
    pub fn of(&self, tier: Tier) -> i64 {
        match tier {
            Tier::Raw => self.raw_ms,
            Tier::Minute => self.minute_ms.max(self.raw_ms),
            Tier::FiveMinutes => self.five_minutes_ms.max(self.of(Tier::Minute)),
            Tier::Hour => self.hour_ms.max(self.of(Tier::FiveMinutes)),
        }
    }
}

/// Buckets of equal length, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// Where the first begins, Unix milliseconds.
    pub from_ms: i64,
    /// Length of each.
    pub step_ms: i64,
    /// How many there are.
    pub n: usize,
}

impl Grid {
    /// Where the last ends.
    pub fn to_ms(&self) -> i64 {
        self.from_ms + self.step_ms * self.n as i64
    }

    /// All of its time.
    pub fn range(&self) -> Range<i64> {
        self.from_ms..self.to_ms()
    }

    /// The whole hours of it, where it is one bucket that has some; else nothing.
    pub fn whole_hours(&self) -> Range<i64> {
        let from_ms = self.from_ms + (-self.from_ms).rem_euclid(HOUR_MS);
        match self.n {
            1 => from_ms..self.to_ms() - self.to_ms().rem_euclid(HOUR_MS),
            _ => from_ms..from_ms,
        }
    }

    /// The bucket of a time.
    #[inline]
    pub fn place(&self, at_ms: i64) -> Option<usize> {
        let since = at_ms - self.from_ms;
        if since < 0 {
            return None;
        }
        let place = (since / self.step_ms) as usize;
        (place < self.n).then_some(place)
    }

    /// Where a bucket begins.
    pub fn at_ms(&self, place: usize) -> i64 {
        self.from_ms + self.step_ms * place as i64
    }
}

/// What a query reads, and into which buckets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Where from.
    pub tier: Tier,
    /// Where to.
    pub grid: Grid,
}

impl Plan {
    /// The same of what is told by the minute and not finer: a bucket that begins within a minute would not have it.
    pub fn by_minutes(self) -> Self {
        let Grid { from_ms, step_ms, n } = self.grid;
        if self.tier > Tier::Raw {
            return self;
        }
        let to_ms = self.grid.to_ms();
        let grid = match n {
            1 => {
                let from_ms = from_ms - from_ms.rem_euclid(MINUTE_MS);
                let step_ms = to_ms - from_ms;
                Grid { from_ms, step_ms, n }
            }
            _ => {
                let minutes = step_ms / MINUTE_MS + i64::from(step_ms % MINUTE_MS > 0);
                aligned(from_ms, to_ms, minutes * MINUTE_MS)
            }
        };
        Self {
            tier: Tier::Minute,
            grid,
        }
    }
}

/// Plans the buckets from `from_ms` (which is in the first) up to `to_ms`. `None` for more than [`MAX_POINTS`].
pub fn plan(from_ms: i64, to_ms: i64, step: Step, now_ms: i64, kept: &Retention) -> Option<Plan> {
    // Nothing comes from later than an hour ahead.
    let to_ms = to_ms.min(now_ms + HOUR_MS + 1);
    // Nothing is older than what is kept longest; a day more, since tiers are dropped in pieces.
    let from_ms = from_ms.max(now_ms - kept.of(Tier::Hour) - DAY_MS).min(to_ms - 1);
    let range_ms = to_ms - from_ms;
    let wanted_ms = match step {
        Step::Auto if range_ms <= DAY_MS => MINUTE_MS,
        Step::Auto => HOUR_MS,
        Step::Of(tier) => tier.width_ms(),
        Step::Ms(ms) => ms.max(1000),
        Step::Whole => return Some(whole(from_ms, to_ms, now_ms, kept)),
    };
    let finest = finest_kept(from_ms, now_ms, kept).width_ms();
    let wanted_ms = wanted_ms.max(finest);
    let tier = coarsest_dividing(wanted_ms);
    // A step that no kept tier divides becomes the next that one does.
    let tier = tier.max(finest_kept(from_ms, now_ms, kept));
    let step_ms = wanted_ms.div_euclid(tier.width_ms()).max(1) * tier.width_ms();
    let grid = aligned(from_ms, to_ms, step_ms);
    (grid.n as i64 <= MAX_POINTS).then_some(Plan { tier, grid })
}

fn coarsest_dividing(step_ms: i64) -> Tier {
    let divides = |tier: &Tier| step_ms % tier.width_ms() == 0;
    Tier::COARSEST_FIRST
        .into_iter()
        .find(divides)
        .unwrap_or(Tier::Raw)
}

/// The finest tier that still has what was at `from_ms`.
fn finest_kept(from_ms: i64, now_ms: i64, kept: &Retention) -> Tier {
    let has = |tier: &&Tier| now_ms - from_ms <= kept.of(**tier) + tier.width_ms();
    let finest = Tier::COARSEST_FIRST.iter().rev().find(has);
    finest.copied().unwrap_or(Tier::Hour)
}

fn aligned(from_ms: i64, to_ms: i64, step_ms: i64) -> Grid {
    let from_ms = from_ms.div_euclid(step_ms) * step_ms;
    let n = (to_ms - from_ms + step_ms - 1).div_euclid(step_ms);
    Grid {
        from_ms,
        step_ms,
        n: usize::try_from(n).unwrap_or(0).max(1),
    }
}

/// One bucket whose ends are those of the tier's.
fn whole(from_ms: i64, to_ms: i64, now_ms: i64, kept: &Retention) -> Plan {
    let part = (to_ms - from_ms) / WHOLE_PARTS;
    let is_fine = |tier: &Tier| tier.width_ms() <= part;
    let tier = Tier::COARSEST_FIRST
        .into_iter()
        .find(is_fine)
        .unwrap_or(Tier::Raw);
    let tier = tier.max(finest_kept(from_ms, now_ms, kept));
    let cut = aligned(from_ms, to_ms, tier.width_ms());
    let grid = Grid {
        from_ms: cut.from_ms,
        step_ms: cut.to_ms() - cut.from_ms,
        n: 1,
    };
    Plan { tier, grid }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_168_800_000;
    const KEPT: Retention = Retention {
        raw_ms: HOUR_MS,
        minute_ms: DAY_MS,
        five_minutes_ms: 7 * DAY_MS,
        hour_ms: 30 * DAY_MS,
    };

    fn check(range_ms: i64, step: Step, tier: Tier, step_ms: i64) {
        let plan = plan(NOW - range_ms, NOW, step, NOW, &KEPT).unwrap();
        assert_eq!(
            (plan.tier, plan.grid.step_ms),
            (tier, step_ms),
            "{range_ms} {step:?}"
        );
        assert!(plan.grid.from_ms <= NOW - range_ms && plan.grid.to_ms() >= NOW);
        assert!(
            NOW - range_ms - plan.grid.from_ms < step_ms,
            "no bucket is for nothing"
        );
    }

    #[test]
    fn the_coarsest_tier_that_is_exact_is_taken() {
        check(HOUR_MS, Step::Auto, Tier::Minute, MINUTE_MS);
        check(DAY_MS, Step::Auto, Tier::Minute, MINUTE_MS);
        check(DAY_MS + 1, Step::Auto, Tier::Hour, HOUR_MS);
        check(HOUR_MS, Step::Ms(10_000), Tier::Raw, 10_000);
        check(HOUR_MS, Step::Ms(90_000), Tier::Raw, 90_000);
        check(
            DAY_MS,
            Step::Ms(10 * MINUTE_MS),
            Tier::FiveMinutes,
            10 * MINUTE_MS,
        );
        check(DAY_MS, Step::Ms(DAY_MS), Tier::Hour, DAY_MS);
        check(
            DAY_MS,
            Step::Of(Tier::FiveMinutes),
            Tier::FiveMinutes,
            5 * MINUTE_MS,
        );
    }

    #[test]
    fn what_is_no_longer_kept_so_fine_is_told_coarser() {
        check(DAY_MS, Step::Ms(10_000), Tier::Minute, MINUTE_MS);
        check(3 * DAY_MS, Step::Ms(MINUTE_MS), Tier::FiveMinutes, 5 * MINUTE_MS);
        check(
            3 * DAY_MS,
            Step::Ms(7 * MINUTE_MS),
            Tier::FiveMinutes,
            5 * MINUTE_MS,
        );
        check(20 * DAY_MS, Step::Ms(MINUTE_MS), Tier::Hour, HOUR_MS);
    }

    #[test]
    fn only_what_is_one_bucket_may_be_made_of_hours() {
        let check = |from_ms, step_ms, n, expected| {
            let grid = Grid { from_ms, step_ms, n };
            assert_eq!(grid.whole_hours(), expected, "{grid:?}");
        };
        let minutes = |n: i64| n * MINUTE_MS;
        check(minutes(55), minutes(70), 1, minutes(60)..minutes(120));
        check(minutes(60), minutes(120), 1, minutes(60)..minutes(180));
        check(minutes(60), minutes(60), 2, minutes(60)..minutes(60));
        let none = Grid {
            from_ms: minutes(5),
            step_ms: minutes(70),
            n: 1,
        };
        assert!(none.whole_hours().is_empty());
    }

    #[test]
    fn a_whole_range_is_one_bucket() {
        for (range, tier) in [
            (DAY_MS, Tier::FiveMinutes),
            (7 * DAY_MS, Tier::Hour),
            (HOUR_MS, Tier::Raw),
        ] {
            let plan = plan(NOW - range + 1, NOW, Step::Whole, NOW, &KEPT).unwrap();
            assert_eq!((plan.tier, plan.grid.n), (tier, 1));
            assert!(plan.grid.step_ms <= range + range / 50 && plan.grid.to_ms() >= NOW);
        }
    }

    #[test]
    fn no_time_is_looked_at_that_is_yet_to_come() {
        for step in [Step::Whole, Step::Of(Tier::Hour)] {
            let plan = plan(NOW - DAY_MS, i64::MAX / 2, step, NOW, &KEPT).unwrap();
            assert!(plan.grid.to_ms() <= NOW + 2 * HOUR_MS, "{step:?}");
        }
    }

    #[test]
    fn what_is_told_by_the_minute_has_whole_minutes() {
        let by_minutes = |from_ms, step_ms, n| {
            let grid = Grid { from_ms, step_ms, n };
            let tier = Tier::Raw;
            let Grid { from_ms, step_ms, n } = Plan { tier, grid }.by_minutes().grid;
            (from_ms, step_ms, n)
        };
        assert_eq!(by_minutes(90_000, 30_000, 1), (60_000, 60_000, 1));
        assert_eq!(by_minutes(60_000, 30_000, 1), (60_000, 30_000, 1));
        assert_eq!(by_minutes(90_000, 10_000, 6), (60_000, 60_000, 2));
        assert_eq!(by_minutes(90_000, 90_000, 2), (0, 120_000, 3));
    }

    #[test]
    fn points_are_bounded_and_so_is_the_past() {
        assert_eq!(
            plan(
                NOW - HOUR_MS * 4,
                NOW,
                Step::Ms(1000),
                NOW,
                &Retention {
                    raw_ms: DAY_MS,
                    ..KEPT
                }
            ),
            None
        );
        let plan = plan(0, NOW, Step::Auto, NOW, &KEPT).unwrap();
        assert!(plan.grid.n <= 31 * 24 + 1);
    }

    #[test]
    fn times_find_their_bucket() {
        let grid = Grid {
            from_ms: 1000,
            step_ms: 10,
            n: 3,
        };
        assert_eq!(
            (
                grid.place(999),
                grid.place(1000),
                grid.place(1029),
                grid.place(1030)
            ),
            (None, Some(0), Some(2), None)
        );
        assert_eq!((grid.at_ms(2), grid.to_ms()), (1020, 1030));
    }
}
