//! Numbers below a bound as digits: several make one larger number, so that a bound of 40 takes 5.33 bits a number and
//! not 6. Which of them go together is decided by the bound alone.

use super::bits;
use super::varint::Reader;

/// Above this bound each number has bits of its own: little is left to be saved.
const LARGEST_SHARED: u64 = 1 << 20;
/// Numbers in one, at most.
const MAX_DIGITS: u32 = 16;

/// How numbers below a bound are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Radix {
    bound: u64,
    /// Numbers in one.
    n_digits: u32,
    /// Bits of one.
    width: u32,
}

impl Radix {
    /// The packing with the fewest bits for numbers below `bound`, which is at least 1.
    pub fn below(bound: u64) -> Self {
        let bits = bits_below(bound);
        let mut best = Self {
            bound,
            n_digits: 1,
            width: bits,
        };
        if bound > LARGEST_SHARED || bound.is_power_of_two() {
            return best;
        }
        let mut power = bound;
        for n_digits in 2..=MAX_DIGITS {
            let Some(product) = power.checked_mul(bound) else {
                break;
            };
            power = product;
            let width = bits_below(power);
            // Division by multiplication is exact up to here.
            if width + bits > 64 {
                break;
            }
            if width * best.n_digits < best.width * n_digits {
                best = Self {
                    bound,
                    n_digits,
                    width,
                };
            }
        }
        best
    }

    /// Bits that `n` numbers take.
    pub fn cost(&self, n: usize) -> u64 {
        let (whole, rest) = (n as u64 / u64::from(self.n_digits), n as u32 % self.n_digits);
        whole * u64::from(self.width) + u64::from(self.width_of(rest))
    }

    /// Bits of fewer numbers than usual.
    fn width_of(&self, n_digits: u32) -> u32 {
        match n_digits {
            0 => 0,
            n if n == self.n_digits => self.width,
            // A power of the bound that is less than one that fits.
            n => bits_below(self.bound.saturating_pow(n)),
        }
    }

    /// Appends numbers, all below the bound.
    pub fn pack(&self, out: &mut Vec<u8>, numbers: &[u64]) {
        let mut writer = bits::Writer::new(out);
        for digits in numbers.chunks(self.n_digits as usize) {
            let one = digits.iter().rev().fold(0, |one: u64, digit| {
                one.wrapping_mul(self.bound).wrapping_add(*digit)
            });
            writer.write(one, self.width_of(digits.len() as u32));
        }
        writer.finish();
    }

    /// Appends `n` numbers to `out`; `None` where there are not enough bytes.
    pub fn unpack(&self, reader: &mut Reader<'_>, n: usize, out: &mut Vec<u64>) -> Option<()> {
        let bytes = reader.take(usize::try_from(self.cost(n).div_ceil(8)).ok()?)?;
        let first = out.len();
        out.resize(first + n, 0);
        if self.width == 0 {
            return Some(());
        }
        // One more than 2^64 / bound, which divides numbers of these widths exactly.
        let reciprocal = u128::from(u64::MAX / self.bound + 1);
        let mut at = 0;
        for digits in out[first..].chunks_mut(self.n_digits as usize) {
            let width = self.width_of(digits.len() as u32);
            let mut one = bits::bits_at(bytes, at, width);
            at += width as usize;
            if let [digit] = digits {
                *digit = one;
                continue;
            }
            for digit in digits {
                let quotient = ((u128::from(one) * reciprocal) >> 64) as u64;
                *digit = one - quotient * self.bound;
                one = quotient;
            }
        }
        Some(())
    }
}

/// Bits of the greatest number below a bound.
fn bits_below(bound: u64) -> u32 {
    64 - bound.saturating_sub(1).leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers() -> impl Strategy<Value = (u64, Vec<u64>)> {
        let bound = prop_oneof![
            1..300_u64,
            1..2_000_000_u64,
            any::<u64>().prop_map(|bound| bound.max(1))
        ];
        bound.prop_flat_map(|bound| (Just(bound), prop::collection::vec(0..bound, 0..200)))
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back((bound, numbers) in numbers()) {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            let radix = Radix::below(bound);
            radix.pack(&mut bytes, &numbers);
            prop_assert_eq!(bytes.len() as u64, radix.cost(numbers.len()).div_ceil(8));
            let mut reader = Reader::new(&bytes);
            radix.unpack(&mut reader, numbers.len(), &mut back).unwrap();
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, bound in 1..u64::MAX, small in 1..300_u64, n in 0..100_usize) {
            for bound in [bound, small] {
                let _ = Radix::below(bound).unpack(&mut Reader::new(&bytes), n, &mut Vec::new());
            }
        }
    }

    #[test]
    fn the_greatest_digits_of_each_bound_come_back() {
        for bound in (1..5_000).chain([LARGEST_SHARED - 1, LARGEST_SHARED, LARGEST_SHARED + 1]) {
            let (mut bytes, mut back) = (Vec::new(), Vec::new());
            let numbers = vec![bound - 1; 37];
            Radix::below(bound).pack(&mut bytes, &numbers);
            Radix::below(bound)
                .unpack(&mut Reader::new(&bytes), 37, &mut back)
                .unwrap();
            assert_eq!(back, numbers, "{bound}");
        }
    }

    #[test]
    fn a_number_takes_little_more_than_its_share() {
        for bound in [3_u64, 20, 40, 69, 104, 999] {
            let bits = Radix::below(bound).cost(480) as f64 / 480.;
            let least = (bound as f64).log2();
            assert!(bits < least + 0.06, "{bound}: {bits}, {least}");
        }
    }
}
