//! Sorted pages of word hashes: which blocks of one seal may have a word that the index knows only by its hash.
//! A page is a row; its id is partition, seal, and the first hash in it, so that one lookup finds the page.
//! Pages of eight seals are merged, so that a search has an eighth of the lookups.

use rusqlite::{Connection, OptionalExtension};

use crate::store::bits::Bits;
use crate::store::term_hash::HASH_BITS;
use crate::store::varint::{put, take};

/// So that a page and its row fit into one page of SQLite.
const MAX_PAGE_BYTES: usize = 4_000;
/// Seals of a partition are counted in so many bits.
const SEAL_BITS: u32 = 10;

/// So many seals are merged into one group.
const GROUP: u32 = 8;
/// Groups have the numbers of seals from this one on; a partition has less seals.
pub const MAX_SEALS: u32 = (1 << SEAL_BITS) / (GROUP + 1) * GROUP;

fn page_id(partition: u32, seal: u32, hash: u32) -> i64 {
    i64::from(partition) << (SEAL_BITS + HASH_BITS) | i64::from(seal) << HASH_BITS | i64::from(hash)
}

/// Stores the hashes of the blocks of one seal; `first_block` is the number of the first within its partition.
/// The last seal of a group merges it.
pub fn insert(
    tx: &Connection,
    partition: u32,
    seal: u32,
    first_block: u32,
    blocks: &[&[u32]],
) -> rusqlite::Result<()> {
    let mut pairs: Vec<Pair> = Vec::with_capacity(blocks.iter().map(|hashes| hashes.len()).sum());
    for (block, hashes) in (first_block..).zip(blocks) {
        pairs.extend(hashes.iter().map(|hash| (*hash, block)));
    }
    store(tx, partition, seal, pairs)?;
    match (seal + 1).is_multiple_of(GROUP) {
        true => merge(tx, partition, seal / GROUP),
        false => Ok(()),
    }
}

/// A hash, and the number of a block that has it.
type Pair = (u32, u32);

fn store(tx: &Connection, partition: u32, seal: u32, mut pairs: Vec<Pair>) -> rusqlite::Result<()> {
    pairs.sort_unstable();
    let mut statement = tx.prepare_cached("insert into hashes (id, data) values (?1, ?2)")?;
    for (first_hash, page) in pages(&pairs) {
        statement.execute((page_id(partition, seal, first_hash), page))?;
    }
    Ok(())
}

/// Makes one of the pages of a group's seals.
fn merge(tx: &Connection, partition: u32, group: u32) -> rusqlite::Result<()> {
    let range = (
        page_id(partition, group * GROUP, 0),
        page_id(partition, (group + 1) * GROUP, 0),
    );
    let mut pairs = Vec::new();
    {
        let mut statement = tx.prepare_cached("select id, data from hashes where id >= ?1 and id < ?2")?;
        let mut rows = statement.query(range)?;
        while let Some(row) = rows.next()? {
            read(row.get_ref(1)?.as_blob()?, start_of(row.get(0)?), |pair| {
                pairs.push(pair);
                true
            });
        }
    }
    tx.prepare_cached("delete from hashes where id >= ?1 and id < ?2")?
        .execute(range)?;
    store(tx, partition, MAX_SEALS + group, pairs)
}

/// Pages with their first hash, of sorted pairs. A hash is never in two pages.
fn pages(pairs: &[Pair]) -> Vec<(u32, Vec<u8>)> {
    let first_block = pairs.iter().map(|pair| pair.1).min().unwrap_or(0);
    let last_block = pairs.iter().map(|pair| pair.1).max().unwrap_or(0);
    let bits = u32::BITS - (last_block - first_block).leading_zeros();
    let mut pages = Vec::new();
    let mut page = Vec::new();
    let mut page_start = 0;
    let mut before = 0;
    for same in pairs.chunk_by(|a, b| a.0 == b.0) {
        let hash = same[0].0;
        if page.len() + same.len() * 5 > MAX_PAGE_BYTES && !page.is_empty() {
            pages.push((page_start, std::mem::take(&mut page)));
        }
        if page.is_empty() {
            page_start = hash;
            before = u64::from(hash) << bits;
            put(&mut page, first_block.into());
            put(&mut page, bits.into());
        }
        for (hash, block) in same {
            let pair = u64::from(*hash) << bits | u64::from(block - first_block);
            put(&mut page, pair - before);
            before = pair;
        }
    }
    if !page.is_empty() {
        pages.push((page_start, page));
    }
    pages
}

/// The first hash of a page.
fn start_of(id: i64) -> u32 {
    id as u32 & ((1 << HASH_BITS) - 1)
}

/// Sets the blocks of a partition that may have a word of this hash.
pub fn find(
    connection: &Connection,
    partition: u32,
    n_seals: u32,
    hash: u32,
    found: &mut Bits,
) -> rusqlite::Result<()> {
    for group in 0..n_seals / GROUP {
        if !find_in(connection, partition, MAX_SEALS + group, hash, found)? {
            // One that was stored before groups were merged; or the hash is smaller than all.
            for seal in group * GROUP..(group + 1) * GROUP {
                find_in(connection, partition, seal, hash, found)?;
            }
        }
    }
    for seal in n_seals / GROUP * GROUP..n_seals {
        find_in(connection, partition, seal, hash, found)?;
    }
    Ok(())
}

/// The same for one seal or group. False: it has no page that could have the hash.
fn find_in(
    connection: &Connection,
    partition: u32,
    seal: u32,
    hash: u32,
    found: &mut Bits,
) -> rusqlite::Result<bool> {
    let mut statement = connection
        .prepare_cached("select id, data from hashes where id between ?1 and ?2 order by id desc limit 1")?;
    let range = (page_id(partition, seal, 0), page_id(partition, seal, hash));
    let page = statement.query_row(range, |row| {
        read(row.get_ref(1)?.as_blob()?, start_of(row.get(0)?), |pair| {
            if pair.0 == hash {
                found.set(pair.1 as usize);
            }
            pair.0 <= hash
        });
        Ok(())
    });
    Ok(page.optional()?.is_some())
}

/// Gives the pairs of a page in order, as long as `go_on` says so.
fn read(mut page: &[u8], start: u32, mut go_on: impl FnMut(Pair) -> bool) {
    let (Some(first_block), Some(bits)) = (take(&mut page), take(&mut page)) else {
        return;
    };
    let bits = bits.min(32);
    let mut at = u64::from(start) << bits;
    while let Some(step) = take(&mut page) {
        at = at.wrapping_add(step);
        let block = first_block.wrapping_add(at & ((1 << bits) - 1));
        if !go_on(((at >> bits) as u32, block as u32)) {
            return;
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

    #[test]
    fn seals_are_found_before_and_after_they_are_merged() {
        let database = Connection::open_in_memory().unwrap();
        database
            .execute_batch("create table hashes (id integer primary key, data blob)")
            .unwrap();
        let n_seals = GROUP * 2 + 3;
        for seal in 0..n_seals {
            // One that all have, one that only this has, and one that no other partition's has.
            let hashes = [7, 100 + seal * 1_000, 5_000_000 - seal];
            let mut sorted = hashes;
            sorted.sort_unstable();
            insert(&database, 3, seal, seal * 2, &[&sorted, &[7]]).unwrap();
            let mut found = Bits::default();
            find(&database, 3, seal + 1, 7, &mut found).unwrap();
            assert_eq!(found.len(), (seal as usize + 1) * 2);
        }
        for seal in 0..n_seals {
            for hash in [100 + seal * 1_000, 5_000_000 - seal] {
                let mut found = Bits::default();
                find(&database, 3, n_seals, hash, &mut found).unwrap();
                assert_eq!(found.iter().collect::<Vec<_>>(), [seal as usize * 2], "{hash}");
            }
        }
        let n_pages: u32 = database
            .query_row("select count(*) from hashes", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n_pages, 2 + 3, "a page for each group and each seal after them");
        drop_partition(&database, 3).unwrap();
        let n_pages: u32 = database
            .query_row("select count(*) from hashes", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n_pages, 0);
    }
}
