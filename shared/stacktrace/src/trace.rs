//! A whole text: its dialect, its exceptions, and the frame to blame.

use serde::{Deserialize, Serialize};

use crate::frame::Frame;
use crate::{bounded, dotnet, elixir, gecko, go, java, php, python, ruby, rust, swift, v8};

/// Most frames in one [`Trace`], over all its exceptions.
pub const MAX_FRAMES: usize = 512;
/// Most exceptions in one [`Trace`].
pub const MAX_EXCEPTIONS: usize = 32;

/// Most bytes of an exception's type.
const MAX_KIND: usize = 256;
/// Most bytes of an exception's message.
pub(crate) const MAX_MESSAGE: usize = 8192;

/// What a text was understood to say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Who printed it.
    pub dialect: Dialect,
    /// Cause first; the one raised last is last. At most [`MAX_EXCEPTIONS`], the first and last halves.
    pub exceptions: Vec<Exception>,
    /// Exceptions left out between those halves.
    pub n_omitted: usize,
}

/// Who prints traces like this.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// CPython.
    Python,
    /// Chrome, Edge, Node, Deno.
    V8,
    /// Firefox, and Safari, which prints nearly the same.
    Gecko,
    /// The Java virtual machine, so Kotlin and Scala too.
    Java,
    /// Go's panics and goroutine dumps, and `%+v` of `pkg/errors`.
    Go,
    /// Rust's panics and backtraces; `anyhow` and `eyre`.
    Rust,
    /// Ruby, and Rails' log.
    Ruby,
    /// PHP.
    Php,
    /// .NET: C#, F#, Visual Basic.
    DotNet,
    /// Swift's own backtraces, and Apple's crash reports.
    Swift,
    /// Elixir.
    Elixir,
    /// Nobody we know. There are no exceptions then, and only then.
    #[default]
    Unknown,
}

/// One exception and the calls that led to it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// Its type as written, such as `ValueError` or `json.decoder.JSONDecodeError`.
    pub kind: Option<String>,
    /// What it says, over several lines if need be; Python's notes are its last lines.
    pub message: Option<String>,
    /// Outermost call first, crash last, whatever the dialect prints.
    /// At most [`MAX_FRAMES`] over the whole trace: the first and last halves when there are more.
    pub frames: Vec<Frame>,
    /// Frames left out between those halves, and those the text itself says it leaves out.
    pub n_omitted: usize,
    /// What it is to a later exception of the trace; `None` for the one raised last.
    pub relation: Option<Relation>,
}

/// What an exception is to a later one in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relation {
    /// The next one was raised because of it: `raise … from`, `[cause]`.
    Cause,
    /// The next one was raised while it was being handled.
    Context,
    /// It is one of several in a group: Python's `ExceptionGroup`, JavaScript's `AggregateError`, .NET's
    /// `AggregateException`; or Java's `Suppressed`, raised besides a later one.
    Member,
}

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

impl Trace {
    /// The frame to blame: the innermost of the application's own in the exception raised last, else the innermost.
    /// The last exception that has frames counts, since some dialects print the outer one without.
    pub fn crash_frame(&self) -> Option<&Frame> {
        let frames = self.exceptions.iter().map(|exception| &exception.frames);
        let frames = frames.rev().find(|frames| !frames.is_empty())?;
        frames.iter().rfind(|frame| frame.in_app).or(frames.last())
    }

    /// A short name for where it went wrong, such as `shop.py in checkout`.
    pub fn culprit(&self) -> Option<String> {
        self.crash_frame()?.place_name()
    }
}

impl Exception {
    pub(crate) fn new(kind: &str, message: &str) -> Exception {
        Exception {
            kind: bounded::text(kind, MAX_KIND),
            message: bounded::text(message, MAX_MESSAGE).map(|message| message.replace("\r\n", "\n")),
            ..Exception::default()
        }
    }

    /// Keeps at most `max` frames, the outermost and innermost halves.
    fn shorten(&mut self, max: usize) {
        if self.frames.len() <= max {
            return;
        }
        let n_omitted = self.frames.len() - max;
        let start = max.div_ceil(2);
        self.frames.drain(start..start + n_omitted);
        self.n_omitted = self.n_omitted.saturating_add(n_omitted);
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
