//! Which lines go on with the one before: indented ones in any language, and those that a stack trace of Python,
//! Java, Go, Rust, Node, .NET, Ruby, PHP or Elixir puts at the left margin. What it needs to know of the lines
//! before is one small state; where a language leaves it open, a line that looks like a new entry is one.

use crate::domain::level;
use crate::domain::start;

/// Lines of an exception's message between its name and its first frame, where frames are sure to follow.
const MAX_MESSAGE_LINES: u8 = 20;
/// The same where they may be missing.
const FEW_MESSAGE_LINES: u8 = 2;

/// What the lines so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// No trace, as far as one can tell.
    Plain,
    /// A trace whose further lines are indented, or begin with known words.
    Frames,
    /// The name of an exception was read, frames must follow; before them this many lines of message at most.
    Message(u8, Then),
    /// Python: frames, until a line at the margin names the exception.
    Python,
    /// Python: the exception was named; a chained one may follow.
    PythonNamed {
        is_validation: bool,
    },
    /// Python: a sentence announced a chained traceback.
    PythonChained,
    Go,
    /// The next line is the panic's message.
    RustMessage,
    Rust,
    /// Node: place, source line, caret, then the error; this many of the first three are to come.
    NodeSource(u8),
    Php,
    Ruby,
    Elixir,
}

const ELIXIR: Kind = Kind::Message(FEW_MESSAGE_LINES, Then::Elixir);

/// What the frames after a message are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Frames,
    Php,
    Ruby,
    Elixir,
}

impl Then {
    fn kind(self) -> Kind {
        match self {
            Self::Frames => Kind::Frames,
            Self::Php => Kind::Php,
            Self::Ruby => Kind::Ruby,
            Self::Elixir => Kind::Elixir,
        }
    }
}

/// The state of one entry that is coming in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trace {
    kind: Kind,
    /// The first line names a level below a warning: an exception after it is not its own.
    is_quiet: bool,
    /// The first line is an exception.
    is_exception: bool,
    /// The last line opens a bracket.
    is_bracket: bool,
    n_lines: usize,
}

impl Trace {
    /// Of an entry's first line. `is_quiet`: it names a level below a warning.
    pub(crate) fn new(line: &str, is_quiet: bool) -> Self {
        let kind = kind_of_first(line);
        Self {
            kind,
            is_quiet: is_quiet && kind == Kind::Plain,
            is_exception: level::is_exception(line.as_bytes()),
            is_bracket: line.ends_with(['{', '[', '(']),
            n_lines: 1,
        }
    }

    /// Whether something is bound to follow.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(
            self.kind,
            Kind::Plain
                | Kind::Frames
                | Kind::PythonNamed { .. }
                | Kind::Rust
                | Kind::Php
                | Kind::Ruby
                | Kind::Elixir
        )
    }

    /// Whether the lines are a stack trace.
    pub(crate) fn is_trace(&self) -> bool {
        self.kind != Kind::Plain
    }

    /// Whether `line`, which is not blank, belongs to the entry; if so it is taken in.
    pub(crate) fn takes(&mut self, line: &str) -> bool {
        let next = if line.starts_with([' ', '\t']) {
            self.indented(line)
        } else {
            self.announced(line).or_else(|| self.expected(line))
        };
        let Some(kind) = next else {
            return false;
        };
        self.kind = kind;
        self.is_bracket |= line.ends_with(['{', '[', '(']);
        self.n_lines += 1;
        true
    }

    fn indented(&self, line: &str) -> Option<Kind> {
        let text = line.trim_start();
        if start::has_stamp(text) {
            return None;
        }
        if text.starts_with("Traceback (most recent call last):") {
            return Some(Kind::Python);
        }
        Some(match self.kind {
            Kind::Message(_, then) if is_frame(text) => then.kind(),
            Kind::Plain if text.starts_with("at ") || text.starts_with("File \"") => Kind::Frames,
            Kind::NodeSource(_) if is_caret(text) => Kind::NodeSource(0),
            kind => kind,
        })
    }

    /// Lines that say by themselves that they go on with what was before.
    fn announced(&self, line: &str) -> Option<Kind> {
        let starts = |prefix: &str| line.starts_with(prefix);
        match line.as_bytes()[0] {
            b'}' | b']' | b')' if is_closing(line) => {
                (self.is_bracket || self.n_lines > 1).then_some(self.kind)
            }
            b'T' if starts("Traceback (most recent call last):") => self.python_head(),
            b'T' if starts("The above exception was the direct cause of the following exception:") => {
                Some(Kind::PythonChained)
            }
            b'D' if starts("During handling of the above exception, another exception occurred:") => {
                Some(Kind::PythonChained)
            }
            b'S' if starts("Stack (most recent call last):") => (!self.is_quiet).then_some(Kind::Frames),
            b'"' if line == "\"\"\"" => Some(self.kind),
            b'C' if starts("Caused by:") => Some(self.cause()),
            b'S' if starts("Stack trace:") => Some(Kind::Php),
            b's' | b'S' if line[1..].starts_with("tack backtrace:") => Some(Kind::Rust),
            b'[' if starts("[stacktrace]") => Some(Kind::Php),
            b'g' if is_goroutine(line) => (!self.is_quiet).then_some(Kind::Go),
            b'*' if starts("** (") => (!self.is_quiet).then_some(ELIXIR),
            b'#' if is_php_frame(line) && matches!(self.kind, Kind::Message(_, Then::Php)) => Some(Kind::Php),
            b'#' if is_php_frame(line) => (self.kind == Kind::Php || starts("#0 ")).then_some(Kind::Php),
            b'-' if starts("--- End of ") => self.is_trace().then_some(self.kind),
            b'N' if starts("Node.js v") => (self.n_lines > 1).then_some(self.kind),
            b'L' if starts("Location:") => (self.n_lines > 1).then_some(Kind::Rust),
            _ if is_ruby_frame(line) => self.ruby_frame(line),
            _ if is_qualified_exception(line) => self.java_head(),
            _ => None,
        }
    }

    fn python_head(&self) -> Option<Kind> {
        let is_other = self.is_quiet || matches!(self.kind, Kind::PythonNamed { .. } | Kind::Python);
        (!is_other).then_some(Kind::Python)
    }

    /// After frames a cause has frames too, and its message may have several lines.
    fn cause(&self) -> Kind {
        let n_lines = if self.kind == Kind::Frames {
            MAX_MESSAGE_LINES
        } else {
            0
        };
        Kind::Message(n_lines, Then::Frames)
    }

    /// A Java or .NET exception right after the line that was logged with it.
    fn java_head(&self) -> Option<Kind> {
        let is_other = self.is_quiet || self.is_exception || self.is_trace() || self.n_lines > 1;
        (!is_other).then_some(Kind::Message(0, Then::Frames))
    }

    fn ruby_frame(&self, line: &str) -> Option<Kind> {
        let is_frame_only = line.ends_with(['\'', '`']);
        let is_named_last = self.kind == Kind::Python;
        (self.kind == Kind::Ruby || is_frame_only && !self.is_quiet || is_named_last).then(|| ruby(line))
    }

    /// Lines that go on because of what was before.
    fn expected(&self, line: &str) -> Option<Kind> {
        match self.kind {
            Kind::Go => is_go_line(line).then_some(Kind::Go),
            Kind::Rust => {
                (line.starts_with("note: ") || line.starts_with("Backtrace:")).then_some(Kind::Rust)
            }
            Kind::Php if line.starts_with("Next ") => Some(Kind::Message(MAX_MESSAGE_LINES, Then::Php)),
            Kind::Php => is_php_line(line).then_some(Kind::Php),
            Kind::Ruby => line.starts_with("Did you mean?").then_some(Kind::Ruby),
            Kind::Elixir => is_elixir_line(line).then_some(Kind::Elixir),
            Kind::PythonNamed { is_validation } => {
                let goes_on = is_sqlalchemy(line) || is_validation && is_field_path(line);
                goes_on.then_some(self.kind)
            }
            Kind::Plain | Kind::Frames => None,
            _ if start::is_start(line) => None,
            Kind::Python | Kind::PythonChained => Some(Kind::PythonNamed {
                is_validation: line.contains("validation error"),
            }),
            Kind::RustMessage => Some(Kind::Rust),
            Kind::Message(0, _) => None,
            Kind::Message(n_left, then) => Some(Kind::Message(n_left - 1, then)),
            Kind::NodeSource(0) => Some(Kind::Message(MAX_MESSAGE_LINES, Then::Frames)),
            Kind::NodeSource(_) if is_caret(line) => Some(Kind::NodeSource(0)),
            Kind::NodeSource(n_left) => Some(Kind::NodeSource(n_left - 1)),
        }
    }
}

fn kind_of_first(line: &str) -> Kind {
    let starts = |prefix: &str| line.starts_with(prefix);
    match line.as_bytes().first() {
        Some(b'T') if starts("Traceback (most recent call last):") => Kind::Python,
        Some(b' ') if line.contains("Traceback (most recent call last):") => Kind::Python,
        Some(b'E') if starts("Exception in thread ") => Kind::Message(MAX_MESSAGE_LINES, Then::Frames),
        Some(b'U') if starts("Unhandled exception. ") || starts("Unhandled Exception: ") => {
            Kind::Message(MAX_MESSAGE_LINES, Then::Frames)
        }
        Some(b'p') if starts("panic: ") => Kind::Go,
        Some(b'f') if starts("fatal error: ") => Kind::Go,
        Some(b'g') if is_goroutine(line) => Kind::Go,
        Some(b't') if starts("thread '") && line.contains("panicked at ") => {
            if line.ends_with(':') {
                Kind::RustMessage
            } else {
                Kind::Rust
            }
        }
        Some(b'P' | b'F') if starts("PHP Fatal error:") || starts("Fatal error: ") => {
            if line.contains("Uncaught ") {
                Kind::Message(MAX_MESSAGE_LINES, Then::Php)
            } else {
                Kind::Php
            }
        }
        Some(b'*') if starts("** (") => ELIXIR,
        Some(b'/' | b'n' | b'f') if is_node_place(line) => Kind::NodeSource(2),
        Some(b'#') if is_php_frame(line) => Kind::Php,
        Some(b' ') if line.trim_start().starts_with("File \"") => Kind::Python,
        Some(b'[') if line.contains("] PHP Fatal error:  Uncaught ") => {
            Kind::Message(MAX_MESSAGE_LINES, Then::Php)
        }
        _ if is_ruby_frame(line) => ruby(line),
        _ => Kind::Plain,
    }
}

/// A line of Ruby with an exception's name may have more of its message after it, before the frames.
fn ruby(line: &str) -> Kind {
    if line.ends_with(')') {
        Kind::Message(FEW_MESSAGE_LINES, Then::Ruby)
    } else {
        Kind::Ruby
    }
}

fn is_frame(text: &str) -> bool {
    ["at ", "... ", "--->", "from ", "(", "** "]
        .iter()
        .any(|word| text.starts_with(word))
}

fn is_caret(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'^' | b'~' | b' '))
}

/// `}`, `]);`, `},` and the like.
fn is_closing(line: &str) -> bool {
    line.len() <= 6
        && line
            .bytes()
            .all(|byte| matches!(byte, b'}' | b']' | b')' | b',' | b';' | b' '))
}

/// `goroutine 1 [running]:`
fn is_goroutine(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("goroutine ") else {
        return false;
    };
    let rest = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    rest.starts_with(" [") || rest.starts_with(" gp=") || rest.starts_with("running on other thread")
}

fn is_go_line(line: &str) -> bool {
    const WORDS: [&str; 9] = [
        "[signal ",
        "created by ",
        "...additional frames elided",
        "panic: ",
        "exit status ",
        "runtime stack:",
        "runtime: ",
        "fatal error: ",
        "[recovered]",
    ];
    let is_call = line.ends_with(')')
        && line
            .find('(')
            .is_some_and(|open| open > 0 && !line[..open].contains(' '));
    let is_register = line.split_once(' ').is_some_and(|(name, value)| {
        name.len() <= 6
            && value.trim_start().starts_with("0x")
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    is_call || is_register || WORDS.iter().any(|word| line.starts_with(word))
}

/// `#12 /srv/a.php(7): f()`, `#3 [internal function]: f()`, `#4 {main}`.
fn is_php_frame(line: &str) -> bool {
    let rest = line[1..].trim_start_matches(|letter: char| letter.is_ascii_digit());
    let n_digits = line.len() - 1 - rest.len();
    let Some(place) = rest.strip_prefix(' ') else {
        return false;
    };
    let is_place =
        place.starts_with("[internal function]") || place.starts_with("{main}") || place.contains(".php(");
    (1..=4).contains(&n_digits) && is_place
}

fn is_php_line(line: &str) -> bool {
    line.starts_with("PHP   ") || line.starts_with("PHP Stack trace:") || line.trim_end() == "\"}"
}

/// `/srv/a.rb:12:in 'f'`, with whatever follows.
fn is_ruby_frame(line: &str) -> bool {
    let Some(at) = memchr::memmem::find(line.as_bytes(), b":in ") else {
        return false;
    };
    let (place, rest) = (&line[..at], &line[at + 4..]);
    let digits = place.bytes().rev().take_while(u8::is_ascii_digit).count();
    digits > 0
        && place[..place.len() - digits].ends_with(':')
        && !place.contains(' ')
        && rest.starts_with(['\'', '`'])
}

fn is_elixir_line(line: &str) -> bool {
    [
        "Last message",
        "State: ",
        "Client ",
        "Function: ",
        "Initial Call: ",
        "Ancestors: ",
        "Args: ",
        "Server: ",
        "Request: ",
    ]
    .iter()
    .any(|word| line.starts_with(word))
}

/// `java.lang.IllegalStateException: x`, `System.InvalidOperationException: x`: an exception with its package.
fn is_qualified_exception(line: &str) -> bool {
    let word = line.split([':', ' ']).next().unwrap_or(line);
    word.contains('.') && level::is_exception(line.as_bytes())
}

/// The place with which Node begins an uncaught error: `/srv/a.js:12`, `node:internal/x:288`, `file:///srv/a.mjs:3`.
fn is_node_place(line: &str) -> bool {
    let Some((path, digits)) = line.rsplit_once(':') else {
        return false;
    };
    let is_path = path.starts_with('/') || path.starts_with("node:") || path.starts_with("file://");
    is_path && !path.contains(' ') && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// What SQLAlchemy adds to the exceptions of its drivers.
fn is_sqlalchemy(line: &str) -> bool {
    line.starts_with("[SQL: ")
        || line.starts_with("[parameters: ")
        || line.starts_with("(Background on this error at:")
}

/// Pydantic names each refused field at the margin and indents the reason.
fn is_field_path(line: &str) -> bool {
    line.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'[' | b']'))
}
