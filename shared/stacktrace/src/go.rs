//! Go: `panic: …`, then `goroutine 1 [running]:` with two lines for each call, innermost first; the function, and
//! indented its file. The same pairs below the message of an error that `pkg/errors` prints with `%+v`.
//! The form: <https://pkg.go.dev/runtime#hdr-Environment_Variables>. Of several goroutines the first one is read,
//! which is the one that crashed.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::in_app;
use crate::location::{leading_digits, split_number};
use crate::trace::{Exception, Relation};

const PANIC: &str = "panic: ";
const FATAL: &str = "fatal error: ";
/// How a panic inside a panic is marked, once it is no longer the one that ended the program.
const RECOVERED: &[&str] = &[" [recovered]", " [recovered, repanicked]"];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        done: Chain::new(),
        open: None,
        function: "",
        state: State::Above,
        above: 0,
    };
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        reader.line(text, line.trim_end(), position);
        position += line.len();
        if matches!(reader.state, State::Done) {
            break;
        }
    }
    reader.finish()
}

/// The function's line tells nothing without the next one.
pub(crate) fn is_telling(line: &str, next: &str) -> bool {
    goroutine(line).is_some() || (!line.is_empty() && !line.contains(' ') && place(next).is_some())
}

struct Reader<'a> {
    done: Chain,
    open: Option<Draft>,
    /// The line before, which may be the first half of a frame.
    function: &'a str,
    state: State,
    /// How much of the text is above the frames, when nothing there is a heading.
    above: usize,
}

#[derive(Clone, Copy)]
enum State {
    Above,
    Heading,
    /// In a stack of the runtime's own.
    Elsewhere,
    Frames,
    Done,
}

impl<'a> Reader<'a> {
    fn line(&mut self, text: &'a str, line: &'a str, position: usize) {
        let trimmed = line.trim();
        if let Some(id) = goroutine(trimmed) {
            let is_second = self.open.as_ref().is_some_and(|draft| draft.is_message_over);
            self.state = match (is_second, id) {
                (true, _) => State::Done,
                (_, "0") => State::Elsewhere,
                _ => State::Frames,
            };
            return;
        }
        match self.state {
            State::Done | State::Elsewhere => {}
            State::Above | State::Heading => self.heading_or_frame(text, trimmed, position),
            State::Frames => self.frame(trimmed),
        }
    }

    fn heading_or_frame(&mut self, text: &'a str, trimmed: &'a str, position: usize) {
        if let Some((kind, message)) = heading(trimmed) {
            if let Some(outer) = self.open.take() {
                self.done.add(Some(outer.related(Relation::Context)));
            }
            self.open = Some(Draft::new(kind, message));
            self.state = State::Heading;
        } else if trimmed == "runtime stack:" {
            self.state = State::Elsewhere;
        } else if place(trimmed).is_some() {
            let above = text.get(..self.above).unwrap_or_default();
            self.open.get_or_insert_with(|| message_of(above));
            self.state = State::Frames;
            self.frame(trimmed);
        } else if let Some(draft) = &mut self.open {
            draft.add_message(trimmed);
        }
        self.above = position;
        self.function = trimmed;
    }

    fn frame(&mut self, trimmed: &'a str) {
        let draft = self.open.get_or_insert_with(|| Draft::new("", ""));
        if let Some(n) = n_elided(trimmed) {
            draft.omit(n);
        } else if let Some(place) = place(trimmed).filter(|_| !self.function.is_empty()) {
            draft.add_frame(call(self.function, place));
            self.function = "";
            return;
        }
        // A blank line ends the goroutine, and what follows the frames is somebody else's text.
        let is_over = draft.is_message_over && (trimmed.is_empty() || trimmed.contains(": "));
        if is_over {
            self.state = State::Done;
        }
        self.function = trimmed;
    }

    fn finish(mut self) -> (Vec<Exception>, usize) {
        self.done.add(self.open);
        self.done.in_order()
    }
}

/// What stands above bare frames is all message.
fn message_of(above: &str) -> Draft {
    let mut draft = Draft::default();
    above.lines().for_each(|line| draft.add_message(line));
    draft
}

/// `goroutine 12 [chan receive, 3 minutes]:` to `12`.
fn goroutine(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once("goroutine ")?;
    let id = leading_digits(rest);
    let is_header = rest[id.len()..].contains('[') && rest.ends_with("]:");
    (is_header && !id.is_empty()).then_some(id)
}

/// `panic: runtime error: index out of range` to `runtime error` and the rest; what is no runtime error is a `panic`.
fn heading(line: &str) -> Option<(&str, &str)> {
    if let Some(message) = line.strip_prefix(FATAL) {
        return Some(("fatal error", message));
    }
    if line.starts_with("SIG") {
        return line.split_once(": ").filter(|(signal, _)| !signal.contains(' '));
    }
    let served = line
        .split_once("http: panic serving ")
        .and_then(|(_, rest)| rest.split_once(": "));
    let message = match served {
        Some((_, message)) => message,
        None => &line[line.find(PANIC)? + PANIC.len()..],
    };
    let message = RECOVERED
        .iter()
        .find_map(|mark| message.strip_suffix(mark))
        .unwrap_or(message);
    match message.strip_prefix("runtime error: ") {
        Some(message) => Some(("runtime error", message)),
        None => Some(("panic", message)),
    }
}

/// `/srv/shop/main.go:12 +0x1d`, trimmed.
fn place(line: &str) -> Option<Place<'_>> {
    let line = line.split_once(" +0x").map_or(line, |(place, _)| place);
    let (file, digits) = split_number(line)?;
    let is_source = [".go", ".s", ".c", "<autogenerated>"]
        .iter()
        .any(|end| file.ends_with(end));
    let is_path = file.contains(['/', '\\', '<']) || file == "_cgo_gotypes.go";
    (is_source && is_path && !file.contains(": ")).then(|| Place {
        file,
        line: digits.parse().ok(),
        column: None,
    })
}

/// `example.com/shop/basket.(*Basket).Price(0x0?, 0x10?)`, or `created by main.main in goroutine 1`.
fn call(line: &str, place: Place<'_>) -> Frame {
    let name = match line.strip_prefix("created by ") {
        Some(name) => name.split_once(" in goroutine ").map_or(name, |(name, _)| name),
        None => line
            .strip_suffix(')')
            .and_then(|line| line.rsplit_once('('))
            .map_or(line, |(name, _)| name),
    };
    // Only the path of the package has slashes, but for type arguments.
    let end_of_path = name.find(['(', '[']).unwrap_or(name.len());
    let last = name[..end_of_path].rfind('/').map_or(0, |slash| slash + 1);
    let (package, function) = match name[last..].find('.') {
        Some(dot) => (&name[..last + dot], &name[last + dot + 1..]),
        None => ("", name),
    };
    Frame::of(package, function, place, in_app::go(package, place.file))
}

/// `...23 frames elided...`, also with `additional`.
fn n_elided(line: &str) -> Option<usize> {
    let rest = line
        .strip_prefix("...")
        .filter(|rest| rest.ends_with("elided..."))?;
    leading_digits(rest).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_call(line: &str, package: &str, function: &str) {
        let frame = call(line, Place::default());
        assert_eq!(
            (
                frame.module.as_deref().unwrap_or_default(),
                frame.function.as_deref().unwrap_or_default()
            ),
            (package, function),
            "{line}"
        );
    }

    #[test]
    fn a_call_has_a_package_and_a_function() {
        check_call("main.main()", "main", "main");
        check_call("main.pay(...)", "main", "pay");
        check_call(
            "example.com/shop/basket.(*Basket).Price(0x0?, 0x10?)",
            "example.com/shop/basket",
            "(*Basket).Price",
        );
        check_call("main.Sum[go.shape.int](0x1)", "main", "Sum[go.shape.int]");
        check_call(
            "main.Sum[example.com/shop.Price](0x1)",
            "main",
            "Sum[example.com/shop.Price]",
        );
        check_call(
            "created by net/http.(*Server).Serve in goroutine 1",
            "net/http",
            "(*Server).Serve",
        );
        check_call("panic({0x6a2d80, 0xc0000c8078})", "", "panic");
    }

    #[test]
    fn a_heading_has_a_kind_and_a_message() {
        let check = |line, expected| assert_eq!(heading(line), expected, "{line}");
        check(
            "panic: runtime error: x [recovered]",
            Some(("runtime error", "x")),
        );
        check("12:00 app | panic: x: y", Some(("panic", "x: y")));
        check("fatal error: all asleep", Some(("fatal error", "all asleep")));
        check("12:00 http: panic serving 127.0.0.1:4: x", Some(("panic", "x")));
        check("SIGQUIT: quit", Some(("SIGQUIT", "quit")));
        check("no panic", None);
    }

    #[test]
    fn text_after_the_frames_is_no_part_of_them() {
        let text = "panic: x\r\n\r\ngoroutine 1 [running]:\r\nmain.f()\r\n\t/a b/c.go:3 +0x1\r\n...2 frames elided...\r\n\
                    main.main()\r\n\t/a b/c.go:9 +0x1\r\nexit status 2\r\n12:00 next: fine\r\nmain.g()\r\n\t/a/d.go:1\r\n";
        let (exceptions, _) = parse(text);
        let lines: Vec<_> = exceptions[0]
            .frames
            .iter()
            .filter_map(|frame| frame.line)
            .collect();
        assert_eq!((lines, exceptions[0].n_omitted), (vec![9, 3], 2));
        assert_eq!(exceptions[0].frames[0].file.as_deref(), Some("/a b/c.go"));
    }

    #[test]
    fn an_error_may_be_printed_with_its_stack() {
        let (exceptions, _) =
            parse("no tea\nleft\nmain.pay\n\t/srv/main.go:12\nmain.main\n\t/srv/main.go:6\n");
        assert_eq!(exceptions[0].message.as_deref(), Some("no tea\nleft"));
        assert_eq!(exceptions[0].frames.len(), 2);
    }
}
