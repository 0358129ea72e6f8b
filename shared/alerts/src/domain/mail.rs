//! The text of a mail as mail programs bear it, and when one that failed is tried again.

/// A mail without its addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// For readers without HTML.
    pub plain: String,
    /// The same, set nicely.
    pub html: String,
}

/// A subject is cut here, in characters: mail servers refuse lines of more than 998 bytes.
pub const MAX_SUBJECT: usize = 200;

/// The text with its control characters as symbols (`␛`), but for tabs and line ends, which become LF.
/// To some mail servers a bare CR ends a line and a NUL ends the mail.
pub fn visible(text: &str) -> String {
    let symbol = |c: char| match c {
        '\n' | '\t' => c,
        '\0'..='\x1f' => char::from_u32(0x2400 + c as u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}' => char::REPLACEMENT_CHARACTER,
        _ => c,
    };
    text.replace("\r\n", "\n").chars().map(symbol).collect()
}

/// The mail of the test button. `service`: the name of the binary; `tells_of`: what it tells of, within a sentence.
pub fn test(service: &str, tells_of: &str) -> Text {
    let words = format!("This is a test. Mails of {tells_of} will come this way.");
    Text {
        subject: format!("[{service}] SMTP test alert"),
        html: format!("<p>{words}</p>\n"),
        plain: words + "\n",
    }
}

/// The text on one line that no mail program takes for something else.
pub fn one_line(text: &str) -> String {
    let line: String = text
        .chars()
        .map(|c| {
            if c.is_control() || is_line_break(c) {
                ' '
            } else {
                c
            }
        })
        .collect();
    // Not taken for an encoded word (RFC 2047), which could hide anything, line ends too.
    line.replace("=?", "= ?")
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// The first `max` characters.
pub fn cut_chars(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(end, _)| &text[..end])
}

/// Pauses between tries, in seconds; the last one repeats.
const PAUSES: [i64; 7] = [5, 15, 60, 300, 900, 1800, 3600];
/// After three days an alert is history.
const GIVE_UP_MS: i64 = 3 * 86_400_000;

/// When a mail that just failed is tried again; `None` gives it up. Times in Unix milliseconds.
pub fn next_attempt(created_at: i64, n_attempts: u32, now: i64) -> Option<i64> {
    let pause = PAUSES[(n_attempts as usize).min(PAUSES.len() - 1)] * 1000;
    (now.saturating_sub(created_at) < GIVE_UP_MS).then_some(now + pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_become_rarer_and_end_after_three_days() {
        assert_eq!(next_attempt(0, 0, 1000), Some(6000));
        assert_eq!(next_attempt(0, 6, 1000), Some(3_601_000));
        assert_eq!(next_attempt(0, 1000, 1000), Some(3_601_000));
        assert_eq!(next_attempt(0, 5, GIVE_UP_MS), None);
    }
}
