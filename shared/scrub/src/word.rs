//! How a scan steps: over words, and over runs of bytes.

use std::ops::Range;

/// Where a scan goes on, or the secret it found.
pub(crate) enum Step {
    /// No secret up to here.
    On(usize),
    Found(Range<usize>),
}

/// Letters, digits, `_` and everything beyond ASCII.
pub(crate) const fn is_word(byte: u8) -> bool {
    WORD[byte as usize]
}

pub(crate) const WORD: [bool; 256] = {
    let mut word = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        word[byte] = byte >= 0x80 || byte == b'_' as usize || (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    word
};

pub(crate) fn word_end(bytes: &[u8], start: usize) -> usize {
    run_end(bytes, start, is_word)
}

/// End of the run of bytes that `belongs` accepts.
pub(crate) fn run_end(bytes: &[u8], start: usize, belongs: impl Fn(u8) -> bool) -> usize {
    start + bytes[start..].iter().take_while(|&&byte| belongs(byte)).count()
}
