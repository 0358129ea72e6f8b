//! Latencies by the buckets of `sketch`: 32 to each doubling, so any quantile is within 1.1 %. Dense, since here many
//! sketches are added into few. Slot 0 is 0 µs, slot i + 1 is bucket i.

use crate::domain::sketch::{bucket, middle};
use crate::domain::varint::{self, Reader};

/// Slots there can be: up to the longest time that is taken, and one for 0.
const MAX_SLOTS: usize = 1_400;
/// Counts that stand in the byte of the gap; more follow it.
const SHORT_COUNTS: u64 = 3;

/// The slot of a latency in µs.
pub fn slot(us: u64) -> u16 {
    match us {
        0 => 0,
        _ => (bucket(us as f64) + 1) as u16,
    }
}

/// What a slot says, in µs.
fn value(slot: usize) -> f64 {
    match slot {
        0 => 0.,
        _ => middle(slot as i32 - 1),
    }
}

/// How many observations of each slot.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    counts: Vec<u64>,
    /// The first slot that is not 0.
    first: usize,
}

impl Histogram {
    /// Counts `n` observations. Slots that cannot be are left out.
    pub fn add(&mut self, slot: u16, n: u64) {
        let slot = usize::from(slot);
        if slot >= self.counts.len() {
            if slot >= MAX_SLOTS {
                return;
            }
            if self.counts.is_empty() {
                self.first = slot;
            }
            self.counts.resize(slot + 1, 0);
        }
        self.first = self.first.min(slot);
        self.counts[slot] += n;
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &Self) {
        for (slot, n) in other.slots() {
            self.add(slot, n);
        }
    }

    /// Slots with observations, in order.
    pub fn slots(&self) -> impl Iterator<Item = (u16, u64)> {
        let counts = self.counts.iter().enumerate().skip(self.first);
        counts.filter(|(_, n)| **n > 0).map(|(slot, n)| (slot as u16, *n))
    }

    /// Forgets all; keeps its room.
    pub fn clear(&mut self) {
        self.counts.clear();
        self.first = 0;
    }

    /// Observations up to a latency in µs; those of its own slot all count.
    pub fn count_up_to(&self, us: u64) -> u64 {
        let last = slot(us);
        self.slots()
            .take_while(|(slot, _)| *slot <= last)
            .map(|(_, n)| n)
            .sum()
    }

    /// Percentiles in µs as `PERCENTILE_CONT` has them: between two observations in proportion. `bounds` are the least
    /// and the greatest, which are known exactly. `quantiles` ascend.
    pub fn quantiles<const N: usize>(&self, quantiles: [f64; N], bounds: (f64, f64)) -> Option<[f64; N]> {
        let n: u64 = self.counts[self.first.min(self.counts.len())..].iter().sum();
        if n == 0 {
            return None;
        }
        let last = n - 1;
        let mut ranks = Ranks {
            slots: self.slots(),
            before: 0,
            now: None,
        };
        let mut at = |rank: u64| match rank {
            0 => bounds.0,
            _ if rank == last => bounds.1,
            _ => ranks.at(rank).clamp(bounds.0, bounds.1),
        };
        Some(quantiles.map(|quantile| {
            let place = quantile * last as f64;
            let lower = place.floor();
            let below = at(lower as u64);
            let above = at((lower as u64 + 1).min(last));
            below + (above - below) * (place - lower)
        }))
    }
}

/// Goes through the observations once; ranks that are asked for never go back by more than one.
struct Ranks<I> {
    slots: I,
    /// Observations of slots before that of `now`.
    before: u64,
    now: Option<(u16, u64)>,
}

impl<I: Iterator<Item = (u16, u64)>> Ranks<I> {
    fn at(&mut self, rank: u64) -> f64 {
        loop {
            if let Some((slot, n)) = self.now {
                if rank < self.before + n {
                    return value(usize::from(slot));
                }
                self.before += n;
            }
            match self.slots.next() {
                Some(next) => self.now = Some(next),
                None => return f64::INFINITY,
            }
        }
    }
}

/// Appends slots with their counts, in order: most take one byte.
pub fn encode(slots: impl Iterator<Item = (u16, u64)>, out: &mut Vec<u8>) {
    let mut next = 0;
    for (slot, n) in slots {
        let gap = u64::from(slot) - next;
        varint::write(out, (gap << 2) | n.saturating_sub(1).min(SHORT_COUNTS));
        if n > SHORT_COUNTS {
            varint::write(out, n - SHORT_COUNTS - 1);
        }
        next = u64::from(slot) + 1;
    }
}

/// Hands on what [`encode`] wrote, up to the end or to what cannot be.
pub fn decode(bytes: &[u8], mut each: impl FnMut(u16, u64)) {
    let mut reader = Reader::new(bytes);
    let mut next = 0_u64;
    while let Some(token) = reader.number() {
        let n = match token & SHORT_COUNTS {
            SHORT_COUNTS => reader.number().map(|more| more.saturating_add(SHORT_COUNTS + 1)),
            short => Some(short + 1),
        };
        let slot = u16::try_from(next.saturating_add(token >> 2));
        let (Some(n), Ok(slot)) = (n, slot) else { return };
        each(slot, n);
        next = u64::from(slot) + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(values: &[f64], q: f64) -> f64 {
        let place = q * (values.len() - 1) as f64;
        let (lower, upper) = (place.floor() as usize, place.ceil() as usize);
        values[lower] + (values[upper] - values[lower]) * (place - place.floor())
    }

    proptest! {
        #[test]
        fn percentiles_are_within_1_1_percent(mut values in prop::collection::vec(0_u64..3_000_000_000, 1..200), few in prop::collection::vec(0_u64..50, 0..50)) {
            values.extend(few);
            let mut histogram = Histogram::default();
            values.iter().for_each(|us| histogram.add(slot(*us), 1));
            values.sort_unstable();
            let values: Vec<f64> = values.iter().map(|us| *us as f64).collect();
            let bounds = (values[0], values[values.len() - 1]);
            let quantiles = [0., 0.5, 0.95, 0.99, 1.];
            let told = histogram.quantiles(quantiles, bounds).unwrap();
            for (q, told) in quantiles.into_iter().zip(told) {
                let expected = exact(&values, q);
                prop_assert!((told - expected).abs() <= expected * 0.0111 + 1e-6, "p{} is {}, not {}", q, told, expected);
            }
        }

        #[test]
        fn slots_come_back(counts in prop::collection::btree_map(0_u16..1300, 1_u64..2000, 0..80)) {
            let mut bytes = Vec::new();
            encode(counts.iter().map(|(slot, n)| (*slot, *n)), &mut bytes);
            let mut back = Histogram::default();
            decode(&bytes, |slot, n| back.add(slot, n));
            prop_assert_eq!(back.slots().collect::<Vec<_>>(), counts.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut histogram = Histogram::default();
            decode(&bytes, |slot, n| histogram.add(slot, n.min(1000)));
            let _ = histogram.quantiles([0.5, 0.99], (0., 1.));
        }
    }

    #[test]
    fn most_latencies_take_a_byte() {
        let mut bytes = Vec::new();
        encode((0..20).map(|n| (500 + n * 5, 1 + u64::from(n % 3))), &mut bytes);
        assert_eq!(bytes.len(), 21);
    }
}
