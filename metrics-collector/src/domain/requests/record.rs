//! One API request as a client tells of it, and which are taken.

use std::borrow::Cow;

/// Longest text of a record, in characters.
const MAX_CHARS: usize = 500;
/// Longest response time that is taken, in µs: what fits a column of Malti's, 2³¹ - 1 ms.
pub const MAX_RESPONSE_TIME_US: u64 = (i32::MAX as u64) * 1000;

/// One request that an API answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Which API.
    pub service: String,
    /// `GET`, `POST` …
    pub method: String,
    /// The route's pattern, such as `/users/{id}`.
    pub endpoint: String,
    /// Which instance answered.
    pub node: Option<String>,
    /// Who asked.
    pub consumer: String,
    /// Whatever the app wants to tell apart.
    pub context: Option<String>,
    /// HTTP status, 100 to 599.
    pub status: u16,
    /// How long it took, in µs.
    pub response_time_us: u64,
    /// When, Unix milliseconds.
    pub at_ms: i64,
}

/// Which times are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first that is, Unix milliseconds.
    pub oldest_ms: i64,
    /// The last that is.
    pub newest_ms: i64,
}

impl Record {
    /// Whether it can be kept. One that cannot is left out by itself.
    pub fn is_sound(&self, window: Window) -> bool {
        (100..=599).contains(&self.status)
            && self.response_time_us <= MAX_RESPONSE_TIME_US
            && (window.oldest_ms..=window.newest_ms).contains(&self.at_ms)
    }
}

/// A text as it is kept: on one line, without NUL, outer blanks, and what is beyond 500 characters. Otherwise raw: pages
/// escape what they show.
pub fn clean(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains(['\0', '\r', '\n']) && text.len() <= MAX_CHARS;
    if is_plain {
        return Cow::Borrowed(text.trim());
    }
    let kept = text.chars().filter(|c| !matches!(c, '\0' | '\r'));
    let line: String = kept
        .map(|c| if c == '\n' { ' ' } else { c })
        .take(MAX_CHARS)
        .collect();
    Cow::Owned(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_kept_raw_on_one_line() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected, "{text:?}");
        check(
            " /users/<int:id>?a=1&b=<b>2</b> ",
            "/users/<int:id>?a=1&b=<b>2</b>",
        );
        check("a\r\nb\0c\n", "a bc");
        check("", "");
        check(&"é".repeat(600), &"é".repeat(500));
    }

    #[test]
    fn what_cannot_be_is_left_out() {
        let window = Window {
            oldest_ms: 1_000,
            newest_ms: 2_000,
        };
        let is_sound = |status, response_time_us, at_ms| {
            let record = Record {
                service: "s".into(),
                method: "GET".into(),
                endpoint: "/".into(),
                node: None,
                consumer: "c".into(),
                context: None,
                status,
                response_time_us,
                at_ms,
            };
            record.is_sound(window)
        };
        assert!(is_sound(200, 0, 1_000) && is_sound(599, MAX_RESPONSE_TIME_US, 2_000));
        assert!(!is_sound(99, 0, 1_000) && !is_sound(600, 0, 1_000));
        assert!(!is_sound(200, MAX_RESPONSE_TIME_US + 1, 1_000));
        assert!(!is_sound(200, 0, 999) && !is_sound(200, 0, 2_001));
    }
}
