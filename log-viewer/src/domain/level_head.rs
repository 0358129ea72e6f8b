//! A level as a word at the head of a line: `2026-01-01 10:00:00 ERROR x`, `error: x`, `12:00:01 | info | x`,
//! `WARN[0001] x`, `<Error> x`, Redis' signs. The head ends where the message seems to begin.

use crate::domain::entry::Level;
use crate::domain::level_name::named;

/// Words of the head that may precede the level: date, time, zone, host, process, thread.
const MAX_TOKENS: usize = 9;
/// Lower-case words among them, such as a host: more are a sentence.
const MAX_PLAIN_WORDS: usize = 1;

/// The level that the head of a line names as a word of its own.
pub(crate) fn of_words(head: &[u8]) -> Option<Level> {
    let line = &head[..memchr::memchr(b'\n', head).unwrap_or(head.len())];
    let mut seen = Seen::default();
    let mut at = 0;
    for _ in 0..MAX_TOKENS {
        at += line[at..].iter().take_while(|byte| is_gap(**byte)).count();
        let token = &line[at..];
        let length = token.iter().position(|byte| is_gap(*byte)).unwrap_or(token.len());
        if length == 0 {
            return None;
        }
        let (before, after) = (at.checked_sub(1).map(|i| line[i]), token.get(length).copied());
        if let Some(level) = of_token(&token[..length], before, after, &seen) {
            return Some(level);
        }
        if !seen.take(&token[..length]) {
            return None;
        }
        at += length;
    }
    None
}

/// What came before in the head.
#[derive(Default)]
struct Seen {
    n_plain: usize,
    has_stamp: bool,
    is_after_time: bool,
    /// The line began with a process and its role, `1:M`.
    is_redis: bool,
}

impl Seen {
    /// Takes a token that is no level. False where the head has ended.
    fn take(&mut self, token: &[u8]) -> bool {
        self.is_redis |= is_redis_role(token) && !self.has_stamp;
        let has_digit = token.iter().any(u8::is_ascii_digit);
        let last = token[token.len() - 1];
        self.is_after_time = has_digit && token.contains(&b':') || matches!(token, b"UTC" | b"AM" | b"PM");
        if has_digit || token[0] == b'[' || token[0] == b'(' {
            self.has_stamp = true;
            return true;
        }
        if matches!(last, b']' | b')') || token.contains(&b'.') {
            return true;
        }
        if last == b':' {
            // The second prefix that is no level begins the message, as does one without a time before it.
            self.n_plain += 1;
            return self.has_stamp && self.n_plain <= MAX_PLAIN_WORDS + 1;
        }
        if token.iter().any(u8::is_ascii_alphabetic) {
            self.n_plain += 1;
            return self.n_plain <= if self.has_stamp { MAX_PLAIN_WORDS + 1 } else { 0 };
        }
        true
    }
}

fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'|')
}

fn of_token(token: &[u8], before: Option<u8>, after: Option<u8>, seen: &Seen) -> Option<Level> {
    if token.len() == 1 {
        return redis_sign(token[0]).filter(|_| seen.is_redis && seen.is_after_time);
    }
    let start = token
        .iter()
        .position(|byte| !matches!(byte, b'[' | b'(' | b'<' | b'-' | b'*'))?;
    let word = &token[start..];
    let length = word
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    let (name, rest) = word.split_at(length);
    if matches!(rest.first(), Some(b':' | b'.'))
        && let Some(level) = of_inner_word(token)
    {
        return Some(level);
    }
    if name.len() < 2 {
        return None;
    }
    let is_upper = name
        .iter()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if is_upper && matches!(name, b"LOG" | b"DETAIL" | b"HINT" | b"STATEMENT" | b"CONTEXT") && rest == b":" {
        return Some(Level::Info);
    }
    let level = named(name)?;
    let is_delimited = match rest.first() {
        None => {
            is_upper
                || before == Some(b'\t') && after == Some(b'\t')
                || before == Some(b'|')
                || after == Some(b'|')
                || seen.is_after_time && after.is_some()
        }
        Some(b':' | b']' | b')' | b'>') => true,
        // logrus' WARN[0001], Python's WARNING:root:, `ERROR, x`, `ERROR-7`.
        Some(b'[' | b',' | b'/' | b'-' | b';') => is_upper,
        Some(_) => false,
    };
    is_delimited.then_some(level)
}

/// `12:M`, `12:S`: process and role.
fn is_redis_role(token: &[u8]) -> bool {
    match token {
        [digits @ .., b':', b'M' | b'S' | b'C' | b'X'] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Laravel's `production.ERROR:`, Jetty's `07:22:34.123:INFO:oejs.Server:main:`.
fn of_inner_word(token: &[u8]) -> Option<Level> {
    if token.len() < 6 || !matches!(token.last(), Some(b':')) {
        return None;
    }
    let mut words = token.split(|byte| matches!(byte, b':' | b'.')).skip(1);
    words.find_map(|word| {
        let is_upper = word.len() > 2 && word.iter().all(u8::is_ascii_uppercase);
        is_upper.then(|| named(word))?
    })
}

/// Redis: `.` debug, `-` verbose, `*` notice, `#` warning, after the time.
fn redis_sign(sign: u8) -> Option<Level> {
    match sign {
        b'.' | b'-' => Some(Level::Debug),
        b'*' => Some(Level::Info),
        b'#' => Some(Level::Warning),
        _ => None,
    }
}
