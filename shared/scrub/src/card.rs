//! Payment card numbers: an issuer's prefix, its length, the check digit, and nothing around that makes it another number.

use crate::word::{Step, is_word, word_end};

/// Digits of the shortest and the longest number.
const MIN_DIGITS: usize = 13;
const MAX_DIGITS: usize = 19;

/// Group lengths as they are printed on cards.
const LAYOUTS: [&[usize]; 5] = [
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 6, 4],
    &[4, 4, 4, 4, 3],
    &[4, 4, 4, 1],
];

/// Looks at the digits that begin at `start`, the first of a word. On failure steps over the first group.
pub(crate) fn number(text: &str, floor: usize, start: usize) -> Step {
    let bytes = text.as_bytes();
    let mut groups = Groups::default();
    let mut at = start;
    loop {
        let end = at
            + bytes[at..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
        groups.push(&bytes[at..end], end);
        at = end;
        let separator = bytes.get(at).copied().filter(|byte| matches!(byte, b' ' | b'-'));
        let is_grouped = separator.is_some() && bytes.get(at + 1).is_some_and(u8::is_ascii_digit);
        let is_same = groups.separator.is_none() || groups.separator == separator;
        if !is_grouped || !is_same || groups.is_full() {
            break;
        }
        groups.separator = separator;
        at += 1;
    }
    match groups.card_end(bytes) {
        Some(end) if stands_alone(bytes, floor, start, end) => Step::Found(start..end),
        _ => Step::On(word_end(bytes, groups.ends[0])),
    }
}

/// Runs of digits with one separator between them.
#[derive(Default)]
struct Groups {
    digits: [u8; MAX_DIGITS + 1],
    n_digits: usize,
    lengths: [usize; 5],
    ends: [usize; 5],
    n_groups: usize,
    separator: Option<u8>,
}

impl Groups {
    fn push(&mut self, group: &[u8], end: usize) {
        for &digit in group.iter().take(MAX_DIGITS + 1 - self.n_digits) {
            self.digits[self.n_digits] = digit - b'0';
            self.n_digits += 1;
        }
        self.lengths[self.n_groups] = group.len();
        self.ends[self.n_groups] = end;
        self.n_groups += 1;
    }

    fn is_full(&self) -> bool {
        self.n_groups == self.lengths.len() || self.n_digits > MAX_DIGITS
    }

    /// Where the card number ends, if the digits begin with one.
    fn card_end(&self, bytes: &[u8]) -> Option<usize> {
        if self.lengths[0] >= MIN_DIGITS {
            return is_card(self.digits.get(..self.lengths[0])?).then(|| self.ends[0]);
        }
        let groups = &self.lengths[..self.n_groups];
        let layout = LAYOUTS
            .iter()
            .filter(|layout| groups.starts_with(layout))
            .max_by_key(|layout| {
                let n_digits = layout.iter().sum::<usize>();
                (is_card(&self.digits[..n_digits]), n_digits)
            })?;
        let end = self.ends[layout.len() - 1];
        // A fifth group of four: a table of numbers. An expiry date, a check code or another card may follow.
        let n_following = match bytes.get(end) {
            separator if separator.copied() == self.separator => bytes[end + 1..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count(),
            _ => 0,
        };
        let is_table = (4..MIN_DIGITS).contains(&n_following);
        (!is_table && is_card(&self.digits[..layout.iter().sum()])).then_some(end)
    }
}

/// Not a part of a longer number, a word, a uuid or another string of hexadecimal groups.
fn stands_alone(bytes: &[u8], floor: usize, start: usize, end: usize) -> bool {
    let before = &bytes[floor..start];
    let after = &bytes[end..];
    let is_grouped = bytes[start..end].iter().any(|byte| !byte.is_ascii_digit());
    let ends_number = match before {
        [.., digit, b'.'] => digit.is_ascii_digit(),
        // A table of numbers.
        [.., digit, b' '] if is_grouped && digit.is_ascii_digit() => {
            before
                .iter()
                .rev()
                .skip(1)
                .take(5)
                .take_while(|byte| byte.is_ascii_digit())
                .count()
                == 4
        }
        [.., b'-'] => {
            let is_hex = |byte: &&u8| byte.is_ascii_hexdigit();
            let n_hex = before.iter().rev().skip(1).take(32).take_while(is_hex).count();
            n_hex >= 2
                && before
                    .len()
                    .checked_sub(n_hex + 2)
                    .is_none_or(|at| !is_word(before[at]))
        }
        [.., byte] => is_word(*byte),
        [] => false,
    };
    let goes_on = match after {
        [b'.', digit, ..] => digit.is_ascii_digit(),
        [b'-', rest @ ..] => {
            let n_hex = rest
                .iter()
                .take(32)
                .take_while(|byte| byte.is_ascii_hexdigit())
                .count();
            n_hex >= 4 && rest.get(n_hex).is_none_or(|byte| !is_word(*byte))
        }
        [byte, ..] => is_word(*byte),
        [] => false,
    };
    !ends_number && !goes_on
}

fn is_card(digits: &[u8]) -> bool {
    has_issuer(digits) && passes_luhn(digits)
}

/// Prefixes and lengths in use, from the issuers' tables at en.wikipedia.org/wiki/Payment_card_number.
fn has_issuer(digits: &[u8]) -> bool {
    if digits.len() < MIN_DIGITS {
        return false;
    }
    let prefix = |length: usize| {
        digits[..length]
            .iter()
            .fold(0_u32, |number, &digit| number * 10 + u32::from(digit))
    };
    match digits.len() {
        13 => prefix(1) == 4,
        14 => matches!(prefix(2), 36 | 38 | 39) || matches!(prefix(3), 300..=305),
        15 => matches!(prefix(2), 34 | 37),
        16 => {
            matches!(prefix(1), 4)
                || matches!(prefix(2), 51..=55 | 62 | 65)
                || matches!(prefix(3), 644..=649)
                || matches!(prefix(4), 2221..=2720 | 3528..=3589 | 6011)
                || is_maestro(prefix(4))
        }
        17 | 18 => prefix(2) == 62 || is_maestro(prefix(4)),
        19 => prefix(1) == 4 || matches!(prefix(2), 62 | 65) || prefix(4) == 6011 || is_maestro(prefix(4)),
        _ => false,
    }
}

fn is_maestro(prefix: u32) -> bool {
    matches!(prefix, 5018 | 5020 | 5038 | 5893 | 6304 | 6759 | 6761..=6763)
}

fn passes_luhn(digits: &[u8]) -> bool {
    let sum = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0_u32, |sum, (place, &digit)| {
            let digit = u32::from(digit);
            sum + match (place % 2, digit) {
                (0, _) => digit,
                (_, 0..=4) => digit * 2,
                _ => digit * 2 - 9,
            }
        });
    sum.is_multiple_of(10)
}
