//! From the bytes of one source's files to entries: lines, Docker's records, parts, joining, each stream for itself.
//! Knows at any time from where a file must be read again if the process died now. Pure: bytes and clocks are handed in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::docker_line::{self, DockerLine};
use crate::domain::entry::{Entry, Marks, Stream};
use crate::domain::joiner::{Joined, Joiner};
use crate::domain::parts::{Line, Parts, Piece};
use crate::domain::span::Span;

/// What the lines of a source are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Docker's json-file records.
    Docker,
    /// The lines themselves.
    Plain,
}

/// How far a file was handed over: all lines before `offset`, and of each stream all before its `done`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Start of the oldest line that was not handed over, in bytes.
    pub offset: u64,
    /// End of the last line that was handed over, of stdout and of stderr.
    pub done: [u64; 2],
}

/// The moment of a call: the steady clock for waiting, the wall clock for lines that carry no stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a steady clock.
    pub steady_ms: u64,
    /// Unix nanoseconds.
    pub unix_ns: i64,
}

/// One source: a container, or a plain file with those that were rotated away before it.
#[derive(Debug)]
pub struct Intake {
    container: Arc<str>,
    format: Format,
    max_line_bytes: usize,
    streams: [Lane; 2],
    /// How far each file was read and handed over.
    files: BTreeMap<u32, Progress>,
    /// A line longer than what is read at once.
    long: Option<Long>,
    /// To be set on the next line.
    pending_marks: Marks,
    /// Whether lines without a stamp are read as they are written.
    is_live: bool,
}

#[derive(Debug)]
struct Lane {
    parts: Parts,
    joiner: Joiner,
}

/// The first and the last bytes of a line that goes on and on.
#[derive(Debug)]
struct Long {
    file: u32,
    start: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
    n_bytes: u64,
}

impl Intake {
    /// `max_line_bytes`: what is kept of a line, and of an entry.
    pub fn new(container: Arc<str>, format: Format, max_line_bytes: usize) -> Self {
        let lane = |stream| Lane {
            parts: Parts::new(max_line_bytes),
            joiner: Joiner::new(stream, max_line_bytes),
        };
        Self {
            container,
            format,
            max_line_bytes,
            streams: [lane(Stream::Stdout), lane(Stream::Stderr)],
            files: BTreeMap::new(),
            long: None,
            pending_marks: Marks::default(),
            is_live: false,
        }
    }

    /// Renames the source from here on.
    pub fn rename(&mut self, container: Arc<str>) {
        self.container = container;
    }

    /// Begins, or begins again, a file. Lines of a stream before its `done` were handed over already.
    pub fn begin_file(&mut self, file: u32, progress: Progress) {
        self.files.insert(file, progress);
    }

    /// Forgets a file that was read to its end and handed over.
    pub fn forget_file(&mut self, file: u32) {
        self.files.remove(&file);
    }

    /// Whether what is taken from here on was just written. At first it was not: it may be a backlog.
    pub fn set_live(&mut self, is_live: bool) {
        self.is_live = is_live;
    }

    /// What is added to times without a zone, in nanoseconds, where the lines do not always tell: of a plain file.
    pub fn zone_ns(&self) -> Option<i64> {
        let is_plain = self.format == Format::Plain;
        is_plain.then(|| self.streams[Stream::Stdout as usize].joiner.zone_ns())?
    }

    /// Takes the zone that was learnt before.
    pub fn set_zone(&mut self, zone_ns: Option<i64>) {
        self.streams[Stream::Stdout as usize].joiner.set_zone(zone_ns);
    }

    /// The next line gets this mark.
    pub fn mark_next(&mut self, marks: Marks) {
        self.pending_marks = self.pending_marks.and(marks);
    }

    /// Takes the whole lines of `bytes`, which stand at `offset` of the file, and says how many bytes that were.
    /// With `is_full` they are all that is read at once: a line that does not end in them is taken piece by piece.
    pub fn take(
        &mut self,
        file: u32,
        offset: u64,
        bytes: &[u8],
        is_full: bool,
        now: Now,
        out: &mut Vec<Entry>,
    ) -> usize {
        self.files.entry(file).or_default();
        let mut at = 0;
        if self.long.as_ref().is_some_and(|long| long.file == file) {
            at = self.go_on_long(bytes, now, out);
        }
        while let Some(length) = self.line_end(&bytes[at..]) {
            let span = Span {
                file,
                start: offset + at as u64,
                end: offset + (at + length) as u64 + 1,
            };
            self.line(&bytes[at..at + length], span, now, out);
            if bytes[at + length] == 0 {
                self.mark_next(Marks::DAMAGED);
            }
            at += length + 1;
        }
        if is_full && at == 0 && self.long.is_none() && !bytes.is_empty() {
            self.long = Some(Long::new(file, offset));
            at = self.go_on_long(bytes, now, out);
        }
        self.read_to(file, offset + at as u64);
        at
    }

    /// Takes what stands at the end of a file to which nothing is added any more: a line without its line break.
    pub fn take_rest(&mut self, file: u32, offset: u64, bytes: &[u8], now: Now, out: &mut Vec<Entry>) {
        self.files.entry(file).or_default();
        let end = offset + bytes.len() as u64;
        if let Some(long) = self.long.take_if(|long| long.file == file) {
            self.finish_long(long, end, now, out);
        } else if !bytes.is_empty() {
            let span = Span {
                file,
                start: offset,
                end,
            };
            self.line(bytes, span, now, out);
        }
        self.read_to(file, end);
    }

    fn read_to(&mut self, file: u32, offset: u64) {
        self.files.entry(file).or_default().offset = offset;
    }

    /// Docker's records hold no NUL: one is a hole that a power cut left, and ends whatever was before it.
    fn line_end(&self, bytes: &[u8]) -> Option<usize> {
        match self.format {
            Format::Docker => memchr::memchr2(b'\n', 0, bytes),
            Format::Plain => memchr::memchr(b'\n', bytes),
        }
    }

    fn go_on_long(&mut self, bytes: &[u8], now: Now, out: &mut Vec<Entry>) -> usize {
        let max_head = self.max_line_bytes * 2 + docker_line::TAIL_BYTES;
        let end = self.line_end(bytes);
        let Some(mut long) = self.long.take() else {
            return 0;
        };
        long.add(&bytes[..end.unwrap_or(bytes.len())], max_head);
        match end {
            Some(length) => {
                let end = long.start + long.n_bytes + 1;
                self.finish_long(long, end, now, out);
                length + 1
            }
            None => {
                self.long = Some(long);
                bytes.len()
            }
        }
    }

    fn finish_long(&mut self, long: Long, end: u64, now: Now, out: &mut Vec<Entry>) {
        let span = Span {
            file: long.file,
            start: long.start,
            end,
        };
        if long.n_bytes == long.head.len() as u64 {
            return self.line(&long.head, span, now, out);
        }
        let cut = match self.format {
            Format::Docker => docker_line::parse_cut(&long.head, &long.tail),
            Format::Plain => None,
        };
        match cut {
            Some(record) => self.record(record, Marks::CUT, span, now, out),
            None => self.plain(&long.head, Marks::CUT, span, now, out),
        }
    }

    fn line(&mut self, line: &[u8], span: Span, now: Now, out: &mut Vec<Entry>) {
        if self.format == Format::Plain {
            return self.plain(line, Marks::default(), span, now, out);
        }
        match docker_line::parse(line) {
            Some(record) => self.record(record, Marks::default(), span, now, out),
            None => self.broken(line, span, now, out),
        }
    }

    /// Half a record, with or without a whole one after it on the same line; or no record at all.
    fn broken(&mut self, line: &[u8], span: Span, now: Now, out: &mut Vec<Entry>) {
        const START: &[u8] = br#"{"log":""#;
        if line.trim_ascii().is_empty() {
            return;
        }
        let next = memchr::memmem::rfind(line, START).filter(|at| *at > 0);
        if let Some(at) = next
            && let Some(record) = docker_line::parse(&line[at..])
        {
            let (half, whole) = span.split(at as u64);
            self.broken(&line[..at], half, now, out);
            return self.record(record, Marks::DAMAGED, whole, now, out);
        }
        match docker_line::parse_cut(line, &[]) {
            Some(half) => {
                let whole = DockerLine {
                    is_whole: true,
                    ..half
                };
                self.record(whole, Marks::DAMAGED, span, now, out);
            }
            None => self.plain(line, Marks::DAMAGED, span, now, out),
        }
    }

    fn record(&mut self, record: DockerLine<'_>, marks: Marks, span: Span, now: Now, out: &mut Vec<Entry>) {
        let damaged = if record.is_damaged {
            Marks::DAMAGED
        } else {
            Marks::default()
        };
        let piece = Piece {
            text: record.text,
            is_whole: record.is_whole,
            arrived_ns: record.time_ns.unwrap_or(now.unix_ns),
            is_timely: record.time_ns.is_some(),
            marks: marks.and(damaged),
            span,
        };
        self.piece(record.stream, piece, now, out);
    }

    /// A line as it stands. NULs at its start are a hole; other bytes that are no text are replaced.
    fn plain(&mut self, line: &[u8], marks: Marks, span: Span, now: Now, out: &mut Vec<Entry>) {
        let hole = line.iter().take_while(|byte| **byte == 0).count();
        let line = &line[hole..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(line);
        let is_damaged = hole > 0 || matches!(text, Cow::Owned(_));
        let piece = Piece {
            text,
            is_whole: true,
            arrived_ns: now.unix_ns,
            is_timely: self.format == Format::Plain && self.is_live,
            marks: if is_damaged {
                marks.and(Marks::DAMAGED)
            } else {
                marks
            },
            span,
        };
        self.piece(Stream::Stdout, piece, now, out);
    }

    fn piece(&mut self, stream: Stream, mut piece: Piece<'_>, now: Now, out: &mut Vec<Entry>) {
        let lane = stream as usize;
        let done = self
            .files
            .get(&piece.span.file)
            .map_or(0, |progress| progress.done[lane]);
        if piece.span.start < done {
            return;
        }
        piece.marks = piece.marks.and(std::mem::take(&mut self.pending_marks));
        let (before, line) = self.streams[lane].parts.push(piece, now.steady_ms);
        for line in before.into_iter().chain(line) {
            self.joined(stream, line, now, out);
        }
    }

    fn joined(&mut self, stream: Stream, line: Line<'_>, now: Now, out: &mut Vec<Entry>) {
        if let Some(joined) = self.streams[stream as usize].joiner.push(line, now.steady_ms) {
            self.hand_over(stream, joined, out);
        }
    }

    fn hand_over(&mut self, stream: Stream, joined: Joined, out: &mut Vec<Entry>) {
        for span in joined.spans.iter() {
            if let Some(progress) = self.files.get_mut(&span.file) {
                let done = &mut progress.done[stream as usize];
                *done = (*done).max(span.end);
            }
        }
        out.push(Entry {
            time_ns: joined.time_ns,
            container: self.container.clone(),
            stream,
            level: joined.level,
            marks: joined.marks,
            message: joined.message,
        });
    }

    /// Hands over what has waited long enough.
    pub fn let_go(&mut self, now: Now, out: &mut Vec<Entry>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(line) = self.streams[stream as usize].parts.due(now.steady_ms) {
                self.joined(stream, line, now, out);
            }
            if let Some(joined) = self.streams[stream as usize].joiner.due(now.steady_ms) {
                self.hand_over(stream, joined, out);
            }
        }
    }

    /// Hands over all that is held: the source has ended, or memory is needed.
    pub fn flush(&mut self, now: Now, out: &mut Vec<Entry>) {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if let Some(line) = self.streams[stream as usize].parts.flush() {
                self.joined(stream, line, now, out);
            }
            if let Some(joined) = self.streams[stream as usize].joiner.flush() {
                self.hand_over(stream, joined, out);
            }
        }
    }

    /// When [`Intake::let_go`] has something to hand over, in milliseconds of the steady clock.
    pub fn due_ms(&self) -> Option<u64> {
        let lanes = self.streams.iter();
        lanes
            .flat_map(|lane| lane.parts.due_ms().into_iter().chain(lane.joiner.due_ms()))
            .min()
    }

    /// Bytes held.
    pub fn n_bytes(&self) -> usize {
        let lanes: usize = self
            .streams
            .iter()
            .map(|lane| lane.parts.n_bytes() + lane.joiner.n_bytes())
            .sum();
        lanes + self.long.as_ref().map_or(0, |long| long.head.len())
    }

    /// From where a file must be read again, and what of it was handed over already.
    pub fn progress(&self, file: u32) -> Progress {
        let mut progress = self.files.get(&file).copied().unwrap_or_default();
        let lanes = self.streams.iter();
        let held = lanes.flat_map(|lane| lane.parts.spans().into_iter().chain(lane.joiner.spans()));
        let starts = held
            .flat_map(|spans| spans.iter())
            .filter(|span| span.file == file)
            .map(|span| span.start);
        let long = self
            .long
            .iter()
            .filter(|long| long.file == file)
            .map(|long| long.start);
        progress.offset = starts.chain(long).fold(progress.offset, u64::min);
        progress
    }

    /// Whether nothing of the file is held.
    pub fn is_handed_over(&self, file: u32) -> bool {
        self.files
            .get(&file)
            .is_none_or(|progress| self.progress(file).offset == progress.offset)
    }
}

impl Long {
    fn new(file: u32, start: u64) -> Self {
        Self {
            file,
            start,
            head: Vec::new(),
            tail: Vec::new(),
            n_bytes: 0,
        }
    }

    fn add(&mut self, bytes: &[u8], max_head: usize) {
        let room = max_head.saturating_sub(self.head.len()).min(bytes.len());
        self.head.extend_from_slice(&bytes[..room]);
        let last = &bytes[bytes.len().saturating_sub(docker_line::TAIL_BYTES)..];
        self.tail.extend_from_slice(last);
        let surplus = self.tail.len().saturating_sub(docker_line::TAIL_BYTES);
        self.tail.drain(..surplus);
        self.n_bytes += bytes.len() as u64;
    }
}

#[cfg(test)]
#[path = "intake_tests.rs"]
mod tests;
