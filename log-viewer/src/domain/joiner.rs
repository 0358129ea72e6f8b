//! Entries from the lines of one stream: those that go on with the line before are joined to it (`trace.rs` says which).
//! The last entry is held until the next line begins another, or until its time is up. Pure: a steady clock is handed in.

use crate::domain::entry::{Level, Marks, Stream};
use crate::domain::json_head;
use crate::domain::level;
use crate::domain::moment::Clock;
use crate::domain::parts::Line;
use crate::domain::span::Spans;
use crate::domain::trace::Trace;

/// Most lines of one entry: a dump of all goroutines fits.
pub const MAX_LINES: usize = 2_000;
/// Silence on its stream after which the last entry leaves.
const HOLD_MS: u64 = 100;
/// The same for one that is visibly in the middle of a trace.
const OPEN_HOLD_MS: u64 = 1_000;
/// A line that arrived later than this after the one before does not go on with it.
const GAP_NS: i64 = 3_000_000_000;
/// The same in the middle of a trace.
const OPEN_GAP_NS: i64 = 10_000_000_000;

/// One entry, but for the name of its source.
#[derive(Debug, PartialEq, Eq)]
pub struct Joined {
    /// Its lines, joined by `\n`.
    pub message: String,
    /// When it was written, Unix nanoseconds.
    pub time_ns: i64,
    /// How bad it is.
    pub level: Level,
    /// What is wrong with it.
    pub marks: Marks,
    /// Where it stands.
    pub spans: Spans,
}

/// Joins the lines of one stream.
#[derive(Debug)]
pub struct Joiner {
    stream: Stream,
    max_bytes: usize,
    clock: Clock,
    held: Option<Held>,
    /// Marks of blank lines, for the next that is none.
    blank_marks: Marks,
}

#[derive(Debug)]
struct Held {
    entry: Joined,
    trace: Trace,
    /// The level that the first line names.
    named: Option<Level>,
    /// Blank lines after the last one; kept only if the entry goes on.
    n_blank: usize,
    n_lines: usize,
    last_arrived_ns: i64,
    due_ms: u64,
}

impl Joiner {
    /// `max_bytes`: largest entry, in bytes.
    pub fn new(stream: Stream, max_bytes: usize) -> Self {
        Self {
            stream,
            max_bytes,
            clock: Clock::default(),
            held: None,
            blank_marks: Marks::default(),
        }
    }

    /// What is added to times without a zone, as far as it was learnt.
    pub fn zone_ns(&self) -> Option<i64> {
        self.clock.zone_ns
    }

    /// Takes the zone that was learnt before.
    pub fn set_zone(&mut self, zone_ns: Option<i64>) {
        self.clock.zone_ns = zone_ns;
    }

    /// Takes a line at `now_ms` of a steady clock. Gives the entry before it, where this line begins a new one.
    pub fn push(&mut self, mut line: Line<'_>, now_ms: u64) -> Option<Joined> {
        if line.text.trim_ascii().is_empty() {
            self.blank(&line);
            return None;
        }
        line.marks = line.marks.and(std::mem::take(&mut self.blank_marks));
        if let Some(held) = &mut self.held
            && held.takes(&line, self.max_bytes)
        {
            held.add(&line, now_ms);
            return None;
        }
        let before = self.flush();
        self.held = Some(self.begin(line, now_ms));
        before
    }

    /// A blank line belongs to the entry before it, if that goes on after it; its bytes do in any case. Its marks
    /// tell of what was before it, and go to the next line.
    fn blank(&mut self, line: &Line<'_>) {
        self.blank_marks = self.blank_marks.and(line.marks);
        if let Some(held) = &mut self.held {
            held.n_blank += 1;
            held.entry.spans.add_all(&line.spans);
        }
    }

    fn begin(&mut self, line: Line<'_>, now_ms: u64) -> Held {
        let json = json_head::read(&line.text);
        let named = level::find(&line.text, json.as_ref());
        let time_ns = self
            .clock
            .moment_of(&line.text, json.as_ref(), line.arrived_ns, line.is_timely);
        let trace = Trace::new(&line.text, named.is_some_and(|level| level < Level::Warning));
        Held {
            n_blank: 0,
            n_lines: 1,
            last_arrived_ns: line.arrived_ns,
            due_ms: due(&trace, now_ms),
            trace,
            named,
            entry: Joined {
                message: line.text.into_owned(),
                time_ns,
                level: named.unwrap_or_else(|| level::of_stream(self.stream)),
                marks: line.marks,
                spans: line.spans,
            },
        }
    }

    /// The held entry if its time is up at `now_ms`.
    pub fn due(&mut self, now_ms: u64) -> Option<Joined> {
        self.held.as_ref().filter(|held| held.due_ms <= now_ms)?;
        self.flush()
    }

    /// The held entry, whatever may follow.
    pub fn flush(&mut self) -> Option<Joined> {
        let Held {
            mut entry,
            trace,
            named,
            ..
        } = self.held.take()?;
        if named.is_none() && trace.is_trace() {
            entry.level = Level::Error;
        }
        Some(entry)
    }

    /// Where the held entry stands.
    pub fn spans(&self) -> Option<&Spans> {
        self.held.as_ref().map(|held| &held.entry.spans)
    }

    /// When [`Joiner::due`] gives something.
    pub fn due_ms(&self) -> Option<u64> {
        self.held.as_ref().map(|held| held.due_ms)
    }

    /// Bytes held.
    pub fn n_bytes(&self) -> usize {
        self.held.as_ref().map_or(0, |held| held.entry.message.len())
    }
}

impl Held {
    fn takes(&mut self, line: &Line<'_>, max_bytes: usize) -> bool {
        let gap_ns = if self.trace.is_open() { OPEN_GAP_NS } else { GAP_NS };
        let n_bytes = self.entry.message.len() + self.n_blank + line.text.len() + 1;
        self.n_lines < MAX_LINES
            && n_bytes <= max_bytes
            && line.arrived_ns - self.last_arrived_ns <= gap_ns
            && self.trace.takes(&line.text)
    }

    fn add(&mut self, line: &Line<'_>, now_ms: u64) {
        self.entry
            .message
            .extend(std::iter::repeat_n('\n', self.n_blank + 1));
        self.entry.message.push_str(&line.text);
        self.entry.marks = self.entry.marks.and(line.marks);
        self.entry.spans.add_all(&line.spans);
        self.n_lines += self.n_blank + 1;
        self.n_blank = 0;
        self.last_arrived_ns = line.arrived_ns;
        self.due_ms = due(&self.trace, now_ms);
    }
}

fn due(trace: &Trace, now_ms: u64) -> u64 {
    now_ms + if trace.is_open() { OPEN_HOLD_MS } else { HOLD_MS }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::span::Span;

    fn line(text: &str, at: usize) -> Line<'_> {
        Line {
            text: Cow::Borrowed(text),
            arrived_ns: 1_795_850_555_000_000_000 + at as i64 * 1_000_000,
            is_timely: true,
            marks: Marks::default(),
            spans: Spans::new(Span {
                file: 0,
                start: at as u64,
                end: at as u64 + 1,
            }),
        }
    }

    /// Joins lines that arrive a millisecond apart.
    fn join(lines: &[&str]) -> Vec<Joined> {
        let mut joiner = Joiner::new(Stream::Stderr, 1 << 20);
        let mut joined: Vec<Joined> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, text)| joiner.push(line(text, at), 0))
            .collect();
        joined.extend(joiner.flush());
        joined
    }

    #[test]
    fn a_traceback_is_one_entry_with_its_last_line() {
        let joined = join(&[
            "INFO: before",
            "Traceback (most recent call last):",
            "  File \"a.py\", line 1, in <module>",
            "ValueError: bad",
            "INFO: after",
        ]);
        assert_eq!(joined.len(), 3);
        assert!(joined[1].message.ends_with("\nValueError: bad"));
        assert_eq!(joined[1].level, Level::Error);
    }

    #[test]
    fn a_mark_of_a_blank_line_goes_to_the_next() {
        let mut joiner = Joiner::new(Stream::Stdout, 1 << 20);
        joiner.push(line("before", 0), 0);
        let blank = Line {
            marks: Marks::LOST,
            ..line("", 1)
        };
        joiner.push(blank, 0);
        let before = joiner.push(line("after", 2), 0).map(|entry| entry.marks);
        let after = joiner.push(line("then", 3), 0).map(|entry| entry.marks);
        let then = joiner.flush().map(|entry| entry.marks);
        assert_eq!(
            [before, after, then],
            [Marks::default(), Marks::LOST, Marks::default()].map(Some)
        );
    }

    #[test]
    fn a_last_entry_leaves_after_a_silence() {
        let mut joiner = Joiner::new(Stream::Stdout, 1 << 20);
        assert_eq!(joiner.push(line("x", 0), 1_000), None);
        assert_eq!(joiner.due(1_000 + HOLD_MS - 1), None);
        assert_eq!(
            joiner.due(1_000 + HOLD_MS).map(|entry| entry.message),
            Some("x".to_owned())
        );
        assert_eq!(joiner.due(u64::MAX), None);
    }

    #[test]
    fn a_trace_without_its_end_is_waited_for() {
        let mut joiner = Joiner::new(Stream::Stdout, 1 << 20);
        joiner.push(line("Traceback (most recent call last):", 0), 0);
        joiner.push(line("  File \"a.py\", line 1", 1), 0);
        assert_eq!(joiner.due_ms(), Some(OPEN_HOLD_MS));
        joiner.push(line("ValueError: bad", 2), 0);
        assert_eq!(joiner.due_ms(), Some(HOLD_MS));
    }

    #[test]
    fn an_entry_has_bounds_and_the_rest_is_another() {
        let mut joiner = Joiner::new(Stream::Stdout, 10);
        assert_eq!(joiner.push(line("12345", 0), 0), None);
        assert_eq!(
            joiner.push(line(" 7890", 1), 0).map(|entry| entry.message),
            Some("12345".to_owned())
        );
        let lines: Vec<String> = std::iter::once("x".to_owned())
            .chain((0..MAX_LINES * 2).map(|n| format!(" {n}")))
            .collect();
        let joined = join(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(joined.len(), 3);
    }

    /// Lines that mean something to the joiner, and some that do not.
    fn any_line() -> impl Strategy<Value = String> {
        prop_oneof![
            Just(String::new()),
            Just("Traceback (most recent call last):".to_owned()),
            Just("  File \"a.py\", line 1".to_owned()),
            Just("ValueError: bad".to_owned()),
            Just("Caused by: java.lang.Error: x".to_owned()),
            Just("\tat a.b(C.java:1)".to_owned()),
            Just("panic: boom".to_owned()),
            Just("goroutine 1 [running]:".to_owned()),
            Just("main.main()".to_owned()),
            Just("thread 'main' panicked at a.rs:1:2:".to_owned()),
            Just("/srv/a.js:1".to_owned()),
            Just("    ^".to_owned()),
            Just("#0 {main}".to_owned()),
            Just("}".to_owned()),
            "[ -~é]{0,12}",
        ]
    }

    proptest! {
        #[test]
        fn no_line_is_lost_and_none_moves(lines in prop::collection::vec(any_line(), 0..30)) {
            let joined = join(&lines.iter().map(String::as_str).collect::<Vec<_>>());
            let out: Vec<&str> = joined
                .iter()
                .flat_map(|entry| entry.message.split('\n'))
                .filter(|line| !line.trim_ascii().is_empty())
                .collect();
            let given: Vec<&str> = lines
                .iter()
                .map(String::as_str)
                .filter(|line| !line.trim_ascii().is_empty())
                .collect();
            prop_assert_eq!(out, given);
        }

        #[test]
        fn an_entry_can_be_read_again_from_its_first_line(lines in prop::collection::vec(any_line(), 0..30)) {
            // What a crash does: all before the held entry is stored, and reading begins again at its first line.
            let texts: Vec<&str> = lines.iter().map(String::as_str).collect();
            for entry in join(&texts) {
                let first = entry.spans.iter().next().expect("an entry has bytes").start as usize;
                let again = join(&texts[first..]);
                prop_assert_eq!(&again[0].message, &entry.message);
            }
        }
    }
}
