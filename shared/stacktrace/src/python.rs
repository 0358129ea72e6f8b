//! CPython: `File "…", line N, in f`, crash last, below `Traceback (most recent call last):` and above the message;
//! chained exceptions one after the other, the members of a group boxed in below it.
//! The form: <https://docs.python.org/3/library/traceback.html>.

use crate::bounded::{self, Ends};
use crate::frame::{Frame, Place};
use crate::location::leading_digits;
use crate::trace::{Exception, MAX_EXCEPTIONS, MAX_FRAMES, MAX_MESSAGE, Relation};

const HEADER: &str = "Traceback (most recent call last):";
/// Above the frames of `print_stack`, and of `logging` with `stack_info`: no exception.
const STACK_HEADER: &str = "Stack (most recent call last):";
const CAUSE: &str = "The above exception was the direct cause of the following exception:";
const CONTEXT: &str = "During handling of the above exception, another exception occurred:";

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader::new();
    for line in text.lines() {
        reader.boxed_line(line);
    }
    reader.finish()
}

/// Whether nobody but Python prints a (trimmed) line like this.
pub(crate) fn is_telling(line: &str) -> bool {
    line.ends_with(HEADER) || line == STACK_HEADER || frame(line).is_some()
}

/// One trimmed line: `File "shop.py", line 3, in checkout`, or without the `in` for a syntax error.
fn frame(line: &str) -> Option<Frame> {
    let (file, rest) = line.strip_prefix("File \"")?.split_once("\", line ")?;
    let digits = leading_digits(rest);
    let function = match &rest[digits.len()..] {
        "" => "",
        rest => rest.strip_prefix(", in ")?,
    };
    let place = Place {
        file,
        line: digits.parse().ok(),
        column: None,
    };
    (!digits.is_empty()).then(|| Frame::new(function, place))
}

struct Reader<'a> {
    done: Ends<Exception>,
    /// The exception being read, above the groups it is a member of.
    open: Vec<Open>,
    state: State<'a>,
    is_in_box: bool,
}

struct Open {
    /// Where its box begins; 0 outside of boxes.
    column: usize,
    exception: Exception,
    frames: Ends<Frame>,
    message: String,
}

#[derive(Clone, Copy)]
enum State<'a> {
    /// Before a trace; this line might be an exception that was never raised, so without header or frames.
    Before(Option<&'a str>),
    /// A trace must follow, or such an exception.
    Expecting,
    /// Below a header indented by this much.
    Frames(usize),
    Message,
    /// In something that is no exception.
    Elsewhere,
}

impl<'a> Reader<'a> {
    fn new() -> Self {
        let done = Ends::new(MAX_EXCEPTIONS);
        Reader {
            done,
            open: Vec::new(),
            state: State::Before(None),
            is_in_box: false,
        }
    }

    /// A line as printed: takes it out of the box that a group is drawn with.
    fn boxed_line(&mut self, line: &'a str) {
        let trimmed = line.trim_start();
        let column = line.len() - trimmed.len();
        self.is_in_box |= trimmed.starts_with("+ Exception Group ");
        if !self.is_in_box {
            return self.line(line, 0);
        }
        if let Some(content) = trimmed.strip_prefix('|') {
            self.line(content.strip_prefix(' ').unwrap_or(content), column);
        } else if let Some(content) = trimmed.strip_prefix("+ ") {
            self.line(content, column);
        } else if trimmed.starts_with("+-") {
            self.state = State::Expecting;
        } else {
            self.is_in_box = trimmed.is_empty();
            self.line(line, 0);
        }
    }

    fn line(&mut self, line: &'a str, column: usize) {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        match trimmed {
            CAUSE => return self.relate(Relation::Cause, column),
            CONTEXT => return self.relate(Relation::Context, column),
            STACK_HEADER => return self.stack(indent, column),
            _ => {}
        }
        if trimmed.ends_with(HEADER) {
            self.begin(column);
            self.state = State::Frames(indent);
            return;
        }
        match self.state {
            State::Before(_) | State::Expecting => self.between(trimmed, indent, column),
            State::Frames(base) => self.frame_or_end(trimmed, indent, base),
            State::Message => self.add_message(line.trim_end()),
            State::Elsewhere => {}
        }
    }

    fn between(&mut self, trimmed: &'a str, indent: usize, column: usize) {
        if let Some(frame) = frame(trimmed) {
            self.begin(column);
            self.add_frame(frame);
            self.state = State::Frames(indent.saturating_sub(2));
            return;
        }
        if trimmed.is_empty() {
            return;
        }
        match self.state {
            State::Expecting if split_kind(trimmed).is_some() => self.unraised(trimmed, column),
            State::Before(_) => self.state = State::Before(Some(trimmed)),
            _ => {}
        }
    }

    fn frame_or_end(&mut self, trimmed: &str, indent: usize, base: usize) {
        if let Some(frame) = frame(trimmed) {
            return self.add_frame(frame);
        }
        let is_marker = trimmed.chars().all(|character| "^~ ".contains(character));
        if is_marker {
            return;
        }
        let Some(open) = self.open.last_mut() else { return };
        if let Some(n) = n_repeated(trimmed) {
            return open.frames.omit(n);
        }
        let is_indented = indent > base;
        // A trace may have lost its indentation on the way here; then what does not look like a type is code.
        let may_be_source = is_indented || split_kind(trimmed).is_none();
        match open.frames.last_mut() {
            Some(frame) if may_be_source && frame.source.is_none() => frame.set_source(trimmed),
            _ if is_indented => {}
            _ => self.end(trimmed),
        }
    }

    fn end(&mut self, line: &str) {
        let (kind, message) = split_kind(line).unwrap_or(("", line));
        if let Some(open) = self.open.last_mut() {
            open.exception = Exception {
                relation: open.exception.relation,
                ..Exception::new(kind, "")
            };
        }
        self.add_message(message);
        self.state = State::Message;
    }

    /// An exception without header or frames.
    fn unraised(&mut self, line: &str, column: usize) {
        self.begin(column);
        self.end(line);
    }

    fn stack(&mut self, indent: usize, column: usize) {
        let has_exception = !self.open.is_empty();
        if has_exception {
            self.state = State::Elsewhere;
            return;
        }
        self.begin(column);
        self.state = State::Frames(indent);
    }

    fn relate(&mut self, relation: Relation, column: usize) {
        if let State::Before(Some(line)) = self.state
            && split_kind(line).is_some()
        {
            self.unraised(line, column);
        }
        self.close(column);
        if let Some(last) = self.done.last_mut() {
            last.relation = Some(relation);
        }
        self.state = State::Expecting;
    }

    fn begin(&mut self, column: usize) {
        self.close(column);
        let relation = self.open.last().map(|_| Relation::Member);
        let exception = Exception {
            relation,
            ..Exception::default()
        };
        self.open.push(Open {
            column,
            exception,
            frames: Ends::new(MAX_FRAMES),
            message: String::new(),
        });
    }

    /// Finishes what began at this column or to the right of it, the members of a group before the group.
    fn close(&mut self, column: usize) {
        while let Some(open) = self.open.pop_if(|open| open.column >= column) {
            let exception = open.close();
            // A header quoted in prose has nothing below it.
            if exception.kind.is_some() || exception.message.is_some() || !exception.frames.is_empty() {
                self.done.push(exception);
            }
        }
    }

    fn add_frame(&mut self, frame: Frame) {
        if let Some(open) = self.open.last_mut() {
            open.frames.push(frame);
        }
    }

    fn add_message(&mut self, line: &str) {
        let Some(open) = self.open.last_mut() else { return };
        if open.message.len() < MAX_MESSAGE {
            open.message.push_str(line);
            open.message.push('\n');
        }
    }

    fn finish(mut self) -> (Vec<Exception>, usize) {
        self.close(0);
        self.done.into_parts()
    }
}

impl Open {
    fn close(self) -> Exception {
        let message = self.message.trim_end();
        // `multiprocessing` quotes the worker's whole trace, which so ends in a quote.
        let message = message.strip_suffix("\n\"\"\"").unwrap_or(message);
        let (frames, n_omitted) = self.frames.into_parts();
        let message = bounded::text(message, MAX_MESSAGE);
        Exception {
            message,
            frames,
            n_omitted,
            ..self.exception
        }
    }
}

/// `json.decoder.JSONDecodeError: Expecting value` to its type and message; the message may be missing.
fn split_kind(line: &str) -> Option<(&str, &str)> {
    let (kind, message) = line.split_once(": ").unwrap_or((line.trim_end_matches(':'), ""));
    // A class made in a function is called `shop.pay.<locals>.PayError`.
    let is_name = |c: char| c.is_alphanumeric() || "_.<>".contains(c);
    let begins_well = kind.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (begins_well && kind.chars().all(is_name)).then_some((kind, message))
}

/// `[Previous line repeated 996 more times]`, after the third of the same frames.
fn n_repeated(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("[Previous line repeated ")?;
    leading_digits(rest).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each exception as `kind|message|functions|relation`.
    fn check(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions.iter().map(show).collect();
        assert_eq!(shown, expected, "{text}");
    }

    fn show(exception: &Exception) -> String {
        let functions: Vec<_> = exception
            .frames
            .iter()
            .filter_map(|frame| frame.function.as_deref())
            .collect();
        format!(
            "{}|{}|{}|{}",
            exception.kind.as_deref().unwrap_or_default(),
            exception.message.as_deref().unwrap_or_default(),
            functions.join(" "),
            exception
                .relation
                .map(|relation| format!("{relation:?}"))
                .unwrap_or_default(),
        )
    }

    #[test]
    fn a_trace_may_have_no_header_or_no_exception() {
        check(
            "  File \"a.py\", line 1, in f\n    g()\nValueError: x\n",
            &["ValueError|x|f|"],
        );
        check(
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f",
            &["||f|"],
        );
        check(
            "Traceback (most recent call last):\nValueError",
            &["ValueError|||"],
        );
        check(
            "Stack (most recent call last):\n  File \"a.py\", line 1, in f\n    g()",
            &["||f|"],
        );
    }

    #[test]
    fn a_trace_may_have_lost_its_indentation() {
        let text = "Traceback (most recent call last):\nFile \"a.py\", line 1, in f\ng(1)\n^^^^\n\
                    File \"b.py\", line 2, in g\nraise ValueError(x)\nValueError: x";
        check(text, &["ValueError|x|f g|"]);
        assert_eq!(
            parse(text).0[0].frames[1].source.as_deref(),
            Some("raise ValueError(x)")
        );
    }

    #[test]
    fn a_trace_may_stand_indented_in_a_log() {
        let text = "  12:00 ERROR Traceback (most recent call last):\r\n    File \"a.py\", line 1, in f\r\n\
                    \x20     g()\r\n  ValueError: x\r\n";
        check(text, &["ValueError|x|f|"]);
    }

    #[test]
    fn only_the_first_of_several_source_lines_is_kept() {
        let text = "  File \"a.py\", line 1, in f\n    g(\n    ~^\n        x\n    )\nValueError: x";
        check(text, &["ValueError|x|f|"]);
        assert_eq!(parse(text).0[0].frames[0].source.as_deref(), Some("g("));
    }

    #[test]
    fn a_message_may_look_like_a_frame() {
        let text = "  File \"a.py\", line 1, in f\nValueError: see\n  File \"b.py\", line 2, in g";
        check(text, &["ValueError|see\n  File \"b.py\", line 2, in g|f|"]);
    }

    #[test]
    fn a_path_may_hold_anything_but_the_end_of_the_form() {
        let frame = frame("File \"/srv/a \"b\", c.py\", line 12, in <lambda>").unwrap();
        assert_eq!(frame.file.as_deref(), Some("/srv/a \"b\", c.py"));
        assert_eq!(
            (frame.line, frame.function.as_deref()),
            (Some(12), Some("<lambda>"))
        );
        assert!(super::frame("File \"a.py\", line 12 of 40").is_none());
        assert!(super::frame("File \"a.py\", line ").is_none());
    }

    #[test]
    fn prose_before_the_trace_is_no_exception() {
        check(&format!("it went wrong\n\n{CAUSE}\n\n{HEADER}\nA: b"), &["A|b||"]);
        check(&format!("{CAUSE}\n"), &[]);
        check(&format!("it said {HEADER}\n{HEADER}\nA: b"), &["A|b||"]);
        check(&format!("it said {HEADER}\n"), &[]);
    }
}
