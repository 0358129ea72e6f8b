//! What stands above the frames of a JavaScript exception: its type and message.

use crate::trace::{Exception, Relation};

/// What browsers and Node put before the type of an error that nobody caught.
const PREFIXES: &[&str] = &["Uncaught (in promise) ", "Uncaught ", "Unhandled "];

/// What introduces the cause of the exception above.
const CAUSES: &[&str] = &["[cause]: ", "Caused by: "];

/// The text above the first frame. Node prints an excerpt of the source there too, before the type; text without a
/// recognisable type is all message.
pub(crate) fn first(block: &str) -> Exception {
    let heading = lines(block).find_map(|(line, rest)| {
        let line = PREFIXES
            .iter()
            .find_map(|prefix| line.strip_prefix(prefix))
            .unwrap_or(line);
        let (kind, message) = split_kind(line)?;
        Some(exception(kind, message, rest))
    });
    heading.unwrap_or_else(|| Exception::new("", block))
}

/// The text between two frames: the heading of another exception, or `None` for properties and the like.
pub(crate) fn later(block: &str) -> Option<Exception> {
    lines(block).find_map(|(line, rest)| {
        let line = line.trim_start();
        if let Some(line) = CAUSES.iter().find_map(|cause| line.strip_prefix(cause)) {
            let (kind, message) = split_kind(line).unwrap_or(("", line));
            let cause = exception(kind, message, rest);
            return Some(Exception {
                relation: Some(Relation::Cause),
                ..cause
            });
        }
        let (kind, message) = split_kind(line).filter(|(kind, _)| is_error(kind))?;
        Some(exception(kind, message, rest))
    })
}

fn exception(kind: &str, message: &str, more: &str) -> Exception {
    let more = more.trim_end();
    if more.is_empty() {
        return Exception::new(kind, message);
    }
    // Only as much is joined as will be kept: the rest of a block may be the whole text.
    let more = &more[..more.floor_char_boundary(crate::trace::MAX_MESSAGE)];
    Exception::new(kind, &format!("{message}{more}"))
}

/// Each line, with everything after it from its line feed on.
fn lines(block: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut end = 0;
    block.split_inclusive('\n').map(move |line| {
        end += line.len();
        let line = line.trim_end();
        let start_of_rest = if end == block.len() { end } else { end - 1 };
        (line, &block[start_of_rest..])
    })
}

/// `TypeError [ERR_X]: message` to `TypeError` and `message`. Without a message the type must say it is an error.
fn split_kind(line: &str) -> Option<(&str, &str)> {
    let (head, message) = match line.split_once(": ") {
        Some((head, message)) => (head, Some(message)),
        None => (line.trim_end_matches(':'), None),
    };
    let kind = head
        .split_once(" [")
        .filter(|(_, code)| code.ends_with(']'))
        .map_or(head, |(kind, _)| kind);
    let is_named = kind.chars().all(|c| c.is_alphanumeric() || "_$.".contains(c));
    let is_upper = kind.chars().next().is_some_and(char::is_uppercase);
    match message {
        Some(message) if is_named && (is_upper || is_error(kind)) => Some((kind, message)),
        None if is_named && is_error(kind) => Some((kind, "")),
        _ => None,
    }
}

fn is_error(kind: &str) -> bool {
    kind.ends_with("Error") || kind.ends_with("Exception")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(exception: Exception) -> (String, String) {
        (
            exception.kind.unwrap_or_default(),
            exception.message.unwrap_or_default(),
        )
    }

    fn check(block: &str, kind: &str, message: &str) {
        assert_eq!(
            show(first(block)),
            (kind.to_owned(), message.to_owned()),
            "{block}"
        );
    }

    fn check_later(block: &str, expected: Option<(&str, &str)>) {
        let expected = expected.map(|(kind, message)| (kind.to_owned(), message.to_owned()));
        assert_eq!(later(block).map(show), expected, "{block}");
    }

    #[test]
    fn a_heading_is_a_type_and_a_message() {
        check("Error: x", "Error", "x");
        check("Error", "Error", "");
        check("shop.PayError: a: b\r\nc\n\nd\n", "shop.PayError", "a: b\nc\n\nd");
        check("TypeError [ERR_X]: x", "TypeError", "x");
        check("Uncaught (in promise) Error: x", "Error", "x");
        check(
            "DOMException: The operation was aborted.",
            "DOMException",
            "The operation was aborted.",
        );
    }

    #[test]
    fn an_excerpt_of_the_source_is_no_heading() {
        check(
            "/srv/a.js:5\n  throw new Error('x: y');\n  ^\n\nError: x",
            "Error",
            "x",
        );
    }

    #[test]
    fn text_without_a_type_is_all_message() {
        check("the shop is closed", "", "the shop is closed");
        check("", "", "");
    }

    #[test]
    fn a_later_heading_must_say_it_is_one() {
        check_later("  [cause]: RangeError: x\n  y", Some(("RangeError", "x\n  y")));
        check_later("Caused by: no reason", Some(("", "no reason")));
        check_later("    code: 'E',\n  },\n  Error: x\n", Some(("Error", "x")));
        check_later("  code: 'E',\n  Shop: 'x'\n", None);
        check_later("From previous event:\n", None);
    }
}
