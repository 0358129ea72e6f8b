//! Swift's own backtraces (`0 0x0000 Basket.total() + 58 in Shop at /srv/Basket.swift:12:20`), and Apple's crash
//! reports and call stacks (`3   Shop   0x0000 Basket.total() + 64 (Basket.swift:12)`), innermost first; of several
//! threads the one that crashed. The type is `Fatal error`, or the exception's above the frames.
//! The form: <https://github.com/swiftlang/swift/blob/main/docs/Backtracing.rst>.

use crate::draft::Draft;
use crate::frame::{Frame, Place};
use crate::location::leading_digits;
use crate::trace::Exception;
use crate::{in_app, location};

const FATAL: &str = "Fatal error";
const CRASHED: &str = "*** Program crashed: ";
const UNCAUGHT: &str = "due to uncaught exception '";
const REPORT: &str = "Exception Type:";

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut heading: Option<Heading> = None;
    let mut draft = Draft::default();
    let mut crash = Crash::Unknown;
    for line in text.lines().map(str::trim) {
        if let Some(found) = Heading::of(line)
            && heading.as_ref().is_none_or(|known| known.rank < found.rank)
        {
            heading = Some(found);
        }
        if let Some(is_crashed) = thread(line) {
            match crash {
                Crash::Here => break,
                _ if is_crashed => (draft, crash) = (Draft::default(), Crash::Here),
                // Without a word of a crash the first thread counts.
                _ if draft.has_frames() => crash = Crash::Elsewhere,
                _ => {}
            }
        } else if crash != Crash::Elsewhere
            && let Some(frame) = frame(line)
        {
            draft.add_frame(frame);
        }
    }
    let Heading {
        kind, message, place, ..
    } = heading.unwrap_or_default();
    let mut draft = draft.headed(kind, message);
    if let Some(place) = place.filter(|_| !draft.has_frames()) {
        draft.add_frame(Frame::of("", "", place, true));
    }
    (vec![draft.finish()], 0)
}

/// Where the lines are from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Crash {
    /// Nothing was said of a crash yet.
    Unknown,
    /// In the thread that crashed.
    Here,
    /// In another thread than the first.
    Elsewhere,
}

pub(crate) fn is_telling(line: &str) -> bool {
    let is_crash = line.starts_with(CRASHED) || line.contains(UNCAUGHT);
    let is_fatal = line.contains(".swift:") || line.contains(".swift, line ");
    is_crash || frame(line).is_some() || (is_fatal && Heading::of(line).is_some())
}

#[derive(Default)]
struct Heading<'a> {
    kind: &'a str,
    message: &'a str,
    /// Where it happened, in case there are no frames.
    place: Option<Place<'a>>,
    /// The higher, the more it tells.
    rank: u8,
}

impl<'a> Heading<'a> {
    fn of(line: &'a str) -> Option<Heading<'a>> {
        if let Some((before, rest)) = line.split_once(FATAL) {
            return Heading::fatal(before, rest);
        }
        if let Some((_, rest)) = line.split_once(UNCAUGHT) {
            let (kind, rest) = rest.split_once('\'')?;
            let message = rest.trim_start_matches(", reason: ").trim_matches('\'');
            return Some(Heading {
                kind,
                message,
                place: None,
                rank: 3,
            });
        }
        if let Some(rest) = line.strip_prefix(REPORT) {
            let (kind, signal) = rest.trim().split_once(" (").unwrap_or((rest.trim(), ""));
            let message = signal.trim_end_matches(')');
            return Some(Heading {
                kind,
                message,
                place: None,
                rank: 1,
            });
        }
        let message = line.strip_prefix(CRASHED)?.trim_end_matches(" ***");
        Some(Heading {
            kind: "Program crashed",
            message,
            place: None,
            rank: 2,
        })
    }

    /// `Shop/Basket.swift:12: Fatal error: no tea`; before Swift 5.4 `Fatal error: no tea: file a.swift, line 12`.
    fn fatal(before: &'a str, rest: &'a str) -> Option<Heading<'a>> {
        let message = rest
            .strip_prefix(": ")
            .or_else(|| rest.is_empty().then_some(""))?;
        let path = before.trim_end_matches([':', ' ']);
        let path = path.rsplit_once(' ').map_or(path, |(_, path)| path);
        let place = location::place(path).filter(|place| place.file.ends_with(".swift"));
        let old = message.rsplit_once(": file ").and_then(|(message, at)| {
            let (file, line) = at.split_once(", line ")?;
            let place = Place {
                file,
                line: line.parse().ok(),
                column: None,
            };
            Some((message, Some(place)))
        });
        let (message, place) = old.unwrap_or((message, place));
        Some(Heading {
            kind: FATAL,
            message,
            place,
            rank: 4,
        })
    }
}

/// `Thread 0 "main" crashed:` and `Thread 3:`, and whether this is the one that crashed.
fn thread(line: &str) -> Option<bool> {
    let rest = line.strip_prefix("Thread ")?;
    let digits = leading_digits(rest);
    let is_header = !digits.is_empty() && (rest.ends_with(':') || rest.contains(':'));
    let is_crashed = rest.contains("rashed:");
    // Apple's `Thread 0 name: Dispatch queue` stands above the header.
    (is_header && !rest[digits.len()..].starts_with(" name:")).then_some(is_crashed)
}

fn frame(line: &str) -> Option<Frame> {
    let digits = leading_digits(line);
    let rest = &line[digits.len()..];
    let is_numbered = !digits.is_empty() && digits.len() < 5 && rest.starts_with([' ', '\t']);
    let rest = rest.trim_start();
    if !is_numbered {
        return None;
    }
    own(rest).or_else(|| apple(rest))
}

/// `[ra] [system] 0x0000 Basket.total() + 58 in Shop at /srv/Basket.swift:12:20`.
fn own(rest: &str) -> Option<Frame> {
    let mut rest = rest;
    let mut is_system = false;
    while let Some((tag, after)) = rest.strip_prefix('[').and_then(|tag| tag.split_once("] ")) {
        is_system |= tag == "system";
        rest = after.trim_start();
    }
    let after_address = without_address(rest);
    let (call, at) = match after_address.rsplit_once(" at ") {
        Some((call, at)) => (call, location::place(at)?),
        None => (after_address, Place::default()),
    };
    let (name, image) = call.rsplit_once(" in ")?;
    let (name, offset) = name.rsplit_once(" + ").unwrap_or((name, ""));
    let is_offset = offset.bytes().all(|byte| byte.is_ascii_digit());
    let is_placed = !offset.is_empty() || (at.file.ends_with(".swift") && rest.len() > after_address.len());
    let is_image = !image.is_empty() && !image.contains([' ', '(']);
    let is_in_app = !is_system && in_app::swift(image);
    (is_offset && is_placed && is_image).then(|| Frame::of(image, name, at, is_in_app))
}

/// `Shop   0x0000 Basket.total() + 64 (Basket.swift:12)`.
fn apple(rest: &str) -> Option<Frame> {
    let (image, rest) = rest.split_once(" 0x").or_else(|| rest.split_once("\t0x"))?;
    let image = image.trim_end();
    let (address, call) = rest.split_once(' ')?;
    let is_address = address.len() >= 6 && address.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (call, place) = match call.strip_suffix(')').and_then(|call| call.rsplit_once(" (")) {
        Some((call, at)) => (call, location::place(at).unwrap_or_default()),
        None => (call, Place::default()),
    };
    let (name, offset) = call.rsplit_once(" + ").unwrap_or((call, ""));
    let has_offset = leading_digits(offset).len() == offset.len();
    let is_image = !image.is_empty() && !image.contains("  ") && !image.ends_with([':', '-']);
    // Without symbols the name is the address that the image was loaded at.
    let name = if name.trim_start().starts_with("0x") {
        ""
    } else {
        name
    };
    let is_frame = is_address && is_image && has_offset && (!offset.is_empty() || !place.file.is_empty());
    is_frame.then(|| Frame::of(image, name, place, in_app::swift(image)))
}

fn without_address(rest: &str) -> &str {
    match rest.strip_prefix("0x").and_then(|rest| rest.split_once(' ')) {
        Some((_, after)) => after.trim_start(),
        None => rest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        assert_eq!(Frame::shown(frame(line)), expected, "{line}");
    }

    #[test]
    fn swift_prints_image_and_place() {
        check(
            "1 [ra] 0x00005617 closure #1 in Basket.total() + 58 in shop at /my srv/Basket.swift:12:20",
            "shop|closure #1 in Basket.total()|/my srv/Basket.swift|12|true",
        );
        check("0 [system] 0x00005617 f() + 4 in shop", "shop|f()||0|false");
        check(
            "3 [ra] [system] 0x00007f12 start + 12 in libc.so.6",
            "libc.so.6|start||0|false",
        );
        check(
            "2 [inlined] 0x0 main in shop at /srv/main.swift:3:1",
            "shop|main|/srv/main.swift|3|true",
        );
    }

    #[test]
    fn apple_prints_the_image_first() {
        check(
            "3   Shop   \t0x0000000102e5c6f8 Basket.total() + 64 (Basket.swift:12)",
            "Shop|Basket.total()|Basket.swift|12|true",
        );
        check(
            "0   libswiftCore.dylib  0x00000001a1b2c3d4 f + 308",
            "libswiftCore.dylib|f||0|false",
        );
        check(
            "12  My Shop   0x0000000102e5c6f8 0x102e50000 + 50936",
            "My Shop|||0|true",
        );
        check(
            "4   CoreFoundation  0x00007ff8004 -[NSArray objectAtIndex:] + 24",
            "CoreFoundation|-[NSArray objectAtIndex:]||0|false",
        );
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("0: shop::main", "none");
        check("3 apples in total at noon:12", "none");
        check("3 plus 4 + 5 apples", "none");
        check("0 0x55 in main /srv/a.c:3", "none");
    }

    fn check_heading(text: &str, kind: &str, message: &str) {
        let (exceptions, _) = parse(text);
        let shown = (
            exceptions[0].kind.as_deref().unwrap_or_default(),
            exceptions[0].message.as_deref().unwrap_or_default(),
        );
        assert_eq!(shown, (kind, message), "{text}");
    }

    #[test]
    fn the_heading_that_tells_most_is_taken() {
        check_heading(
            "*** Program crashed: Bad pointer at 0x4 ***",
            "Program crashed",
            "Bad pointer at 0x4",
        );
        check_heading(
            "a.swift:3: Fatal error: no tea\n*** Program crashed: Trap at 0x4 ***",
            "Fatal error",
            "no tea",
        );
        check_heading(
            "Fatal error: no tea: file shop/a.swift, line 3",
            "Fatal error",
            "no tea",
        );
        check_heading(
            "Exception Type:  EXC_BREAKPOINT (SIGTRAP)",
            "EXC_BREAKPOINT",
            "SIGTRAP",
        );
        check_heading(
            "*** Terminating app due to uncaught exception 'NSRangeException', reason: 'beyond'",
            "NSRangeException",
            "beyond",
        );
    }

    #[test]
    fn only_the_thread_that_crashed_is_read() {
        let text = "Thread 0:\r\n0   Shop   0x0000000102e5c6f8 a + 1\r\n\r\nThread 1 Crashed:\r\n\
                    0   Shop   0x0000000102e5c6f8 b + 1\r\n\r\nThread 2:\r\n0   Shop   0x0000000102e5c6f8 c + 1\r\n";
        let (exceptions, _) = parse(text);
        let functions: Vec<_> = exceptions[0]
            .frames
            .iter()
            .filter_map(|f| f.function.as_deref())
            .collect();
        assert_eq!(functions, ["b"]);
    }

    #[test]
    fn a_fatal_error_without_frames_has_its_place() {
        let (exceptions, _) = parse("12:00 Shop/Basket.swift:12: Fatal error: no tea");
        let frame = &exceptions[0].frames[0];
        assert_eq!(
            (frame.file.as_deref(), frame.line),
            (Some("Shop/Basket.swift"), Some(12))
        );
    }
}
