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
use stacktrace::{Frame, MAX_EXCEPTIONS, MAX_FRAMES, Trace, location, parse};

#[test]
fn every_fixture_is_understood_as_reviewed() {
    for (name, text) in fixtures() {
        insta::assert_snapshot!(name, show(&text));
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
    writeln!(shown, "{mark} {function} | {file} | {line} | {column}{source}").unwrap();
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
    let of_frame = |frame: &Frame| size(&frame.function) + size(&frame.file) + size(&frame.source);
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
