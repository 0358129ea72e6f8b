//! One entry as a search sees it: without terminal codes, JSON's escapes resolved, in lower case.

use std::borrow::Cow;
use std::cell::OnceCell;

use crate::domain::entry::{Entry, Level, Stream};
use crate::domain::fields::{self, is_json};
use crate::domain::styled::{Style, after_code};
use crate::domain::words::fold;

/// One entry, made ready to be compared with many queries.
#[derive(Debug)]
pub struct EntryView<'a> {
    /// Unix time in nanoseconds.
    pub time_ns: i64,
    /// Name of the container.
    pub container: &'a str,
    /// Where it was written.
    pub stream: Stream,
    /// How bad it is.
    pub level: Level,
    /// As it was stored.
    pub message: &'a str,
    folded: OnceCell<Cow<'a, str>>,
    fields: OnceCell<Vec<(String, String)>>,
}

impl<'a> EntryView<'a> {
    /// A view of this entry.
    pub fn of(entry: &'a Entry) -> Self {
        Self::new(
            entry.time_ns,
            &entry.container,
            entry.stream,
            entry.level,
            &entry.message,
        )
    }

    /// A view of an entry that is in pieces.
    pub fn new(time_ns: i64, container: &'a str, stream: Stream, level: Level, message: &'a str) -> Self {
        Self {
            time_ns,
            container,
            stream,
            level,
            message,
            folded: OnceCell::new(),
            fields: OnceCell::new(),
        }
    }

    /// With the message in lower ASCII letters at hand, which may already be the text that is searched.
    pub fn with_lower(self, lower: &'a str) -> Self {
        let is_searched = lower.len() == self.message.len()
            && lower.is_ascii()
            && memchr::memchr(0x1b, lower.as_bytes()).is_none()
            && (memchr::memchr(b'\\', lower.as_bytes()).is_none() || !is_json(lower));
        if is_searched {
            // It was empty: nothing has asked yet.
            let _ = self.folded.set(Cow::Borrowed(lower));
        }
        self
    }

    /// The text that is searched.
    pub fn folded(&self) -> &str {
        self.folded.get_or_init(|| Cow::Owned(fold(&plain(self.message))))
    }

    /// Its fields, names and values in lower case.
    pub fn fields(&self) -> &[(String, String)] {
        self.fields.get_or_init(|| {
            let all = fields::all(self.message);
            all.iter()
                .map(|(name, value)| (fold(name), fold(value)))
                .collect()
        })
    }
}

/// The message without terminal codes and, where it is JSON, without escapes.
pub fn plain(message: &str) -> Cow<'_, str> {
    let text = if message.as_bytes().contains(&0x1b) {
        Cow::Owned(without_codes(message))
    } else {
        Cow::Borrowed(message)
    };
    if text.as_bytes().contains(&b'\\') && is_json(&text) {
        return Cow::Owned(unescaped(&text));
    }
    text
}

/// Whether words that a search sees in the message may not be in it as they are.
/// Where this is false, whoever looks for a word in ASCII can look in the message itself.
pub fn hides_words(message: &str) -> bool {
    message.as_bytes().contains(&0x1b) || (message.contains("\\u") && is_json(message))
}

fn without_codes(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(escape) = rest.find('\x1b') {
        text.push_str(&rest[..escape]);
        rest = after_code(&rest[escape..], &mut Style::default());
    }
    text.push_str(rest);
    text
}

/// Resolves JSON's escapes wherever they are; what is none stays.
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let (c, length) = escape(&rest[at..]);
        out.push(c);
        rest = &rest[at + length..];
    }
    out.push_str(rest);
    out
}

/// The character that an escape stands for, and its length in bytes.
fn escape(text: &str) -> (char, usize) {
    match text.as_bytes().get(1) {
        Some(b'n') => ('\n', 2),
        Some(b't') => ('\t', 2),
        Some(b'r') => ('\r', 2),
        Some(b'b') => ('\u{8}', 2),
        Some(b'f') => ('\u{c}', 2),
        Some(b'"') => ('"', 2),
        Some(b'\\') => ('\\', 2),
        Some(b'/') => ('/', 2),
        Some(b'u') => unicode(text).unwrap_or(('\\', 1)),
        _ => ('\\', 1),
    }
}

/// `\u00e9`, or the two halves of a character beyond the first plane.
fn unicode(text: &str) -> Option<(char, usize)> {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_hex.then(|| u16::from_str_radix(digits, 16).ok())?
    };
    let first = unit(0)?;
    match char::from_u32(first.into()) {
        Some(c) => Some((c, 6)),
        None => {
            let both = [first, unit(6)?];
            let c = char::decode_utf16(both).next()?.ok()?;
            Some((c, 12))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::words::words;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(plain(message), expected);
    }

    #[test]
    fn codes_and_the_escapes_of_json_are_left_out() {
        check("\x1b[31mER\x1b[0mROR x", "ERROR x");
        check(r#"{"m":"a\nb\t\"c\" caf\u00e9"}"#, "{\"m\":\"a\nb\t\"c\" café\"}");
        check(r#"{"m":"\ud83d\ude00 \u767b"}"#, "{\"m\":\"😀 登\"}");
        check(r#"{"m":"\ud83d \u12"}"#, r#"{"m":"\ud83d \u12"}"#);
        check(r"C:\new\table", r"C:\new\table");
        check(r#"{"p":"C:\\new"}"#, r#"{"p":"C:\new"}"#);
    }

    proptest! {
        #[test]
        fn unescaping_what_serde_escaped_gives_it_back(text in "\\PC*[\\n\\t\"\\\\]*") {
            let json = serde_json::Value::from(text.clone()).to_string();
            prop_assert_eq!(unescaped(&json), format!("\"{text}\""));
        }

        #[test]
        fn lower_letters_at_hand_change_nothing(message in "[{]?[ A-Ca-céÉ\\\\nu0\"\u{1b}\\[m]*") {
            let entry = crate::domain::entry::testing::entry(&message);
            let lower = message.to_ascii_lowercase();
            let view = EntryView::of(&entry).with_lower(&lower);
            let other = EntryView::of(&entry);
            prop_assert_eq!(view.folded(), other.folded());
        }

        #[test]
        fn words_that_nothing_hides_are_in_the_message(message in "[{]?[ a-zé\\\\nu0-9\"\u{1b}\\[m]*") {
            if !hides_words(&message) {
                let raw = message.to_ascii_lowercase();
                let folded = fold(&plain(&message));
                for word in words(&folded).filter(|word| word.is_ascii()) {
                    prop_assert!(raw.contains(word), "{} not in {}", word, raw);
                }
            }
        }
    }
}
