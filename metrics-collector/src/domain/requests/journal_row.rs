//! Requests of one batch as they wait in the journal to be counted: minute, group and time of each.

use std::collections::BTreeMap;

use super::block::Cells;
use crate::domain::varint::{self, Reader};

/// A request that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Minutes since 1970.
    pub minute: i64,
    /// Its group.
    pub group: u32,
    /// How long it took.
    pub response_time_us: u64,
}

/// The bytes of a batch.
pub fn encode(batch: &[Waiting]) -> Vec<u8> {
    let mut out = Vec::with_capacity(batch.len() * 8);
    let mut before = 0;
    for waiting in batch {
        varint::write_signed(&mut out, waiting.minute - before);
        varint::write(&mut out, u64::from(waiting.group));
        varint::write(&mut out, waiting.response_time_us);
        before = waiting.minute;
    }
    out
}

/// Reads what [`encode`] wrote, up to the end or to what cannot be.
pub fn decode(bytes: &[u8]) -> impl Iterator<Item = Waiting> {
    let mut reader = Reader::new(bytes);
    let mut minute = 0_i64;
    std::iter::from_fn(move || {
        minute = minute.checked_add(reader.signed()?)?;
        Some(Waiting {
            minute,
            group: u32::try_from(reader.number()?).ok()?,
            response_time_us: reader.number()?,
        })
    })
}

/// Counts waiting requests by minute and group. `is_ok` says of a group whether it has latencies.
pub fn count(minutes: &mut BTreeMap<i64, Cells>, bytes: &[u8], is_ok: impl Fn(u32) -> Option<bool>) {
    for waiting in decode(bytes) {
        if let Some(is_ok) = is_ok(waiting.group) {
            let cells = minutes.entry(waiting.minute).or_default();
            let cell = cells.entry(waiting.group).or_default();
            cell.add(waiting.response_time_us, is_ok);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_come_back(batch in prop::collection::vec((0_i64..40_000_000, any::<u32>(), any::<u64>()), 0..50)) {
            let batch: Vec<Waiting> = batch
                .into_iter()
                .map(|(minute, group, response_time_us)| Waiting { minute, group, response_time_us })
                .collect();
            prop_assert_eq!(decode(&encode(&batch)).collect::<Vec<_>>(), batch);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            count(&mut BTreeMap::new(), &bytes, |_| Some(true));
        }
    }
}
