//! Stack traces of browsers as text: where its frames are, and the same text with original places (contract §4.8).

use std::borrow::Cow;

/// A text is not made longer than this, in bytes: the tracker takes 256 KB of a report in all, and as much again may be
/// lines around the frames.
pub const MAX_BYTES: usize = 96 * 1024;

/// One frame's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextFrame<'a> {
    indent: &'a str,
    is_v8: bool,
    /// As written; may be empty.
    pub function: &'a str,
    /// URL or path.
    pub file: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based.
    pub column: u32,
}

/// What a frame becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPlace<'a> {
    /// Name that the map has there.
    pub name: Option<&'a str>,
    /// The source.
    pub source: &'a str,
    /// 1-based.
    pub line: u32,
    /// 1-based.
    pub column: u32,
}

/// Reads a line, if it is a frame's: V8's `at f (file:1:2)` or `at file:1:2`, else `f@file:1:2`.
pub fn frame(line: &str) -> Option<TextFrame<'_>> {
    let trimmed = line.trim();
    let indent = &line[..line.len() - line.trim_start().len()];
    let (is_v8, function, location) = match trimmed.strip_prefix("at ") {
        Some(call) => {
            let inner = call.strip_suffix(')').and_then(|call| call.split_once(" ("));
            let (function, location) = inner.unwrap_or(("", call));
            (true, function, location)
        }
        None => {
            let (function, location) = trimmed.split_once('@')?;
            (false, function, location)
        }
    };
    let (rest, column) = location.rsplit_once(':')?;
    let (file, line) = rest.rsplit_once(':')?;
    let number = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok())?
    };
    Some(TextFrame {
        indent,
        is_v8,
        function: function.trim(),
        file,
        line: number(line)?,
        column: number(column)?,
    })
}

/// The text with frames rewritten where `place_of` knows better, while it does not become longer than [`MAX_BYTES`].
/// All else stays as it is.
pub fn rewrite<'p>(stack: &str, place_of: impl Fn(&TextFrame<'_>) -> Option<NewPlace<'p>>) -> String {
    let mut out = String::with_capacity(stack.len());
    let mut n_left = stack.len();
    for line in stack.split_inclusive('\n') {
        n_left -= line.len();
        let body = line.trim_end_matches(['\n', '\r']);
        let end = &line[body.len()..];
        let may_be = |n_bytes: usize| out.len() + n_bytes + end.len() + n_left <= MAX_BYTES;
        let new = frame(body)
            .and_then(|frame| Some(written(&frame, &place_of(&frame)?)))
            .filter(|new| new.len() <= body.len() || may_be(new.len()));
        out.push_str(&new.map_or(Cow::Borrowed(body), Cow::Owned));
        out.push_str(end);
    }
    out
}

fn written(frame: &TextFrame<'_>, place: &NewPlace<'_>) -> String {
    let name = place.name.unwrap_or(frame.function);
    let indent = frame.indent;
    let location = format!("{}:{}:{}", place.source, place.line, place.column);
    match (frame.is_v8, name.is_empty()) {
        (true, false) => format!("{indent}at {name} ({location})"),
        (true, true) => format!("{indent}at {location}"),
        (false, _) => format!("{indent}{name}@{location}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(stack: &str, name: Option<&str>, expected: &str) {
        let place_of = |frame: &TextFrame<'_>| {
            let is_mapped = frame.file == "http://h/a.js";
            is_mapped.then_some(NewPlace {
                name,
                source: "src/app.ts",
                line: frame.line + 10,
                column: frame.column,
            })
        };
        assert_eq!(rewrite(stack, place_of), expected);
    }

    #[test]
    fn frames_are_rewritten_in_their_own_form() {
        check(
            "TypeError: x\n    at f (http://h/a.js:1:2)\r\n\tat http://h/a.js:3:4\n    at g (http://h/b.js:1:2)",
            None,
            "TypeError: x\n    at f (src/app.ts:11:2)\r\n\tat src/app.ts:13:4\n    at g (http://h/b.js:1:2)",
        );
        check(
            "at async new f (http://h/a.js:1:2)",
            Some("total"),
            "at total (src/app.ts:11:2)",
        );
        check(
            "at http://h/a.js:1:2",
            Some("total"),
            "at total (src/app.ts:11:2)",
        );
        check(
            "f@http://h/a.js:1:2\n@http://h/a.js:3:4\n",
            None,
            "f@src/app.ts:11:2\n@src/app.ts:13:4\n",
        );
        check("f@http://h/a.js:1:2", Some("total"), "total@src/app.ts:11:2");
    }

    #[test]
    fn a_text_does_not_become_longer_than_the_tracker_takes() {
        let stack = "@/a.js:1:1\n".repeat(4900);
        let place = NewPlace {
            name: None,
            source: &"s".repeat(300),
            line: 1,
            column: 1,
        };
        let text = rewrite(&stack, |_| Some(place.clone()));
        assert!(text.len() <= MAX_BYTES, "{}", text.len());
        assert!(text.len() > MAX_BYTES - 400, "{}", text.len());
        assert_eq!(text.lines().count(), 4900);
        assert!(text.starts_with("@sss") && text.ends_with("\n@/a.js:1:1\n"));
    }

    #[test]
    fn other_lines_stay_as_they_are() {
        for line in [
            "at f (native)",
            "at last",
            "mail to bob@example.com",
            "at f (http://h/a.js:1)",
            "at f (http://h/a.js:x:2)",
            "at f (http://h/a.js:1:99999999999)",
            "at eval (eval at f (http://h/a.js:1:2), <anonymous>:3:4)",
            "\n\n",
            "é@",
        ] {
            check(line, Some("n"), line);
        }
    }
}
