//! The distribution of many observations in little room: counts by base-2 exponential buckets, 32 to each doubling.
//! Any quantile is within 1.1 % of the true one, and sketches merge without loss. The layout is that of Prometheus'
//! native histograms and OpenTelemetry's exponential ones at schema 5.

use super::varint::{self, Reader};

/// Buckets to each doubling: 2^5.
const PER_DOUBLING: f64 = 32.;
/// Smaller sizes count as 0.
const SMALLEST: f64 = 1e-300;
/// Buckets of one sign, at most: all there are between [`SMALLEST`] and the largest number.
const MAX_BUCKETS: usize = 65_536;

/// Buckets that are put one by one between those that are there; more are sorted in.
const MAX_INSERTED: usize = 16;

/// Counts by bucket. Bucket `i` holds what is above 2^((i-1)/32) and up to 2^(i/32).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sketch {
    n_zero: u64,
    positive: Buckets,
    negative: Buckets,
}

/// Sorted by number; sparse, since most sketches hold few.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Buckets(Vec<(i32, u64)>);

impl Sketch {
    /// Counts an observation, `n` times.
    pub fn add(&mut self, value: f64, n: u64) {
        if value >= SMALLEST {
            self.positive.add(bucket(value), n);
        } else if value <= -SMALLEST {
            self.negative.add(bucket(-value), n);
        } else {
            self.n_zero += n;
        }
    }

    /// Counts all that another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.n_zero += other.n_zero;
        self.positive.merge(&other.positive);
        self.negative.merge(&other.negative);
    }

    /// Observations.
    pub fn count(&self) -> u64 {
        self.n_zero + self.positive.count() + self.negative.count()
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        (self.positive.0.capacity() + self.negative.0.capacity()) * size_of::<(i32, u64)>()
    }

    /// The nearest-rank quantile, `q` from 0 to 1, within 1.1 %: the value at place ⌈q·n⌉ of all in order (contract
    /// §3.7). `None` without observations. `bounds` are the least and the greatest, which are known exactly.
    pub fn quantile(&self, q: f64, bounds: (f64, f64)) -> Option<f64> {
        let n = self.count();
        if n == 0 {
            return None;
        }
        // A hair less, since 0.95 · 100 may come out a hair above 95.
        let rank = ((q * n as f64 - 1e-9).ceil() as u64).clamp(1, n);
        if rank == 1 {
            return Some(bounds.0);
        }
        if rank == n {
            return Some(bounds.1);
        }
        Some(self.at_rank(rank).clamp(bounds.0, bounds.1))
    }

    fn at_rank(&self, rank: u64) -> f64 {
        let mut before = 0;
        for (index, n) in self.negative.0.iter().rev() {
            before += n;
            if before >= rank {
                return -middle(*index);
            }
        }
        before += self.n_zero;
        if before >= rank {
            return 0.;
        }
        for (index, n) in &self.positive.0 {
            before += n;
            if before >= rank {
                return middle(*index);
            }
        }
        f64::INFINITY
    }

    /// How many observations are at most `bound`; those of its own bucket in proportion.
    pub fn count_up_to(&self, bound: f64) -> f64 {
        if bound < 0. {
            return self.negative.count() as f64 - self.negative.count_below(-bound);
        }
        (self.negative.count() + self.n_zero) as f64 + self.positive.count_below(bound)
    }

    /// Appends its bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        varint::write(out, self.n_zero);
        self.positive.encode(out);
        self.negative.encode(out);
    }

    /// How many observations the bytes tell of.
    pub fn count_encoded(reader: &mut Reader<'_>) -> Option<u64> {
        let mut n_all = reader.number()?;
        for _ in 0..2 {
            for _ in 0..reader.count(2)? {
                reader.number()?;
                n_all = n_all.checked_add(reader.number()?)?;
            }
        }
        Some(n_all)
    }

    /// Reads what [`Sketch::encode`] wrote.
    pub fn decode(reader: &mut Reader<'_>) -> Option<Self> {
        let mut sketch = Self::default();
        sketch.merge_encoded(reader)?;
        Some(sketch)
    }

    /// [`Sketch::merge`] with one that is still bytes. Returns how many observations that has.
    pub fn merge_encoded(&mut self, reader: &mut Reader<'_>) -> Option<u64> {
        let n_zero = reader.number()?;
        self.n_zero = self.n_zero.checked_add(n_zero)?;
        let n_positive = self.positive.merge_encoded(reader)?;
        let n_negative = self.negative.merge_encoded(reader)?;
        n_zero.checked_add(n_positive)?.checked_add(n_negative)
    }
}

/// The bucket of a positive number.
pub(crate) fn bucket(value: f64) -> i32 {
    (value.log2() * PER_DOUBLING).ceil() as i32
}

/// What a bucket says: as far from its lower bound as from its upper one, relative to either.
pub(crate) fn middle(index: i32) -> f64 {
    let upper = (f64::from(index) / PER_DOUBLING).exp2();
    let lower = (f64::from(index - 1) / PER_DOUBLING).exp2();
    // Halves first: near the largest number the sum would be infinite.
    lower * (upper / (lower / 2. + upper / 2.))
}

/// The place of the first bucket whose number is not below `index`. Where no bucket is missing between the first and
/// that, it is as far away as their numbers are; else not as far.
fn first_not_below(buckets: &[(i32, u64)], index: i32) -> usize {
    let Some((first, _)) = buckets.first() else {
        return 0;
    };
    let Ok(distance) = usize::try_from(i64::from(index) - i64::from(*first)) else {
        return 0;
    };
    match buckets.get(distance) {
        Some((known, _)) if *known == index => distance,
        _ => buckets[..distance.min(buckets.len())].partition_point(|(known, _)| *known < index),
    }
}

impl Buckets {
    fn add(&mut self, index: i32, n: u64) {
        // What comes is most often near what came, and the last is the place to begin.
        match self.0.binary_search_by_key(&index, |(known, _)| *known) {
            Ok(place) => self.0[place].1 += n,
            Err(place) => self.0.insert(place, (index, n)),
        }
    }

    fn merge(&mut self, other: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&other.0);
            return;
        }
        self.merge_sorted(other.0.iter().copied());
    }

    /// Goes through both in order. What is new is put where it belongs, and of much of it the rest is sorted in at once.
    fn merge_sorted(&mut self, others: impl Iterator<Item = (i32, u64)>) {
        let (mut n_sorted, mut place, mut n_inserted) = (self.0.len(), 0, 0);
        for (index, n) in others {
            place += first_not_below(&self.0[place..n_sorted], index);
            let has_tail = self.0.len() > n_sorted;
            if place < n_sorted && self.0[place].0 == index {
                self.0[place].1 += n;
            } else if !has_tail && (place == n_sorted || n_inserted < MAX_INSERTED) {
                n_inserted += usize::from(place < n_sorted);
                self.0.insert(place, (index, n));
                n_sorted += 1;
            } else {
                self.0.push((index, n));
            }
        }
        if self.0.len() > n_sorted {
            self.0.sort_unstable_by_key(|(index, _)| *index);
        }
    }

    fn count(&self) -> u64 {
        self.0.iter().map(|(_, n)| n).sum()
    }

    fn count_below(&self, bound: f64) -> f64 {
        let mut below = 0.;
        for (index, n) in &self.0 {
            let upper = (f64::from(*index) / PER_DOUBLING).exp2();
            let lower = (f64::from(index - 1) / PER_DOUBLING).exp2();
            if bound >= upper {
                below += *n as f64;
            } else {
                below += *n as f64 * ((bound - lower) / (upper - lower)).clamp(0., 1.);
                break;
            }
        }
        below
    }

    fn encode(&self, out: &mut Vec<u8>) {
        varint::write(out, self.0.len() as u64);
        let mut before = 0;
        for (place, (index, n)) in self.0.iter().enumerate() {
            match place {
                0 => varint::write_signed(out, i64::from(*index)),
                _ => varint::write(out, (index - before - 1) as u64),
            }
            varint::write(out, *n);
            before = *index;
        }
    }

    fn merge_encoded(&mut self, reader: &mut Reader<'_>) -> Option<u64> {
        let n_buckets = reader.count(2)?;
        if n_buckets > MAX_BUCKETS {
            return None;
        }
        let (mut index, mut is_first) = (0_i32, true);
        let decoded = (0..n_buckets).map_while(|_| {
            index = match is_first {
                true => i32::try_from(reader.signed()?).ok()?,
                false => index
                    .checked_add(i32::try_from(reader.number()?).ok()?)?
                    .checked_add(1)?,
            };
            is_first = false;
            Some((index, reader.number()?))
        });
        let (mut n_decoded, mut n_all) = (0, 0_u64);
        let counted = decoded.inspect(|(_, n)| {
            n_decoded += 1;
            n_all = n_all.wrapping_add(*n);
        });
        if self.0.is_empty() {
            self.0.reserve_exact(n_buckets);
            self.0.extend(counted);
        } else {
            self.merge_sorted(counted);
        }
        (n_decoded == n_buckets).then_some(n_all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[f64]) -> Sketch {
        let mut sketch = Sketch::default();
        values.iter().for_each(|value| sketch.add(*value, 1));
        sketch
    }

    fn bytes(sketch: &Sketch) -> Vec<u8> {
        let mut bytes = Vec::new();
        sketch.encode(&mut bytes);
        bytes
    }

    fn exact(values: &mut [f64], q: f64) -> f64 {
        values.sort_by(f64::total_cmp);
        let rank = ((q * values.len() as f64 - 1e-9).ceil() as usize).clamp(1, values.len());
        values[rank - 1]
    }

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            Just(0.),
            -1e3..1e3,
            1e-9..1e-3,
            (-300_f64..300.).prop_map(|e| 10_f64.powf(e)),
            any::<f64>()
        ]
        .prop_filter("finite, not too small", |v| {
            v.is_finite() && (v.abs() > 1e-299 || *v == 0.)
        })
    }

    proptest! {
        #[test]
        fn quantiles_are_within_1_1_percent(mut values in prop::collection::vec(value(), 1..300), q in 0.0..=1.0) {
            let sketch = of(&values);
            let expected = exact(&mut values, q);
            let told = sketch.quantile(q, (values[0], values[values.len() - 1])).unwrap();
            prop_assert!((told - expected).abs() <= expected.abs() * 0.011, "{} for {}", told, expected);
        }

        #[test]
        fn halves_merged_equal_the_whole(left in prop::collection::vec(value(), 0..60), right in prop::collection::vec(value(), 0..60)) {
            let whole = of(&[left.clone(), right.clone()].concat());
            let (mut merged, right) = (of(&left), of(&right));
            let mut from_bytes = merged.clone();
            merged.merge(&right);
            prop_assert_eq!(&merged, &whole);
            let encoded = bytes(&right);
            let mut reader = Reader::new(&encoded);
            from_bytes.merge_encoded(&mut reader).unwrap();
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(&from_bytes, &whole);
            prop_assert_eq!(Sketch::count_encoded(&mut Reader::new(&encoded)), Some(right.count()));
            let encoded = bytes(&whole);
            prop_assert_eq!(Sketch::decode(&mut Reader::new(&encoded)), Some(whole));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = Sketch::decode(&mut Reader::new(&bytes));
        }
    }

    #[test]
    fn shares_below_a_bound_are_counted() {
        let values: Vec<f64> = (1..=1000).map(f64::from).collect();
        let sketch = of(&values);
        for bound in [10., 250., 500., 1000.] {
            let told = sketch.count_up_to(bound);
            assert!((told - bound).abs() <= bound * 0.011 + 1., "{told} for {bound}");
        }
        assert_eq!(sketch.count_up_to(0.5), 0.);
        assert_eq!(of(&[-2., -1., 0., 1.]).count_up_to(0.), 3.);
        assert_eq!(of(&[-2., -1., 0., 1.]).count_up_to(-1.5), 1.);
    }

    #[test]
    fn an_hour_of_latencies_fits_in_half_a_kilobyte() {
        let values: Vec<f64> = (1..=10_000)
            .map(|n| 0.02 + (f64::from(n) / 3000.).exp() / 30.)
            .collect();
        let n = bytes(&of(&values)).len();
        assert!(n < 512, "{n}");
    }
}
