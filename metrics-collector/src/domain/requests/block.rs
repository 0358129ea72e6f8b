//! Cells of many groups in one period as bytes: by group in order, so that what nobody asks for is skipped quickly.
//!
//! A cell: gap to the group before, requests × 2 + whether it has latencies, time. With latencies of more than one
//! length of what follows: the least, by how much the greatest is more, slots.

use std::collections::BTreeMap;

use super::cell::{Cell, CellRef, LatencyRef};
use super::histogram;
use crate::domain::varint::{self, Reader};

/// Cells by group.
pub type Cells = BTreeMap<u32, Cell>;

/// Appends a time: whole milliseconds, as Malti's clients send them, take less.
fn write_time(out: &mut Vec<u8>, us: u64) {
    match us % 1000 {
        0 => varint::write(out, (us / 1000) << 1),
        _ => varint::write(out, (us.min(u64::MAX / 2) << 1) | 1),
    }
}

fn read_time(reader: &mut Reader<'_>) -> Option<u64> {
    let number = reader.number()?;
    match number & 1 {
        0 => (number >> 1).checked_mul(1000),
        _ => Some(number >> 1),
    }
}

/// The bytes of cells.
pub fn encode(cells: &Cells) -> Vec<u8> {
    let (mut out, mut spread) = (Vec::with_capacity(cells.len() * 12), Vec::new());
    let mut before = 0;
    for (group, cell) in cells {
        varint::write(&mut out, u64::from(group - before));
        before = *group;
        let latency = cell.latency.as_ref();
        varint::write(
            &mut out,
            (cell.n.min(u64::MAX / 2) << 1) | u64::from(latency.is_some()),
        );
        write_time(&mut out, cell.time_us);
        let Some(latency) = latency.filter(|_| cell.n > 1) else {
            continue;
        };
        spread.clear();
        write_time(&mut spread, latency.min_us);
        write_time(&mut spread, latency.max_us - latency.min_us);
        // All alike: their slot says nothing new.
        if latency.max_us > latency.min_us {
            histogram::encode(latency.slots.iter().copied(), &mut spread);
        }
        varint::write(&mut out, spread.len() as u64);
        out.extend_from_slice(&spread);
    }
    out
}

/// Reads the cells of a block one by one, up to the end or to what cannot be.
#[derive(Debug, Clone)]
pub struct Blocks<'a> {
    reader: Reader<'a>,
    group: u32,
}

/// The cells of a block.
pub fn decode(bytes: &[u8]) -> Blocks<'_> {
    Blocks {
        reader: Reader::new(bytes),
        group: 0,
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = CellRef<'a>;

    fn next(&mut self) -> Option<CellRef<'a>> {
        let reader = &mut self.reader;
        self.group = self.group.checked_add(u32::try_from(reader.number()?).ok()?)?;
        let head = reader.number()?;
        let (n, has_latency) = (head >> 1, head & 1 == 1);
        let time_us = read_time(reader)?;
        let latency = match (has_latency, n) {
            (false, _) => None,
            (true, ..=1) => Some(LatencyRef {
                min_us: time_us,
                max_us: time_us,
                slots: None,
            }),
            (true, _) => {
                let length = reader.count(1)?;
                let mut spread = Reader::new(reader.take(length)?);
                let min_us = read_time(&mut spread)?;
                let max_us = min_us.checked_add(read_time(&mut spread)?)?;
                let slots = (max_us > min_us).then(|| spread.rest());
                Some(LatencyRef {
                    min_us,
                    max_us,
                    slots,
                })
            }
        };
        Some(CellRef {
            group: self.group,
            n,
            time_us,
            latency,
        })
    }
}

/// Adds the cells of a block; `group` says as which they count, and `None` for those that do not.
pub fn merge(cells: &mut Cells, bytes: &[u8], group: impl Fn(u32) -> Option<u32>) {
    for cell in decode(bytes) {
        if let Some(group) = group(cell.group) {
            cells.entry(group).or_default().merge(&cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(records: &[(u32, u64)]) -> Cells {
        let mut cells = Cells::new();
        for (group, us) in records {
            cells.entry(*group).or_default().add(*us, group % 2 == 0);
        }
        cells
    }

    fn record() -> impl Strategy<Value = (u32, u64)> {
        let us = prop_oneof![
            0_u64..40_000_000,
            (0_u64..2000).prop_map(|ms| ms * 1000),
            Just(0),
            Just(5000)
        ];
        (prop_oneof![0_u32..8, any::<u32>()], us)
    }

    proptest! {
        #[test]
        fn halves_merged_equal_the_whole(left in prop::collection::vec(record(), 0..80), right in prop::collection::vec(record(), 0..80)) {
            let whole = of(&[left.clone(), right.clone()].concat());
            let mut merged = Cells::new();
            merge(&mut merged, &encode(&of(&left)), Some);
            merge(&mut merged, &encode(&of(&right)), Some);
            prop_assert_eq!(merged, whole);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let mut cells = Cells::new();
            merge(&mut cells, &bytes, Some);
        }
    }

    #[test]
    fn a_single_request_takes_five_bytes() {
        assert_eq!(encode(&of(&[(2, 123_000)])).len(), 4);
    }
}
