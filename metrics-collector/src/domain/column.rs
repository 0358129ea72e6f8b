//! Columns of numbers, packed: whole numbers by what is smallest of their offsets, their changes and the changes of
//! those, divided by what they have in common; others in decimal units where they have few decimals, else by the bits
//! that change. All exact.

use super::bits::{self, BLOCK};
use super::curve::{self, Curves};
use super::decimal::{self, MAX_SCALE};
use super::line;
use super::varint::{self, Reader, unzigzag, zigzag};

/// Numbers in a column, at most: more than any window holds.
pub const MAX_LEN: usize = 16_000_000;

/// How whole numbers are told.
const OFFSETS: u8 = 0;
const CHANGES: u8 = 1;
const CHANGES_OF_CHANGES: u8 = 2;
/// Each block by a line of its own and how far above it each number is.
const LINES: u8 = 3;
/// By parabolas and how far above them each number is.
const CURVES: u8 = 4;
/// Of numbers that take no more bits than this already, no curve is looked for.
const SMALL_BITS: u64 = 2;
/// In place of the number of decimals: by the bits that change.
const BITS: u8 = 255;

/// Appends whole numbers; how many there are is for the caller to know.
pub fn write_whole(out: &mut Vec<u8>, numbers: &[i64]) {
    let Some(first) = numbers.first() else { return };
    let least = numbers.iter().copied().min().unwrap_or(*first);
    let divisor = common_divisor(numbers);
    let quotient = |difference: i64| difference / divisor;
    let offsets: Vec<u64> = numbers
        .iter()
        .map(|number| number.wrapping_sub(least) as u64 / divisor as u64)
        .collect();
    let changes: Vec<i64> = numbers
        .windows(2)
        .map(|pair| quotient(pair[1].wrapping_sub(pair[0])))
        .collect();
    let zigzags: Vec<u64> = changes.iter().map(|change| zigzag(*change)).collect();
    let second: Vec<u64> = changes
        .windows(2)
        .map(|pair| zigzag(pair[1].wrapping_sub(pair[0])))
        .collect();
    let ways = [
        (OFFSETS, &offsets),
        (CHANGES, &zigzags),
        (CHANGES_OF_CHANGES, &second),
    ];
    let (way, packed) = ways
        .into_iter()
        .min_by_key(|(_, packed)| bits::cost(packed))
        .unwrap_or(ways[0]);
    let mut cost = bits::cost(packed);
    let has_more = cost > SMALL_BITS * numbers.len() as u64;
    let lines = has_more.then(|| line::of_blocks(&offsets)).flatten();
    let lines = lines.filter(|lines| line::cost(lines) < cost);
    cost = lines.as_ref().map_or(cost, |lines| line::cost(lines));
    let curves = has_more.then(|| Curves::of(&offsets)).flatten();
    if let Some(curves) = curves.filter(|curves| curves.cost() < cost) {
        write_head(out, CURVES, divisor, least);
        curves.write(out, &offsets);
        return;
    }
    if let Some(lines) = lines {
        write_head(out, LINES, divisor, least);
        lines.iter().for_each(|block| block.write(out));
        return;
    }
    write_head(out, way, divisor, if way == OFFSETS { least } else { *first });
    if way == CHANGES_OF_CHANGES {
        varint::write_signed(out, changes.first().copied().unwrap_or(0));
    }
    packed.chunks(BLOCK).for_each(|block| bits::pack(out, block));
}

fn write_head(out: &mut Vec<u8>, way: u8, divisor: i64, first: i64) {
    out.push(way);
    varint::write(out, divisor as u64);
    varint::write_signed(out, first);
}

/// What all differences have in common; 1 where one does not fit.
fn common_divisor(numbers: &[i64]) -> i64 {
    let mut divisor = 0_u64;
    for pair in numbers.windows(2) {
        let Some(difference) = pair[1].checked_sub(pair[0]) else {
            return 1;
        };
        divisor = greatest_common(difference.unsigned_abs(), divisor);
        if divisor == 1 {
            return 1;
        }
    }
    // The offsets from the least must fit as well.
    let (least, greatest) = (numbers.iter().min(), numbers.iter().max());
    let fits = least
        .zip(greatest)
        .is_some_and(|(least, greatest)| greatest.checked_sub(*least).is_some());
    if fits {
        i64::try_from(divisor).unwrap_or(1).max(1)
    } else {
        1
    }
}

fn greatest_common(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Appends `n` whole numbers to `out`. `room` is to work in.
pub fn read_whole(reader: &mut Reader<'_>, n: usize, room: &mut Vec<u64>, out: &mut Vec<i64>) -> Option<()> {
    if n == 0 {
        return Some(());
    }
    let way = reader.byte()?;
    let divisor = reader.number()? as i64;
    let first = reader.signed()?;
    if let LINES | CURVES = way {
        room.clear();
        match way {
            CURVES => curve::read(reader, n, room)?,
            _ => read_lines(reader, n, room)?,
        }
        let number = |offset: &u64| first.wrapping_add((*offset as i64).wrapping_mul(divisor));
        out.extend(room.iter().map(number));
        return Some(());
    }
    let (mut change, n_packed) = match way {
        OFFSETS => (0, n),
        CHANGES => (0, n - 1),
        CHANGES_OF_CHANGES => (reader.signed()?, n.saturating_sub(2)),
        _ => return None,
    };
    room.clear();
    for block in (0..n_packed).step_by(BLOCK) {
        bits::unpack(reader, BLOCK.min(n_packed - block), room)?;
    }
    let mut number = first;
    match way {
        OFFSETS => out.extend(
            room.iter()
                .map(|offset| first.wrapping_add((*offset as i64).wrapping_mul(divisor))),
        ),
        CHANGES => {
            out.push(number);
            out.extend(room.iter().map(|change| {
                number = number.wrapping_add(unzigzag(*change).wrapping_mul(divisor));
                number
            }));
        }
        _ => {
            out.push(number);
            if n > 1 {
                number = number.wrapping_add(change.wrapping_mul(divisor));
                out.push(number);
            }
            out.extend(room.iter().map(|second| {
                change = change.wrapping_add(unzigzag(*second));
                number = number.wrapping_add(change.wrapping_mul(divisor));
                number
            }));
        }
    }
    Some(())
}

fn read_lines(reader: &mut Reader<'_>, n: usize, room: &mut Vec<u64>) -> Option<()> {
    for block in (0..n).step_by(BLOCK) {
        line::read(reader, BLOCK.min(n - block), room)?;
    }
    Some(())
}

/// Appends numbers of any kind.
pub fn write_floats(out: &mut Vec<u8>, numbers: &[f64]) {
    if numbers.is_empty() {
        return;
    }
    match common_scale(numbers.iter().copied()) {
        Some(scale) => {
            let units: Vec<i64> = numbers
                .iter()
                .map(|number| decimal::scaled(*number, scale).unwrap_or(0))
                .collect();
            out.push(scale);
            write_whole(out, &units);
        }
        None => write_bits(out, numbers),
    }
}

/// The fewest decimals with which all are exact.
pub fn common_scale(numbers: impl Iterator<Item = f64> + Clone) -> Option<u8> {
    let mut scale = 0;
    for number in numbers.clone() {
        if decimal::scaled(number, scale).is_none() {
            scale = decimal::scale_of(number, scale)?;
        }
    }
    let mut numbers = numbers;
    let all_fit = numbers.all(|number| decimal::scaled(number, scale).is_some());
    all_fit.then_some(scale)
}

/// Bytes that [`write_whole`] takes.
pub fn cost(numbers: &[i64]) -> usize {
    let mut out = Vec::new();
    write_whole(&mut out, numbers);
    out.len()
}

/// Each number's bits that differ from the one before, without the zeros that all of a block end with.
fn write_bits(out: &mut Vec<u8>, numbers: &[f64]) {
    out.push(BITS);
    let mut before = 0;
    let changed: Vec<u64> = numbers
        .iter()
        .map(|number| {
            let changed = number.to_bits() ^ before;
            before = number.to_bits();
            changed
        })
        .collect();
    for block in changed.chunks(BLOCK) {
        let n_zeros = block
            .iter()
            .map(|bits| bits.trailing_zeros())
            .min()
            .unwrap_or(0)
            .min(63);
        out.push(n_zeros as u8);
        let shifted: Vec<u64> = block.iter().map(|bits| bits >> n_zeros).collect();
        bits::pack(out, &shifted);
    }
}

/// Appends `n` numbers of any kind to `out`. `room` and `units` are to work in.
pub fn read_floats(
    reader: &mut Reader<'_>,
    n: usize,
    room: &mut Vec<u64>,
    units: &mut Vec<i64>,
    out: &mut Vec<f64>,
) -> Option<()> {
    if n == 0 {
        return Some(());
    }
    match reader.byte()? {
        scale @ 0..=MAX_SCALE => {
            units.clear();
            read_whole(reader, n, room, units)?;
            out.extend(units.iter().map(|units| decimal::unscaled(*units, scale)));
        }
        BITS => {
            let mut before = 0;
            for block in (0..n).step_by(BLOCK) {
                let n_zeros = reader.byte()? & 63;
                room.clear();
                bits::unpack(reader, BLOCK.min(n - block), room)?;
                out.extend(room.iter().map(|changed| {
                    before ^= changed << n_zeros;
                    f64::from_bits(before)
                }));
            }
        }
        _ => return None,
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole() -> impl Strategy<Value = Vec<i64>> {
        prop_oneof![
            prop::collection::vec(any::<i64>(), 0..200),
            prop::collection::vec(-1000_i64..1000, 0..200),
            (-9_000_i64..9_000, prop::collection::vec(0..100_i64, 0..200)).prop_map(|(slope, dust)| {
                dust.iter()
                    .zip(0..)
                    .map(|(dust, n)| n * slope / 7 + dust)
                    .collect()
            }),
            (
                any::<i32>(),
                1..100_000_i64,
                prop::collection::vec(-3..3_i64, 0..200)
            )
                .prop_map(|(first, step, dust)| {
                    dust.iter()
                        .zip(0..)
                        .map(|(dust, n)| i64::from(first) + n * step + dust)
                        .collect()
                }),
            (1..1000_i64, prop::collection::vec(-50..50_i64, 0..200))
                .prop_map(|(by, all)| all.iter().map(|n| n * by).collect()),
        ]
    }

    fn floats() -> impl Strategy<Value = Vec<f64>> {
        prop_oneof![
            prop::collection::vec(any::<f64>(), 0..200),
            prop::collection::vec((-100_000_i32..100_000).prop_map(|n| f64::from(n) / 1000.), 0..200),
            prop::collection::vec(0.0..1.0, 0..200),
            prop::collection::vec(
                prop_oneof![Just(0.), Just(-0.), Just(f64::NAN), Just(1e300), Just(7.)],
                0..200
            ),
        ]
    }

    fn back(bytes: &[u8], n: usize) -> Option<Vec<f64>> {
        let (mut reader, mut out) = (Reader::new(bytes), Vec::new());
        read_floats(&mut reader, n, &mut Vec::new(), &mut Vec::new(), &mut out)?;
        reader.is_at_end().then_some(out)
    }

    proptest! {
        #[test]
        fn whole_numbers_come_back(numbers in whole()) {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            write_whole(&mut bytes, &numbers);
            let mut reader = Reader::new(&bytes);
            read_whole(&mut reader, numbers.len(), &mut Vec::new(), &mut back).unwrap();
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn floats_come_back_to_the_bit(numbers in floats()) {
            let mut bytes = Vec::new();
            write_floats(&mut bytes, &numbers);
            let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits(&back(&bytes, numbers.len()).unwrap()), bits(&numbers));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, n in 0..500_usize) {
            let _ = back(&bytes, n);
        }
    }

    #[test]
    fn what_was_written_by_lines_is_read() {
        // Of builds before curves: 70 numbers around a rise of 45, in two blocks, with the least at -7.
        let hex = concat!(
            "0003010d80b401000600c0c14916ba71eb9695526301e52a1dcad6349b72486b09588d5466dbca6da825710770709285",
            "6edcba65a5d45840b94a80b401802d060087b235cd06",
        );
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let expected: Vec<f64> = (0..70).map(|n| f64::from(n * 45 + n * n * 7 % 45 - 7)).collect();
        assert_eq!(back(&bytes, 70), Some(expected));
    }

    #[test]
    fn what_is_regular_takes_next_to_nothing() {
        let size = |numbers: &[i64]| {
            let mut bytes = Vec::new();
            write_whole(&mut bytes, numbers);
            bytes.len()
        };
        let times: Vec<i64> = (0..480).map(|n| n * 15_000).collect();
        assert!(size(&times) < 30, "{}", size(&times));
        let steps: Vec<i64> = (0..480).map(|n| n * n % 7 * 1000).collect();
        assert!(size(&steps) < 480 * 3 / 8 + 40, "{}", size(&steps));
    }
}
