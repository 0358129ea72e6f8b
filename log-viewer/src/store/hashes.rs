//! Sorted pages of word hashes: which blocks of one seal may have a word that the index knows only by its hash.
//! A page is a row; its id is partition, seal, and the first hash in it, so that one lookup finds the page.

use rusqlite::{Connection, OptionalExtension};

use crate::store::bits::Bits;
use crate::store::terms::HASH_BITS;
use crate::store::varint::{put, take};

/// So that a page and its row fit into one page of SQLite.
const MAX_PAGE_BYTES: usize = 4_000;
/// Seals of a partition are counted in so many bits.
pub const SEAL_BITS: u32 = 10;

fn page_id(partition: u32, seal: u32, hash: u32) -> i64 {
    i64::from(partition) << (SEAL_BITS + HASH_BITS) | i64::from(seal) << HASH_BITS | i64::from(hash)
}

/// Stores the hashes of the blocks of one seal; `first_block` is the number of the first within its partition.
pub fn insert(
    tx: &Connection,
    partition: u32,
    seal: u32,
    first_block: u32,
    blocks: &[&[u32]],
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("insert into hashes (id, data) values (?1, ?2)")?;
    for (first_hash, page) in pages(first_block, blocks) {
        statement.execute((page_id(partition, seal, first_hash), page))?;
    }
    Ok(())
}

/// Pages with their first hash. A hash is never in two pages.
fn pages(first_block: u32, blocks: &[&[u32]]) -> Vec<(u32, Vec<u8>)> {
    let bits = usize::BITS - blocks.len().saturating_sub(1).leading_zeros();
    let mut pairs: Vec<u64> = Vec::with_capacity(blocks.iter().map(|hashes| hashes.len()).sum());
    for (block, hashes) in blocks.iter().enumerate() {
        pairs.extend(hashes.iter().map(|hash| u64::from(*hash) << bits | block as u64));
    }
    pairs.sort_unstable();
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let mut page_start = 0;
    let mut before = 0;
    for same in pairs.chunk_by(|a, b| a >> bits == b >> bits) {
        let hash = same[0] >> bits;
        if page.len() + same.len() * 5 > MAX_PAGE_BYTES && !page.is_empty() {
            pages.push((page_start, std::mem::take(&mut page)));
        }
        if page.is_empty() {
            page_start = hash as u32;
            before = hash << bits;
            put(&mut page, first_block.into());
            put(&mut page, bits.into());
        }
        for pair in same {
            put(&mut page, pair - before);
            before = *pair;
        }
    }
    if !page.is_empty() {
        pages.push((page_start, page));
    }
    pages
}

/// Sets the blocks of a partition that may have a word of this hash.
pub fn find(
    connection: &Connection,
    partition: u32,
    n_seals: u32,
    hash: u32,
    found: &mut Bits,
) -> rusqlite::Result<()> {
    let mut statement = connection
        .prepare_cached("select id, data from hashes where id between ?1 and ?2 order by id desc limit 1")?;
    for seal in 0..n_seals {
        let range = (page_id(partition, seal, 0), page_id(partition, seal, hash));
        statement
            .query_row(range, |row| {
                let start = row.get::<_, i64>(0)? as u32 & ((1 << HASH_BITS) - 1);
                let data = row.get_ref(1)?.as_blob()?;
                look_up(data, start, hash, found);
                Ok(())
            })
            .optional()?;
    }
    Ok(())
}

fn look_up(mut page: &[u8], start: u32, hash: u32, found: &mut Bits) {
    let (Some(first_block), Some(bits)) = (take(&mut page), take(&mut page)) else {
        return;
    };
    let bits = bits.min(32);
    let mut at = u64::from(start) << bits;
    while let Some(step) = take(&mut page) {
        at = at.wrapping_add(step);
        if at >> bits > u64::from(hash) {
            return;
        }
        if at >> bits == u64::from(hash) {
            found.set((first_block + (at & ((1 << bits) - 1))) as usize);
        }
    }
}

/// Deletes the pages of a partition.
pub fn drop_partition(tx: &Connection, partition: u32) -> rusqlite::Result<()> {
    tx.prepare_cached("delete from hashes where id >= ?1 and id < ?2")?
        .execute((page_id(partition, 0, 0), page_id(partition + 1, 0, 0)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn blocks() -> impl Strategy<Value = Vec<Vec<u32>>> {
        let hashes = prop::collection::btree_set(0_u32..1 << HASH_BITS, 0..300)
            .prop_map(|hashes| hashes.into_iter().collect());
        prop::collection::vec(hashes, 1..9)
    }

    proptest! {
        #[test]
        fn a_hash_is_found_in_its_blocks_and_in_no_other(blocks in blocks(), other: u32) {
            let database = Connection::open_in_memory().unwrap();
            database.execute_batch("create table hashes (id integer primary key, data blob)").unwrap();
            let slices: Vec<&[u32]> = blocks.iter().map(Vec::as_slice).collect();
            insert(&database, 3, 0, 0, &[&[1, 2], &[2]]).unwrap();
            insert(&database, 3, 1, 2, &slices).unwrap();
            insert(&database, 4, 0, 0, &[&[1, 2]]).unwrap();
            let other = other & ((1 << HASH_BITS) - 1);
            for hash in slices.iter().flat_map(|hashes| hashes.iter().copied()).chain([0, 1, 2, other]) {
                let mut found = Bits::default();
                find(&database, 3, 2, hash, &mut found).unwrap();
                let mut expected = Bits::default();
                (1..3).contains(&hash).then(|| expected.set(0));
                (hash == 2).then(|| expected.set(1));
                for (at, _) in blocks.iter().enumerate().filter(|(_, hashes)| hashes.contains(&hash)) {
                    expected.set(2 + at);
                }
                prop_assert_eq!(found, expected, "{}", hash);
            }
        }
    }
}
