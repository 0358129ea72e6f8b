//! Each trace in `fixtures/` as it is understood, compared with `tests/snapshots/`; and what damage to them, or
//! any other text, can never do.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows #[test] functions, not what they call"
)]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use stacktrace::{Dialect, Frame, MAX_EXCEPTIONS, MAX_FRAMES, Trace, location, parse};

#[test]
fn every_fixture_is_understood_as_reviewed() {
    for (name, text) in fixtures() {
        insta::assert_snapshot!(name, show(&text));
    }
}

/// By how a fixture's name begins.
const DIALECTS: &[(&str, Dialect)] = &[
    ("chrome", Dialect::V8),
    ("dotnet", Dialect::DotNet),
    ("elixir", Dialect::Elixir),
    ("firefox", Dialect::Gecko),
    ("go", Dialect::Go),
    ("java", Dialect::Java),
    ("kotlin", Dialect::Java),
    ("node", Dialect::V8),
    ("noise", Dialect::Unknown),
    ("php", Dialect::Php),
    ("python", Dialect::Python),
    ("ruby", Dialect::Ruby),
    ("rust", Dialect::Rust),
    ("safari", Dialect::Gecko),
    ("swift", Dialect::Swift),
];

fn dialect_of(name: &str) -> Dialect {
    let known = DIALECTS.iter().find(|(start, _)| name.starts_with(start));
    known.unwrap_or_else(|| panic!("no dialect for {name}")).1
}

#[test]
fn no_dialect_takes_anothers_text() {
    for (name, text) in fixtures() {
        assert_eq!(parse(&text).dialect, dialect_of(&name), "{name}");
    }
}

#[test]
fn a_trace_is_the_same_in_a_log_and_with_other_line_endings() {
    for (name, text) in fixtures() {
        let trace = parse(&text);
        assert_eq!(
            parse(&text.replace("\r\n", "\n").replace('\n', "\r\n")),
            trace,
            "{name}"
        );
        let logged = parse(&format!(
            "12:00:01 INFO the shop öffnet\n\n{text}\n12:00:02 INFO next customer\n"
        ));
        assert_eq!(
            (logged.dialect, logged.culprit()),
            (trace.dialect, trace.culprit()),
            "{name}"
        );
        let kinds = |trace: &Trace| {
            trace
                .exceptions
                .iter()
                .map(|e| e.kind.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(kinds(&logged), kinds(&trace), "{name}");
    }
}

#[test]
fn every_trace_has_a_culprit() {
    for (name, text) in fixtures() {
        let trace = parse(&text);
        assert_eq!(
            trace.culprit().is_none(),
            trace.dialect == Dialect::Unknown,
            "{name}"
        );
        let (last, causes) = match trace.exceptions.split_last() {
            Some(parts) => parts,
            None => continue,
        };
        assert_eq!(last.relation, None, "{name}");
        assert!(causes.iter().all(|cause| cause.relation.is_some()), "{name}");
    }
}

/// Name without extension, and text; by name.
fn fixtures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let traces = files.filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    let mut fixtures: Vec<_> = traces
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    fixtures.sort();
    assert!(fixtures.len() > 20);
    fixtures
}

fn show(text: &str) -> String {
    let trace = parse(text);
    let mut shown = format!("{:?}\n", trace.dialect);
    for exception in &trace.exceptions {
        let relation = exception
            .relation
            .map(|relation| format!(" ({relation:?})"))
            .unwrap_or_default();
        let kind = exception.kind.as_deref().unwrap_or("?");
        let message = exception
            .message
            .as_deref()
            .map(|message| format!(" {message:?}"));
        writeln!(shown, "{kind}{relation}{}", message.unwrap_or_default()).unwrap();
        exception
            .frames
            .iter()
            .for_each(|frame| show_frame(&mut shown, frame));
        if exception.n_omitted > 0 {
            writeln!(shown, "  and {} more", exception.n_omitted).unwrap();
        }
    }
    writeln!(shown, "culprit: {}", trace.culprit().as_deref().unwrap_or("none")).unwrap();
    let contract = location::contract(text).map(|(file, line)| format!("{file}:{line}"));
    write!(shown, "contract: {}", contract.as_deref().unwrap_or("none")).unwrap();
    shown
}

fn show_frame(shown: &mut String, frame: &Frame) {
    let mark = if frame.in_app { '*' } else { ' ' };
    let function = frame.function.as_deref().unwrap_or("-");
    let file = frame.file.as_deref().unwrap_or("-");
    let number = |number: Option<u32>| number.map_or("-".to_owned(), |number| number.to_string());
    let source = frame
        .source
        .as_deref()
        .map(|source| format!(" `{source}`"))
        .unwrap_or_default();
    let (line, column) = (number(frame.line), number(frame.column));
    let module = frame
        .module
        .as_deref()
        .map(|module| format!("{module} / "))
        .unwrap_or_default();
    writeln!(
        shown,
        "{mark} {module}{function} | {file} | {line} | {column}{source}"
    )
    .unwrap();
}

/// What holds of every text.
fn is_sound(text: &str) {
    let trace = parse(text);
    let n_frames: usize = trace
        .exceptions
        .iter()
        .map(|exception| exception.frames.len())
        .sum();
    assert!(n_frames <= MAX_FRAMES && trace.exceptions.len() <= MAX_EXCEPTIONS);
    assert_eq!(trace.dialect == Dialect::Unknown, trace.exceptions.is_empty());
    assert!(trace.exceptions.last().is_none_or(|last| last.relation.is_none()));
    assert!(
        n_bytes(&trace) <= 4 * text.len() + 16,
        "{} of {}",
        n_bytes(&trace),
        text.len()
    );
    trace.culprit();
    if let Some((_, line)) = location::contract(text) {
        assert!(!line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()));
    }
}

fn n_bytes(trace: &Trace) -> usize {
    let size = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let of_frame =
        |frame: &Frame| size(&frame.function) + size(&frame.module) + size(&frame.file) + size(&frame.source);
    let exceptions = trace.exceptions.iter();
    exceptions
        .map(|e| size(&e.kind) + size(&e.message) + e.frames.iter().map(of_frame).sum::<usize>())
        .sum()
}

/// Pieces that mean something to one of the parsers.
const PIECES: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    "  ",
    "    ",
    "\t",
    "|",
    "+-",
    "+ ",
    "  | ",
    "@",
    "(",
    ")",
    ":",
    ":1:2",
    ":0x1f",
    "\"",
    "é",
    "💥",
    "Traceback (most recent call last):\n",
    "  + Exception Group Traceback (most recent call last):\n",
    "  File \"a.py\", line 1, in f\n",
    "File \"",
    "\", line ",
    "    x = 1\n",
    "    ^^^\n",
    "ValueError: x\n",
    "  [Previous line repeated 3 more times]\n",
    "  +-+---------------- 1 ----------------\n",
    "The above exception was the direct cause of the following exception:\n",
    "During handling of the above exception, another exception occurred:\n",
    "    at f (a.js:1:2)\n",
    "at ",
    "async ",
    "eval at f (",
    "<anonymous>",
    ", <anonymous>:3:4)",
    " [as b]",
    " {\n",
    "  [cause]: ",
    "  [errors]: [\n",
    "Error: x\n",
    "wasm://wasm/a:wasm-function[1]:0x2",
    "f@http://h/a.js:1:2\n",
    "[native code]",
    " line 3 > eval",
    "99999999999",
    "... 4 lines matching cause stack trace ...\n",
    "\tat shop.A.b(A.java:1)\n",
    "Caused by: a.BError: x\n",
    "\tSuppressed: a.CError: y\n",
    "\t... 12 more\n",
    "panic: runtime error: x\n",
    "goroutine 1 [running]:\n",
    "main.f(0x1)\n",
    "\t/srv/a.go:1 +0x2\n",
    "...2 frames elided...\n",
    "thread 'main' panicked at a.rs:1:2:\n",
    "stack backtrace:\n",
    "   0: a::b\n",
    "             at ./a.rs:1:2\n",
    "Caused by:\n",
    "Location:\n",
    "a.rb:1:in 'f': x (A)\n",
    "\tfrom a.rb:2:in `g'\n",
    "\t1: from a.rb:2:in `g'\n",
    "... 9 levels...\n",
    "PHP Fatal error:  Uncaught A: x in /a.php:1\n",
    "Stack trace:\n",
    "#0 /a.php(2): f()\n",
    "#1 {main}\n",
    "Next B: y in /a.php:3\n",
    "   at A.B() in /a.cs:line 1\n",
    " ---> ",
    " ---> (Inner Exception #0) A.BError: x\n",
    " ---> (Inner Exception #1) A.BError: x\n",
    "<---\n",
    "   --- End of inner exception stack trace ---\n",
    "Thread 0 Crashed:\n",
    "Thread 1:\n",
    "0 0x0 f() + 1 in a at a.swift:1:2\n",
    "1   A   0x00000001a1b2c3d4 f + 1 (a.swift:1)\n",
    "a.swift:1: Fatal error: x\n",
    "** (A) x\n",
    "    ** (EXIT) ",
    "    (a 1.0) lib/a.ex:1: A.b/1\n",
    "    :erlang.f(1)\n",
];

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "(?s).{0,400}") {
        is_sound(&text);
    }

    #[test]
    fn telling_pieces_in_any_order_never_panic(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..80)) {
        is_sound(&pieces.concat());
    }

    #[test]
    fn a_damaged_fixture_never_panics(
        fixture in prop::sample::select(fixtures()),
        cut in any::<prop::sample::Index>(),
        length in 0..60_usize,
        piece in prop::sample::select(PIECES),
    ) {
        let characters: Vec<char> = fixture.1.chars().collect();
        let start = cut.index(characters.len());
        let (before, after) = (&characters[..start], characters.iter().skip(start + length));
        let damaged: String = before.iter().copied().chain(piece.chars()).chain(after.copied()).collect();
        is_sound(&damaged);
    }
}
