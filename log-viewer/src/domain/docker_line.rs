//! One line of Docker's json-file log, `{"log":"text\n","stream":"stdout","time":"…"}`, borrowed where it can be.
//! Docker writes its keys in this order and without blanks; any other order goes a slower way to the same result.

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::entry::Stream;
use crate::domain::json_text::{self, Text};
use crate::domain::notation;

/// How far before the end of a line that was cut its stream and time are looked for, in bytes.
pub const TAIL_BYTES: usize = 512;

/// What Docker wrote down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerLine<'a> {
    /// What the program wrote, without its line break.
    pub text: Cow<'a, str>,
    /// Whether the program's line ends here; else a further part follows.
    pub is_whole: bool,
    /// Where it was written.
    pub stream: Stream,
    /// Docker's stamp, Unix nanoseconds; none where it is missing or no time.
    pub time_ns: Option<i64>,
    /// Bytes that are no UTF-8 were replaced, by Docker or here.
    pub is_damaged: bool,
}

/// Reads a line without its line break. `None`: it is none of Docker's.
pub fn parse(line: &[u8]) -> Option<DockerLine<'_>> {
    in_dockers_order(line).or_else(|| in_any_order(line))
}

/// Reads a line of which only the first bytes and the last were kept. Its text is what `head` holds of it.
pub fn parse_cut<'a>(head: &'a [u8], tail: &[u8]) -> Option<DockerLine<'a>> {
    let text = json_text::read(head.strip_prefix(br#"{"log":""#)?);
    let stream = memchr::memmem::rfind(tail, br#","stream":""#);
    let time = memchr::memmem::rfind(tail, br#","time":""#);
    let is_stderr = stream.is_some_and(|at| tail[at + 11..].starts_with(b"stderr"));
    let log_ends_whole = stream.is_some_and(|at| tail[..at].ends_with(br#"\n""#));
    Some(DockerLine {
        text: text.value,
        is_whole: log_ends_whole,
        stream: if is_stderr { Stream::Stderr } else { Stream::Stdout },
        time_ns: time.and_then(|at| stamp(&tail[at + 9..])),
        is_damaged: text.is_damaged,
    })
}

fn in_dockers_order(line: &[u8]) -> Option<DockerLine<'_>> {
    let rest = line.strip_prefix(br#"{"log":""#)?;
    let text = json_text::read(rest);
    let rest = rest.get(text.length..)?.strip_prefix(br#"","stream":"std"#)?;
    let (stream, rest) = match rest.get(..4)? {
        br#"out""# => (Stream::Stdout, &rest[4..]),
        br#"err""# => (Stream::Stderr, &rest[4..]),
        _ => return None,
    };
    // Labels and variables of the container may stand between, as `attrs`; they are not read.
    let rest = match rest.strip_prefix(br#","time":""#) {
        Some(rest) => rest,
        None => &rest[memchr::memmem::rfind(rest, br#","time":""#)? + 9..],
    };
    if !line.ends_with(b"\"}") && !line.ends_with(b"}") {
        return None;
    }
    Some(finish(text, stream, stamp(rest)))
}

fn finish(text: Text<'_>, stream: Stream, time_ns: Option<i64>) -> DockerLine<'_> {
    let (value, is_whole) = without_line_break(text.value);
    DockerLine {
        text: value,
        is_whole,
        stream,
        time_ns,
        is_damaged: text.is_damaged,
    }
}

fn without_line_break(text: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    if !text.ends_with('\n') {
        return (text, false);
    }
    let length = text.len() - if text.ends_with("\r\n") { 2 } else { 1 };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..length]),
        Cow::Owned(mut text) => {
            text.truncate(length);
            Cow::Owned(text)
        }
    };
    (text, true)
}

fn stamp(text: &[u8]) -> Option<i64> {
    notation::date_time(text).map(|(moment, _)| moment.ns)
}

#[derive(Deserialize)]
struct AnyOrder<'a> {
    #[serde(borrow)]
    log: Cow<'a, str>,
    #[serde(borrow, default)]
    stream: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    time: Option<Cow<'a, str>>,
}

/// JSON as it comes: other orders, blanks, further keys. `None` without a `log`.
fn in_any_order(line: &[u8]) -> Option<DockerLine<'_>> {
    let line = line.trim_ascii();
    if line.first() != Some(&b'{') {
        return None;
    }
    let read: AnyOrder<'_> = serde_json::from_slice(line).ok()?;
    let is_damaged = read.log.contains('\u{fffd}');
    let text = Text {
        value: Cow::Owned(read.log.into_owned()),
        length: 0,
        is_damaged,
    };
    let stream = read.stream.and_then(|name| Stream::named(&name));
    let time_ns = read.time.and_then(|time| stamp(time.as_bytes()));
    Some(finish(text, stream.unwrap_or(Stream::Stdout), time_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, text: &str, is_whole: bool, stream: Stream) {
        let read = parse(line.as_bytes()).expect("it is Docker's");
        assert_eq!(
            (&*read.text, read.is_whole, read.stream),
            (text, is_whole, stream),
            "{line}"
        );
    }

    #[test]
    fn text_is_as_the_program_wrote_it() {
        check(
            r#"{"log":"{\"level\":\"error\",\"path\":\"C:\\\\x\"}\n","stream":"stderr","time":"2026-11-28T07:22:35.123456789Z"}"#,
            r#"{"level":"error","path":"C:\\x"}"#,
            true,
            Stream::Stderr,
        );
        check(
            r#"{"log":"\tat a.b\u001b[0m \u0041 \ud83d\ude00\r\n","stream":"stdout","time":""}"#,
            "\tat a.b\u{1b}[0m A 😀",
            true,
            Stream::Stdout,
        );
        check(
            r#"{"log":"plain","stream":"stdout","time":"2026-11-28T07:22:35Z"}"#,
            "plain",
            false,
            Stream::Stdout,
        );
        check(
            r#"{"log":"\n","stream":"stdout","time":"2026-11-28T07:22:35Z"}"#,
            "",
            true,
            Stream::Stdout,
        );
    }

    #[test]
    fn nanoseconds_are_kept() {
        let line = br#"{"log":"x\n","stream":"stdout","attrs":{"tag":"a\",\"time\":\"b"},"time":"2026-11-28T07:22:35.123456789Z"}"#;
        let read = parse(line).expect("it is Docker's");
        assert_eq!(read.time_ns.map(|ns| ns % 1_000_000_000), Some(123_456_789));
    }

    #[test]
    fn other_orders_and_blanks_are_read_too() {
        check(
            r#"{ "time": "2026-11-28T07:22:35Z", "stream": "stderr", "log": "a\"b\n" }"#,
            "a\"b",
            true,
            Stream::Stderr,
        );
        check(r#"{"log":"x\n"}"#, "x", true, Stream::Stdout);
    }

    #[test]
    fn what_is_not_dockers_is_none() {
        for line in [
            "",
            "{",
            "plain text",
            r#"{"level":"info"}"#,
            r#"{"log":"half"#,
            r#"{"log":"half","stream":"stdout","time":"2026"#,
            "\0\0\0",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_told() {
        let read = parse(b"{\"log\":\"a\xff\xfeb\\n\",\"stream\":\"stdout\",\"time\":\"\"}")
            .expect("it is Docker's");
        assert_eq!((&*read.text, read.is_damaged), ("a\u{fffd}\u{fffd}b", true));
        let read =
            parse(br#"{"log":"a\ufffdb \ud800\n","stream":"stdout","time":""}"#).expect("it is Docker's");
        assert_eq!((&*read.text, read.is_damaged), ("a\u{fffd}b \u{fffd}", true));
    }

    #[test]
    fn of_a_line_that_was_cut_the_end_is_read_for_stream_and_time() {
        let line = format!(
            r#"{{"log":"{}\n","stream":"stderr","time":"2026-11-28T07:22:35Z"}}"#,
            "é".repeat(5000)
        );
        let (head, tail) = (
            &line.as_bytes()[..1001],
            &line.as_bytes()[line.len() - TAIL_BYTES..],
        );
        let read = parse_cut(head, tail).expect("it is Docker's");
        assert_eq!(
            (read.is_whole, read.stream, read.is_damaged),
            (true, Stream::Stderr, false)
        );
        assert!(read.time_ns.is_some());
        assert!(read.text.chars().all(|letter| letter == 'é') && read.text.len() > 900);
    }
}
