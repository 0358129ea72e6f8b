//! Base64 VLQ, the number form of mappings (ECMA-426 §5): six bits a character, the lowest of the first is the sign.

/// Why there is no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadVlq {
    /// A character that is no base64 digit.
    Character,
    /// The last digit says that there is another.
    Unfinished,
}

/// A number that may be beyond what the specification allows: then it is `Err` of nothing, and reading can go on.
pub(super) type Number = Option<i32>;

/// Reads one number from the front of `digits`, and leaves the rest.
pub(super) fn read(digits: &mut &[u8]) -> Result<Number, BadVlq> {
    let mut value = 0_u64;
    let mut shift = 0_u32;
    let mut is_too_large = false;
    loop {
        let Some((&first, rest)) = digits.split_first() else {
            return Err(BadVlq::Unfinished);
        };
        let digit = DIGITS[usize::from(first)];
        if digit == NONE {
            return Err(BadVlq::Character);
        }
        *digits = rest;
        let bits = u64::from(digit & 31);
        if shift < 60 {
            value |= bits << shift;
            shift += 5;
        } else {
            is_too_large |= bits != 0;
        }
        if digit & 32 == 0 {
            break;
        }
    }
    let magnitude = i64::try_from(value >> 1).unwrap_or(i64::MAX);
    let signed = if value & 1 == 1 { -magnitude } else { magnitude };
    Ok(i32::try_from(signed).ok().filter(|_| !is_too_large))
}

const NONE: u8 = 255;

const DIGITS: [u8; 256] = {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut digits = [NONE; 256];
    let mut value = 0;
    while value < 64 {
        digits[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_and_the_rest_is_left() {
        let check = |text: &str, expected: Result<Number, BadVlq>, rest: &str| {
            let mut digits = text.as_bytes();
            assert_eq!(read(&mut digits), expected, "{text}");
            assert_eq!(digits, rest.as_bytes(), "{text}");
        };
        check("A", Ok(Some(0)), "");
        check("CD", Ok(Some(1)), "D");
        check("D", Ok(Some(-1)), "");
        check("2HwcqxB", Ok(Some(123)), "wcqxB");
        check("+/////D", Ok(Some(i32::MAX)), "");
        check("//////D", Ok(Some(-i32::MAX)), "");
        check("ggggggE", Ok(None), "");
        check(&format!("i{}A", "g".repeat(200)), Ok(Some(1)), "");
        check(&format!("i{}C", "g".repeat(200)), Ok(None), "");
        check("g", Err(BadVlq::Unfinished), "");
        check("!", Err(BadVlq::Character), "!");
        check("", Err(BadVlq::Unfinished), "");
    }
}
