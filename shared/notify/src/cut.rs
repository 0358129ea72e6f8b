//! Texts made short enough for a product's published limits, and put on one line.
//!
//! Products count "characters" without saying which; UTF-16 units are never fewer than code points, so they are safe.

/// At most `max` UTF-16 units (at least 1), ending in `…` where something is missing.
pub(crate) fn units(text: &str, max: usize) -> String {
    escaped(text, max, |_| None)
}

/// The same, with some characters replaced; `max` counts what comes out, and no replacement is cut in two.
pub(crate) fn escaped(text: &str, max: usize, escape: impl Fn(char) -> Option<&'static str>) -> String {
    let width = |piece: &str| piece.encode_utf16().count();
    shortened(text, max, escape, width)
}

/// At most `max` bytes of UTF-8 (at least 3), ending in `…` where something is missing.
pub(crate) fn bytes(text: &str, max: usize) -> String {
    shortened(text, max, |_| None, str::len)
}

const ELLIPSIS: &str = "…";

fn shortened(
    text: &str,
    max: usize,
    escape: impl Fn(char) -> Option<&'static str>,
    width: impl Fn(&str) -> usize,
) -> String {
    let mut out = String::new();
    let mut n = 0;
    // Where the text may end so that an ellipsis still fits.
    let mut end = 0;
    for c in text.chars() {
        let mut buffer = [0; 4];
        let piece = escape(c).unwrap_or_else(|| c.encode_utf8(&mut buffer));
        n += width(piece);
        if n > max {
            out.truncate(end);
            out.push_str(ELLIPSIS);
            return out;
        }
        out.push_str(piece);
        if n + width(ELLIPSIS) <= max {
            end = out.len();
        }
    }
    out
}

/// Line breaks and other control characters become blanks, and blanks at the ends go.
pub(crate) fn one_line(text: &str) -> String {
    let blanked: String = text
        .chars()
        .map(|c| match c {
            '\u{2028}' | '\u{2029}' => ' ',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect();
    blanked.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_fits_stays_and_what_does_not_ends_in_an_ellipsis() {
        assert_eq!(units("abc", 3), "abc");
        assert_eq!(units("abcd", 3), "ab…");
        assert_eq!(units("a😀b", 3), "a…", "an emoji is two units");
        assert_eq!(bytes("ääää", 8), "ääää");
        assert_eq!(bytes("äääää", 8), "ää…");
        let entity = |c| (c == '<').then_some("&lt;");
        assert_eq!(escaped("<<<", 12, entity), "&lt;&lt;&lt;");
        assert_eq!(escaped("<<<", 11, entity), "&lt;&lt;…");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(one_line(" a\r\nb\0c\u{2028}d\x7f "), "a  b c d");
    }

    proptest! {
        #[test]
        fn nothing_is_ever_longer_than_it_may_be(text in ".*", max in 3usize..40) {
            let escape = |c| matches!(c, 'a'..='m').then_some("&amp;");
            prop_assert!(escaped(&text, max, escape).encode_utf16().count() <= max);
            prop_assert!(units(&text, max).encode_utf16().count() <= max);
            prop_assert!(bytes(&text, max).len() <= max);
        }
    }
}
