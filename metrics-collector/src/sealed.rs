//! What rows of tiers say of many series together, remembered by day: a dashboard asks the same again and again, and
//! the rows of a day change only with its version. What is in memory always comes on top anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::aggregate::Aggregate;
use crate::store::tiers::Table;

/// Series whose rows are added up, at most.
pub const MAX_SERIES: usize = 40_000;
/// Series whose distributions are merged, at most.
pub const MAX_MERGED: usize = 1_000;
/// Bytes remembered, about; beyond that goes what nobody has asked for since it was last so.
const MAX_BYTES: usize = 2 << 20;
/// What an entry takes besides its own bytes, about.
const ENTRY_BYTES: usize = 200;

/// What a cumulative series stood at when its rows end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Total {
    /// When the last bucket begins, Unix milliseconds.
    pub at_ms: i64,
    /// Its last value.
    pub value: f64,
}

impl Total {
    /// The later one.
    pub fn later(first: Option<Self>, second: Option<Self>) -> Option<Self> {
        match (first, second) {
            (Some(one), Some(other)) if one.at_ms > other.at_ms => first,
            (_, None) => first,
            _ => second,
        }
    }
}

/// What the rows of one piece of time say of some series together.
#[derive(Debug, Default)]
pub struct Piece {
    /// All in one bucket, where it is asked for as a whole.
    pub whole: Aggregate,
    /// Else the row that they would have together.
    pub row: Box<[u8]>,
    /// Of cumulative series each one's, in their order; else nothing.
    pub totals: Box<[Option<Total>]>,
}

impl Piece {
    fn n_bytes(&self) -> usize {
        let sketch = self.whole.sketch.as_ref().map_or(0, |sketch| sketch.heap_bytes());
        ENTRY_BYTES + self.row.len() + sketch + size_of_val(&*self.totals)
    }
}

/// Some series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SeriesSet {
    n: usize,
    /// Of their ids, in order.
    hash: u64,
}

impl SeriesSet {
    /// Of series by id, ascending.
    pub fn of(series: &[u32]) -> Self {
        let bytes: Vec<u8> = series.iter().flat_map(|id| id.to_le_bytes()).collect();
        Self {
            n: series.len(),
            hash: xxh3_64(&bytes),
        }
    }
}

/// Which series, and which rows of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The series.
    pub series: SeriesSet,
    /// The table of the rows.
    pub table: Table,
    /// Which piece of its time.
    pub piece: i64,
    /// Whether distributions are left out.
    pub is_plain: bool,
    /// Whether it is told in one bucket.
    pub is_whole: bool,
}

/// See the head of this file.
#[derive(Debug, Default)]
pub struct SealedRows(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    n_bytes: usize,
}

#[derive(Debug)]
struct Entry {
    /// Of the day, when it was read.
    version: i64,
    piece: Arc<Piece>,
    /// Whether it was asked for since room was made the last time.
    is_used: bool,
}

impl SealedRows {
    /// What is known of a day of this version.
    pub fn get(&self, key: &Key, version: i64) -> Option<Arc<Piece>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept
            .entries
            .get_mut(key)
            .filter(|entry| entry.version == version)?;
        entry.is_used = true;
        Some(entry.piece.clone())
    }

    /// Remembers what was read of a day of this version.
    pub fn put(&self, key: Key, version: i64, piece: Arc<Piece>) {
        let n_bytes = piece.n_bytes();
        if n_bytes > MAX_BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(&key);
        if kept.n_bytes + n_bytes > MAX_BYTES {
            kept.make_room();
        }
        if kept.n_bytes + n_bytes > MAX_BYTES {
            *kept = Kept::default();
        }
        kept.n_bytes += n_bytes;
        let entry = Entry {
            version,
            piece,
            is_used: false,
        };
        kept.entries.insert(key, entry);
    }
}

impl Kept {
    fn remove(&mut self, key: &Key) {
        if let Some(before) = self.entries.remove(key) {
            self.n_bytes -= before.piece.n_bytes();
        }
    }

    fn make_room(&mut self) {
        self.entries
            .retain(|_, entry| std::mem::replace(&mut entry.is_used, false));
        self.n_bytes = self.entries.values().map(|entry| entry.piece.n_bytes()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(piece: i64, series: &[u32]) -> Key {
        Key {
            series: SeriesSet::of(series),
            table: Table::Hours,
            piece,
            is_plain: false,
            is_whole: false,
        }
    }

    fn piece(n_bytes: usize) -> Arc<Piece> {
        Arc::new(Piece {
            row: vec![0; n_bytes].into(),
            ..Piece::default()
        })
    }

    #[test]
    fn a_piece_is_known_until_its_day_changes() {
        let rows = SealedRows::default();
        rows.put(key(7, &[1, 2]), 3, piece(5));
        assert_eq!(rows.get(&key(7, &[1, 2]), 3).unwrap().row.len(), 5);
        assert!(rows.get(&key(7, &[1, 2]), 4).is_none());
        let whole = Key {
            is_whole: true,
            ..key(7, &[1, 2])
        };
        let of_days = Key {
            table: Table::FiveMinutes,
            ..key(7, &[1, 2])
        };
        let plain = Key {
            is_plain: true,
            ..key(7, &[1, 2])
        };
        let others = [
            key(7, &[1, 3]),
            key(7, &[1]),
            key(8, &[1, 2]),
            whole,
            of_days,
            plain,
        ];
        for other in others {
            assert!(rows.get(&other, 3).is_none(), "{other:?}");
        }
        rows.put(key(7, &[1, 2]), 4, piece(6));
        assert!(rows.get(&key(7, &[1, 2]), 3).is_none());
        assert_eq!(rows.get(&key(7, &[1, 2]), 4).unwrap().row.len(), 6);
    }

    #[test]
    fn what_is_asked_for_stays_and_the_rest_makes_room() {
        let rows = SealedRows::default();
        rows.put(key(0, &[]), 1, piece(1_000));
        for n in 1..10_000 {
            assert!(rows.get(&key(0, &[]), 1).is_some(), "{n}");
            rows.put(key(n, &[]), 1, piece(1_000));
            let kept = rows.0.lock().unwrap();
            let n_bytes: usize = kept.entries.values().map(|entry| entry.piece.n_bytes()).sum();
            assert!(kept.n_bytes == n_bytes && n_bytes <= MAX_BYTES);
        }
        assert!(rows.get(&key(9_999, &[]), 1).is_some());
        assert!(rows.get(&key(1, &[]), 1).is_none());
        rows.put(key(1, &[7]), 1, piece(MAX_BYTES));
        assert!(rows.get(&key(1, &[7]), 1).is_none());
    }

    #[test]
    fn the_later_total_counts() {
        let total = |at_ms| Some(Total { at_ms, value: 1. });
        assert_eq!(Total::later(total(5), total(6)), total(6));
        assert_eq!(Total::later(total(6), total(5)), total(6));
        assert_eq!(Total::later(None, total(5)), total(5));
        assert_eq!(Total::later(total(5), None), total(5));
    }
}
