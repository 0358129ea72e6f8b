//! How bad a line is, by what it says of itself: JSON and logfmt fields, a priority, brackets, a word at its head,
//! a letter, a trace, an HTTP status; else by its stream. Names of levels are in `level_name.rs`.

use crate::domain::access_log;
use crate::domain::entry::{Level, Stream};
use crate::domain::json_head::{JsonHead, Value};
use crate::domain::level_head;
use crate::domain::level_name::{self, named};

/// How far into a line its level is looked for, in bytes.
const HEAD_BYTES: usize = 256;

/// What nothing is known of: stderr is for errors.
pub fn of_stream(stream: Stream) -> Level {
    match stream {
        Stream::Stderr => Level::Error,
        Stream::Stdout => Level::Info,
    }
}

/// The level that a line names or clearly means. `json` is what `json_head::read` found in it.
pub fn find(line: &str, json: Option<&JsonHead<'_>>) -> Option<Level> {
    if let Some(head) = json {
        return of_json(head);
    }
    let mut head = &line.as_bytes()[..line.len().min(HEAD_BYTES)];
    let plain;
    if memchr::memchr(0x1b, head).is_some() {
        plain = without_colours(head);
        head = &plain;
    }
    let head = head.trim_ascii_start();
    of_priority(head)
        .or_else(|| of_letter(head))
        .or_else(|| of_pair(head))
        .or_else(|| of_brackets(head))
        .or_else(|| level_head::of_words(head))
        .or_else(|| of_trace(head))
        .or_else(|| access_log::status(line.as_bytes()).map(access_log::level))
}

/// Whether a level stands at the head of a line, as a logger puts it there.
pub(crate) fn is_named_at_head(line: &str) -> bool {
    let head = &line.as_bytes()[..line.len().min(HEAD_BYTES)];
    let is_bracketed = head.first() == Some(&b'[') && of_brackets(head).is_some();
    is_bracketed
        || of_priority(head).is_some()
        || of_letter(head).is_some()
        || of_pair(head).is_some()
        || level_head::of_words(head).is_some()
}

fn of_json(head: &JsonHead<'_>) -> Option<Level> {
    match head.level {
        Some(Value::Text(text)) => named(text.as_bytes())
            .or_else(|| level_name::numbered(text))
            .or_else(|| lone_letter(text.as_bytes())),
        Some(Value::Number(digits)) if head.is_python_level => level_name::numbered_by_python(digits),
        Some(Value::Number(digits)) => level_name::numbered(digits),
        None => match head.status {
            Some(Value::Number(digits) | Value::Text(digits)) if digits.len() == 3 => {
                digits.parse().ok().map(access_log::level)
            }
            _ => None,
        },
    }
}

/// `<34>…` of syslog, `<3>…` of systemd: the severity is the number modulo 8.
fn of_priority(head: &[u8]) -> Option<Level> {
    let rest = head.strip_prefix(b"<")?;
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 || length > 3 || rest.get(length) != Some(&b'>') {
        return None;
    }
    let priority = rest[..length]
        .iter()
        .fold(0_u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    level_name::of_syslog(i64::from(priority % 8))
}

/// One letter that says it: `E1128 07:22:35` (klog), `E, [2026-…` (Ruby), `[E 2026-…` (Jupyter).
fn of_letter(head: &[u8]) -> Option<Level> {
    let (letter, rest) = match head.first()? {
        b'[' => (*head.get(1)?, head.get(2..)?),
        letter => (*letter, &head[1..]),
    };
    let is_klog = rest.len() > 6
        && rest[..4].iter().all(u8::is_ascii_digit)
        && rest[4] == b' '
        && rest[5].is_ascii_digit();
    let is_ruby = rest.starts_with(b", [");
    let is_jupyter =
        head[0] == b'[' && rest.first() == Some(&b' ') && rest.get(1).is_some_and(u8::is_ascii_digit);
    (is_klog || is_ruby || is_jupyter).then(|| level_name::of_letter(letter))?
}

/// `level=error`, `lvl=error`, `severity=error`, with or without quotes.
fn of_pair(head: &[u8]) -> Option<Level> {
    let mut from = 0;
    while let Some(equals) = memchr::memchr(b'=', &head[from..]).map(|found| from + found) {
        let start = head[..equals]
            .iter()
            .rposition(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')))
            .map_or(0, |before| before + 1);
        if is_level_key(&head[start..equals]) {
            let value = &head[equals + 1..];
            let value = value.strip_prefix(b"\"").unwrap_or(value);
            let length = value
                .iter()
                .take_while(|byte| byte.is_ascii_alphanumeric())
                .count();
            let text = std::str::from_utf8(&value[..length]).unwrap_or("");
            if let Some(level) = named(&value[..length]).or_else(|| level_name::numbered(text)) {
                return Some(level);
            }
        }
        from = equals + 1;
    }
    None
}

fn is_level_key(key: &[u8]) -> bool {
    [
        &b"level"[..],
        b"lvl",
        b"severity",
        b"loglevel",
        b"log_level",
        b"log.level",
        b"levelname",
    ]
    .iter()
    .any(|known| key.eq_ignore_ascii_case(known))
}

/// The first `[name]` that is a level; blanks and a number may stand inside (`[ WARN ]`, `[error] 7#0`).
fn of_brackets(head: &[u8]) -> Option<Level> {
    let end = memchr::memchr(b'\n', head).unwrap_or(head.len());
    let mut rest = &head[..end];
    while let Some(open) = memchr::memchr(b'[', rest) {
        rest = &rest[open + 1..];
        let close = memchr::memchr(b']', rest)?;
        let inside = rest[..close].trim_ascii();
        // Apache writes [module:level].
        let name = inside.rsplit(|byte| *byte == b':').next().unwrap_or(inside);
        if let Some(level) = named(name).or_else(|| lone_letter(inside)) {
            return Some(level);
        }
        rest = &rest[close + 1..];
    }
    None
}

/// `E` for an error, where a letter is all there is.
fn lone_letter(text: &[u8]) -> Option<Level> {
    match text {
        [letter] => level_name::of_letter(*letter),
        _ => None,
    }
}

/// How runtimes begin when something broke, and what an exception's own line looks like.
fn of_trace(head: &[u8]) -> Option<Level> {
    const FATAL: [&[u8]; 9] = [
        b"panic: ",
        b"fatal error: ",
        b"PHP Fatal error:",
        b"PHP Parse error:",
        b"Unhandled exception",
        b"Segmentation fault",
        b"terminate called ",
        b"FATAL EXCEPTION",
        b"runtime: out of memory",
    ];
    const BROKEN: [&[u8]; 6] = [
        b"Traceback (most recent call last)",
        b"Exception in thread ",
        b"Uncaught ",
        b"npm ERR!",
        b"Caused by: ",
        b"** (",
    ];
    let starts = |known: &&[u8]| head.starts_with(known);
    if FATAL.iter().any(starts) || is_rust_panic(head) {
        return Some(Level::Critical);
    }
    if head.starts_with(b"PHP Warning:") || head.starts_with(b"npm WARN") {
        return Some(Level::Warning);
    }
    if head.starts_with(b"PHP Notice:") || head.starts_with(b"PHP Deprecated:") {
        return Some(Level::Info);
    }
    (BROKEN.iter().any(starts) || is_exception(head)).then_some(Level::Error)
}

fn is_rust_panic(head: &[u8]) -> bool {
    head.starts_with(b"thread '") && memchr::memmem::find(head, b"' panicked at ").is_some()
        || head.starts_with(b"thread '") && memchr::memmem::find(head, b") panicked at ").is_some()
}

/// `ValueError: bad`, `java.lang.IllegalStateException: x`, `NoMethodError (…)`: one word that ends so.
pub(crate) fn is_exception(head: &[u8]) -> bool {
    let length = head
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'$' | b':'))
        .count();
    let word = head[..length].strip_suffix(b":").unwrap_or(&head[..length]);
    let is_named_so = word.ends_with(b"Error") || word.ends_with(b"Exception");
    is_named_so && matches!(head.get(length), None | Some(b' ' | b'\n' | b'\r'))
}

/// The text without its colour codes (`ESC [ … letter`).
pub(crate) fn without_colours(head: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(head.len());
    let mut rest = head;
    while let Some(escape) = memchr::memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..escape]);
        rest = &rest[escape + 1..];
        if let Some(code) = rest.strip_prefix(b"[") {
            let end = code.iter().position(|byte| (0x40..=0x7e).contains(byte));
            rest = end.map_or(&[], |end| &code[end + 1..]);
        }
    }
    plain.extend_from_slice(rest);
    plain
}
