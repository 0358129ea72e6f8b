//! JSON that is kept as it came: checked for depth, blanks removed; and request bodies mended where old
//! clients send what is no JSON.

use std::borrow::Cow;

use serde_json::Number;

/// Deepest nesting kept; what parses our answers (serde_json, most languages) stops at 128.
pub const MAX_DEPTH: usize = 100;

/// Valid JSON without blanks between its tokens. `None` if it is nested deeper than [`MAX_DEPTH`].
pub fn compact(json: &str) -> Option<String> {
    let mut out = Vec::with_capacity(json.len());
    let mut depth = 0_usize;
    let mut is_in_string = false;
    let mut is_escaped = false;
    for byte in json.bytes() {
        if is_in_string {
            is_in_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            out.push(byte);
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => continue,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => is_in_string = true,
            _ => {}
        }
        if depth > MAX_DEPTH {
            return None;
        }
        out.push(byte);
    }
    // Only whole ASCII bytes were left out, so this is still UTF-8.
    String::from_utf8(out).ok()
}

/// The same text with what no JSON parser takes replaced by U+FFFD: bytes that are no UTF-8, and halves of
/// surrogate pairs (`"\ud800"`), which JavaScript's and Python's own writers emit.
pub fn mend(body: &[u8]) -> Cow<'_, str> {
    // First as what it nearly always is, since looking for what to mend takes longer.
    let text = match std::str::from_utf8(body) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(body),
    };
    if !text.contains("\\u") {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let (escape, length) = escape_at(rest);
        out.push_str(escape);
        rest = &rest[length..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// What an escape at the start of `text` becomes, and how many bytes of `text` it stands for.
fn escape_at(text: &str) -> (&str, usize) {
    match unit_at(text) {
        Some(0xd800..0xdc00) => match text.get(6..).and_then(unit_at) {
            Some(0xdc00..0xe000) => (&text[..12], 12),
            _ => ("\\ufffd", 6),
        },
        Some(0xdc00..0xe000) => ("\\ufffd", 6),
        Some(_) => (&text[..6], 6),
        None => {
            let length = 1 + text[1..].chars().next().map_or(0, char::len_utf8);
            (&text[..length], length)
        }
    }
}

/// The code unit of `\uXXXX` at the start.
fn unit_at(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    u32::from_str_radix(digits, 16).ok()
}

/// A whole number from 1; 26 and 26.0 are the same number in JSON.
pub fn whole(number: &Number) -> Option<i64> {
    let float = || number.as_f64().filter(|it| it.fract() == 0. && *it < 9e15);
    let id = number.as_i64().or_else(|| Some(float()? as i64))?;
    (id > 0).then_some(id)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn blanks_go_but_not_those_in_strings() {
        let check = |json: &str, expected: &str| assert_eq!(compact(json).as_deref(), Some(expected));
        check("{ \"a b\" : [ 1 , 2.50 ] }\n", "{\"a b\":[1,2.50]}");
        check("\" \\\" \\\\ \"", "\" \\\" \\\\ \"");
        check("[\"\\\\\", 1]", "[\"\\\\\",1]");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(compact(&nested(MAX_DEPTH)).is_some());
        assert!(compact(&nested(MAX_DEPTH + 1)).is_none());
        assert!(compact(&("[\"".to_owned() + &"[".repeat(500) + "\"]")).is_some());
    }

    #[test]
    fn half_surrogates_and_foreign_bytes_are_mended() {
        let check = |body: &[u8], expected: &str| assert_eq!(mend(body), expected);
        check(b"{\"a\":\"\\ud800\"}", "{\"a\":\"\\ufffd\"}");
        check(b"\"\\udc00\\ud83d\\ude00\"", "\"\\ufffd\\ud83d\\ude00\"");
        check(b"\"\\\\ud800\"", "\"\\\\ud800\"");
        check(b"\"\xff\\u0041\"", "\"\u{fffd}\\u0041\"");
        check(b"\"\\ud8", "\"\\ud8");
    }

    proptest! {
        #[test]
        fn mending_never_panics_and_keeps_valid_json(text in "\\PC*", units in proptest::collection::vec(any::<u16>(), 0..8)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let mended = mend(format!("\"{escapes}\"").as_bytes()).into_owned();
            prop_assert!(serde_json::from_str::<String>(&mended).is_ok());
            mend(text.as_bytes());
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(serde_json::from_str::<String>(&mend(json.as_bytes())).unwrap(), text);
        }
    }
}
