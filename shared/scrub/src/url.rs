//! Passwords in URLs (`postgres://user:password@host`) and in Go's way to write a database
//! (`user:password@tcp(host)/name`).

use crate::FILTERED;
use crate::word::Step;

/// Longest user and password looked at, in bytes.
const MAX_USERINFO: usize = 256;

/// Looks for a password in the authority that begins at `start`, behind the two slashes.
pub(crate) fn password(text: &str, start: usize) -> Step {
    let Some(rest) = text.get(start..) else {
        return Step::On(text.len());
    };
    let run = rest.as_bytes();
    let run = &run[..run
        .iter()
        .take(MAX_USERINFO)
        .take_while(|&&byte| may_be_in_url(byte))
        .count()];
    let authority = run
        .split(|byte| matches!(byte, b'/' | b'?' | b'#'))
        .next()
        .unwrap_or_default();
    let Some(colon) = authority.iter().position(|&byte| byte == b':') else {
        return Step::On(start);
    };
    let at_sign = last_at_sign(authority).or_else(|| {
        // A slash that should have been escaped; `http://localhost:5173/@vite` has none.
        let is_port = authority[colon + 1..].iter().all(u8::is_ascii_digit);
        if is_port { None } else { last_at_sign(run) }
    });
    match at_sign {
        Some(at_sign) if at_sign > colon + 1 && &run[colon + 1..at_sign] != FILTERED.as_bytes() => {
            Step::Found(start + colon + 1..start + at_sign)
        }
        Some(at_sign) => Step::On(start + at_sign),
        None => Step::On(start),
    }
}

/// At an `@`: is it one of Go's addresses, with a password before it?
pub(crate) fn password_before(text: &str, floor: usize, at: usize) -> Step {
    let is_go = ["@tcp(", "@tcp6(", "@unix("]
        .iter()
        .any(|network| text[at..].starts_with(network));
    if !is_go {
        return Step::On(at + 1);
    }
    let before = &text.as_bytes()[floor..at];
    let length = before
        .iter()
        .rev()
        .take(MAX_USERINFO)
        .take_while(|&&byte| may_be_in_url(byte))
        .count();
    let run = &before[before.len() - length..];
    let was_filtered = run
        .windows(FILTERED.len())
        .any(|window| window == FILTERED.as_bytes());
    match run.iter().position(|&byte| byte == b':') {
        Some(colon) if colon + 1 < run.len() && !was_filtered => Step::Found(at - run.len() + colon + 1..at),
        _ => Step::On(at + 1),
    }
}

fn last_at_sign(run: &[u8]) -> Option<usize> {
    run.iter().rposition(|&byte| byte == b'@')
}

fn may_be_in_url(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && !matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>' | b'\\')
}
