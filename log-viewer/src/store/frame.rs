//! Entries in columns: a row of small facts each, and their texts in one string. So they stand in memory, and,
//! compressed, in blocks and in the journal. Containers are numbers here; `names` knows what they are called.

use crate::domain::entry::{Entry, Level, Marks, Stream};
use crate::domain::view;
use crate::store::piece_set::Pieces;
use crate::store::varint::{put, put_signed, take, take_signed};

/// Fast rather than small: level 3 saves a tenth and takes twice the time.
const ZSTD_LEVEL: i32 = 1;

/// The facts about one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// See [`crate::domain::entry::Stored`].
    pub id: u64,
    /// Unix time in nanoseconds.
    pub time_ns: i64,
    /// Number of its container.
    pub container: u32,
    /// Where its text ends in the frame's.
    pub end: u32,
    /// How bad it is.
    pub level: Level,
    /// Where it was written.
    pub stream: Stream,
    /// What happened to it.
    pub marks: Marks,
    /// See [`view::hides_words`].
    pub hides_words: bool,
}

/// Entries in columns, in any order.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The facts.
    pub rows: Vec<Row>,
    /// The texts, one after another.
    pub text: String,
}

impl Frame {
    /// Adds an entry.
    pub fn push(&mut self, id: u64, container: u32, entry: &Entry) {
        self.text.push_str(&entry.message);
        self.rows.push(Row {
            id,
            time_ns: entry.time_ns,
            container,
            end: self.text.len() as u32,
            level: entry.level,
            stream: entry.stream,
            marks: entry.marks,
            hides_words: view::hides_words(&entry.message),
        });
    }

    /// Adds a row of another frame.
    pub fn push_row(&mut self, other: &Self, at: usize) {
        self.text.push_str(other.message(at));
        let end = self.text.len() as u32;
        self.rows.push(Row {
            end,
            ..other.rows[at]
        });
    }

    /// The text of the row at this place.
    pub fn message(&self, at: usize) -> &str {
        self.text.get(self.range(at)).unwrap_or("")
    }

    /// Where in the frame's text that is.
    pub fn range(&self, at: usize) -> std::ops::Range<usize> {
        let start = match at {
            0 => 0,
            at => self.rows[at - 1].end as usize,
        };
        start..self.rows[at].end as usize
    }

    /// What it takes in memory, in bytes.
    pub fn n_bytes(&self) -> usize {
        self.text.len() + self.rows.len() * size_of::<Row>()
    }

    /// The text, compressed: in one piece, or in several of which each is a frame of zstd.
    /// `ends` has for each piece the row after its last.
    pub fn packed_text(&self, ends: &[usize]) -> std::io::Result<Vec<u8>> {
        let mut zstd = zstd::bulk::Compressor::new(ZSTD_LEVEL)?;
        let mut packed = Vec::new();
        let mut start = 0;
        for end in ends {
            let end = end.checked_sub(1).map_or(0, |last| self.rows[last].end as usize);
            packed.extend(zstd.compress(&self.text.as_bytes()[start..end])?);
            start = end;
        }
        Ok(packed)
    }

    /// The rows, compressed.
    pub fn packed_rows(&self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.rows.len() * 8);
        put(&mut bytes, self.rows.len() as u64);
        put(&mut bytes, self.text.len() as u64);
        let mut before = 0;
        for row in &self.rows {
            put_signed(&mut bytes, row.id.wrapping_sub(before) as i64);
            before = row.id;
        }
        let mut before = 0_i64;
        for row in &self.rows {
            put_signed(&mut bytes, row.time_ns.wrapping_sub(before));
            before = row.time_ns;
        }
        for run in self.rows.chunk_by(|a, b| a.container == b.container) {
            put(&mut bytes, run[0].container.into());
            put(&mut bytes, run.len() as u64);
        }
        bytes.extend(self.rows.iter().map(flags));
        let mut start = 0;
        for row in &self.rows {
            put(&mut bytes, (row.end - start).into());
            start = row.end;
        }
        zstd::bulk::compress(&bytes, ZSTD_LEVEL)
    }
}

/// Level 3 bits, stream 1, marks 3, hidden words 1.
fn flags(row: &Row) -> u8 {
    let stream = (row.stream == Stream::Stderr) as u8;
    row.level.index() as u8 | stream << 3 | (row.marks.0 & 7) << 4 | u8::from(row.hides_words) << 7
}

/// Decompresses and keeps what it needs for that.
pub struct Unpacker {
    zstd: zstd::bulk::Decompressor<'static>,
}

impl Unpacker {
    /// Allocates about 100 KB.
    pub fn new() -> std::io::Result<Self> {
        Ok(Self {
            zstd: zstd::bulk::Decompressor::new()?,
        })
    }

    /// The rows, and how long their text is.
    pub fn rows(&mut self, packed: &[u8]) -> std::io::Result<(Vec<Row>, usize)> {
        let bytes = self.bytes(packed)?;
        decode(&bytes).ok_or_else(|| broken("the rows of a block end too early"))
    }

    /// The rows of some pieces, with their text.
    pub fn frame(&mut self, rows: &[Row], packed: &[u8], wanted: Pieces) -> std::io::Result<Frame> {
        let mut text = Vec::new();
        let mut frame = Frame::default();
        let (mut rest, mut start, mut first) = (packed, 0, 0);
        for number in 0.. {
            if rest.is_empty() {
                break;
            }
            let (piece, others) = split(rest)?;
            let end = start + length(piece)?;
            let last = first + rows[first..].partition_point(|row| row.end as usize <= end);
            if wanted.has(number) {
                let at = text.len();
                text.resize(at + end - start, 0);
                self.zstd.decompress_to_buffer(piece, &mut text[at..])?;
                let moved = |row: &Row| Row {
                    end: (row.end as usize - start + at) as u32,
                    ..*row
                };
                frame.rows.extend(rows[first..last].iter().map(moved));
            }
            (rest, start, first) = (others, end, last);
        }
        frame.text = String::from_utf8(text).map_err(|_| broken("the text of a block is no UTF-8"))?;
        Ok(frame)
    }

    fn bytes(&mut self, packed: &[u8]) -> std::io::Result<Vec<u8>> {
        self.zstd.decompress(packed, length(packed)?)
    }
}

/// How long it gets, as zstd says; what we wrote is never longer than a few megabytes.
fn length(packed: &[u8]) -> std::io::Result<usize> {
    const MAX_BYTES: u64 = 1 << 30;
    let length = zstd::zstd_safe::get_frame_content_size(packed).ok().flatten();
    let length = length.filter(|length| *length <= MAX_BYTES);
    let length = length.ok_or_else(|| broken("a block is not as it was written"))?;
    Ok(length as usize)
}

/// The first piece, and those after it.
fn split(packed: &[u8]) -> std::io::Result<(&[u8], &[u8])> {
    let length = zstd::zstd_safe::find_frame_compressed_size(packed).ok();
    let split = length.and_then(|length| packed.split_at_checked(length));
    split.ok_or_else(|| broken("the text of a block is not as it was written"))
}

fn broken(what: &'static str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, what)
}

fn decode(bytes: &[u8]) -> Option<(Vec<Row>, usize)> {
    let mut rest = bytes;
    let n_rows = take(&mut rest)? as usize;
    let n_text = take(&mut rest)? as usize;
    // Each row takes four bytes and more.
    if n_rows > rest.len() {
        return None;
    }
    let blank = Row {
        id: 0,
        time_ns: 0,
        container: 0,
        end: 0,
        level: Level::Info,
        stream: Stream::Stdout,
        marks: Marks::default(),
        hides_words: false,
    };
    let mut rows = vec![blank; n_rows];
    let mut id = 0_u64;
    for row in &mut rows {
        id = id.wrapping_add(take_signed(&mut rest)? as u64);
        row.id = id;
    }
    let mut time_ns = 0_i64;
    for row in &mut rows {
        time_ns = time_ns.wrapping_add(take_signed(&mut rest)?);
        row.time_ns = time_ns;
    }
    let mut left = rows.as_mut_slice();
    while !left.is_empty() {
        let container = u32::try_from(take(&mut rest)?).ok()?;
        let length = take(&mut rest)? as usize;
        let (run, others) = left.split_at_mut_checked(length.max(1))?;
        run.iter_mut().for_each(|row| row.container = container);
        left = others;
    }
    for row in &mut rows {
        let (flags, others) = rest.split_first()?;
        row.level = Level::at((flags & 7).into())?;
        row.stream = if flags & 8 == 0 {
            Stream::Stdout
        } else {
            Stream::Stderr
        };
        row.marks = Marks(flags >> 4 & 7);
        row.hides_words = flags & 0x80 != 0;
        rest = others;
    }
    let mut end = 0_u32;
    for row in &mut rows {
        end = end.checked_add(u32::try_from(take(&mut rest)?).ok()?)?;
        row.end = end;
    }
    Some((rows, n_text))
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Any entries, of a few containers.
    pub(crate) fn entries(text: &'static str) -> impl Strategy<Value = Vec<Entry>> {
        let entry = (0_i64..2_000, 0..4_u8, 0..5_usize, any::<bool>(), 0..8_u8, text);
        let entry = entry.prop_map(|(time, container, level, is_stderr, marks, message)| Entry {
            time_ns: time * 250_000_000,
            container: format!("c{container}").into(),
            stream: if is_stderr { Stream::Stderr } else { Stream::Stdout },
            level: Level::ALL[level],
            marks: Marks(marks),
            message,
        });
        prop::collection::vec(entry, 0..30)
    }

    proptest! {
        #[test]
        fn a_frame_is_read_as_it_was_written(
            entries in entries("\\PC*"),
            first_id: u32,
            ends in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let mut frame = Frame::default();
            for (at, entry) in entries.iter().enumerate() {
                frame.push(u64::from(first_id) + at as u64 * 7, entry.container.len() as u32, entry);
            }
            let mut unpacker = Unpacker::new().unwrap();
            let (rows, n_text) = unpacker.rows(&frame.packed_rows().unwrap()).unwrap();
            let mut ends: Vec<usize> = ends.into_iter().map(|end| end.index(entries.len() + 1)).collect();
            ends.push(entries.len());
            ends.sort_unstable();
            let packed = frame.packed_text(&ends).unwrap();
            let read = unpacker.frame(&rows, &packed, Pieces::ALL).unwrap();
            prop_assert_eq!(n_text, read.text.len());
            prop_assert_eq!(&read, &frame);
            let mut n_rows = 0;
            for number in 0..ends.len() {
                let piece = unpacker.frame(&rows, &packed, Pieces::one(number)).unwrap();
                for (at, row) in piece.rows.iter().enumerate() {
                    prop_assert_eq!(row.id, frame.rows[n_rows].id);
                    prop_assert_eq!(piece.message(at), frame.message(n_rows));
                    n_rows += 1;
                }
            }
            prop_assert_eq!(n_rows, entries.len());
            for (at, entry) in entries.iter().enumerate() {
                prop_assert_eq!(read.message(at), &entry.message);
            }
        }

        #[test]
        fn damaged_rows_are_refused_or_read_but_never_panic(bytes: Vec<u8>) {
            let _ = decode(&bytes);
        }
    }
}
