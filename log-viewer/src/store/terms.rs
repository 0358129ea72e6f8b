//! The words of a block, sorted by how the index keeps them: ordinary words go to FTS5 as they are; those with digits and
//! very long ones, of which there is no end, only as a hash. A hashed word leaves its letters before the first digit
//! as a stem, so that a prefix finds it. Also how many entries have each word, and which pieces.

use crate::domain::view::plain;
use crate::domain::words::{fold_into, words};
use crate::store::frame::Frame;
use crate::store::piece_set::Pieces;
use crate::store::pieces;
use crate::store::term_hash::{hash, index_hash};
use crate::store::varint::{put, take};

/// Longer words are hashed.
const MAX_WORD_BYTES: usize = 24;
/// Numbers of so many digits are words: status codes, small counts.
const MAX_DIGITS: usize = 3;
/// Stands before a stem; no word has it.
pub const STEM: char = '~';
/// Bits of a word's hash in the counts, others than those of the index.
const COUNT_MASK: u64 = 0xff_ffff;
/// Parts of the counts, so that little is read to find one.
const N_SECTIONS: usize = 32;

/// What the index gets of one block.
#[derive(Debug, Default)]
pub struct BlockTerms {
    /// Words and stems, separated by blanks.
    pub words: String,
    /// Hashes of [`HASH_BITS`], ascending.
    pub hashes: Vec<u32>,
    /// How many entries have a word; read it with [`count_of`].
    pub counts: Vec<u8>,
    /// Which pieces a word is in; see [`pieces::table`].
    pub pieces: Vec<u8>,
}

/// How the index knows a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Term<'w> {
    /// As it is.
    Word(&'w str),
    /// By its hash, and the letters before its first digit.
    Hashed(&'w str),
}

/// How the index knows this word.
pub fn term(word: &str) -> Term<'_> {
    let first_digit = word.bytes().position(|byte| byte.is_ascii_digit());
    match first_digit {
        None if word.len() <= MAX_WORD_BYTES => Term::Word(word),
        Some(0) if word.len() <= MAX_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit()) => {
            Term::Word(word)
        }
        first_digit => Term::Hashed(cut(&word[..first_digit.unwrap_or(word.len())])),
    }
}

/// The beginning of a stem, as far as stems are kept.
pub fn cut(letters: &str) -> &str {
    &letters[..letters.floor_char_boundary(MAX_WORD_BYTES)]
}

/// Collects the words of one block after another.
pub struct Collector {
    /// Open addressing; hash 0 is an empty slot.
    slots: Vec<Slot>,
    n_used: usize,
    folded: String,
}

#[derive(Clone, Copy)]
struct Slot {
    hash: u64,
    /// Of the last row that had it, counted from 1.
    last_row: u32,
    /// Rows that have it.
    n_rows: u32,
    /// Pieces that have it.
    pieces: Pieces,
}

const EMPTY: Slot = Slot {
    hash: 0,
    last_row: 0,
    n_rows: 0,
    pieces: Pieces::NONE,
};

impl Default for Collector {
    fn default() -> Self {
        Self {
            slots: vec![EMPTY; 1 << 13],
            n_used: 0,
            folded: String::new(),
        }
    }
}

impl Collector {
    /// The words of this block, whose pieces end before these rows.
    pub fn collect(&mut self, frame: &Frame, ends: &[usize]) -> BlockTerms {
        self.slots.fill(EMPTY);
        self.n_used = 0;
        let mut terms = BlockTerms::default();
        let mut folded = std::mem::take(&mut self.folded);
        let mut number = 0;
        for at in 0..frame.rows.len() {
            number += usize::from(ends.get(number) == Some(&at));
            let piece = Pieces::one(number);
            folded.clear();
            fold_into(&plain(frame.message(at)), &mut folded);
            for word in words(&folded) {
                let hash = hash(word);
                if !self.count(hash, at as u32 + 1, piece) {
                    continue;
                }
                match term(word) {
                    Term::Word(word) => push_word(&mut terms.words, None, word),
                    Term::Hashed(stem) => {
                        terms.hashes.push(index_hash(hash));
                        // Row 0: stems are not counted.
                        if !stem.is_empty() && self.count(stem_hash(stem), 0, Pieces::NONE) {
                            push_word(&mut terms.words, Some(STEM), stem);
                        }
                    }
                }
            }
        }
        self.folded = folded;
        terms.hashes.sort_unstable();
        terms.hashes.dedup();
        terms.counts = self.counts();
        terms.pieces = pieces::table(&self.located(), ends.len());
        terms
    }

    /// Counts a row of this piece for a word. True: it is the first time that the word is seen.
    fn count(&mut self, hash: u64, row: u32, piece: Pieces) -> bool {
        let hash = hash.max(1);
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.hash == hash {
                if slot.last_row != row {
                    slot.last_row = row;
                    slot.n_rows += 1;
                    slot.pieces = slot.pieces.or(piece);
                }
                return false;
            }
            if slot.hash == 0 {
                *slot = Slot {
                    hash,
                    last_row: row,
                    n_rows: u32::from(row > 0),
                    pieces: piece,
                };
                self.n_used += 1;
                if self.n_used * 2 > self.slots.len() {
                    self.grow();
                }
                return true;
            }
            at = (at + 1) & mask;
        }
    }

    fn grow(&mut self) {
        let larger = vec![EMPTY; self.slots.len() * 2];
        let old = std::mem::replace(&mut self.slots, larger);
        let mask = self.slots.len() - 1;
        for slot in old.into_iter().filter(|slot| slot.hash != 0) {
            let mut at = slot.hash as usize & mask;
            while self.slots[at].hash != 0 {
                at = (at + 1) & mask;
            }
            self.slots[at] = slot;
        }
    }

    /// Words with their pieces.
    fn located(&self) -> Vec<(u64, Pieces)> {
        let words = self.slots.iter().filter(|slot| slot.n_rows > 0);
        words.map(|slot| (slot.hash, slot.pieces)).collect()
    }

    /// Words of more than one entry, and those that the short hash cannot tell apart, with 0 as their count:
    /// the lengths of all sections, then the sections.
    fn counts(&self) -> Vec<u8> {
        let counted = self.slots.iter().filter(|slot| slot.n_rows > 0);
        let mut pairs: Vec<(u32, u32)> = counted
            .map(|slot| ((slot.hash & COUNT_MASK) as u32, slot.n_rows))
            .collect();
        pairs.sort_unstable();
        let mut sections = vec![Vec::new(); N_SECTIONS];
        let mut before = [0; N_SECTIONS];
        for same in pairs.chunk_by(|a, b| a.0 == b.0) {
            let (hash, n_rows) = same[0];
            let n_rows = if same.len() > 1 { 0 } else { n_rows };
            if n_rows != 1 {
                let (nth, within) = section(hash.into());
                put(&mut sections[nth], within - before[nth]);
                put(&mut sections[nth], n_rows.into());
                before[nth] = within;
            }
        }
        let mut bytes = Vec::new();
        sections
            .iter()
            .for_each(|section| put(&mut bytes, section.len() as u64));
        bytes.extend(sections.concat());
        bytes
    }
}

/// Which section of the counts a short hash is in, and the rest of it.
fn section(hash: u64) -> (usize, u64) {
    let bits = COUNT_MASK.count_ones() - N_SECTIONS.ilog2();
    ((hash >> bits) as usize, hash & ((1 << bits) - 1))
}

fn push_word(words: &mut String, sign: Option<char>, word: &str) {
    if !words.is_empty() {
        words.push(' ');
    }
    words.extend(sign);
    words.push_str(word);
}

fn stem_hash(stem: &str) -> u64 {
    hash(stem) ^ 0x9e37_79b9_7f4a_7c15
}

/// How many entries of a block have a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    /// So many.
    Exactly(u64),
    /// One, if the word is in the block at all.
    OneIfAny,
    /// Two words share a hash.
    Unknown,
}

/// How many entries have the word of this hash, by the counts of a block that may have it.
pub fn count_of(mut counts: &[u8], hash: u64) -> Count {
    let (nth, wanted) = section(hash.max(1) & COUNT_MASK);
    let mut lengths = [0; N_SECTIONS];
    for length in &mut lengths {
        *length = take(&mut counts).unwrap_or(0) as usize;
    }
    let (start, length) = (lengths[..nth].iter().sum::<usize>(), lengths[nth]);
    let mut counts = counts
        .get(start..)
        .and_then(|rest| rest.get(..length))
        .unwrap_or(&[]);
    let mut at = 0;
    while let (Some(step), Some(n_rows)) = (take(&mut counts), take(&mut counts)) {
        at += step;
        if at == wanted {
            return match n_rows {
                0 => Count::Unknown,
                n_rows => Count::Exactly(n_rows),
            };
        }
        if at > wanted {
            break;
        }
    }
    Count::OneIfAny
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::testing::entry;

    fn collect(messages: &[&str]) -> BlockTerms {
        let mut frame = Frame::default();
        for (id, message) in messages.iter().enumerate() {
            frame.push(id as u64, 0, &entry(message));
        }
        Collector::default().collect(&frame, &[messages.len()])
    }

    #[test]
    fn words_go_as_they_are_and_ids_as_hashes() {
        let terms = collect(&[
            "GET /api/v1 200 in 1234 ms",
            "get req-7f3a9 登录",
            "{\"m\":\"a\\u0062c\"}",
        ]);
        assert_eq!(terms.words, "get api ~v 200 in ms req 登 录 m abc");
        let mut expected = ["v1", "1234", "7f3a9"].map(|word| index_hash(hash(word)));
        expected.sort_unstable();
        assert_eq!(terms.hashes, expected);
    }

    #[test]
    fn it_is_counted_how_many_entries_have_a_word() {
        let terms = collect(&["a b a", "a c 12345", "12345 a1"]);
        let count = |word| count_of(&terms.counts, hash(word));
        assert_eq!(count("a"), Count::Exactly(2));
        assert_eq!(count("b"), Count::OneIfAny);
        assert_eq!(count("12345"), Count::Exactly(2));
        assert_eq!(count("nowhere"), Count::OneIfAny);
    }

    #[test]
    fn a_table_that_grows_keeps_its_counts() {
        let words: Vec<String> = (0..5_000).map(|n| format!("word{n}")).collect();
        let text = words.join(" ");
        let terms = collect(&[&text, &text]);
        let counts: Vec<Count> = words
            .iter()
            .step_by(50)
            .map(|word| count_of(&terms.counts, hash(word)))
            .collect();
        let n_exact = counts.iter().filter(|count| **count == Count::Exactly(2)).count();
        assert!(n_exact > 95, "{counts:?}");
        assert!(counts.iter().all(|count| *count != Count::OneIfAny));
        assert_eq!(terms.words, "~word");
    }

    #[test]
    fn very_long_words_are_hashed_with_their_beginning() {
        assert_eq!(term(&"é".repeat(13)), Term::Hashed(&"é".repeat(12)));
        assert_eq!(
            term("abcdefghijklmnopqrstuvwx"),
            Term::Word("abcdefghijklmnopqrstuvwx")
        );
        assert_eq!(
            term("abcdefghijklmnopqrstuvwxy"),
            Term::Hashed("abcdefghijklmnopqrstuvwx")
        );
        assert_eq!(term("1234"), Term::Hashed(""));
        assert_eq!(term("12a"), Term::Hashed(""));
        assert_eq!(term("123"), Term::Word("123"));
    }
}
