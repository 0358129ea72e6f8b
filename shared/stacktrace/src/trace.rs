//! What a text says: its dialect, its exceptions, and the frame to blame.

use serde::{Deserialize, Serialize};

use crate::bounded;
use crate::frame::Frame;

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
    pub(crate) fn shorten(&mut self, max: usize) {
        if self.frames.len() <= max {
            return;
        }
        let n_omitted = self.frames.len() - max;
        let start = max.div_ceil(2);
        self.frames.drain(start..start + n_omitted);
        self.n_omitted = self.n_omitted.saturating_add(n_omitted);
    }
}
