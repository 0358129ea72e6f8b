//! Rust: `thread 'main' panicked at src/main.rs:4:5:`, the message below it, and with `RUST_BACKTRACE` the numbered
//! calls, innermost first, each with an `at` line if there is debug information. `anyhow` and `eyre` print `Error:`,
//! a list `Caused by:`, and the same backtrace.
//! The form: <https://doc.rust-lang.org/std/macro.panic.html>.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::location::leading_digits;
use crate::trace::{Exception, Relation};
use crate::{in_app, location};

const PANICKED: &str = "panicked at ";
const CAUSES: &str = "Caused by:";
const BACKTRACES: &[&str] = &["stack backtrace:", "Stack backtrace:"];
/// Below the message, when there is no backtrace.
const HINT: &str = "note: run with `RUST_BACKTRACE=1`";
/// Above the place where `eyre` made the error.
const LOCATION: &str = "Location:";

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        causes: Chain::new(),
        open: None,
        place: None,
        thread: "",
        state: State::Above,
        cause: None,
    };
    for line in text.lines() {
        reader.line(line);
        if matches!(reader.state, State::Done) {
            break;
        }
    }
    reader.finish()
}

pub(crate) fn is_telling(line: &str, next: &str) -> bool {
    let is_frame = numbered(line).is_some_and(|name| !name.is_empty())
        && next.strip_prefix("at ").is_some_and(|at| place(at).is_some());
    panicked(line).is_some() || line == CAUSES || BACKTRACES.contains(&line) || is_frame
}

struct Reader<'a> {
    /// What is raised before the open one, in the order printed.
    causes: Chain,
    open: Option<Draft>,
    /// Where it panicked, in case there is no backtrace.
    place: Option<Place<'a>>,
    thread: &'a str,
    state: State,
    cause: Option<Draft>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Above,
    Message,
    Causes,
    Location,
    Frames,
    /// Between the message and what may follow it.
    Elsewhere,
    Done,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        let trimmed = line.trim();
        if let Some((thread, rest)) = panicked(trimmed) {
            return self.panic(thread, rest);
        }
        match trimmed {
            CAUSES => return self.state = State::Causes,
            LOCATION if self.open.is_some() => return self.state = State::Location,
            _ if BACKTRACES.contains(&trimmed) || trimmed.contains(" BACKTRACE ") => {
                return self.state = State::Frames;
            }
            _ => {}
        }
        match self.state {
            State::Above => self.above(trimmed, line),
            State::Message if trimmed.contains(HINT) => self.state = State::Elsewhere,
            State::Message => self.open_draft().add_message(line.trim_end()),
            State::Causes => self.causes(trimmed),
            State::Location => self.location(trimmed),
            State::Frames => self.frame(trimmed),
            State::Elsewhere | State::Done => {}
        }
    }

    /// A second panic of the same thread is raised while the first unwinds; another thread's is another matter.
    fn panic(&mut self, thread: &'a str, rest: &'a str) {
        if let Some(first) = self.open.take_if(|_| self.thread == thread) {
            let first = Self::placed(first, self.place);
            self.causes.add(Some(first.related(Relation::Context)));
        } else if self.open.is_some() {
            self.state = State::Done;
            return;
        }
        // Before Rust 1.73: `panicked at 'message', src/main.rs:4:5`.
        let (message, location) = match rest.strip_suffix(':') {
            Some(location) => ("", location),
            None => rest.rsplit_once(", ").unwrap_or((rest, "")),
        };
        let message = message
            .strip_prefix('\'')
            .and_then(|m| m.strip_suffix('\''))
            .unwrap_or(message);
        self.open = Some(Draft::new("panic", message));
        (self.place, self.thread, self.state) = (location::place(location), thread, State::Message);
    }

    fn above(&mut self, trimmed: &'a str, line: &'a str) {
        if let Some((_, message)) = trimmed.split_once("Error: ") {
            self.open = Some(Draft::new("Error", message));
            self.state = State::Message;
        } else if numbered(trimmed).is_some() {
            self.state = State::Frames;
            self.line(line);
        }
    }

    /// `0: no tea`, or one cause without a number. What goes on in the next line has none.
    fn causes(&mut self, trimmed: &'a str) {
        if trimmed.is_empty() {
            let is_over = self.cause.is_some();
            self.state = if is_over { State::Elsewhere } else { self.state };
            return;
        }
        match (numbered(trimmed), &mut self.cause) {
            (None, Some(cause)) => cause.add_message(trimmed),
            (message, previous) => {
                let cause = Draft::new("", message.unwrap_or(trimmed)).related(Relation::Cause);
                let previous = previous.replace(cause);
                self.causes.add(previous);
            }
        }
    }

    fn location(&mut self, trimmed: &'a str) {
        self.place = location::place(trimmed);
        self.state = State::Elsewhere;
    }

    fn frame(&mut self, trimmed: &'a str) {
        if let Some(name) = numbered(trimmed).or_else(|| trimmed.strip_prefix("- ")) {
            let frame = call(name);
            return self.open_draft().add_frame(frame);
        }
        if let Some(at) = trimmed.strip_prefix("at ").and_then(place)
            && let Some(frame) = self.open_draft().last_frame_mut()
            && frame.file.is_none()
        {
            return frame.set_place(at, in_app::rust("", at.file));
        }
        let is_below = self.open.as_ref().is_some_and(|draft| draft.is_message_over);
        if is_below && !trimmed.is_empty() {
            self.state = State::Elsewhere;
        }
    }

    fn open_draft(&mut self) -> &mut Draft {
        self.open.get_or_insert_with(|| Draft::new("", ""))
    }

    fn placed(mut draft: Draft, place: Option<Place<'_>>) -> Draft {
        if let Some(place) = place.filter(|_| !draft.is_message_over) {
            draft.add_frame(Frame::of("", "", place, in_app::rust("", place.file)));
        }
        draft
    }

    fn finish(mut self) -> (Vec<Exception>, usize) {
        let has_causes = self.cause.is_some();
        self.causes.add(self.cause);
        // Causes are printed below what they caused; a panic is printed above the next one.
        let (before, n_omitted) = match has_causes {
            true => self.causes.reversed(),
            false => self.causes.in_order(),
        };
        let mut chain = Chain::new();
        before.into_iter().for_each(|exception| chain.push(exception));
        chain.add(self.open.map(|draft| Self::placed(draft, self.place)));
        let (exceptions, n_more) = chain.in_order();
        (exceptions, n_omitted.saturating_add(n_more))
    }
}

/// `thread 'main' (12) panicked at src/main.rs:4:5:` to its thread and what follows `at`.
fn panicked(line: &str) -> Option<(&str, &str)> {
    let (_, line) = line.split_once("thread '")?;
    let (thread, rest) = line.split_once(PANICKED)?;
    Some((thread.split('\'').next().unwrap_or(thread), rest))
}

/// `12: shop::pay`, and `12:     0x55d0 - shop::pay` in a full backtrace.
fn numbered(line: &str) -> Option<&str> {
    let digits = leading_digits(line);
    let name = line[digits.len()..].strip_prefix(": ")?.trim_start();
    let name = match name.split_once(" - ") {
        Some((address, name)) if address.starts_with("0x") => name,
        _ => name,
    };
    (!digits.is_empty()).then_some(name)
}

/// `./src/main.rs:4:5`; not the URL or the path of a script.
fn place(at: &str) -> Option<Place<'_>> {
    location::place(at).filter(|place| !place.file.contains("://") && is_source(place.file))
}

fn is_source(file: &str) -> bool {
    [".rs", ".c", ".h", ".S", ".cpp", ".cc"]
        .iter()
        .any(|ending| file.ends_with(ending))
}

/// `shop::basket::Basket::total::{{closure}}::h0123456789abcdef` to `shop::basket::Basket` and `total::{{closure}}`.
fn call(name: &str) -> Frame {
    let name = match name.rsplit_once("::h") {
        Some((before, hash)) if is_hash(hash) => before,
        _ => name,
    };
    let plain = without_hashes(name);
    let (module, function) = split_path(&plain);
    Frame::of(module, function, Place::default(), in_app::rust(&plain, ""))
}

fn is_hash(text: &str) -> bool {
    text.len() >= 15 && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `core[c1f1a4ba060b9bfa]::fmt` to `core::fmt`.
fn without_hashes(name: &str) -> String {
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let end = after
            .find(|c: char| !c.is_ascii_hexdigit())
            .unwrap_or(after.len());
        rest = match after[end..].strip_prefix(']') {
            Some(behind) if is_hash(&after[..end]) => behind,
            _ => {
                plain.push('[');
                after
            }
        };
    }
    plain + rest
}

/// At the last `::` outside of brackets; a closure stays with the function it is in.
fn split_path(path: &str) -> (&str, &str) {
    let bytes = path.as_bytes();
    let mut depth = 0_usize;
    let mut end = path.len();
    for index in (1..bytes.len()).rev() {
        match bytes[index] {
            b'>' if bytes[index - 1] != b'-' => depth += 1,
            b'<' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && bytes[index - 1] == b':' && index < end => {
                let is_inner = path[index + 1..].starts_with(['{', '<']);
                if !is_inner {
                    return (&path[..index - 1], &path[index + 1..]);
                }
                end = index;
            }
            _ => {}
        }
    }
    ("", path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, module: &str, function: &str) {
        let frame = call(name);
        let shown = (
            frame.module.as_deref().unwrap_or_default(),
            frame.function.as_deref().unwrap_or_default(),
        );
        assert_eq!(shown, (module, function), "{name}");
    }

    #[test]
    fn a_path_is_a_module_and_a_function() {
        check("shop::main", "shop", "main");
        check("_start", "", "_start");
        check("shop::main::h00330a5efbb668ba", "shop", "main");
        check(
            "shop::Basket::total::{{closure}}",
            "shop::Basket",
            "total::{{closure}}",
        );
        check(
            "<usize as core::ops::Index<[T]>>::index",
            "<usize as core::ops::Index<[T]>>",
            "index",
        );
        check(
            "std::panicking::begin_panic::<&str>",
            "std::panicking",
            "begin_panic::<&str>",
        );
        check("core[c1f1a4ba060b9bfa]::fmt::write", "core::fmt", "write");
        check("<fn() -> u32 as f::G>::call", "<fn() -> u32 as f::G>", "call");
    }

    fn check_chain(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions
            .iter()
            .map(|exception| {
                let lines: Vec<_> = exception
                    .frames
                    .iter()
                    .map(|frame| frame.line.unwrap_or(0))
                    .collect();
                format!(
                    "{}|{}|{lines:?}|{}",
                    exception.kind.as_deref().unwrap_or_default(),
                    exception.message.as_deref().unwrap_or_default(),
                    exception
                        .relation
                        .map(|relation| format!("{relation:?}"))
                        .unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn a_panic_without_a_backtrace_has_one_frame() {
        check_chain(
            "thread 'main' panicked at 'a: b, c', src/main.rs:4:5\r\n",
            &["panic|a: b, c|[4]|"],
        );
        check_chain(
            "12:00 thread 'a b' (7) panicked at src/main.rs:4:5:\na\nb\nnote: run with `RUST_BACKTRACE=1`\nbye",
            &["panic|a\nb|[4]|"],
        );
    }

    #[test]
    fn a_panic_while_panicking_comes_after_the_first() {
        let text = "thread 'main' panicked at a.rs:1:1:\nx\nstack backtrace:\n   0: shop::f\n             at ./a.rs:2:3\n\
                    thread 'main' panicked at a.rs:4:1:\ny\nthread 'b' panicked at a.rs:9:1:\nz\n";
        check_chain(text, &["panic|x|[2]|Context", "panic|y|[4]|"]);
    }

    #[test]
    fn anyhow_and_eyre_list_the_causes() {
        let causes = "Error: no sale\n\nCaused by:\n    0: no price\n       for tea\n    1: no digit\n\nLocation:\n    src/a.rs:3:4\n";
        check_chain(
            causes,
            &[
                "|no digit|[]|Cause",
                "|no price\nfor tea|[]|Cause",
                "Error|no sale|[3]|",
            ],
        );
        let cause = "Error: no sale\n\nCaused by:\n    no price\n\nStack backtrace:\n   0: shop::f\n   1: shop::main\n";
        check_chain(cause, &["|no price|[]|Cause", "Error|no sale|[0, 0]|"]);
    }
}
