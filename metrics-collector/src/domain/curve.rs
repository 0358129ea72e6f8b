//! Numbers as pieces of a parabola and how far above it each is: what wavers around a steady rise or a slow wave takes
//! as many bits as it wavers. A piece is as long as serves best, the same for all but the last.
//!
//! Bytes: length of a piece, then of each slope, bend, where the lowest begins, how far the farthest is above, and the
//! distances (`radix.rs`).

use super::radix::Radix;
use super::varint::{self, Reader};

/// Larger numbers have no curve: products with its slope stay far from the end of 64 bits.
const LARGEST: u64 = 1 << 32;
/// Numbers in a piece.
const MAX_PIECE: usize = 512;
/// Shorter pieces cost more than they save.
const MIN_PIECE: usize = 24;
/// Into how many pieces numbers are cut.
const CUTS: [usize; 5] = [1, 2, 3, 4, 8];
/// Bits of slope and bend behind the point.
const SLOPE_FRACTION: u32 = 8;
const BEND_FRACTION: u32 = 16;
/// Bits of slope, bend and beginning of a piece, about.
const HEAD_BITS: u64 = 7 * 8;

/// Numbers on their curves.
pub struct Curves {
    length: usize,
    pieces: Vec<Piece>,
    cost: u64,
}

struct Piece {
    curve: Curve,
    base: i64,
    radix: Radix,
    /// The greatest distance.
    highest: u64,
}

#[derive(Clone, Copy)]
struct Curve {
    slope: i64,
    bend: i64,
}

impl Curve {
    /// Its height at a place, without its base.
    #[inline]
    fn rise(self, place: usize) -> i64 {
        let place = place as i64;
        let straight = (self.slope << (BEND_FRACTION - SLOPE_FRACTION)).wrapping_mul(place);
        straight.wrapping_add(self.bend.wrapping_mul(place * place)) >> BEND_FRACTION
    }

    /// How far numbers are above it, without its base.
    fn above(self, numbers: &[u64]) -> impl Iterator<Item = i64> {
        let numbers = numbers.iter().enumerate();
        numbers.map(move |(place, number)| *number as i64 - self.rise(place))
    }

    /// The parabola with the least squares.
    fn through(numbers: &[u64]) -> Self {
        let n = numbers.len() as f64;
        let middle = (n - 1.) / 2.;
        let spread = (n * n - 1.) / 12.;
        let (mut straight, mut bent) = (0., 0.);
        for (place, number) in numbers.iter().enumerate() {
            let (at, number) = (place as f64 - middle, *number as f64);
            straight += at * number;
            bent += (at * at - spread) * number;
        }
        // The sums of the squares of `at` and of `at * at - spread`.
        let of_straight = n * spread;
        let of_bent = n * spread * (n * n - 4.) / 15.;
        let whole = |number: f64, fraction: u32| (number * f64::from(1 << fraction)).round() as i64;
        let bend = match of_bent > 0. {
            true => whole(bent / of_bent, BEND_FRACTION),
            false => 0,
        };
        let told = bend as f64 / f64::from(1 << BEND_FRACTION);
        let slope = match of_straight > 0. {
            true => whole(straight / of_straight - 2. * told * middle, SLOPE_FRACTION),
            false => 0,
        };
        Self { slope, bend }
    }
}

impl Curves {
    /// Those that take the fewest bits; `None` where a number is too large.
    pub fn of(numbers: &[u64]) -> Option<Self> {
        if numbers.iter().any(|number| *number >= LARGEST) {
            return None;
        }
        let lengths = CUTS.into_iter().map(|cut| numbers.len().div_ceil(cut));
        lengths
            .filter(|length| (MIN_PIECE..=MAX_PIECE).contains(length))
            .map(|length| Self::of_length(numbers, length))
            .min_by_key(Self::cost)
    }

    fn of_length(numbers: &[u64], length: usize) -> Self {
        let pieces: Vec<Piece> = numbers.chunks(length).map(Piece::of).collect();
        let costs = pieces
            .iter()
            .zip(numbers.chunks(length))
            .map(|(piece, numbers)| piece.radix.cost(numbers.len()) + HEAD_BITS);
        Self {
            length,
            cost: costs.sum(),
            pieces,
        }
    }

    /// Bits that they take, about.
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// Appends the bytes of the numbers that these are of.
    pub fn write(&self, out: &mut Vec<u8>, numbers: &[u64]) {
        varint::write(out, self.length as u64);
        let mut above = Vec::with_capacity(self.length);
        for (piece, numbers) in self.pieces.iter().zip(numbers.chunks(self.length)) {
            above.clear();
            above.extend(
                piece
                    .curve
                    .above(numbers)
                    .map(|number| (number - piece.base) as u64),
            );
            varint::write_signed(out, piece.curve.slope);
            varint::write_signed(out, piece.curve.bend);
            varint::write_signed(out, piece.base);
            varint::write(out, piece.highest);
            piece.radix.pack(out, &above);
        }
    }
}

impl Piece {
    fn of(numbers: &[u64]) -> Self {
        let curve = Curve::through(numbers);
        let bounds = curve
            .above(numbers)
            .fold((i64::MAX, i64::MIN), |(least, greatest), it| {
                (least.min(it), greatest.max(it))
            });
        let (base, greatest) = match numbers {
            [] => (0, 0),
            _ => bounds,
        };
        let highest = (greatest - base) as u64;
        Self {
            curve,
            base,
            highest,
            radix: Radix::below(highest + 1),
        }
    }
}

/// Appends `n` numbers to `out`; `None` where the bytes are not those of curves.
pub fn read(reader: &mut Reader<'_>, n: usize, out: &mut Vec<u64>) -> Option<()> {
    let length = usize::try_from(reader.number()?).ok()?;
    if !(1..=MAX_PIECE).contains(&length) {
        return None;
    }
    for first in (0..n).step_by(length) {
        let curve = Curve {
            slope: reader.signed()?,
            bend: reader.signed()?,
        };
        let base = reader.signed()?;
        let bound = reader.number()?.checked_add(1)?;
        let from = out.len();
        Radix::below(bound).unpack(reader, length.min(n - first), out)?;
        for (place, number) in out[from..].iter_mut().enumerate() {
            *number = number.wrapping_add(base.wrapping_add(curve.rise(place)) as u64);
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes_of(numbers: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        Curves::of(numbers).unwrap().write(&mut bytes, numbers);
        bytes
    }

    fn numbers() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            prop::collection::vec(0..LARGEST, 24..700),
            prop::collection::vec(0..100_u64, 24..700),
            (1..1000_u64, prop::collection::vec(0..1000_u64, 24..700)).prop_map(|(slope, dust)| dust
                .iter()
                .zip(0..)
                .map(|(dust, n)| n * slope + dust)
                .collect()),
        ]
    }

    proptest! {
        #[test]
        fn numbers_come_back(numbers in numbers()) {
            let bytes = bytes_of(&numbers);
            let (mut reader, mut back) = (Reader::new(&bytes), Vec::new());
            read(&mut reader, numbers.len(), &mut back).unwrap();
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, n in 0..1000_usize) {
            let _ = read(&mut Reader::new(&bytes), n, &mut Vec::new());
        }
    }

    #[test]
    fn what_wavers_around_a_rise_or_a_wave_takes_the_bits_of_its_wavering() {
        let dust = |n: u64, bound: u64| (n * n * 7 + n * 3) % bound;
        let rise: Vec<u64> = (0..480).map(|n| n * 45 + dust(n, 43)).collect();
        let bits = bytes_of(&rise).len() * 8;
        assert!(bits < 480 * 57 / 10, "{bits}");
        let wave = |n: u64| ((n as f64 / 240.).sin() * 2000. + 2000.) as u64;
        let waves: Vec<u64> = (0..480).map(|n| wave(n) + dust(n, 97)).collect();
        let bits = bytes_of(&waves).len() * 8;
        assert!(bits < 480 * 72 / 10, "{bits}");
    }

    #[test]
    fn large_or_few_numbers_have_none() {
        assert!(Curves::of(&[LARGEST; 100]).is_none());
        assert!(Curves::of(&[1, 2, 3]).is_none());
        assert!(Curves::of(&[]).is_none());
    }
}
