//! The HTTP status of an access log line (nginx, Apache, Caddy's and Python's servers), and how bad it is.

use crate::domain::entry::Level;

/// How far into a line the request is looked for, in bytes.
const MAX_SCAN_BYTES: usize = 8 * 1024;

/// The status after a quoted request: `"GET / HTTP/1.1" 404 153`.
pub(crate) fn status(line: &[u8]) -> Option<u16> {
    let line = &line[..line.len().min(MAX_SCAN_BYTES)];
    let open = memchr::memchr(b'"', line)?;
    let request = &line[open + 1..];
    if !request
        .first()
        .is_some_and(|byte| byte.is_ascii_uppercase() || *byte == b'-')
    {
        return None;
    }
    let protocol = memchr::memmem::find(request, b" HTTP/");
    let close = match protocol {
        Some(at) => at + memchr::memchr(b'"', &request[at..])?,
        // A request that was none: `"-" 408`, or bytes of another protocol.
        None => memchr::memchr(b'"', request)?,
    };
    let after = request.get(close + 1..)?.strip_prefix(b" ")?;
    let digits = after.get(..3)?;
    let ends = after.get(3).is_none_or(|byte| !byte.is_ascii_alphanumeric());
    if !ends || !digits.iter().all(u8::is_ascii_digit) || !(b'1'..=b'5').contains(&digits[0]) {
        return None;
    }
    Some(
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')),
    )
}

/// A server's failure is an error, a refused request a warning.
pub(crate) fn level(status: u16) -> Level {
    match status {
        500..=599 => Level::Error,
        400..=499 => Level::Warning,
        _ => Level::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_follows_the_request() {
        let check = |line: &str, expected| assert_eq!(status(line.as_bytes()), expected, "{line}");
        check(
            r#"1.2.3.4 - - [28/Nov/2026:07:22:35 +0000] "GET / HTTP/1.1" 200 5 "-" "x""#,
            Some(200),
        );
        check(
            r#"1.2.3.4 - bob [28/Nov/2026:07:22:35 +0000] "GET /a\"b HTTP/2.0" 502 5"#,
            Some(502),
        );
        check(r#"1.2.3.4 - - [28/Nov/2026:07:22:35 +0000] "-" 408 0"#, Some(408));
        check(r#"said "GET /" 3 times"#, None);
        check(r#"x "GET / HTTP/1.1" 2000"#, None);
        check(r#"x "GET / HTTP/1.1""#, None);
    }
}
