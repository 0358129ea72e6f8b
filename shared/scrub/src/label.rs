//! The name in front of a `=`, a `:` or a comma: `password`, `"password"`, `headers['x-api-key']`, `user[password]`.

use crate::word::is_word;

/// Longest name read, in bytes.
const MAX_NAME: usize = 64;
/// Spaces allowed between a name and its sign: `password    = x`.
const MAX_SPACES: usize = 16;

/// A name, and what surrounds it.
pub(crate) struct Label<'t> {
    pub(crate) name: &'t str,
    /// What precedes it, back to `floor`.
    pub(crate) before: &'t str,
    /// The quote around it.
    pub(crate) quote: Option<u8>,
    /// Space stood between the name and the sign.
    pub(crate) is_spaced: bool,
}

/// The label that ends before `sign`; looks no further back than `floor`.
pub(crate) fn before(text: &str, floor: usize, sign: usize) -> Option<Label<'_>> {
    let before = &text.as_bytes()[floor..sign];
    let unspaced = trim_end(before, MAX_SPACES, |byte| matches!(byte, b' ' | b'\t'));
    let is_spaced = unspaced.len() < before.len();
    let end = without_bracket(trim_end(unspaced, 2, |byte| byte == b'*'));
    let (end, quote) = match end {
        [rest @ .., quote @ (b'"' | b'\'' | b'`')] => (trim_end(rest, 8, |byte| byte == b'\\'), Some(*quote)),
        _ => (end, None),
    };
    let name = trim_end(end, MAX_NAME, |byte| is_word(byte) || matches!(byte, b'-' | b'.'));
    let (start, end) = (floor + name.len(), floor + end.len());
    let start = text.ceil_char_boundary(start + escaped_letter(text.as_bytes(), floor, start, end));
    let name = text.get(start..end)?;
    let start = if is_second_word(name) {
        start_of_two_words(text.as_bytes(), floor, start)
    } else {
        start
    };
    Some(Label {
        name: &text[start..end],
        before: &text[floor..start],
        quote,
        is_spaced,
    })
}

fn trim_end(bytes: &[u8], max: usize, belongs: impl Fn(u8) -> bool) -> &[u8] {
    let length = bytes
        .iter()
        .rev()
        .take(max)
        .take_while(|&&byte| belongs(byte))
        .count();
    &bytes[..bytes.len() - length]
}

fn without_bracket(bytes: &[u8]) -> &[u8] {
    bytes
        .strip_suffix(b"]")
        .or_else(|| bytes.strip_suffix(b"%5D"))
        .unwrap_or(bytes)
}

/// In `\npassword`, written with two characters, the `n` is not the name's; nor is the code in `%26password`.
fn escaped_letter(bytes: &[u8], floor: usize, start: usize, end: usize) -> usize {
    let name = &bytes[start..end];
    match (bytes[floor..start].last(), name) {
        (Some(b'\\'), [b'n' | b'r' | b't', _, ..]) => 1,
        (Some(b'%'), [one, other, _, ..]) if one.is_ascii_hexdigit() && other.is_ascii_hexdigit() => 2,
        _ => 0,
    }
}

/// `API key`, `card number`.
fn is_second_word(name: &str) -> bool {
    name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("number")
}

fn start_of_two_words(bytes: &[u8], floor: usize, start: usize) -> usize {
    match &bytes[floor..start] {
        [rest @ .., b' '] => {
            let is_letter = |byte: u8| byte.is_ascii_alphabetic();
            floor + trim_end(rest, MAX_NAME, is_letter).len()
        }
        _ => start,
    }
}
