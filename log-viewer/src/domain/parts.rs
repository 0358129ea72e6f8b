//! Lines from the parts into which Docker splits whatever is longer than 16 KiB, for one stream.
//! A part has no line break; the last one has. A line that a program left without one is no part: it is short,
//! and the next line comes later.

use std::borrow::Cow;

use crate::domain::entry::Marks;
use crate::domain::span::{Span, Spans};

/// Docker splits at this many bytes; a piece without a line break that is shorter ends because the program did.
const DOCKER_PART_BYTES: usize = 16 * 1024;
/// A short piece is a part only if the next one comes within this.
const SHORT_GAP_NS: i64 = 1_000_000_000;
/// How long a short piece waits for the next one.
const SHORT_HOLD_MS: u64 = 1_000;
/// How long a full part does: longer than any program takes to go on in the middle of a line.
const FULL_HOLD_MS: u64 = 10_000;

/// What one record of the log holds: a line, or a part of one.
#[derive(Debug)]
pub struct Piece<'a> {
    /// Its text, without a line break.
    pub text: Cow<'a, str>,
    /// Whether the line ends here.
    pub is_whole: bool,
    /// When it arrived, Unix nanoseconds.
    pub arrived_ns: i64,
    /// Whether it was written just before it arrived: not so where it stood in a file for nobody knows how long.
    pub is_timely: bool,
    /// What is wrong with it.
    pub marks: Marks,
    /// Where it stands.
    pub span: Span,
}

/// A whole line.
#[derive(Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its text, at most as long as is allowed.
    pub text: Cow<'a, str>,
    /// When its first part arrived, Unix nanoseconds.
    pub arrived_ns: i64,
    /// Whether it was written just before it arrived: not so where it stood in a file for nobody knows how long.
    pub is_timely: bool,
    /// What is wrong with it.
    pub marks: Marks,
    /// Where it stands.
    pub spans: Spans,
}

/// The parts of the line that is coming in.
#[derive(Debug)]
pub struct Parts {
    held: Option<Held>,
    max_bytes: usize,
}

#[derive(Debug)]
struct Held {
    line: Line<'static>,
    is_full: bool,
    last_arrived_ns: i64,
    due_ms: u64,
}

impl Parts {
    /// `max_bytes`: longest line, in bytes.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            held: None,
            max_bytes,
        }
    }

    /// Takes a piece at `now_ms` of a steady clock. Gives the lines that are complete now: a held one that
    /// turned out to have no further part, and the one that this piece ends.
    pub fn push<'a>(&mut self, piece: Piece<'a>, now_ms: u64) -> (Option<Line<'static>>, Option<Line<'a>>) {
        let Some(mut held) = self.held.take() else {
            return (None, self.begin(piece, now_ms));
        };
        if !held.is_full && piece.arrived_ns - held.last_arrived_ns > SHORT_GAP_NS {
            return (Some(held.line), self.begin(piece, now_ms));
        }
        held.add(&piece, self.max_bytes, now_ms);
        if piece.is_whole {
            return (None, Some(held.line));
        }
        self.held = Some(held);
        (None, None)
    }

    fn begin<'a>(&mut self, piece: Piece<'a>, now_ms: u64) -> Option<Line<'a>> {
        let is_full = piece.text.len() >= DOCKER_PART_BYTES;
        let line = Line {
            text: piece.text,
            arrived_ns: piece.arrived_ns,
            is_timely: piece.is_timely,
            marks: piece.marks,
            spans: Spans::new(piece.span),
        };
        let line = line.cut(self.max_bytes);
        if piece.is_whole {
            return Some(line);
        }
        self.held = Some(Held {
            is_full,
            last_arrived_ns: line.arrived_ns,
            due_ms: due(is_full, now_ms),
            line: line.into_owned(),
        });
        None
    }

    /// The held line if it has waited long enough at `now_ms`.
    pub fn due(&mut self, now_ms: u64) -> Option<Line<'static>> {
        self.held.as_ref().filter(|held| held.due_ms <= now_ms)?;
        self.flush()
    }

    /// The held line, complete or not.
    pub fn flush(&mut self) -> Option<Line<'static>> {
        self.held.take().map(|held| held.line)
    }

    /// Where the held line stands.
    pub fn spans(&self) -> Option<&Spans> {
        self.held.as_ref().map(|held| &held.line.spans)
    }

    /// When [`Parts::due`] gives something.
    pub fn due_ms(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.due_ms)
    }

    /// Bytes held.
    pub fn n_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.line.text.len())
    }
}

impl Held {
    fn add(&mut self, piece: &Piece<'_>, max_bytes: usize, now_ms: u64) {
        let room = max_bytes - self.line.text.len().min(max_bytes);
        let length = piece.text.floor_char_boundary(room);
        self.line.text.to_mut().push_str(&piece.text[..length]);
        self.line.marks = self.line.marks.and(piece.marks);
        if length < piece.text.len() {
            self.line.marks = self.line.marks.and(Marks::CUT);
        }
        self.line.spans.add(piece.span);
        self.is_full = piece.text.len() >= DOCKER_PART_BYTES;
        self.last_arrived_ns = piece.arrived_ns;
        self.due_ms = due(self.is_full, now_ms);
    }
}

fn due(is_full: bool, now_ms: u64) -> u64 {
    now_ms + if is_full { FULL_HOLD_MS } else { SHORT_HOLD_MS }
}

impl<'a> Line<'a> {
    fn cut(mut self, max_bytes: usize) -> Self {
        if self.text.len() > max_bytes {
            let length = self.text.floor_char_boundary(max_bytes);
            match &mut self.text {
                Cow::Borrowed(text) => *text = &text[..length],
                Cow::Owned(text) => text.truncate(length),
            }
            self.marks = self.marks.and(Marks::CUT);
        }
        self
    }

    /// The same with a text of its own.
    pub fn into_owned(self) -> Line<'static> {
        Line {
            text: Cow::Owned(self.text.into_owned()),
            arrived_ns: self.arrived_ns,
            is_timely: self.is_timely,
            marks: self.marks,
            spans: self.spans,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(text: &str, is_whole: bool, second: i64) -> Piece<'_> {
        Piece {
            text: Cow::Borrowed(text),
            is_whole,
            arrived_ns: second * 1_000_000_000,
            is_timely: true,
            marks: Marks::default(),
            span: Span {
                file: 0,
                start: 0,
                end: text.len() as u64,
            },
        }
    }

    #[test]
    fn parts_are_one_line() {
        let mut parts = Parts::new(1 << 20);
        let full = "x".repeat(DOCKER_PART_BYTES);
        assert_eq!(parts.push(piece(&full, false, 0), 0), (None, None));
        assert_eq!(parts.push(piece(&full, false, 5), 0), (None, None));
        let (before, line) = parts.push(piece("end", true, 9), 0);
        assert!(before.is_none());
        assert_eq!(line.map(|line| line.text.len()), Some(2 * DOCKER_PART_BYTES + 3));
        assert!(parts.spans().is_none());
    }

    #[test]
    fn a_last_line_without_a_break_is_not_glued_to_the_next() {
        let mut parts = Parts::new(100);
        assert_eq!(parts.push(piece("bye", false, 0), 0), (None, None));
        let (before, line) = parts.push(piece("hello", true, 60), 0);
        assert_eq!(before.map(|line| line.text), Some("bye".into()));
        assert_eq!(line.map(|line| line.text), Some("hello".into()));
        assert_eq!(parts.push(piece("bye", false, 60), 0), (None, None));
        assert_eq!(parts.due(SHORT_HOLD_MS - 1), None);
        assert_eq!(parts.due(SHORT_HOLD_MS).map(|line| line.text), Some("bye".into()));
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_letter_and_marked() {
        let mut parts = Parts::new(5);
        let (_, line) = parts.push(piece("ééé", true, 0), 0);
        let line = line.expect("it is whole");
        assert_eq!((&*line.text, line.marks), ("éé", Marks::CUT));
        assert_eq!(parts.push(piece("abc", false, 0), 0), (None, None));
        let (_, line) = parts.push(piece("defg", true, 0), 0);
        let line = line.expect("it is whole");
        assert_eq!((&*line.text, line.marks), ("abcde", Marks::CUT));
    }
}
