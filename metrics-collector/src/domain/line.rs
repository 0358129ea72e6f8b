//! Numbers of a block as a line and how far above it each is: what wavers around a steady rise takes as many bits as it
//! wavers, not twice as its changes do.

use super::bits::{self, BLOCK};
use super::varint::{self, Reader};

/// Larger numbers have no line: products with its slope stay far from the end of 64 bits.
const LARGEST: u64 = 1 << 40;
/// Bits of a slope behind the point.
const FRACTION: u32 = 8;

/// A block of at most [`BLOCK`] numbers.
pub struct Block {
    slope: i64,
    base: i64,
    above: Vec<u64>,
}

/// The line's height at a place, without its base.
#[inline]
fn rise(slope: i64, place: usize) -> i64 {
    slope.wrapping_mul(place as i64) >> FRACTION
}

/// Numbers in blocks; `None` where one is too large.
pub fn of_blocks(numbers: &[u64]) -> Option<Vec<Block>> {
    let fits = numbers.iter().all(|number| *number < LARGEST);
    fits.then(|| numbers.chunks(BLOCK).map(Block::of).collect())
}

/// Bits that they take, about.
pub fn cost(blocks: &[Block]) -> u64 {
    // Slope and base are two or three bytes each.
    blocks.iter().map(|block| bits::cost(&block.above) + 40).sum()
}

impl Block {
    fn of(numbers: &[u64]) -> Self {
        let slope = (steepness(numbers) * f64::from(1 << FRACTION)).round() as i64;
        let above = |(place, number): (usize, &u64)| *number as i64 - rise(slope, place);
        let base = numbers.iter().enumerate().map(above).min().unwrap_or(0);
        let above = numbers.iter().enumerate().map(|it| (above(it) - base) as u64);
        Self {
            slope,
            base,
            above: above.collect(),
        }
    }

    /// Appends its bytes.
    pub fn write(&self, out: &mut Vec<u8>) {
        varint::write_signed(out, self.slope);
        varint::write_signed(out, self.base);
        bits::pack(out, &self.above);
    }
}

/// Appends the `n` numbers of a block to `out`; `None` where the bytes are not those of one.
pub fn read(reader: &mut Reader<'_>, n: usize, out: &mut Vec<u64>) -> Option<()> {
    let (slope, base) = (reader.signed()?, reader.signed()?);
    let first = out.len();
    bits::unpack(reader, n, out)?;
    for (place, number) in out[first..].iter_mut().enumerate() {
        *number = number.wrapping_add(base.wrapping_add(rise(slope, place)) as u64);
    }
    Some(())
}

/// Of the line with the least squares, by step.
fn steepness(numbers: &[u64]) -> f64 {
    let n = numbers.len() as f64;
    let middle = (n - 1.) / 2.;
    let weighted = numbers.iter().enumerate();
    let weighted: f64 = weighted
        .map(|(place, number)| (place as f64 - middle) * *number as f64)
        .sum();
    let spread = n * (n * n - 1.) / 12.;
    if spread > 0. { weighted / spread } else { 0. }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn numbers_come_back(numbers in prop::collection::vec(0..LARGEST, 0..200)) {
            let mut bytes = Vec::new();
            of_blocks(&numbers).unwrap().iter().for_each(|block| block.write(&mut bytes));
            let (mut reader, mut back) = (Reader::new(&bytes), Vec::new());
            for block in (0..numbers.len()).step_by(BLOCK) {
                read(&mut reader, BLOCK.min(numbers.len() - block), &mut back).unwrap();
            }
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, n in 0..=BLOCK) {
            let _ = read(&mut Reader::new(&bytes), n, &mut Vec::new());
        }
    }

    #[test]
    fn what_wavers_around_a_rise_takes_the_bits_of_its_wavering() {
        let numbers: Vec<u64> = (0..480).map(|n| n * 45 + n * n * 7 % 45).collect();
        let bits = cost(&of_blocks(&numbers).unwrap());
        assert!(bits < 480 * 7, "{bits}");
        assert!(of_blocks(&[LARGEST]).is_none());
    }
}
