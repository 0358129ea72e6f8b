//! Up to 64 numbers in as few bits each as most of them need; the few that need more have the rest behind.
//!
//! Bytes: the width, how many are patched, the numbers bit by bit, then for each patched one its place and a varint of
//! the bits above the width.

use super::varint::{self, Reader};

/// Numbers in a block.
pub const BLOCK: usize = 64;

/// Appends a block of at most [`BLOCK`] numbers.
pub fn pack(out: &mut Vec<u8>, numbers: &[u64]) {
    let (width, n_patched, _) = best_width(numbers);
    out.push(width as u8);
    out.push(n_patched as u8);
    pack_bits(out, numbers, width);
    for (place, number) in numbers.iter().enumerate() {
        if bits_of(*number) > width {
            out.push(place as u8);
            varint::write(out, number >> width);
        }
    }
}

/// Bits that [`pack`] takes for these, about.
pub fn cost(numbers: &[u64]) -> u64 {
    numbers
        .chunks(BLOCK)
        .map(|block| u64::from(best_width(block).2) + 16)
        .sum()
}

/// Appends `n` numbers to `out`; `None` where the bytes are not those of such a block.
pub fn unpack(reader: &mut Reader<'_>, n: usize, out: &mut Vec<u64>) -> Option<()> {
    let width = u32::from(reader.byte()?);
    let n_patched = usize::from(reader.byte()?);
    if width > 64 || n > BLOCK {
        return None;
    }
    let first = out.len();
    let bytes = reader.take((n * width as usize).div_ceil(8))?;
    match width {
        0 => out.resize(first + n, 0),
        _ => out.extend((0..n).map(|place| bits_at(bytes, place * width as usize, width))),
    }
    for _ in 0..n_patched {
        let place = usize::from(reader.byte()?);
        let above = reader.number()?.checked_shl(width)?;
        *out.get_mut(first + place)? |= above;
    }
    Some(())
}

fn bits_of(number: u64) -> u32 {
    64 - number.leading_zeros()
}

/// The width with the fewest bits in all: width, how many are wider, bits.
fn best_width(numbers: &[u64]) -> (u32, u32, u32) {
    let mut counts = [0_u32; 65];
    let mut widest = 0;
    for number in numbers {
        let bits = bits_of(*number);
        counts[bits as usize] += 1;
        widest = widest.max(bits);
    }
    let n = numbers.len() as u32;
    let mut best = (widest, 0, n * widest);
    let (mut n_wider, mut width) = (0, widest);
    while width > 0 {
        n_wider += counts[width as usize];
        width -= 1;
        // A place and the bits above, in sevens.
        let patched_bits = n_wider * (8 + (widest - width).div_ceil(7) * 8);
        let bits = n * width + patched_bits;
        if bits < best.2 {
            best = (width, n_wider, bits);
        }
        if patched_bits >= best.2 {
            break;
        }
    }
    best
}

fn pack_bits(out: &mut Vec<u8>, numbers: &[u64], width: u32) {
    let mask = if width == 64 { u64::MAX } else { (1 << width) - 1 };
    let mut writer = Writer::new(out);
    numbers
        .iter()
        .for_each(|number| writer.write(number & mask, width));
    writer.finish();
}

/// Appends numbers bit by bit, the low bits first.
pub struct Writer<'o> {
    out: &'o mut Vec<u8>,
    held: u128,
    n_held: u32,
}

impl<'o> Writer<'o> {
    /// Begins with a new byte.
    pub fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            held: 0,
            n_held: 0,
        }
    }

    /// Appends a number of up to `width` bits, 0 to 64.
    #[inline]
    pub fn write(&mut self, number: u64, width: u32) {
        self.held |= u128::from(number) << self.n_held;
        self.n_held += width;
        while self.n_held >= 8 {
            self.out.push(self.held as u8);
            self.held >>= 8;
            self.n_held -= 8;
        }
    }

    /// Appends the last bits.
    pub fn finish(self) {
        if self.n_held > 0 {
            self.out.push(self.held as u8);
        }
    }
}

/// The `width` bits, 1 to 64, from bit `at` on.
#[inline]
pub fn bits_at(bytes: &[u8], at: usize, width: u32) -> u64 {
    let (first, shift) = (at / 8, (at % 8) as u32);
    let rest = &bytes[first.min(bytes.len())..];
    let word = match rest.first_chunk::<8>() {
        Some(eight) => u64::from_le_bytes(*eight),
        None => rest
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let mut bits = word >> shift;
    if width + shift > 64 {
        let ninth = rest.get(8).copied().unwrap_or(0);
        bits |= u64::from(ninth) << (64 - shift);
    }
    if width == 64 {
        bits
    } else {
        bits & ((1 << width) - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..=64_u32).prop_map(|(number, bits)| number.checked_shr(64 - bits).unwrap_or(0))
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_back(numbers in prop::collection::vec(number(), 0..=BLOCK)) {
            let mut bytes = Vec::new();
            pack(&mut bytes, &numbers);
            prop_assert!(bytes.len() as u64 * 8 <= cost(&numbers) + 16);
            let (mut reader, mut back) = (Reader::new(&bytes), Vec::new());
            unpack(&mut reader, numbers.len(), &mut back).unwrap();
            prop_assert!(reader.is_at_end());
            prop_assert_eq!(back, numbers);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, n in 0..100_usize) {
            let _ = unpack(&mut Reader::new(&bytes), n, &mut Vec::new());
        }
    }

    #[test]
    fn a_few_large_numbers_do_not_widen_the_rest() {
        let mut numbers = [3; BLOCK];
        numbers[7] = 1 << 40;
        let mut bytes = Vec::new();
        pack(&mut bytes, &numbers);
        assert!(bytes.len() < 28, "{}", bytes.len());
    }
}
