//! .NET: `System.FormatException: no price ---> Shop.PayException: …` down to the innermost exception, then its
//! frames, `--- End of inner exception stack trace ---`, then those of the one around it. The further members of an
//! `AggregateException` follow as `---> (Inner Exception #1) … <---`.
//! The form: <https://learn.microsoft.com/dotnet/api/system.exception.tostring>. English texts only.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::location::leading_digits;
use crate::trace::{Exception, MAX_EXCEPTIONS, Relation};
use crate::{in_app, kind};

const INNER: &str = "---> ";
const END_OF_INNER: &str = "--- End of inner exception stack trace ---";
const END_OF_MEMBER: &str = "<---";
const UNHANDLED: &[&str] = &["Unhandled exception. ", "Unhandled Exception: "];

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut reader = Reader {
        done: Chain::new(),
        open: Vec::new(),
        is_repeated: false,
    };
    for line in text.lines() {
        if !reader.line(line.trim()) {
            break;
        }
    }
    while !reader.open.is_empty() {
        reader.close();
    }
    reader.done.in_order()
}

pub(crate) fn is_telling(line: &str) -> bool {
    line == END_OF_INNER || unhandled(line).is_some() || frame(line).is_some()
}

struct Reader {
    done: Chain,
    /// The exception being read, above those it is inside of; at most [`MAX_EXCEPTIONS`].
    open: Vec<Draft>,
    /// In a member that was printed already.
    is_repeated: bool,
}

impl Reader {
    /// Whether to go on.
    fn line(&mut self, line: &str) -> bool {
        let (content, ends_member) = match line.strip_suffix(END_OF_MEMBER) {
            Some(content) => (content.trim_end(), true),
            None => (line, false),
        };
        let goes_on = self.is_repeated || self.content(content);
        if ends_member && !self.is_repeated {
            self.close_inner();
        }
        self.is_repeated &= !ends_member;
        goes_on
    }

    fn content(&mut self, line: &str) -> bool {
        if let Some(frame) = frame(line) {
            self.open_draft().add_frame(frame);
        } else if line == END_OF_INNER {
            self.close_inner();
        } else if let Some(rest) = line.strip_prefix(INNER).filter(|_| !self.open.is_empty()) {
            self.inner(rest);
        } else if let Some(draft) = self.open.last_mut() {
            // `--- End of stack trace from previous location ---` only says that it was thrown again.
            if draft.is_message_over {
                return line.starts_with("---") || kind::anywhere(line).is_none();
            }
            self.message(line);
        } else {
            let found = match unhandled(line) {
                Some(rest) => Some(kind::at_start(rest).unwrap_or(("", rest))),
                None => kind::anywhere(line),
            };
            if let Some((kind, message)) = found {
                self.open.push(Draft::new(kind, ""));
                self.message(message);
            }
        }
        true
    }

    /// More of a message; the old .NET Framework goes on with the inner exception in the same line.
    fn message(&mut self, line: &str) {
        let mut parts = line.split(" ---> ");
        self.open_draft().add_message(parts.next().unwrap_or_default());
        parts.for_each(|part| self.inner(part));
    }

    fn inner(&mut self, heading: &str) {
        let member = heading.strip_prefix("(Inner Exception #");
        let (digits, heading) = member
            .and_then(|rest| rest.split_once(") "))
            .unwrap_or(("", heading));
        if digits == "0" {
            self.done.relate_last(Relation::Member);
            self.is_repeated = true;
            return;
        }
        if self.open.len() == MAX_EXCEPTIONS {
            return;
        }
        let relation = if digits.is_empty() {
            Relation::Cause
        } else {
            Relation::Member
        };
        let (kind, message) = kind::at_start(heading).unwrap_or(("", heading));
        self.open.push(Draft::new(kind, "").related(relation));
        self.message(message);
    }

    fn open_draft(&mut self) -> &mut Draft {
        if self.open.is_empty() {
            self.open.push(Draft::default());
        }
        let last = self.open.len() - 1;
        &mut self.open[last]
    }

    fn close(&mut self) {
        self.done.add(self.open.pop());
    }

    fn close_inner(&mut self) {
        if self.open.len() > 1 {
            self.close();
        }
    }
}

fn unhandled(line: &str) -> Option<&str> {
    UNHANDLED.iter().find_map(|start| Some(line.split_once(start)?.1))
}

/// One trimmed line: `at Shop.Basket.Total(Int32 n) in C:\shop\Basket.cs:line 42`, or without the file.
fn frame(line: &str) -> Option<Frame> {
    let (name, rest) = line.strip_prefix("at ")?.split_once('(')?;
    let (parameters, after) = match rest.split_once(") in ") {
        Some((parameters, after)) => (parameters, after),
        None => (rest.strip_suffix(')')?, ""),
    };
    let place = place(after)?;
    let are_parameters =
        parameters.is_empty() || parameters.split(',').all(|one| one.trim_start().contains(' '));
    let is_known = !after.is_empty() || are_parameters;
    let (class, method) = split_name(name);
    let is_name = !method.is_empty() && !name.contains([' ', '/', ':']);
    let is_plain = class.is_empty() && after.is_empty() && parameters.is_empty();
    (is_known && is_name && !is_plain).then(|| Frame::of(class, method, place, in_app::dotnet(class)))
}

/// ``Shop.Repository`1.Get[T]`` to ``Shop.Repository`1`` and `Get[T]`; a constructor is `..ctor`.
fn split_name(name: &str) -> (&str, &str) {
    let end = name.find('[').unwrap_or(name.len());
    match name[..end].rfind('.') {
        Some(dot) if name[..dot].ends_with('.') => (&name[..dot - 1], &name[dot..]),
        Some(dot) => (&name[..dot], &name[dot + 1..]),
        None => ("", name),
    }
}

/// `C:\shop\Basket.cs:line 42`; nothing is an unknown place.
fn place(text: &str) -> Option<Place<'_>> {
    if text.is_empty() {
        return Some(Place::default());
    }
    let (file, rest) = text.rsplit_once(":line ")?;
    let digits = leading_digits(rest);
    (digits.len() == rest.len()).then(|| Place {
        file,
        line: digits.parse().ok(),
        column: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        assert_eq!(Frame::shown(frame(line)), expected, "{line}");
    }

    #[test]
    fn a_frame_has_class_and_method() {
        check(
            r"at Shop.Basket.Total(Int32 n, List`1 a) in C:\my shop\B.cs:line 42",
            r"Shop.Basket|Total|C:\my shop\B.cs|42|true",
        );
        check("at System.Int32.Parse(String s)", "System.Int32|Parse||0|false");
        check("at Shop.Till..ctor()", "Shop.Till|.ctor||0|true");
        check(
            "at Shop.B.<PayAsync>d__3.MoveNext() in /srv/B.cs:line 4",
            "Shop.B.<PayAsync>d__3|MoveNext|/srv/B.cs|4|true",
        );
        check(
            "at Shop.R`1.Get[System.Int32](T key)",
            "Shop.R`1|Get[System.Int32]||0|true",
        );
        check(
            "at Program.<Main>$(String[] args) in /srv/P.cs:line 4",
            "Program|<Main>$|/srv/P.cs|4|true",
        );
        check("at lambda_method3(Closure , Object )", "|lambda_method3||0|false");
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("at f (a.js:1:2)", "none");
        check("at shop.Basket.total(Basket.java:42)", "none");
        check("at shop.Basket.total(Native Method", "none");
        check("at f()", "none");
        check("at (http://x:80)", "none");
        check("at a.B() in a.cs:line x", "none");
    }

    fn check_chain(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions
            .iter()
            .map(|exception| {
                let functions = exception
                    .frames
                    .iter()
                    .filter_map(|frame| frame.function.as_deref());
                format!(
                    "{}|{}|{}|{}",
                    exception.kind.as_deref().unwrap_or_default(),
                    exception.message.as_deref().unwrap_or_default(),
                    functions.collect::<Vec<_>>().join(","),
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
    fn the_inner_exception_comes_first() {
        let inner = "   --- End of inner exception stack trace ---\r\n";
        let frames = format!("   at B.Y(Int32 n)\r\n{inner}   at B.X()\r\n");
        let expected = &["B.CError|c|Y|Cause", "B.AError|a\nb|X|"];
        check_chain(
            &format!("12:00 fail B.AError: a\r\nb\r\n ---> B.CError: c\r\n{frames}"),
            expected,
        );
        check_chain(
            &format!(
                "Unhandled Exception: B.AError: a ---> B.CError: c\n{frames}12:00 B.DError: d\n   at B.Z()"
            ),
            &["B.CError|c|Y|Cause", "B.AError|a|X|"],
        );
    }

    #[test]
    fn members_of_a_group_follow_it() {
        check_chain(
            "System.AggregateException: two (a) (b)\n ---> B.AError: a\n   at B.X()\n\
             \x20  --- End of inner exception stack trace ---\n   at B.W()\n\
             \x20---> (Inner Exception #0) B.AError: a\n   at B.X()<---\n\n\
             \x20---> (Inner Exception #1) B.CError: c\n   at B.Y()<---\n",
            &[
                "B.AError|a|X|Member",
                "B.CError|c|Y|Member",
                "System.AggregateException|two (a) (b)|W|",
            ],
        );
    }
}
