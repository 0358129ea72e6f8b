//! Who writes: one container's numbered lines, whole, in parts, in halves, broken; and its log rotated and compressed.

use std::sync::Arc;
use std::time::Duration;

use super::MAX_LINE_BYTES;
use super::journal::Journal;
use crate::docker::Container;

/// Rotated files are never deleted by number: what is deleted unread is lost for anybody.
const N_KEPT: u32 = 5_000;
/// By number.
pub(super) const NAMES: [&str; 2] = ["stdout", "stderr"];

/// SplitMix64.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// One container's writer: what it wrote, by stream.
pub(super) struct Writer {
    pub(super) name: String,
    pub(super) container: Container,
    pub(super) dice: Dice,
    /// When each numbered line was begun.
    pub(super) written_ms: [Vec<u64>; 2],
    pub(super) n_rotated: u32,
    pub(super) journal: Arc<Journal>,
}

impl Writer {
    pub(super) fn n_lines(&self, stream: usize) -> usize {
        self.written_ms[stream].len()
    }

    pub(super) fn write(&mut self, n_actions: usize) {
        for _ in 0..n_actions {
            match self.dice.below(24) {
                0 => self.trace(),
                1 => self.long(),
                2 => self.in_halves(),
                3 => self.binary(),
                4 => self.container.line("stdout", ""),
                5 => std::thread::sleep(Duration::from_millis(self.dice.next() % 20)),
                6 if self.dice.one_in(4) => self.rotate(),
                7 if self.n_rotated > 3 && self.dice.one_in(4) => self.compress(),
                8 if self.dice.one_in(8) => self.turn_over(),
                _ => self.line("x"),
            }
        }
    }

    fn stream(&mut self) -> usize {
        self.dice.below(2)
    }

    /// `#12 `, and counts it.
    fn number(&mut self, stream: usize) -> String {
        let number = self.n_lines(stream);
        self.written_ms[stream].push(self.journal.now_ms());
        format!("#{number} ")
    }

    pub(super) fn line(&mut self, text: &str) {
        let stream = self.stream();
        let number = self.number(stream);
        self.container.line(NAMES[stream], &format!("{number}{text}"));
    }

    fn trace(&mut self) {
        let stream = self.stream();
        self.container
            .line(NAMES[stream], "Traceback (most recent call last):");
        for _ in 0..self.dice.below(5) {
            let number = self.number(stream);
            self.container
                .line(NAMES[stream], &format!("  File \"a.py\", line 3 {number}"));
            if self.dice.one_in(4) {
                self.line("in between");
            }
        }
        let number = self.number(stream);
        self.container
            .line(NAMES[stream], &format!("ValueError: bad {number}"));
    }

    /// In parts, or one record of more than is kept.
    fn long(&mut self) {
        let n_bytes = [17_000, 40_000, MAX_LINE_BYTES * 5, 700_000][self.dice.below(4)];
        let text = "é".repeat(n_bytes / 2);
        if self.dice.one_in(2) {
            return self.line(&text);
        }
        let stream = self.stream();
        let number = self.number(stream);
        let record = self.container.record(NAMES[stream], &format!("{number}{text}\n"));
        self.container.raw(record.as_bytes());
    }

    fn in_halves(&mut self) {
        let stream = self.stream();
        let number = self.number(stream);
        let record = self.container.record(NAMES[stream], &format!("{number}half\n"));
        let (first, rest) = record.split_at(self.dice.below(record.len()));
        self.container.raw(first.as_bytes());
        std::thread::sleep(Duration::from_millis(self.dice.next() % 80));
        self.container.raw(rest.as_bytes());
    }

    /// Bytes that are no text, as a broken disk or another writer leaves them.
    fn binary(&mut self) {
        let stream = self.stream();
        let number = self.number(stream);
        let record = self
            .container
            .record(NAMES[stream], &format!("{number}BYTES\u{1}\u{0}\n"));
        let (before, after) = record.split_once("BYTES").expect("it stands there");
        self.container
            .raw(&[before.as_bytes(), &[0xff, 0xc3, 0x28, 0xf0], after.as_bytes()].concat());
    }

    fn rotate(&mut self) {
        self.container.rotate(N_KEPT);
        self.n_rotated += 1;
        self.journal.note(format!("{}: rotated", self.name));
    }

    fn compress(&mut self) {
        let n = 2 + self.dice.below(3) as u32;
        self.compress_nth(n);
    }

    fn compress_nth(&mut self, n: u32) {
        if self.container.rotated(n).exists() {
            self.container.compress(n);
            self.journal.note(format!("{}: compressed .{n}", self.name));
        }
    }

    /// Rotates and compresses at once, so that the inode of what was just read goes to whoever makes a file next.
    fn turn_over(&mut self) {
        self.rotate();
        for _ in 0..self.dice.below(3) {
            self.line("x");
        }
        self.rotate();
        self.compress_nth(2);
    }
}
