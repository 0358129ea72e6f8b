//! The inside of a JSON string, undone: borrowed where nothing has to be changed. Never fails: what is broken is
//! replaced by U+FFFD and told.

use std::borrow::Cow;

/// A string as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text<'a> {
    /// Its value.
    pub value: Cow<'a, str>,
    /// Bytes up to the closing quote, or all where there is none.
    pub length: usize,
    /// Something in it was no UTF-8, no UTF-16, or no escape; or Docker had replaced it already.
    pub is_damaged: bool,
}

/// Reads from the first byte after the opening quote.
pub(crate) fn read(bytes: &[u8]) -> Text<'_> {
    let first = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    // The usual line has one escape, its `\n` at the end.
    let is_plain = bytes.get(first) != Some(&b'\\');
    if is_plain && let Ok(text) = std::str::from_utf8(&bytes[..first]) {
        return Text {
            value: Cow::Borrowed(text),
            length: first,
            is_damaged: false,
        };
    }
    let mut undo = Undo {
        out: Vec::with_capacity(first + 64),
        is_damaged: false,
    };
    let length = undo.all(bytes, first);
    let (value, was_broken) = match String::from_utf8(undo.out) {
        Ok(text) => (text, false),
        Err(error) => {
            let whole = is_cut_letter(error.as_bytes(), error.utf8_error()) && length == bytes.len();
            if whole {
                let valid = error.utf8_error().valid_up_to();
                let mut kept = error.into_bytes();
                kept.truncate(valid);
                (String::from_utf8_lossy(&kept).into_owned(), false)
            } else {
                (String::from_utf8_lossy(error.as_bytes()).into_owned(), true)
            }
        }
    };
    Text {
        value: Cow::Owned(value),
        length,
        is_damaged: undo.is_damaged || was_broken,
    }
}

/// Only the last letter is incomplete: the text was cut there, not damaged.
fn is_cut_letter(bytes: &[u8], error: std::str::Utf8Error) -> bool {
    error.error_len().is_none() && bytes.len() - error.valid_up_to() < 4
}

struct Undo {
    out: Vec<u8>,
    is_damaged: bool,
}

impl Undo {
    /// Returns the bytes up to the closing quote. `next` is the first quote or backslash.
    fn all(&mut self, bytes: &[u8], mut next: usize) -> usize {
        let mut at = 0;
        loop {
            self.out.extend_from_slice(&bytes[at..next]);
            at = next;
            match bytes.get(at) {
                Some(b'\\') => at += self.escape(&bytes[at..]),
                _ => return at,
            }
            next = memchr::memchr2(b'"', b'\\', &bytes[at..]).map_or(bytes.len(), |found| at + found);
        }
    }

    /// One escape; returns its bytes.
    fn escape(&mut self, bytes: &[u8]) -> usize {
        let Some(letter) = bytes.get(1) else {
            return 1;
        };
        let plain = match letter {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 0x08,
            b'f' => 0x0c,
            b'"' | b'\\' | b'/' => *letter,
            b'u' => return self.utf16(bytes),
            _ => {
                // No escape of JSON: kept as it stands.
                self.is_damaged = true;
                self.out.push(b'\\');
                return 1;
            }
        };
        self.out.push(plain);
        2
    }

    /// `\uXXXX`, or two of them that are one character.
    fn utf16(&mut self, bytes: &[u8]) -> usize {
        let Some(unit) = unit(bytes) else {
            self.is_damaged |= bytes.len() >= 6;
            return bytes.len().min(if bytes.len() >= 6 { 2 } else { 6 });
        };
        let (letter, length) = match unit {
            0xd800..=0xdbff => match bytes.get(6..).and_then(self::unit) {
                Some(low @ 0xdc00..=0xdfff) => {
                    let code = 0x10000 + ((u32::from(unit) - 0xd800) << 10) + (u32::from(low) - 0xdc00);
                    (char::from_u32(code), 12)
                }
                _ => (None, 6),
            },
            _ => (char::from_u32(u32::from(unit)), 6),
        };
        // Docker writes this escape in the place of bytes that were no UTF-8.
        self.is_damaged |= letter.is_none() || unit == 0xfffd;
        let letter = letter.unwrap_or('\u{fffd}');
        self.out
            .extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
        length
    }
}

/// The sixteen bits of an escape `\uXXXX`.
fn unit(bytes: &[u8]) -> Option<u16> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0_u16, |sum, digit| {
        let value = (*digit as char).to_digit(16)?;
        Some(sum << 4 | u16::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_undoes_what_serde_wrote(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let read = read(&json.as_bytes()[1..]);
            prop_assert_eq!(&*read.value, &*text);
            prop_assert_eq!(read.length, json.len() - 2);
            prop_assert!(!read.is_damaged);
        }

        #[test]
        fn it_takes_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let read = read(&bytes);
            prop_assert!(read.length <= bytes.len());
            prop_assert!(read.value.len() <= bytes.len() * 3);
        }

        #[test]
        fn cut_anywhere_it_keeps_what_came_before(text in "[a-zé😀\\\\\"\n]{0,40}", at in 0_usize..100) {
            let json = serde_json::to_string(&text).unwrap();
            let inside = &json.as_bytes()[1..json.len() - 1];
            let cut = read(&inside[..at.min(inside.len())]);
            prop_assert!(text.starts_with(&*cut.value), "{:?} of {:?}", cut.value, text);
        }
    }
}
