//! Java, Kotlin and the rest of the JVM: `at shop.Basket.total(Basket.java:42)`, innermost first; then
//! `Suppressed:`, indented, and `Caused by:`, each with its own frames and `... 12 more` for the shared ones.
//! The form: <https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Throwable.html>.
//! A second trace in the same text is not read, nor are lock lines of a thread dump.

use crate::draft::{Chain, Draft};
use crate::frame::{Frame, Place};
use crate::location::{leading_digits, split_number};
use crate::trace::{Exception, Relation};
use crate::{in_app, kind};

/// What stands for a location where there is none.
const NO_PLACES: &[&str] = &["Native Method", "Unknown Source", "<generated>", "Redefined"];

const UNCAUGHT: &str = "Exception in thread \"";

pub(crate) fn parse(text: &str) -> (Vec<Exception>, usize) {
    let mut done = Chain::new();
    let mut open: Option<Draft> = None;
    let mut position = 0;
    for line in text.split_inclusive('\n') {
        let (above, trimmed) = (&text[..position], line.trim());
        position += line.len();
        if let Some(next) = related(trimmed) {
            done.add(open.replace(next).or_else(|| stackless(above)));
        } else if let Some(draft) = uncaught(trimmed).filter(|_| open.is_none()) {
            open = Some(draft);
        } else if let Some(frame) = frame(trimmed) {
            open.get_or_insert_with(|| kind::heading(above)).add_frame(frame);
        } else if let Some(draft) = &mut open {
            match n_shared(trimmed) {
                Some(n) => draft.omit(n),
                None if !draft.is_message_over => draft.add_message(line.trim_end()),
                None if is_heading(line) => break,
                None => {}
            }
        }
    }
    done.add(open);
    done.reversed()
}

pub(crate) fn is_telling(line: &str) -> bool {
    frame(line).is_some() || uncaught(line).is_some() || (related(line).is_some() && kind_of(line).is_some())
}

/// One trimmed line. `java.base/`, `app//` and `~[shop.jar:1.0]` around it are left out.
fn frame(line: &str) -> Option<Frame> {
    let (name, rest) = line.strip_prefix("at ")?.split_once('(')?;
    let (location, after) = rest.split_once(')')?;
    let has_jar = [" [", " ~["].iter().any(|jar| after.starts_with(jar));
    let place = place(location).filter(|_| after.is_empty() || has_jar)?;
    // A hidden class is called `shop.Basket$$Lambda/0x0000000800c03000`.
    let name = match name.rsplit_once('/') {
        Some((_, name)) if !name.starts_with("0x") => name,
        _ => name,
    };
    let (class, method) = name.rsplit_once('.')?;
    let is_class = !class.is_empty() && !class.contains([' ', '(']);
    let is_method = !method.is_empty() && !method.ends_with(' ');
    (is_class && is_method).then(|| Frame::of(class, method, place, in_app::java(class)))
}

/// `Basket.java:42`, `Basket.kt` or `Native Method`. .NET has parameters here.
fn place(location: &str) -> Option<Place<'_>> {
    if NO_PLACES.contains(&location) {
        return Some(Place::default());
    }
    let (file, digits) = split_number(location).unwrap_or((location, ""));
    let is_file = file.contains('.') && !file.contains([' ', ',', ':', '/', '\\']);
    is_file.then(|| Place {
        file,
        line: digits.parse().ok(),
        column: None,
    })
}

/// `Caused by: java.io.IOException: no tea`. Of a circle Java only says that it is one.
fn related(line: &str) -> Option<Draft> {
    let (relation, _) = relation(line)?;
    let (kind, message) = kind_of(line).unwrap_or(("", relation_rest(line)));
    (!message.starts_with("[CIRCULAR REFERENCE")).then(|| Draft::new(kind, message).related(relation))
}

fn relation(line: &str) -> Option<(Relation, &str)> {
    let cause = line
        .strip_prefix("Caused by: ")
        .map(|rest| (Relation::Cause, rest));
    cause.or_else(|| {
        line.strip_prefix("Suppressed: ")
            .map(|rest| (Relation::Member, rest))
    })
}

fn relation_rest(line: &str) -> &str {
    relation(line).map_or(line, |(_, rest)| rest)
}

fn kind_of(line: &str) -> Option<(&str, &str)> {
    kind::at_start(relation_rest(line))
}

/// `Exception in thread "main" shop.Closed: come back`, whose frames may be missing.
fn uncaught(line: &str) -> Option<Draft> {
    let (_, rest) = line.split_once(UNCAUGHT)?;
    let (_, rest) = rest.split_once("\" ")?;
    let (kind, message) = kind::at_start(rest).unwrap_or(("", rest));
    Some(Draft::new(kind, message))
}

/// An exception without frames of its own, above the `Caused by:`.
fn stackless(above: &str) -> Option<Draft> {
    let draft = kind::heading(above);
    draft.has_kind().then_some(draft)
}

/// Whether another trace begins here.
fn is_heading(line: &str) -> bool {
    line.contains(UNCAUGHT) || (kind::anywhere(line.trim_end()).is_some() && !line.starts_with(['\t', ' ']))
}

/// `... 12 more`; `... 12 common frames omitted` in Logback.
fn n_shared(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("... ")?;
    let digits = leading_digits(rest);
    let is_shared = [" more", " common frames omitted"].contains(&&rest[digits.len()..]);
    digits.parse().ok().filter(|_| is_shared)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        assert_eq!(Frame::shown(frame(line)), expected, "{line}");
    }

    #[test]
    fn a_frame_has_class_method_file_and_line() {
        check(
            "at shop.Basket.total(Basket.java:42)",
            "shop.Basket|total|Basket.java|42|true",
        );
        check(
            "at shop.Basket$Till.<init>(Basket.kt)",
            "shop.Basket$Till|<init>|Basket.kt|0|true",
        );
        check(
            "at shop.BasketTest.total is zero(B.kt:5)",
            "shop.BasketTest|total is zero|B.kt|5|true",
        );
        check(
            "at java.base/java.lang.Thread.run(Thread.java:829) ~[na:na]",
            "java.lang.Thread|run|Thread.java|829|false",
        );
        check(
            "at app//shop.Main.main(Main.java:3)",
            "shop.Main|main|Main.java|3|true",
        );
        check(
            "at sun.misc.Unsafe.park(Native Method)",
            "sun.misc.Unsafe|park||0|false",
        );
        check(
            "at shop.Basket$$Lambda$1/0x0.run(Unknown Source)",
            "shop.Basket$$Lambda$1/0x0|run||0|true",
        );
    }

    #[test]
    fn other_lines_are_no_frames() {
        check("at f (a.js:1:2)", "none");
        check("at Shop.Basket.Total(Int32 a)", "none");
        check("at Shop.Basket.Total()", "none");
        check("at Shop.Total() in C:\\a.cs:line 42", "none");
        check("at (http://x:80)", "none");
        check("at noon", "none");
    }

    fn check_chain(text: &str, expected: &[&str]) {
        let (exceptions, _) = parse(text);
        let shown: Vec<_> = exceptions
            .iter()
            .map(|exception| {
                let relation = exception.relation.map(|relation| format!("{relation:?}"));
                format!(
                    "{}|{}|{}|{}|{}",
                    exception.kind.as_deref().unwrap_or_default(),
                    exception.message.as_deref().unwrap_or_default(),
                    exception.frames.len(),
                    exception.n_omitted,
                    relation.unwrap_or_default(),
                )
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
    }

    #[test]
    fn an_exception_may_have_no_frames() {
        check_chain(
            "a.BError: x\r\nCaused by: a.C: y\r\nz\r\n\tat a.D.e(D.java:1)\r\n\t... 3 more\r\n",
            &["a.C|y\nz|1|3|Cause", "a.BError|x|0|0|"],
        );
        check_chain("Caused by: a.C: y", &["a.C|y|0|0|Cause"]);
        check_chain(
            "12:00 Exception in thread \"a b\" a.Closed: x\ny\n",
            &["a.Closed|x\ny|0|0|"],
        );
    }

    #[test]
    fn a_second_trace_is_another_matter() {
        check_chain(
            "a.BError: x\n\tat a.D.e(D.java:1)\n12:00 INFO go on\n12:01 a.CError: y\n\tat a.D.f(D.java:2)",
            &["a.BError|x|1|0|"],
        );
    }
}
