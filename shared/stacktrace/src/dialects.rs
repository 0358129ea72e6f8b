//! A whole text: whose it is, and that dialect's reading of it.

use crate::trace::{Dialect, Exception, MAX_FRAMES, Trace};
use crate::{dotnet, elixir, gecko, go, java, php, python, ruby, rust, swift, v8};

/// Reads a stack trace. Text that is none gives [`Dialect::Unknown`] and no exceptions.
pub fn parse(text: &str) -> Trace {
    let dialect = dialect_of(text);
    let (mut exceptions, n_omitted) = match dialect {
        Dialect::Python => python::parse(text),
        Dialect::V8 => v8::parse(text),
        Dialect::Gecko => gecko::parse(text),
        Dialect::Java => java::parse(text),
        Dialect::Go => go::parse(text),
        Dialect::Rust => rust::parse(text),
        Dialect::Ruby => ruby::parse(text),
        Dialect::Php => php::parse(text),
        Dialect::DotNet => dotnet::parse(text),
        Dialect::Swift => swift::parse(text),
        Dialect::Elixir => elixir::parse(text),
        Dialect::Unknown => return Trace::default(),
    };
    let Some(last) = exceptions.last_mut() else {
        return Trace::default();
    };
    // The text may end before the exception that this one has to do with.
    last.relation = None;
    share_out(&mut exceptions);
    Trace {
        dialect,
        exceptions,
        n_omitted,
    }
}

/// The first line that could only be one dialect's decides, so a trace quoted further down does not.
fn dialect_of(text: &str) -> Dialect {
    let mut lines = text.lines().map(str::trim).peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().copied().unwrap_or_default();
        let telling = TELLING.iter().find(|(_, is_telling)| is_telling(line, next));
        if let Some((dialect, _)) = telling {
            return *dialect;
        }
    }
    Dialect::Unknown
}

/// Whether nobody but one dialect prints a (trimmed) line and the next one like this; the first to say so is asked
/// no further, so Ruby's `Traceback` comes before Python's, and Rust's `at` before V8's.
type IsTelling = fn(&str, &str) -> bool;

const TELLING: &[(Dialect, IsTelling)] = &[
    (Dialect::Ruby, ruby::is_telling),
    (Dialect::Python, |line, _| python::is_telling(line)),
    (Dialect::Rust, rust::is_telling),
    (Dialect::V8, |line, _| v8::frame(line).is_some()),
    (Dialect::Gecko, |line, _| gecko::frame(line).is_some()),
    (Dialect::Java, |line, _| java::is_telling(line)),
    (Dialect::DotNet, |line, _| dotnet::is_telling(line)),
    (Dialect::Go, go::is_telling),
    (Dialect::Php, |line, _| php::is_telling(line)),
    (Dialect::Swift, |line, _| swift::is_telling(line)),
    (Dialect::Elixir, |line, _| elixir::is_telling(line)),
];

/// Brings the frames of all exceptions together under [`MAX_FRAMES`], each with an equal share when there are more.
fn share_out(exceptions: &mut [Exception]) {
    let n_frames: usize = exceptions.iter().map(|exception| exception.frames.len()).sum();
    if n_frames <= MAX_FRAMES {
        return;
    }
    let share = MAX_FRAMES / exceptions.len().max(1);
    exceptions
        .iter_mut()
        .for_each(|exception| exception.shorten(share));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::MAX_EXCEPTIONS;

    #[test]
    fn a_long_trace_keeps_its_first_and_last_frames() {
        let frames: Vec<_> = (1..=1000)
            .map(|line| format!("  File \"a.py\", line {line}, in f\n"))
            .collect();
        let text = format!(
            "Traceback (most recent call last):\n{}ValueError: x",
            frames.concat()
        );
        let trace = parse(&text);
        let [exception] = &trace.exceptions[..] else {
            panic!("{trace:?}")
        };
        let lines: Vec<_> = exception.frames.iter().filter_map(|frame| frame.line).collect();
        assert_eq!((lines.len(), exception.n_omitted), (MAX_FRAMES, 488));
        assert_eq!(
            (lines[0], lines[255], lines[256], lines[511]),
            (1, 256, 745, 1000)
        );
    }

    #[test]
    fn many_long_exceptions_share_one_budget() {
        let text = "Traceback (most recent call last):\n".to_owned()
            + &"  File \"a.py\", line 1, in f\n".repeat(600)
            + "ValueError: x\n\n"
            + "During handling of the above exception, another exception occurred:\n\n";
        let trace = parse(&text.repeat(100));
        assert_eq!((trace.exceptions.len(), trace.n_omitted), (MAX_EXCEPTIONS, 68));
        assert!(
            trace
                .exceptions
                .iter()
                .all(|exception| exception.frames.len() == 16)
        );
        assert!(
            trace
                .exceptions
                .iter()
                .all(|exception| exception.n_omitted == 584)
        );
    }

    #[test]
    fn library_frames_are_blamed_only_when_there_are_no_others() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(parse(text).culprit().as_deref(), expected);
        let library = "  File \"/usr/lib/python3.11/json/decoder.py\", line 9, in decode\n";
        check(
            &format!("  File \"/srv/shop.py\", line 1, in checkout\n{library}"),
            Some("shop.py in checkout"),
        );
        check(library, Some("decoder.py in decode"));
        check("noise", None);
    }
}
