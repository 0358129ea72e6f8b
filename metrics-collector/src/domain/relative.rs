//! Columns of buckets that are decimals all, told by each other: the least as it is, the greatest by how far above, the
//! sum by what is more than the least so many times, and the last by one of two: how far above the least it is, or, as
//! running totals are, by what it is more than the one before and the sum together.

use super::column;
use super::decimal;
use super::varint::Reader;

/// One number for each bucket.
#[derive(Debug, Clone, Copy)]
pub struct Columns<'a> {
    /// How many samples.
    pub counts: &'a [i64],
    /// Their sum.
    pub sums: &'a [f64],
    /// The least.
    pub mins: &'a [f64],
    /// The greatest.
    pub maxs: &'a [f64],
    /// The latest.
    pub lasts: &'a [f64],
}

/// The last counts from the least.
const BY_LEAST: u8 = 0;
/// The last counts from the last one before and the sum.
const BY_RUNNING: u8 = 1;

/// Their bytes; `None` where some number has too many decimals or is too large.
pub fn encode(columns: &Columns<'_>) -> Option<Vec<u8>> {
    let all = [columns.sums, columns.mins, columns.maxs, columns.lasts];
    let scale = column::common_scale(all.into_iter().flatten().copied())?;
    let units = |numbers: &[f64]| -> Option<Vec<i64>> {
        numbers
            .iter()
            .map(|number| decimal::scaled(*number, scale))
            .collect()
    };
    let [sums, mins, maxs, lasts] = all.map(units);
    let (sums, mins, maxs, lasts) = (sums?, mins?, maxs?, lasts?);
    let above = |numbers: &[i64]| -> Vec<i64> {
        numbers
            .iter()
            .zip(&mins)
            .map(|(number, min)| number.wrapping_sub(*min))
            .collect()
    };
    let more = sums.iter().zip(&mins).zip(columns.counts);
    let more: Vec<i64> = more
        .map(|((sum, min), count)| sum.wrapping_sub(min.wrapping_mul(*count)))
        .collect();
    let (by_least, by_running) = (above(&lasts), running(&lasts, &sums));
    let mut out = vec![scale];
    column::write_whole(&mut out, &mins);
    column::write_whole(&mut out, &above(&maxs));
    column::write_whole(&mut out, &more);
    // The first of them is the total itself.
    let is_running = column::cost(&by_running[1.min(by_running.len())..]) < column::cost(&by_least);
    out.push(if is_running { BY_RUNNING } else { BY_LEAST });
    match is_running {
        true => {
            column::write_whole(&mut out, &by_running[..1]);
            column::write_whole(&mut out, &by_running[1..]);
        }
        false => column::write_whole(&mut out, &by_least),
    }
    Some(out)
}

fn running(lasts: &[i64], sums: &[i64]) -> Vec<i64> {
    let mut before = 0_i64;
    let each = lasts.iter().zip(sums).map(|(last, sum)| {
        let more = last.wrapping_sub(before).wrapping_sub(*sum);
        before = *last;
        more
    });
    each.collect()
}

/// Fills `[sums, mins, maxs, lasts]` with what [`encode`] was given; `None` for other bytes. `room` and `units` are to
/// work in.
pub fn decode(
    reader: &mut Reader<'_>,
    counts: &[i64],
    room: &mut Vec<u64>,
    units: &mut Vec<i64>,
    [sums, mins, maxs, lasts]: [&mut Vec<f64>; 4],
) -> Option<()> {
    let n = counts.len();
    let scale = reader.byte().filter(|scale| *scale <= decimal::MAX_SCALE)?;
    units.clear();
    for _ in 0..3 {
        column::read_whole(reader, n, room, units)?;
    }
    let by = reader.byte()?;
    match by {
        BY_LEAST => column::read_whole(reader, n, room, units)?,
        BY_RUNNING => {
            column::read_whole(reader, 1.min(n), room, units)?;
            column::read_whole(reader, n.saturating_sub(1), room, units)?;
        }
        _ => return None,
    }
    for column in [&mut *sums, mins, maxs, lasts] {
        column.clear();
    }
    let mut before = 0_i64;
    for (place, count) in counts.iter().enumerate() {
        let at = |column: usize| units.get(column * n + place).copied();
        let (min, above, more, last) = (at(0)?, at(1)?, at(2)?, at(3)?);
        let sum = more.wrapping_add(min.wrapping_mul(*count));
        before = match by {
            BY_RUNNING => before.wrapping_add(sum).wrapping_add(last),
            _ => min.wrapping_add(last),
        };
        sums.push(decimal::unscaled(sum, scale));
        mins.push(decimal::unscaled(min, scale));
        maxs.push(decimal::unscaled(min.wrapping_add(above), scale));
        lasts.push(decimal::unscaled(before, scale));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = f64> {
        prop_oneof![
            (-1_000_000_i64..1_000_000).prop_map(|units| units as f64 / 100.),
            (-9_007_199_254_740_000_i64..9_007_199_254_740_000).prop_map(|units| units as f64),
            Just(1e15),
            (0_u32..9).prop_map(f64::from),
        ]
    }

    proptest! {
        #[test]
        fn columns_come_back(rows in prop::collection::vec((1..1000_i64, number(), number(), number(), number()), 1..100)) {
            let of = |pick: fn(&(i64, f64, f64, f64, f64)) -> f64| rows.iter().map(pick).collect::<Vec<f64>>();
            let counts: Vec<i64> = rows.iter().map(|row| row.0).collect();
            let all = [of(|row| row.1), of(|row| row.2), of(|row| row.3), of(|row| row.4)];
            let [sums, mins, maxs, lasts] = &all;
            if let Some(bytes) = encode(&Columns { counts: &counts, sums, mins, maxs, lasts }) {
                let mut back = [const { Vec::new() }; 4];
                let [a, b, c, d] = &mut back;
                let mut reader = Reader::new(&bytes);
                decode(&mut reader, &counts, &mut Vec::new(), &mut Vec::new(), [a, b, c, d]).unwrap();
                prop_assert!(reader.is_at_end());
                prop_assert_eq!(back, all);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, n in 0..200_usize) {
            let mut back = [const { Vec::new() }; 4];
            let [a, b, c, d] = &mut back;
            let _ = decode(&mut Reader::new(&bytes), &vec![7; n], &mut Vec::new(), &mut Vec::new(), [a, b, c, d]);
        }
    }

    #[test]
    fn a_running_total_is_told_by_its_sums() {
        let counts = vec![20; 288];
        let sums: Vec<f64> = (0..288).map(|n| f64::from(900 + n * 37 % 100)).collect();
        let lasts: Vec<f64> = sums
            .iter()
            .scan(5e9, |total, sum| {
                *total += sum;
                Some(*total)
            })
            .collect();
        let (mins, maxs) = (vec![40.; 288], vec![50.; 288]);
        let columns = Columns {
            counts: &counts,
            sums: &sums,
            mins: &mins,
            maxs: &maxs,
            lasts: &lasts,
        };
        let n = encode(&columns).unwrap().len();
        assert!(n < 288 + 60, "{n}");
    }
}
