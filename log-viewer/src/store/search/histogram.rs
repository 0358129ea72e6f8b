//! Volume over time. A block whose time is within one bucket is counted by its facts.

use super::Reading;
use super::sieve::Sieve;
use super::walk::Walk;
use crate::domain::filter::Filter;
use crate::domain::paging::{Histogram, LevelCounts, Order};
use crate::store::blocks::Block;
use crate::store::frame::Frame;

/// Widths of buckets that people like to read, in seconds.
const STEPS: [i64; 20] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
    172_800, 604_800,
];
const SECOND_NS: i64 = 1_000_000_000;
/// Buckets at most.
const MAX_BUCKETS: usize = 2_000;

/// Volume over time in at most `n_buckets` buckets.
pub(super) fn histogram(
    reading: &mut Reading<'_>,
    filter: &Filter,
    n_buckets: usize,
) -> rusqlite::Result<Histogram> {
    let Some((first_ns, last_ns)) = span(reading, filter)? else {
        return Ok(Histogram {
            is_complete: true,
            ..Histogram::default()
        });
    };
    // With the range in the filter nothing is found that has no bucket.
    let filter = Filter {
        since_ns: Some(first_ns),
        until_ns: Some(last_ns),
        ..filter.clone()
    };
    let mut sieve = reading.sieve(&filter);
    let mut buckets = Buckets::new(first_ns, last_ns, n_buckets.clamp(1, MAX_BUCKETS) as i64);
    for frame in reading.window.frames() {
        let places = sieve.places(frame, |row| row.id >= reading.sealed_before);
        buckets.add(frame, &places);
    }
    // The newest first: where time runs out, it is the past that is missing.
    let mut walk = Walk::new(reading.connection, Order::NewestFirst, &sieve)?;
    while let Some(block) = walk.next(reading.connection, &sieve)? {
        if buckets.add_facts(&sieve, &block) {
            continue;
        }
        if reading.is_late() {
            buckets.is_complete = false;
            break;
        }
        let frame = reading.frame(&block, sieve.part())?;
        let places = sieve.places(&frame, |_| true);
        buckets.add(&frame, &places);
    }
    Ok(Histogram {
        start_ns: buckets.first.saturating_mul(buckets.step_ns),
        step_ns: buckets.step_ns,
        buckets: buckets.counts,
        is_complete: buckets.is_complete,
    })
}

/// From when to when: as asked for, else of all there is.
fn span(reading: &Reading<'_>, filter: &Filter) -> rusqlite::Result<Option<(i64, i64)>> {
    let (mut first, mut last) = (filter.since_ns, filter.until_ns);
    if first.is_none() || last.is_none() {
        // Of blocks: a partition's span stays as it was when blocks of it leave.
        let mut statement = reading
            .connection
            .prepare_cached("select min(first_ns), max(last_ns) from blocks")?;
        let (earliest, latest): (Option<i64>, Option<i64>) =
            statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let times = || {
            let rows = reading.window.frames().iter().flat_map(|frame| &frame.rows);
            rows.filter(|row| row.id >= reading.sealed_before)
                .map(|row| row.time_ns)
        };
        first = first.or_else(|| earliest.into_iter().chain(times()).min());
        last = last.or_else(|| latest.into_iter().chain(times()).max());
    }
    Ok(first.zip(last).filter(|(first, last)| first <= last))
}

struct Buckets {
    /// Number of the first, counted from 1970.
    first: i64,
    step_ns: i64,
    counts: Vec<LevelCounts>,
    is_complete: bool,
}

impl Buckets {
    fn new(first_ns: i64, last_ns: i64, n_buckets: i64) -> Self {
        let fits = |step: i64| last_ns.div_euclid(step) - first_ns.div_euclid(step) < n_buckets;
        let step_ns = STEPS
            .iter()
            .map(|seconds| seconds * SECOND_NS)
            .find(|step| fits(*step))
            .unwrap_or_else(|| {
                let week = STEPS[STEPS.len() - 1] * SECOND_NS;
                let weeks =
                    (i128::from(last_ns) - i128::from(first_ns)) / i128::from(week) / i128::from(n_buckets);
                i64::try_from(weeks + 2).unwrap_or(1).saturating_mul(week)
            });
        let first = first_ns.div_euclid(step_ns);
        let n = (last_ns.div_euclid(step_ns) - first + 1).clamp(1, MAX_BUCKETS as i64 + 1);
        Self {
            first,
            step_ns,
            counts: vec![LevelCounts::default(); n as usize],
            is_complete: true,
        }
    }

    fn at(&mut self, time_ns: i64) -> Option<&mut LevelCounts> {
        let at = time_ns.div_euclid(self.step_ns) - self.first;
        self.counts.get_mut(usize::try_from(at).ok()?)
    }

    fn add(&mut self, frame: &Frame, places: &[usize]) {
        for row in places.iter().map(|at| &frame.rows[*at]) {
            if let Some(counts) = self.at(row.time_ns) {
                counts[row.level.index()] += 1;
            }
        }
    }

    /// Whether the block could be counted by its facts.
    fn add_facts(&mut self, sieve: &Sieve<'_>, block: &Block) -> bool {
        let is_in_one = block.first_ns.div_euclid(self.step_ns) == block.last_ns.div_euclid(self.step_ns);
        if sieve.filter.query.needs_text() || !is_in_one {
            return false;
        }
        let (Some(tallies), Some(counts)) = (sieve.tallied(block), self.at(block.first_ns)) else {
            return false;
        };
        for tally in tallies {
            counts[tally.level.index()] += tally.n;
        }
        true
    }
}
