//! The text of a block in up to eight pieces, each compressed by itself, and which of them a word is in:
//! so a rare word costs a piece or two, not a block. A piece is whole entries.

use crate::domain::query::Need;
use crate::store::frame::Frame;
use crate::store::piece_set::{MAX_PIECES, Pieces};
use crate::store::term_hash;

/// Text in a piece, unless the block has too much for that. Smaller ones are compressed worse.
pub const PIECE_BYTES: usize = 32 << 10;
/// Slots of a table: with its row it fits into one page of SQLite.
const MAX_SLOTS: usize = 4_000;
/// Bits of a word's hash for one slot: two of them are others than those that the index keeps.
const SLOT_BITS: u32 = 19;

/// Cuts a block into pieces of about so many bytes: for each the row after its last.
/// There is at least one, and all rows are in them.
pub fn cut(frame: &Frame, piece_bytes: usize) -> Vec<usize> {
    let n_bytes = frame.text.len();
    let n_pieces = n_bytes.div_ceil(piece_bytes.max(1)).clamp(1, MAX_PIECES);
    let size = n_bytes.div_ceil(n_pieces);
    let mut ends = Vec::new();
    let mut start = 0;
    for (at, row) in frame.rows.iter().enumerate() {
        let end = row.end as usize;
        // What is left behind a full piece may be rows without text.
        if end - start >= size && end < n_bytes {
            ends.push(at + 1);
            start = end;
        }
    }
    ends.push(frame.rows.len());
    ends
}

/// A table of these words, given as their hash and the pieces that they are in. Empty: there is no more than one piece.
pub fn table(words: &[(u64, Pieces)], n_pieces: usize) -> Vec<u8> {
    if n_pieces <= 1 {
        return Vec::new();
    }
    let mut slots = vec![0; words.len().clamp(1, MAX_SLOTS)];
    for (hash, pieces) in words {
        for slot in slots_of(*hash, slots.len()) {
            slots[slot] |= pieces.0;
        }
    }
    slots
}

fn slots_of(hash: u64, n_slots: usize) -> [usize; 2] {
    [0, SLOT_BITS].map(|shift| {
        let bits = hash >> shift & ((1 << SLOT_BITS) - 1);
        ((bits * n_slots as u64) >> SLOT_BITS) as usize
    })
}

/// The pieces in which something may match that needs this, by the table of a block.
pub fn having(table: &[u8], need: &Need) -> Pieces {
    if table.is_empty() {
        return Pieces::ALL;
    }
    match need {
        Need::Anything | Need::Prefix(_) => Pieces::ALL,
        Need::Word(word) => slots_of(term_hash::hash(word), table.len())
            .into_iter()
            .map(|slot| Pieces(table[slot]))
            .fold(Pieces::ALL, Pieces::and),
        Need::All(needs) => {
            let each = needs.iter().map(|need| having(table, need));
            each.fold(Pieces::ALL, Pieces::and)
        }
        Need::Any(needs) => {
            let each = needs.iter().map(|need| having(table, need));
            each.fold(Pieces::NONE, Pieces::or)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::testing::entry;

    fn frame(messages: &[String]) -> Frame {
        let mut frame = Frame::default();
        for (id, message) in messages.iter().enumerate() {
            frame.push(id as u64, 0, &entry(message));
        }
        frame
    }

    #[test]
    fn pieces_are_whole_entries_and_no_more_than_eight() {
        let check = |lengths: &[usize], expected: &[usize]| {
            let messages: Vec<String> = lengths.iter().map(|length| "x".repeat(*length)).collect();
            assert_eq!(cut(&frame(&messages), PIECE_BYTES), expected, "{lengths:?}");
        };
        check(&[], &[0]);
        check(&[0, 0], &[2]);
        check(&[10, 20], &[2]);
        check(&[20_000, 20_000, 0, 20_000, 0], &[2, 5]);
        check(&[70_000], &[1]);
        check(&[10, 70_000, 10], &[2, 3]);
        check(&[50_000; 16], &[2, 4, 6, 8, 10, 12, 14, 16]);
        check(&[1_000_000, 1, 1], &[1, 3]);
        assert_eq!(cut(&frame(&vec!["x".repeat(99); 5_000]), PIECE_BYTES).len(), 8);
    }

    #[test]
    fn a_word_is_in_its_pieces_and_in_few_others() {
        let words: Vec<String> = (0..3_000).map(|n| format!("word{n}")).collect();
        let hashed = words.iter().enumerate();
        let hashed: Vec<(u64, Pieces)> = hashed
            .map(|(n, word)| (term_hash::hash(word), Pieces::one(n % 8)))
            .collect();
        let table = table(&hashed, 8);
        let need = |n: usize| Need::Word(words[n].clone());
        let mut n_too_many = 0;
        for n in 0..words.len() {
            let pieces = having(&table, &need(n));
            assert!(pieces.has(n % 8));
            n_too_many += pieces.0.count_ones() - 1;
        }
        assert!(n_too_many < 3_000, "{n_too_many}");
        let both = Need::all([need(1), need(2)]);
        assert_eq!(
            having(&table, &both),
            having(&table, &need(1)).and(having(&table, &need(2)))
        );
        let either = Need::any([need(1), need(2)]);
        assert!(having(&table, &either).has(1) && having(&table, &either).has(2));
        assert_eq!(having(&table, &Need::Prefix("wo".to_owned())), Pieces::ALL);
        assert_eq!(having(&[], &need(1)), Pieces::ALL);
    }
}
