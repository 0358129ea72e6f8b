//! The samples of one series in one window, packed as they come: time as the change of the distance to the one before,
//! value as the change in decimal units, or eight bytes where it has too many decimals. About 3 bytes a sample.
//!
//! One entry: varint of zigzag(change of distance) · 4 + 2 if it counts more than once + 1 if the value is raw,
//! then how often, then the value.

use super::decimal;
use super::varint::{self, Reader};

/// A sample, perhaps several with the same time and value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Entry {
    /// When, in milliseconds since the window began.
    pub at: i32,
    /// What.
    pub value: f64,
    /// How often, at least once.
    pub n: u32,
}

/// Packed entries. The newest is kept apart, since it may be counted again.
#[derive(Debug, Clone, Default)]
pub struct OpenChunk {
    bytes: Vec<u8>,
    state: State,
    newest: Option<Entry>,
    n_packed: u16,
}

/// What the next entry is told against.
#[derive(Debug, Clone, Copy, Default)]
struct State {
    units: i64,
    at: i32,
    distance: i32,
    scale: u8,
}

impl State {
    fn moved(&mut self, at: i32) -> i64 {
        let distance = at.wrapping_sub(self.at);
        let change = i64::from(distance) - i64::from(self.distance);
        (self.at, self.distance) = (at, distance);
        change
    }

    /// After a raw value both sides count in its decimals, if it has few.
    fn rescaled(&mut self, value: f64) {
        if let Some(scale) = decimal::scale_of(value, self.scale) {
            self.scale = scale;
            self.units = decimal::scaled(value, scale).unwrap_or_default();
        }
    }
}

const IS_RAW: u64 = 1;
const IS_REPEATED: u64 = 2;

impl OpenChunk {
    /// Adds an entry. With `may_repeat` one that equals the newest only counts it once more.
    pub fn push(&mut self, entry: Entry, may_repeat: bool) {
        if let Some(newest) = &mut self.newest {
            let is_same = may_repeat && newest.at == entry.at && newest.value == entry.value;
            if let Some(n) = newest.n.checked_add(entry.n).filter(|_| is_same) {
                newest.n = n;
                return;
            }
            let packed = *newest;
            self.pack(packed);
        }
        self.newest = Some(entry);
    }

    fn pack(&mut self, entry: Entry) {
        let change = varint::zigzag(self.state.moved(entry.at)) << 2;
        let repeated = if entry.n > 1 { IS_REPEATED } else { 0 };
        let units = decimal::scaled(entry.value, self.state.scale);
        let raw = if units.is_none() { IS_RAW } else { 0 };
        varint::write(&mut self.bytes, change | repeated | raw);
        if entry.n > 1 {
            varint::write(&mut self.bytes, u64::from(entry.n));
        }
        match units {
            Some(units) => {
                varint::write_signed(&mut self.bytes, units.wrapping_sub(self.state.units));
                self.state.units = units;
            }
            None => {
                self.bytes.extend(entry.value.to_le_bytes());
                self.state.rescaled(entry.value);
            }
        }
        self.n_packed += 1;
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        usize::from(self.n_packed) + usize::from(self.newest.is_some())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.newest.is_none()
    }

    /// Hands all entries to `each`, in the order in which they came.
    pub fn each(&self, mut each: impl FnMut(Entry)) {
        let mut reader = Reader::new(&self.bytes);
        let mut state = State::default();
        while let Some(entry) = next(&mut reader, &mut state) {
            each(entry);
        }
        self.newest.into_iter().for_each(each);
    }

    /// Bytes on the heap.
    pub fn heap_bytes(&self) -> usize {
        self.bytes.capacity()
    }
}

fn next(reader: &mut Reader<'_>, state: &mut State) -> Option<Entry> {
    let head = reader.number()?;
    let distance = i64::from(state.distance).wrapping_add(varint::unzigzag(head >> 2));
    state.distance = distance as i32;
    state.at = state.at.wrapping_add(state.distance);
    let n = match head & IS_REPEATED {
        0 => 1,
        _ => reader.number()? as u32,
    };
    let value = match head & IS_RAW {
        0 => {
            state.units = state.units.wrapping_add(reader.signed()?);
            decimal::unscaled(state.units, state.scale)
        }
        _ => {
            let value = reader.float()?;
            state.rescaled(value);
            value
        }
    };
    Some(Entry {
        at: state.at,
        value,
        n,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![
            any::<f64>(),
            (-1000_i32..1000).prop_map(f64::from),
            (-100_000_i32..100_000).prop_map(|n| f64::from(n) / 100.),
            (-100_000_i32..100_000).prop_map(|n| f64::from(n) / 1e6),
        ]
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(entries in prop::collection::vec((0..7_200_000, value(), prop_oneof![Just(1_u32), 1..u32::MAX]), 0..200)) {
            let mut chunk = OpenChunk::default();
            let entries: Vec<Entry> = entries.into_iter().map(|(at, value, n)| Entry { at, value, n }).collect();
            entries.iter().for_each(|entry| chunk.push(*entry, false));
            let mut back = Vec::new();
            chunk.each(|entry| back.push(entry));
            prop_assert_eq!(back.len(), chunk.len());
            let bits = |entries: &[Entry]| entries.iter().map(|e| (e.at, e.value.to_bits(), e.n)).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back), bits(&entries));
        }
    }

    #[test]
    fn a_busy_counter_is_one_entry_a_second() {
        let mut chunk = OpenChunk::default();
        for n in 0..10_000 {
            chunk.push(
                Entry {
                    at: n / 1000 * 1000,
                    value: 1.,
                    n: 1,
                },
                true,
            );
        }
        let mut total = 0;
        chunk.each(|entry| total += entry.n);
        assert_eq!((chunk.len(), total), (10, 10_000));
    }

    #[test]
    fn samples_of_a_scrape_take_three_bytes() {
        let mut chunk = OpenChunk::default();
        for n in 0..120 {
            chunk.push(
                Entry {
                    at: n * 15_000 + n % 7,
                    value: 50. + f64::from(n * 37 % 100) / 100.,
                    n: 1,
                },
                false,
            );
        }
        assert!(chunk.bytes.len() < 120 * 4, "{}", chunk.bytes.len());
    }
}
