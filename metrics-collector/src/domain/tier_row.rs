//! The buckets of one series in one row of a tier, packed in columns: where each is, count, sum, least, greatest, last,
//! and of histograms the distributions. A column that equals another is not there again; where all are decimals, they
//! are told by the least (`relative.rs`).

use std::ops::Range;

use super::aggregate::Aggregate;
use super::column;
use super::decimal;
use super::fold::Fold;
use super::kind::Kind;
use super::relative::{self, Columns};
use super::sketch::Sketch;
use super::varint::{self, Reader};

/// Buckets with their places in the row, ascending, none empty.
pub type Buckets = Vec<(u32, Aggregate)>;

/// Which columns are told by another.
const MIN_IS_SUM: u8 = 1;
const MAX_IS_MIN: u8 = 2;
const LAST_IS_MAX: u8 = 4;
const HAS_SKETCHES: u8 = 8;
const IS_RELATIVE: u8 = 16;
const ALL_ARE_ONE: u8 = MIN_IS_SUM | MAX_IS_MIN | LAST_IS_MAX;

/// Their bytes.
pub fn encode(kind: Kind, buckets: &Buckets) -> Vec<u8> {
    let places: Vec<i64> = buckets.iter().map(|(place, _)| i64::from(*place)).collect();
    let counts: Vec<i64> = buckets.iter().map(|(_, bucket)| bucket.count as i64).collect();
    let numbers =
        |of: fn(&Aggregate) -> f64| buckets.iter().map(|(_, bucket)| of(bucket)).collect::<Vec<f64>>();
    // The dust of adding floating-point numbers would take more room than all the rest.
    let sums = numbers(|bucket| decimal::tidy(bucket.sum, decimal::MAX_SCALE));
    let mins = numbers(|bucket| bucket.min);
    let maxs = numbers(|bucket| bucket.max);
    let lasts = numbers(|bucket| bucket.last);
    let flag = |is_set, flag| if is_set { flag } else { 0 };
    let mut flags =
        flag(mins == sums, MIN_IS_SUM) | flag(maxs == mins, MAX_IS_MIN) | flag(lasts == maxs, LAST_IS_MAX);
    let columns = Columns {
        counts: &counts,
        sums: &sums,
        mins: &mins,
        maxs: &maxs,
        lasts: &lasts,
    };
    let relative = match flags {
        ALL_ARE_ONE => None,
        _ => relative::encode(&columns),
    };
    if relative.is_some() {
        flags = IS_RELATIVE;
    }
    flags |= flag(kind == Kind::Histogram, HAS_SKETCHES);
    let mut out = vec![flags];
    varint::write(&mut out, buckets.len() as u64);
    column::write_whole(&mut out, &places);
    column::write_whole(&mut out, &counts);
    match relative {
        Some(bytes) => out.extend(bytes),
        None => {
            column::write_floats(&mut out, &sums);
            for (numbers, flag) in [(mins, MIN_IS_SUM), (maxs, MAX_IS_MIN), (lasts, LAST_IS_MAX)] {
                if flags & flag == 0 {
                    column::write_floats(&mut out, &numbers);
                }
            }
        }
    }
    if kind == Kind::Histogram {
        write_sketches(&mut out, buckets);
    }
    out
}

fn write_sketches(out: &mut Vec<u8>, buckets: &Buckets) {
    let mut bytes = Vec::new();
    for (_, bucket) in buckets {
        bytes.clear();
        match &bucket.sketch {
            Some(sketch) => sketch.encode(&mut bytes),
            None => Sketch::default().encode(&mut bytes),
        }
        varint::write(out, bytes.len() as u64);
        out.extend_from_slice(&bytes);
    }
}

/// A row being read; used again for the next, so that its memory stays.
#[derive(Debug, Default)]
pub struct TierRow {
    places: Vec<i64>,
    counts: Vec<i64>,
    sums: Vec<f64>,
    mins: Vec<f64>,
    maxs: Vec<f64>,
    lasts: Vec<f64>,
    room: Vec<u64>,
    units: Vec<i64>,
    newest: Option<(i64, f64)>,
}

impl TierRow {
    /// The place of the last bucket of the row that was read last, and its last value.
    pub fn newest(&self) -> Option<(i64, f64)> {
        self.newest
    }

    /// Adds the buckets of a row that begin in a range to a fold. The row begins at `start_ms`, and each bucket is
    /// `width_ms` long.
    pub fn fold(
        &mut self,
        bytes: &[u8],
        start_ms: i64,
        width_ms: i64,
        range: &Range<i64>,
        fold: &mut Fold,
    ) -> Option<()> {
        let grid = *fold.grid();
        let is_plain = fold.is_plain();
        // Buckets come in order, and many fall into one of the grid.
        let (mut at, mut end_ms) = (None, i64::MIN);
        self.each(bytes, width_ms, |place, plain, sketch| {
            let at_ms = start_ms + place * width_ms;
            if !range.contains(&at_ms) {
                return Some(());
            }
            if at_ms >= end_ms {
                at = grid.place(at_ms);
                end_ms = at.map_or(at_ms + 1, |at| grid.at_ms(at + 1));
            }
            let Some(at) = at else {
                return Some(());
            };
            let bucket = fold.bucket_at(at);
            bucket.merge_plain(&Aggregate {
                last_at: at_ms + width_ms - 1,
                ..plain
            });
            match sketch {
                Some(bytes) if !is_plain => bucket
                    .sketch
                    .get_or_insert_default()
                    .merge_encoded(&mut Reader::new(bytes))
                    .map(drop),
                _ => Some(()),
            }
        })
    }

    /// All buckets of a row, to be changed. Times in them are since the row began.
    pub fn buckets(&mut self, bytes: &[u8], width_ms: i64) -> Option<Buckets> {
        let mut buckets = Vec::new();
        self.each(bytes, width_ms, |place, mut bucket, sketch| {
            if let Some(bytes) = sketch {
                bucket.sketch = Some(Box::new(Sketch::decode(&mut Reader::new(bytes))?));
            }
            buckets.push((u32::try_from(place).ok()?, bucket));
            Some(())
        })?;
        Some(buckets)
    }

    fn each(
        &mut self,
        bytes: &[u8],
        width_ms: i64,
        mut each: impl FnMut(i64, Aggregate, Option<&[u8]>) -> Option<()>,
    ) -> Option<()> {
        self.newest = None;
        let mut reader = Reader::new(bytes);
        let flags = reader.byte()?;
        let n = usize::try_from(reader.number()?)
            .ok()
            .filter(|n| *n <= column::MAX_LEN)?;
        self.read_columns(&mut reader, flags, n)?;
        for at in 0..n {
            let min = if flags & MIN_IS_SUM != 0 {
                self.sums[at]
            } else {
                self.mins[at]
            };
            let max = if flags & MAX_IS_MIN != 0 {
                min
            } else {
                self.maxs[at]
            };
            let plain = Aggregate {
                count: self.counts[at] as u64,
                sum: self.sums[at],
                min,
                max,
                last: if flags & LAST_IS_MAX != 0 {
                    max
                } else {
                    self.lasts[at]
                },
                last_at: (self.places[at] + 1) * width_ms - 1,
                sketch: None,
            };
            let sketch = match flags & HAS_SKETCHES {
                0 => None,
                _ => {
                    let length = reader.count(1)?;
                    Some(reader.take(length)?)
                }
            };
            self.newest = Some((self.places[at], plain.last));
            each(self.places[at], plain, sketch)?;
        }
        Some(())
    }

    fn read_columns(&mut self, reader: &mut Reader<'_>, flags: u8, n: usize) -> Option<()> {
        let Self {
            places,
            counts,
            sums,
            mins,
            maxs,
            lasts,
            room,
            units,
            ..
        } = self;
        for column in [&mut *places, &mut *counts] {
            column.clear();
            column::read_whole(reader, n, room, column)?;
        }
        if flags & IS_RELATIVE != 0 {
            return relative::decode(reader, counts, room, units, [sums, mins, maxs, lasts]);
        }
        let columns = [
            (sums, 0),
            (mins, MIN_IS_SUM),
            (maxs, MAX_IS_MIN),
            (lasts, LAST_IS_MAX),
        ];
        for (column, flag) in columns {
            column.clear();
            if flags & flag == 0 {
                column::read_floats(reader, n, room, units, column)?;
            }
        }
        Some(())
    }
}

/// Puts buckets into a row: in place of those between `from` and `to`, or with `adds` on top of what is there.
pub fn put(row: &mut Buckets, buckets: Buckets, from: u32, to: u32, adds: bool) {
    if !adds {
        row.retain(|(place, _)| !(from..to).contains(place));
    }
    for (place, bucket) in buckets {
        match row.binary_search_by_key(&place, |(known, _)| *known) {
            Ok(known) => row[known].1.merge(&bucket),
            Err(before) => row.insert(before, (place, bucket)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resolution::Grid;
    use proptest::prelude::*;

    fn buckets(kind: Kind) -> impl Strategy<Value = Buckets> {
        let samples = prop::collection::vec((-1000..1000_i32, 1..4_u64), 1..5);
        prop::collection::btree_map(0..120_u32, samples, 0..40).prop_map(move |all| {
            let bucket = |(place, samples): (u32, Vec<(i32, u64)>)| {
                let mut bucket = Aggregate::default();
                for (value, n) in samples {
                    bucket.add(kind, i64::from(place + 1) * 60_000 - 1, f64::from(value) / 4., n);
                }
                (place, bucket)
            };
            all.into_iter().map(bucket).collect()
        })
    }

    proptest! {
        #[test]
        fn buckets_come_back(plain in buckets(Kind::Gauge), histogram in buckets(Kind::Histogram)) {
            for (kind, buckets) in [(Kind::Gauge, plain), (Kind::Histogram, histogram)] {
                let bytes = encode(kind, &buckets);
                let back = TierRow::default().buckets(&bytes, 60_000).unwrap();
                prop_assert_eq!(&back, &buckets);
                let mut fold = Fold::new(Grid { from_ms: 0, step_ms: 60_000, n: 120 });
                let mut row = TierRow::default();
                row.fold(&bytes, 0, 60_000, &(0..i64::MAX), &mut fold).unwrap();
                prop_assert_eq!(row.newest(), buckets.last().map(|(place, bucket)| (i64::from(*place), bucket.last)));
                let folded: Buckets = fold.filled().map(|(place, bucket)| (place as u32, bucket.clone())).collect();
                prop_assert_eq!(folded, buckets);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = TierRow::default().buckets(&bytes, 60_000);
        }
    }

    #[test]
    fn buckets_are_replaced_or_added_to() {
        let bucket = |value| {
            let mut bucket = Aggregate::default();
            bucket.add(Kind::Gauge, 0, value, 1);
            bucket
        };
        let row = || vec![(1, bucket(1.)), (2, bucket(2.)), (5, bucket(5.))];
        let sums = |row: &Buckets| {
            row.iter()
                .map(|(place, bucket)| (*place, bucket.sum))
                .collect::<Vec<_>>()
        };
        let mut replaced = row();
        put(&mut replaced, vec![(3, bucket(9.))], 2, 5, false);
        assert_eq!(sums(&replaced), [(1, 1.), (3, 9.), (5, 5.)]);
        let mut added = row();
        put(&mut added, vec![(2, bucket(9.)), (3, bucket(9.))], 2, 5, true);
        assert_eq!(sums(&added), [(1, 1.), (2, 11.), (3, 9.), (5, 5.)]);
    }
}
