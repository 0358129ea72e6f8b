//! The samples of one series, sorted and packed in two parts: when, and what. The first is often the same for many
//! series, which were scraped or sent together, and is then kept once for all of them.
//!
//! When: varint of how many, then the times since the window began. What: 1 if some count more than once, else 0; the
//! values; then how often each counts.

use super::column;
use super::open_chunk::Entry;
use super::varint::{self, Reader};

/// Samples in columns, of equal length but `n`, which is empty where each counts once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Milliseconds since the window began, ascending.
    pub at: Vec<i64>,
    /// Values.
    pub values: Vec<f64>,
    /// How often each counts.
    pub n: Vec<i64>,
    room: Vec<u64>,
    units: Vec<i64>,
}

impl Columns {
    /// Of entries in any order; of equal times they stay as they are.
    pub fn of(entries: &mut [Entry]) -> Self {
        if !entries.is_sorted_by_key(|entry| entry.at) {
            entries.sort_by_key(|entry| entry.at);
        }
        let is_plain = entries.iter().all(|entry| entry.n == 1);
        Self {
            at: entries.iter().map(|entry| i64::from(entry.at)).collect(),
            values: entries.iter().map(|entry| entry.value).collect(),
            n: if is_plain {
                Vec::new()
            } else {
                entries.iter().map(|entry| i64::from(entry.n)).collect()
            },
            ..Self::default()
        }
    }

    /// The part that says when.
    pub fn encode_times(&self) -> Vec<u8> {
        let mut out = Vec::new();
        varint::write(&mut out, self.at.len() as u64);
        column::write_whole(&mut out, &self.at);
        out
    }

    /// The part that says what.
    pub fn encode_values(&self) -> Vec<u8> {
        let mut out = vec![u8::from(!self.n.is_empty())];
        column::write_floats(&mut out, &self.values);
        column::write_whole(&mut out, &self.n);
        out
    }

    /// Replaces all by what two parts say.
    pub fn decode(&mut self, times: &[u8], values: &[u8]) -> Option<()> {
        self.decode_times(times)?;
        self.decode_values(values)
    }

    /// Replaces all by times alone; their values come next.
    pub fn decode_times(&mut self, times: &[u8]) -> Option<()> {
        self.clear();
        let mut reader = Reader::new(times);
        let n = usize::try_from(reader.number()?)
            .ok()
            .filter(|n| *n <= column::MAX_LEN)?;
        column::read_whole(&mut reader, n, &mut self.room, &mut self.at)
    }

    /// The same with times that were read before.
    pub fn set_times(&mut self, at: &[i64]) {
        self.clear();
        self.at.extend_from_slice(at);
    }

    /// Adds the values of the times that are there.
    pub fn decode_values(&mut self, values: &[u8]) -> Option<()> {
        let n = self.at.len();
        let mut reader = Reader::new(values);
        let has_counts = reader.byte()? != 0;
        column::read_floats(&mut reader, n, &mut self.room, &mut self.units, &mut self.values)?;
        if has_counts {
            column::read_whole(&mut reader, n, &mut self.room, &mut self.n)?;
        }
        Some(())
    }

    /// Empties them and keeps their memory.
    pub fn clear(&mut self) {
        self.at.clear();
        self.values.clear();
        self.n.clear();
    }

    /// The samples one by one.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let entry = |place: usize| Entry {
            at: self.at[place] as i32,
            value: self.values[place],
            n: self.n.get(place).map_or(1, |n| *n as u32),
        };
        (0..self.at.len().min(self.values.len())).map(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn samples_come_back_sorted(mut all in prop::collection::vec((0..7_200_000_i32, -1e6..1e6_f64, 1..3_u32), 1..200), is_plain: bool) {
            let mut entries: Vec<Entry> =
                all.iter().map(|(at, value, n)| Entry { at: *at, value: value.round(), n: if is_plain { 1 } else { *n } }).collect();
            let columns = Columns::of(&mut entries);
            let mut back = Columns::default();
            back.decode(&columns.encode_times(), &columns.encode_values()).unwrap();
            all.sort_by_key(|(at, ..)| *at);
            let times: Vec<i32> = back.entries().map(|entry| entry.at).collect();
            prop_assert_eq!(times, all.iter().map(|(at, ..)| *at).collect::<Vec<_>>());
            prop_assert_eq!(back.entries().collect::<Vec<_>>(), entries);
        }

        #[test]
        fn no_bytes_make_it_panic(times: Vec<u8>, values: Vec<u8>) {
            let mut columns = Columns::default();
            let _ = columns.decode(&times, &values);
            let _ = columns.entries().count();
        }
    }
}
