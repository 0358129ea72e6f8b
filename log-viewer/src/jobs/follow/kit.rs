//! What all sources share while they are read: one buffer, the numbers of files, the positions that are known,
//! and how much history a file that is seen for the first time gives.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::jobs::follow::log_file::LogFile;
use crate::store::positions::{FileId, Gone, Position};

/// Read at most so much of a file in its turn.
const TURN_BYTES: usize = 256 << 10;
/// A file that is not the same inode, or of another source, is known again by its first bytes only if they are at
/// least so many.
pub(super) const MIN_HEAD_BYTES: u64 = 64;
/// How long the positions of a source that is nowhere to be found are kept: a folder may be mounted late, and a log
/// that was renamed is followed by the next one only when something is written.
const GONE_KEPT_MS: i64 = 7 * 24 * 3600 * 1000;
/// Files of one source whose positions are kept after they were read to the end.
const N_CLOSED_KEPT: usize = 8;

/// Shared by all sources of the one thread that reads.
pub(super) struct Kit {
    pub(super) buffer: Vec<u8>,
    pub(super) max_line_bytes: usize,
    /// How much is taken of a file that was there before logs were followed, in bytes; 0: all.
    tail_bytes: u64,
    /// Since when logs are followed, in Unix milliseconds.
    since_ms: i64,
    next_number: u32,
    /// By source. An inode that was given to another source's file may still be that of a file compressed since.
    positions: HashMap<String, HashMap<FileId, Position>>,
    last_turn: u64,
    /// Sources of which any position was ever known.
    sources: HashSet<String>,
}

impl Kit {
    pub(super) fn new(
        max_line_bytes: usize,
        tail_bytes: u64,
        since_ms: i64,
        positions: Vec<Position>,
    ) -> Self {
        let mut kit = Self {
            buffer: vec![0; TURN_BYTES],
            max_line_bytes,
            tail_bytes,
            since_ms,
            next_number: 0,
            last_turn: positions.iter().map(|position| position.turn).max().unwrap_or(0),
            sources: positions.iter().map(|position| position.source.clone()).collect(),
            positions: HashMap::new(),
        };
        positions.into_iter().for_each(|position| kit.keep(position));
        kit
    }

    fn keep(&mut self, position: Position) {
        let of_source = self.positions.entry(position.source.clone()).or_default();
        of_source.insert(position.file, position);
    }

    /// A number for a file, used once.
    pub(super) fn number(&mut self) -> u32 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// Where a file was left: by its inode if the bytes agree; else by its bytes among the files of its source,
    /// as a copy or a compressed one has another inode; else by both among those of others, as it may have been
    /// renamed.
    pub(super) fn known(&self, source: &str, file: &mut LogFile) -> Option<Position> {
        let is_telling = |position: &&Position| position.fingerprint.head_bytes >= MIN_HEAD_BYTES;
        let is_same = |file: &mut LogFile, position: &Position| {
            file.is(&position.fingerprint, position.progress.offset)
                .unwrap_or(false)
        };
        let id = file.id;
        let of_source = self.positions.get(source);
        let by_id = of_source.and_then(|positions| positions.get(&id));
        if let Some(position) = by_id.filter(|position| is_same(file, position)) {
            return Some(position.clone());
        }
        let by_bytes = of_source
            .into_iter()
            .flat_map(HashMap::values)
            .filter(is_telling)
            .filter(|position| is_same(file, position))
            .max_by_key(|position| position.progress.offset);
        if by_bytes.is_some() {
            return by_bytes.cloned();
        }
        let of_others = self.positions.values().filter_map(|positions| positions.get(&id));
        of_others
            .filter(is_telling)
            .find(|position| is_same(file, position))
            .cloned()
    }

    /// Whether the source was followed before.
    pub(super) fn has_source(&self, source: &str) -> bool {
        self.sources.contains(source)
    }

    /// Remembers a position, and gives it its turn. One that is where it was keeps that of then: an old file that is
    /// opened again is no newer for it.
    pub(super) fn learn(&mut self, mut position: Position) -> Position {
        let of_source = self.positions.get(&position.source);
        position.turn = match of_source.and_then(|positions| positions.get(&position.file)) {
            Some(known) if is_where_it_was(known, &position) => known.turn,
            _ => {
                self.last_turn += 1;
                self.last_turn
            }
        };
        if !self.sources.contains(&position.source) {
            self.sources.insert(position.source.clone());
        }
        self.keep(position.clone());
        position
    }

    /// A file that was known by another's position is where that one was, and as old.
    pub(super) fn adopt(&mut self, known: &Position, source: &str, file: FileId) {
        self.keep(Position {
            file,
            source: source.to_owned(),
            gone_ms: None,
            ..known.clone()
        });
    }

    /// Of a source's files that are not open any more, all but those saved last: what is older than a known file
    /// is not read again, known or not.
    pub(super) fn surplus(&self, source: &str, open: &[FileId]) -> Vec<FileId> {
        let of_source = self.positions.get(source).into_iter().flat_map(HashMap::values);
        let mut closed: Vec<(u64, FileId)> = of_source
            .filter(|position| !open.contains(&position.file))
            .map(|position| (position.turn, position.file))
            .collect();
        closed.sort_by_key(|(turn, _)| std::cmp::Reverse(*turn));
        let surplus = closed.split_off(closed.len().min(N_CLOSED_KEPT));
        surplus.into_iter().map(|(_, file)| file).collect()
    }

    /// A file is nothing to its source any more.
    pub(super) fn forget(&mut self, source: &str, file: FileId) -> Gone {
        if let Some(positions) = self.positions.get_mut(source) {
            positions.remove(&file);
        }
        Gone {
            source: source.to_owned(),
            file,
        }
    }

    /// Notes which sources are nowhere to be found and which are there again, and forgets those that were absent
    /// for long. Gives what is to be saved of it.
    pub(super) fn note_absent(
        &mut self,
        now_ms: i64,
        is_there: impl Fn(&str) -> bool,
    ) -> (Vec<Position>, Vec<Gone>) {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        for (source, positions) in &mut self.positions {
            let is_there = is_there(source);
            positions.retain(|file, position| {
                let since_ms = (!is_there).then(|| position.gone_ms.unwrap_or(now_ms));
                let is_kept = since_ms.is_none_or(|since_ms| now_ms - since_ms <= GONE_KEPT_MS);
                if !is_kept {
                    gone.push(Gone {
                        source: source.clone(),
                        file: *file,
                    });
                } else if position.gone_ms != since_ms {
                    position.gone_ms = since_ms;
                    changed.push(position.clone());
                }
                is_kept
            });
        }
        self.positions.retain(|_, positions| !positions.is_empty());
        (changed, gone)
    }

    /// Where to begin in each of a new source's files (oldest first): at the start of those that came into being
    /// since logs are followed; of older ones only the last `TAIL_BUFFER` bytes are taken. None: not at all.
    pub(super) fn first_sight(&mut self, files: &[LogFile]) -> io::Result<Vec<Option<u64>>> {
        let mut left = self.tail_bytes;
        let mut starts = vec![None; files.len()];
        for (file, start) in files.iter().zip(&mut starts).rev() {
            let is_history = file
                .created_ms()
                .is_some_and(|created_ms| created_ms < self.since_ms);
            if !is_history || self.tail_bytes == 0 {
                *start = Some(0);
            } else if file.is_gzip() || left == 0 {
                break;
            } else if file.size > left {
                *start = Some(file.line_at(file.size - left, &mut self.buffer)?);
                break;
            } else {
                left -= file.size;
                *start = Some(0);
            }
        }
        Ok(starts)
    }
}

/// Its inode may be that of another file by now, as long as the one before.
fn is_where_it_was(known: &Position, now: &Position) -> bool {
    let (before, after) = (&known.fingerprint, &now.fingerprint);
    known.progress == now.progress
        && (before.head_bytes, before.head_hash) == (after.head_bytes, after.head_hash)
}
