//! The inside of a JSON string as text, and the way back from a place in the text to one in the JSON.

use std::borrow::Cow;

/// Decodes `raw`, the bytes between the quotes; half a surrogate pair becomes U+FFFD.
pub(crate) fn unescape(raw: &str) -> Cow<'_, str> {
    if memchr::memchr(b'\\', raw.as_bytes()).is_none() {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(plain) = rest.find('\\') {
        text.push_str(&rest[..plain]);
        let (character, length) = escape(&rest[plain..]);
        text.push(character);
        rest = &rest[plain + length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Walks a raw string along with its decoded text, forward only.
pub(crate) struct Places<'r> {
    raw: &'r str,
    in_raw: usize,
    in_text: usize,
}

impl<'r> Places<'r> {
    pub(crate) fn new(raw: &'r str) -> Self {
        Places {
            raw,
            in_raw: 0,
            in_text: 0,
        }
    }

    /// Where in the raw string the byte at `in_text` of the decoded text begins.
    pub(crate) fn in_raw(&mut self, in_text: usize) -> usize {
        while self.in_text < in_text {
            // No farther than that, or each place would look through all the rest.
            let rest = &self.raw.as_bytes()[self.in_raw..];
            let near = &rest[..rest.len().min(in_text - self.in_text)];
            let n_plain = memchr::memchr(b'\\', near).unwrap_or(near.len());
            self.in_raw += n_plain;
            self.in_text += n_plain;
            if self.in_text < in_text {
                let (character, length) = escape(&self.raw[self.in_raw..]);
                self.in_raw += length;
                self.in_text += character.len_utf8();
            }
        }
        self.in_raw
    }
}

/// The character an escape at the beginning of `raw` stands for, and the escape's length. `raw` begins with `\`.
fn escape(raw: &str) -> (char, usize) {
    let character = match raw.as_bytes().get(1) {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'u') => return unicode_escape(raw),
        Some(&other) if other.is_ascii() => char::from(other),
        _ => return ('\\', 1),
    };
    (character, 2)
}

fn unicode_escape(raw: &str) -> (char, usize) {
    let unit = |at: usize| {
        let is_escape = raw.get(at..at + 2) == Some("\\u");
        let digits = raw
            .get(at + 2..at + 6)
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        digits
            .filter(|_| is_escape)
            .and_then(|digits| u16::from_str_radix(digits, 16).ok())
    };
    let Some(first) = unit(0) else {
        return ('u', 2);
    };
    if let Some(second) = unit(6)
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
        && character.len_utf16() == 2
    {
        return (character, 12);
    }
    (
        char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: &str, text: &str) {
        assert_eq!(unescape(raw), text, "{raw}");
        let mut places = Places::new(raw);
        assert_eq!(places.in_raw(text.len()), raw.len(), "{raw}");
    }

    #[test]
    fn escapes_are_decoded() {
        check("plain é", "plain é");
        check(r#"a\n\t\r\b\f\"\\\/b"#, "a\n\t\r\u{8}\u{c}\"\\/b");
        check(r"\u0026x\u00e9\u20AC", "&xé€");
        check(r"\ud83d\udca5!", "💥!");
        check(r"\ud83dx\udca5", "\u{fffd}x\u{fffd}");
        check(r"\ud83d\u0041", "\u{fffd}A");
    }

    #[test]
    fn a_place_in_the_text_is_found_in_the_json() {
        let mut places = Places::new(r"a\n\u0026cd");
        assert_eq!([0, 1, 2, 3, 4].map(|at| places.in_raw(at)), [0, 1, 3, 9, 10]);
    }
}
