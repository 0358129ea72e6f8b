//! Numbers as people write them: few decimals. `12.34` is 1234 hundredths, and whole numbers pack well.

/// Decimals looked for, at most.
pub const MAX_SCALE: u8 = 6;
/// Whole numbers up to here are exact in an `f64`: 2^53.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.;
const TENS: [f64; MAX_SCALE as usize + 1] = [1., 1e1, 1e2, 1e3, 1e4, 1e5, 1e6];

/// The number in units of 10^-scale, if it is one of them exactly: [`unscaled`] gives back the same bits.
#[inline]
pub fn scaled(value: f64, scale: u8) -> Option<i64> {
    let tens = TENS[usize::from(scale)];
    let units = value * tens;
    // To the nearest; rounding by the standard library is a call. Not so for what is no number.
    let whole = (units + 0.5_f64.copysign(units)) as i64;
    let back = match scale {
        0 => whole as f64,
        _ => whole as f64 / tens,
    };
    let is_exact = units.abs() < LARGEST_EXACT && back.to_bits() == value.to_bits();
    is_exact.then_some(whole)
}

/// The way back.
#[inline]
pub fn unscaled(units: i64, scale: u8) -> f64 {
    units as f64 / TENS[usize::from(scale.min(MAX_SCALE))]
}

/// The fewest decimals, and not fewer than `least`, with which the number is exact.
pub fn scale_of(value: f64, least: u8) -> Option<u8> {
    (least..=MAX_SCALE).find(|scale| scaled(value, *scale).is_some())
}

/// A sum of numbers of so many decimals without the dust of floating-point addition: 0.1 + 0.2 is 0.3.
pub fn tidy(sum: f64, scale: u8) -> f64 {
    let tens = TENS[usize::from(scale.min(MAX_SCALE))];
    let tidied = (sum * tens).round() / tens;
    let is_dust = (tidied - sum).abs() <= sum.abs() * 1e-12;
    if is_dust { tidied } else { sum }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_found() {
        assert_eq!(scale_of(12.34, 0), Some(2));
        assert_eq!(scale_of(-7., 0), Some(0));
        assert_eq!(scale_of(1. / 3., 0), None);
        for odd in [f64::NAN, f64::INFINITY, -0., 1e300] {
            assert_eq!(scale_of(odd, 0), None, "{odd}");
        }
        assert_eq!(tidy(0.1 + 0.2, 1), 0.3);
        assert_eq!(tidy(0.123, 1), 0.123);
    }

    proptest! {
        #[test]
        fn what_is_scaled_comes_back(value: f64, units in -1_000_000_000_000_i64..1_000_000_000_000, scale in 0..=MAX_SCALE) {
            if let Some(units) = scaled(value, scale) {
                prop_assert_eq!(unscaled(units, scale).to_bits(), value.to_bits());
            }
            prop_assert_eq!(scaled(unscaled(units, scale), scale), Some(units));
        }
    }
}
