//! The hash by which a word is found.

use xxhash_rust::xxh3::xxh3_64;

/// Bits of a word's hash that the index keeps.
pub const HASH_BITS: u32 = 26;

/// The hash of a word.
pub fn hash(word: &str) -> u64 {
    xxh3_64(word.as_bytes())
}

/// The part of a hash that the index keeps.
pub fn index_hash(hash: u64) -> u32 {
    (hash >> (u64::BITS - HASH_BITS)) as u32
}
