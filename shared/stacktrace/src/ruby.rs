//! Ruby: `app.rb:3:in 'pay': no tea (PayError)`, then `from app.rb:9:in 'main'`, innermost first, then the cause in
//! the same way. Ruby 2.5 to 2.7 turned it round on a terminal, below `Traceback (most recent call last):`. Rails
//! logs the type and message, and the frames without `from`.
//! The form: <https://docs.ruby-lang.org/en/3.4/Exception.html#method-i-full_message>.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::location::{leading_digits, split_number};
use crate::trace::{Exception, Relation};
use crate::{in_app, kind};

const HEADER: &str = "Traceback (most recent call last):";

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        done: Chain::new(),
        open: None,
        outer: None,
        is_turned: false,
    };
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        if !reader.line(line.trim_end(), &text[..position]) {
            break;
        }
        position += line.len();
    }
    reader.finish()
}

/// The first line of a turned trace is Python's too.
pub(crate) fn is_telling(line: &str, next: &str) -> bool {
    let is_turned = line.ends_with(HEADER) && (numbered(next).is_some() || heading(next).is_some());
    is_turned || frame(line).is_some() || heading(line).is_some()
}

struct Reader {
    done: Chain,
    open: Option<Draft>,
    /// The frames of a turned trace, above the heading they belong to.
    outer: Option<Draft>,
    is_turned: bool,
}

impl Reader {
    /// Whether to go on.
    fn line(&mut self, line: &str, above: &str) -> bool {
        let trimmed = line.trim();
        if trimmed.ends_with(HEADER) {
            self.is_turned = true;
        } else if let Some((frame, kind, message)) = heading(trimmed) {
            self.begin(frame, kind, message);
        } else if let Some(frame) = numbered(trimmed).filter(|_| self.is_turned) {
            self.outer.get_or_insert_default().add_frame(frame);
        } else if let Some(frame) = frame(trimmed) {
            self.open.get_or_insert_with(|| bare(above)).add_frame(frame);
        } else if let Some(draft) = &mut self.open {
            match n_levels(trimmed) {
                Some(n) => draft.omit(n),
                None if !draft.is_message_over => draft.add_message(line),
                None => return kind::anywhere(trimmed).is_none(),
            }
        }
        true
    }

    fn begin(&mut self, frame: Frame, kind: &str, message: &str) {
        let mut draft = self.outer.take().unwrap_or_default().headed(kind, message);
        draft.add_frame(frame);
        // Its own place stands in the heading, and more of the message may follow.
        draft.is_message_over = false;
        match self.open.replace(draft) {
            None => {}
            Some(cause) if self.is_turned => {
                self.done.push(cause.related(Relation::Cause).finish_as_printed())
            }
            previous => {
                self.done.add(previous);
                self.open = self.open.take().map(|cause| cause.related(Relation::Cause));
            }
        }
    }

    fn finish(mut self) -> (Vec<Exception>, usize) {
        if !self.is_turned {
            self.done.add(self.open);
            return self.done.reversed();
        }
        if let Some(last) = self.open.or(self.outer) {
            self.done.push(last.finish_as_printed());
        }
        self.done.in_order()
    }
}

/// `app.rb:3:in 'pay': no tea (PayError)` to its place, type and message; either may be missing.
fn heading(line: &str) -> Option<(Frame, &str, &str)> {
    let (place, rest) = [":in `", ":in '"]
        .iter()
        .find_map(|quote| line.split_once(quote))?;
    let (name, text) = rest.split_once("': ")?;
    let frame = frame_of(place, name)?;
    let kind_at = text.strip_suffix(')').and_then(|text| text.rsplit_once('('));
    match kind_at.filter(|(_, kind)| kind.starts_with(char::is_uppercase) && kind::is_name(kind)) {
        // Ruby says the type where there is no message.
        Some((message, kind)) if message.trim() == kind => Some((frame, kind, "")),
        Some((message, kind)) => Some((frame, kind, message.trim_end())),
        None => Some((frame, "", text)),
    }
}

/// One trimmed line, with or without `from`.
fn frame(line: &str) -> Option<Frame> {
    let (is_from, line) = match line.strip_prefix("from ") {
        Some(line) => (true, line),
        None => (false, line),
    };
    if let Some((place, rest)) = [":in `", ":in '"].iter().find_map(|quote| line.split_once(quote)) {
        return frame_of(place, rest.strip_suffix('\'')?);
    }
    frame_of(line, "")
        .filter(|frame| is_from && frame.file.as_deref().is_some_and(|file| file.ends_with(".rb")))
}

/// `6: from app.rb:9:in 'main'`, the outermost of them first.
fn numbered(line: &str) -> Option<Frame> {
    let digits = leading_digits(line);
    let rest = line[digits.len()..]
        .strip_prefix(": ")
        .filter(|rest| rest.starts_with("from "))?;
    frame(rest).filter(|_| !digits.is_empty())
}

/// Since Ruby 3.4 a method is called `block in Shop::Basket#total`, before that `block in total`.
fn frame_of(place: &str, name: &str) -> Option<Frame> {
    let (file, digits) = split_number(place)?;
    let place = Place {
        file,
        line: digits.parse().ok(),
        column: None,
    };
    let start = name.rfind(" in ").map_or(0, |at| at + " in ".len());
    let (context, name) = name.split_at(start);
    let (module, method) = match name.rsplit_once(['#', '.']) {
        Some((module, method)) if module.starts_with(char::is_uppercase) => (module, method),
        _ => ("", name),
    };
    let function = format!("{context}{method}");
    (!file.is_empty()).then(|| Frame::of(module, &function, place, in_app::ruby(file)))
}

/// `... 10068 levels...`, in the middle of a deep recursion.
fn n_levels(line: &str) -> Option<usize> {
    line.strip_prefix("... ")?
        .strip_suffix(" levels...")?
        .parse()
        .ok()
}

/// The heading above bare frames: `PayError (no tea):` in Rails' log, else as everybody writes it.
fn bare(above: &str) -> Draft {
    let rails = above.lines().find_map(|line| {
        let (head, message) = line.trim().strip_suffix("):")?.split_once(" (")?;
        let kind = head.rsplit([' ', '\t']).next().unwrap_or(head);
        (kind.starts_with(char::is_uppercase) && kind::is_name(kind)).then_some((kind, message))
    });
    match rails {
        Some((kind, message)) => Draft::new(kind, message),
        None => kind::heading(above),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions
            .iter()
            .map(|exception| {
                let functions = exception
                    .frames
                    .iter()
                    .filter_map(|frame| frame.function.as_deref());
                format!(
                    "{}|{}|{}|{}|{}",
                    exception.kind.as_deref().unwrap_or_default(),
                    exception.message.as_deref().unwrap_or_default(),
                    functions.collect::<Vec<_>>().join(","),
                    exception.n_omitted,
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
    fn a_message_may_have_several_lines_or_none() {
        check(
            "a.rb:3:in `f': no (x) (PayError)\r\ntea\r\n\tfrom a.rb:9:in `<main>'\r\n",
            &["PayError|no (x)\ntea|<main>,f|0|"],
        );
        check("a.rb:3:in 'f': A::B (A::B)", &["A::B||f|0|"]);
        check(
            "a.rb:3:in 'f': unhandled exception",
            &["|unhandled exception|f|0|"],
        );
        check(
            "a.rb:3:in 'f': x (A)\n\tfrom a.rb:3:in 'f'\n\t ... 12 levels...\n\tfrom a.rb:4:in 'g'",
            &["A|x|g,f,f|12|"],
        );
    }

    #[test]
    fn a_trace_may_be_turned_round() {
        check(
            "Traceback (most recent call last):\n\t1: from a.rb:9:in `g'\na.rb:3:in `f': x (A)\n\
             \t1: from a.rb:9:in `i'\na.rb:5:in `h': y (B)\n",
            &["A|x|g,f|0|Cause", "B|y|i,h|0|"],
        );
    }

    #[test]
    fn logs_print_frames_without_from() {
        check(
            "E, [12:00] A::B (no tea):\n  \napp/a.rb:3:in `f'\n/gems/b.rb:4:in `block in g'\n\nStarted GET\n",
            &["A::B|no tea|block in g,f|0|"],
        );
        check(
            "12:00 WARN: AError: no tea\na.rb:3:in 'f'",
            &["AError|no tea|f|0|"],
        );
    }

    #[test]
    fn a_name_may_have_a_class() {
        let frame = frame("from (irb):12:in 'block in Shop::Basket#total'").unwrap();
        assert_eq!(frame.module.as_deref(), Some("Shop::Basket"));
        assert_eq!(frame.function.as_deref(), Some("block in total"));
        assert_eq!((frame.file.as_deref(), frame.line), (Some("(irb)"), Some(12)));
        assert!(super::frame("from noon:12").is_none() && super::frame("a.rb:3").is_none());
    }
}
