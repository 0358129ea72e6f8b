//! Elixir: `** (ArgumentError) no tea`, then `    (shop 0.1.0) lib/shop.ex:12: Shop.pay/1`, innermost first. What a
//! process exited of is an exception indented below `** (EXIT)`, before the frames of the one who waited for it.
//! The form: <https://hexdocs.pm/elixir/Exception.html#format/3>. The stack of a client that `Logger` adds is not read.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::in_app;
use crate::location::split_number;
use crate::trace::{Exception, Relation};

const MARK: &str = "** (";
/// Why a process ended that another one waited for.
const EXIT: &str = "EXIT";
/// Instead of a message, where nothing but another exception follows.
const WRAPPER: &str = "an exception was raised:";
/// What stands for a type when something else than an exception was thrown.
const THROWN: &[&str] = &["throw", "exit", "stop"];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        done: Chain::new(),
        open: Vec::new(),
    };
    for line in text.lines() {
        if !reader.line(line) {
            break;
        }
    }
    while let Some(open) = reader.open.pop() {
        reader.done.add(Some(open.draft));
    }
    reader.done.in_order()
}

pub(crate) fn is_telling(line: &str) -> bool {
    heading(line).is_some() || placed(line).is_some()
}

struct Reader {
    done: Chain,
    /// The exception being read, above those that wait for it.
    open: Vec<Open>,
}

struct Open {
    /// How far its heading is indented; its frames stand further to the right.
    indent: usize,
    is_wrapper: bool,
    draft: Draft,
}

impl Reader {
    /// Whether to go on.
    fn line(&mut self, line: &str) -> bool {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if let Some((kind, message)) = heading(trimmed) {
            return self.heading(indent, kind, message);
        }
        if let Some(frame) = frame(trimmed, indent) {
            self.frame(indent, frame);
            return true;
        }
        let Some(open) = self.open.last_mut() else {
            return true;
        };
        if open.draft.is_message_over {
            return trimmed.is_empty();
        }
        open.draft.add_message(line.trim_end());
        true
    }

    fn heading(&mut self, indent: usize, kind: &str, message: &str) -> bool {
        let outer = self.open.last_mut();
        let is_inside = outer.as_ref().is_some_and(|outer| indent > outer.indent);
        match outer {
            Some(outer) if is_inside && kind == EXIT => {
                if message != WRAPPER {
                    outer.draft.add_message(message);
                }
                return true;
            }
            Some(_) if !is_inside => return false,
            // Nothing is known of the outer one but that there is an inner one.
            Some(outer) if outer.is_wrapper => {
                self.open.pop();
            }
            _ => {}
        }
        let draft = Draft::new(kind, message);
        let draft = if self.open.is_empty() {
            draft
        } else {
            draft.related(Relation::Cause)
        };
        let is_wrapper = message == WRAPPER;
        self.open.push(Open {
            indent,
            is_wrapper,
            draft,
        });
        true
    }

    fn frame(&mut self, indent: usize, frame: Frame) {
        while self.open.len() > 1
            && let Some(inner) = self.open.pop_if(|open| open.indent >= indent)
        {
            self.done.add(Some(inner.draft));
        }
        if self.open.is_empty() {
            self.open.push(Open {
                indent: 0,
                is_wrapper: false,
                draft: Draft::default(),
            });
        }
        if let Some(open) = self.open.last_mut() {
            open.draft.add_frame(frame);
        }
    }
}

/// `** (ArgumentError) no tea`, perhaps behind a log's words.
fn heading(line: &str) -> Option<(&str, &str)> {
    let start = line.find(MARK)?;
    let (kind, message) = line[start + MARK.len()..].split_once(')')?;
    let is_name = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
    let is_module = kind.starts_with(char::is_uppercase) && is_name(kind);
    let is_kind = is_module || kind.starts_with(EXIT) || THROWN.contains(&kind);
    let is_separate = start == 0 || line[..start].ends_with([' ', '\t']);
    let is_spaced = message.is_empty() || message.starts_with(' ');
    (is_kind && is_separate && is_spaced).then(|| (kind, message.trim()))
}

fn frame(line: &str, indent: usize) -> Option<Frame> {
    placed(line).or_else(|| unplaced(line).filter(|_| indent >= 4))
}

/// `(shop 0.1.0) lib/shop.ex:12: Shop.pay/1`, without the application in a script.
fn placed(line: &str) -> Option<Frame> {
    let (app, rest) = application(line).unwrap_or(("", line));
    let (at, name) = rest.split_once(": ")?;
    let (file, digits) = split_number(at)?;
    let is_source = [".ex", ".exs", ".erl", ".eex", ".heex", ".leex"]
        .iter()
        .any(|end| file.ends_with(end));
    let is_file = is_source && !file.contains(' ') && !name.is_empty();
    let place = Place {
        file,
        line: digits.parse().ok(),
        column: None,
    };
    is_file.then(|| call(app, name, place))
}

/// `:erlang.binary_to_integer("tea")`, of a function without source, or that does not exist.
fn unplaced(line: &str) -> Option<Frame> {
    let (app, name) = application(line).unwrap_or(("", line));
    let begins_well = name.starts_with(|c: char| c == ':' || c.is_uppercase());
    let end = name.find('(').unwrap_or(name.len());
    let is_call = name.ends_with(')') || name[..end].contains('/');
    let is_name = name[..end].contains('.') && !name[..end].contains([' ', ',']);
    (begins_well && is_call && is_name).then(|| call(app, &name[..end], Place::default()))
}

/// `(shop 0.1.0) …` to `shop` and the rest; the version is newer than Elixir 1.10.
fn application(line: &str) -> Option<(&str, &str)> {
    let (app, rest) = line.strip_prefix('(')?.split_once(") ")?;
    let name = app.split(' ').next()?;
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_name && !name.is_empty()).then_some((name, rest))
}

/// `Shop.Basket.pay/1` to `Shop.Basket` and `pay/1`; `anonymous fn/1 in Shop.pay/1` keeps what stands before it.
fn call(app: &str, name: &str, place: Place<'_>) -> Frame {
    let start = name.find(" in ").map_or(0, |at| at + " in ".len());
    let (context, name) = name.split_at(start);
    // A function of the compiler's own making is quoted, with dots and all.
    let dot = name.find(".\"").or_else(|| name.rfind('.'));
    let (module, function) = match dot {
        Some(dot) => (&name[..dot], &name[dot + 1..]),
        None => ("", name),
    };
    let function = format!("{context}{function}");
    Frame::of(module, &function, place, in_app::elixir(app, module, place.file))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let shown = match frame(line, 4) {
            Some(frame) => format!(
                "{}|{}|{}|{}|{}",
                frame.module.unwrap_or_default(),
                frame.function.unwrap_or_default(),
                frame.file.unwrap_or_default(),
                frame.line.unwrap_or_default(),
                frame.in_app,
            ),
            None => "none".to_owned(),
        };
        assert_eq!(shown, expected, "{line}");
    }

    #[test]
    fn a_frame_has_module_function_and_file() {
        check(
            "(shop 0.1.0) lib/shop.ex:12: Shop.Basket.pay/1",
            "Shop.Basket|pay/1|lib/shop.ex|12|true",
        );
        check(
            "(elixir) lib/enum.ex:1: Enum.\"-map/2-lists^map/1-0-\"/2",
            "Enum|\"-map/2-lists^map/1-0-\"/2|lib/enum.ex|1|false",
        );
        check(
            "(stdlib 4.2) gen.erl:256: :gen.do_call/4",
            ":gen|do_call/4|gen.erl|256|false",
        );
        check(
            "shop.exs:6: anonymous fn/1 in Shop.total/1",
            "Shop|anonymous fn/1 in total/1|shop.exs|6|true",
        );
        check("shop.exs:14: (file)", "|(file)|shop.exs|14|true");
    }

    #[test]
    fn a_frame_may_have_no_file() {
        check(
            ":erlang.binary_to_integer(\"tea\")",
            ":erlang|binary_to_integer||0|false",
        );
        check(":erlang./(1, 0)", ":erlang|/||0|false");
        check("Shop.nothing(1)", "Shop|nothing||0|true");
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("State: 1", "none");
        check("* 1st argument: not a number", "none");
        check("(see a.ex) at once", "none");
        check("Args: []", "none");
    }

    #[test]
    fn a_heading_may_stand_behind_a_logs_words() {
        let check = |line, expected| assert_eq!(heading(line), expected, "{line}");
        check(
            "12:00 [error] ** (Shop.PayError) no tea",
            Some(("Shop.PayError", "no tea")),
        );
        check("** (exit) :tea", Some(("exit", ":tea")));
        check(
            "** (EXIT from #PID<0.96.0>) killed",
            Some(("EXIT from #PID<0.96.0>", "killed")),
        );
        check("2 ** (n) is large", None);
        check("x** (y) z", None);
    }
}
