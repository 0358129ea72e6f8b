//! Making room: whole blocks leave, the first stored first, and of each container something stays
//! (`docs/decisions/0012-fair-share.md`). A partition of which nothing is left is dropped with its index.

use std::collections::{BTreeMap, HashMap, HashSet};

use rusqlite::Connection;

use crate::store::blocks::{Block, broken};
use crate::store::frame::Unpacker;
use crate::store::partitions::Partition;
use crate::store::piece_set::Pieces;
use crate::store::terms::{BlockTerms, Collector};

/// What is kept at most.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Entries.
    pub max_entries: u64,
    /// Size of the database; none: as large as it gets.
    pub max_bytes: Option<u64>,
    /// Age of an entry; none: any.
    pub max_age_ns: Option<i64>,
}

/// The database is kept below this share of its limit: what comes while room is made has to fit as well.
const FULL_PERCENT: u64 = 90;
/// When room is made for entries, it is this part of the limit more than needed, so that it is not made each time.
const SPARE: u64 = 64;

/// What is in use of the database file, in bytes.
pub fn used_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number =
        |pragma: &str| connection.query_row(&format!("pragma {pragma}"), [], |row| row.get::<_, i64>(0));
    let n_pages = number("page_count")? - number("freelist_count")?;
    Ok(n_pages.unsigned_abs() * number("page_size")?.unsigned_abs())
}

/// Size of the database file.
pub fn file_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let number =
        |pragma: &str| connection.query_row(&format!("pragma {pragma}"), [], |row| row.get::<_, i64>(0));
    Ok(number("page_count")?.unsigned_abs() * number("page_size")?.unsigned_abs())
}

impl Limits {
    /// Drops what is over the limits; `n_others` entries are in no block. Returns how many entries were dropped.
    pub fn make_room(&self, tx: &Connection, n_others: u64, now_ns: i64) -> rusqlite::Result<u64> {
        let n_blocked: i64 = tx.query_row("select coalesce(sum(n_entries), 0) from blocks", [], |row| {
            row.get(0)
        })?;
        let n_excess = (n_blocked.unsigned_abs() + n_others).saturating_sub(self.max_entries);
        let full = self.max_bytes.map(|bytes| bytes / 100 * FULL_PERCENT);
        let byte_excess = used_bytes(tx)?.saturating_sub(full.unwrap_or(u64::MAX));
        let oldest = self.max_age_ns.map_or(i64::MIN, |age| now_ns.saturating_sub(age));
        let is_old: bool = tx
            .prepare_cached("select exists (select 1 from blocks where last_ns < ?1)")?
            .query_row([oldest], |row| row.get(0))?;
        if n_excess == 0 && byte_excess == 0 && !is_old {
            return Ok(0);
        }
        let mut blocks = Block::all(tx)?;
        let mut dropped: Vec<Block> = blocks.extract_if(.., |block| block.last_ns < oldest).collect();
        let n_old: u64 = dropped.iter().map(|block| block.n_entries).sum();
        if n_excess > n_old {
            let excess = n_excess - n_old + self.max_entries / SPARE;
            dropped.extend(take_excess(&mut blocks, excess, |block| block.n_entries));
        }
        let n_bytes: u64 = dropped.iter().map(|block| block.n_bytes).sum();
        if byte_excess > n_bytes {
            let spare = self.max_bytes.unwrap_or(0) / SPARE;
            dropped.extend(take_excess(&mut blocks, byte_excess - n_bytes + spare, |block| {
                block.n_bytes
            }));
        }
        drop_blocks(tx, &blocks, &dropped)?;
        Ok(dropped.iter().map(|block| block.n_entries).sum())
    }
}

/// Takes out blocks of at least `excess`, the first stored first, from containers with more than their share:
/// half of what is kept, divided by the number of containers. What is in shared blocks counts together.
fn take_excess(blocks: &mut Vec<Block>, excess: u64, weight: impl Fn(&Block) -> u64) -> Vec<Block> {
    let mut used: HashMap<Option<u32>, u64> = HashMap::new();
    let mut containers: HashSet<u32> = HashSet::new();
    let mut sharing: HashSet<u32> = HashSet::new();
    for block in blocks.iter() {
        *used.entry(block.owner()).or_default() += weight(block);
        containers.extend(block.tallies.iter().map(|tally| tally.container));
        if block.owner().is_none() {
            sharing.extend(block.tallies.iter().map(|tally| tally.container));
        }
    }
    let n_kept = used.values().sum::<u64>().saturating_sub(excess);
    let share = n_kept / 2 / containers.len().max(1) as u64;
    let share_of = |owner: Option<u32>| match owner {
        Some(_) => share,
        None => share * sharing.len() as u64,
    };
    let mut left = excess;
    let mut taken = Vec::new();
    // Shares add up to half of what is kept, so the second round is for blocks that are larger than a share.
    for is_fair in [true, false] {
        taken.extend(blocks.extract_if(.., |block| {
            let used = used.entry(block.owner()).or_default();
            let is_taken = left > 0 && (!is_fair || *used > share_of(block.owner()));
            if is_taken {
                *used -= weight(block);
                left = left.saturating_sub(weight(block));
            }
            is_taken
        }));
    }
    taken
}

/// Drops these blocks, and the partitions of which nothing is kept.
fn drop_blocks(tx: &Connection, kept: &[Block], dropped: &[Block]) -> rusqlite::Result<()> {
    let living: HashSet<u32> = kept.iter().map(Block::partition).collect();
    let mut by_partition: BTreeMap<u32, Vec<&Block>> = BTreeMap::new();
    for block in dropped {
        by_partition.entry(block.partition()).or_default().push(block);
    }
    for partition in Partition::all(tx)? {
        let Some(blocks) = by_partition.get(&partition.id) else {
            continue;
        };
        if living.contains(&partition.id) {
            blocks.iter().try_for_each(|block| block.delete(tx))?;
        } else {
            Block::delete_partition(tx, partition)?;
            partition.delete(tx)?;
        }
    }
    Ok(())
}

/// A partition of which half and more is gone, so that its index is worth making again.
pub fn thin_partition(connection: &Connection) -> rusqlite::Result<Option<Partition>> {
    let mut statement = connection.prepare_cached(
        "select p.*, (select count(*) from blocks b where b.id between p.id << 12 and p.id << 12 | 4095) as n_left
         from partitions p
         order by id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let n_left: u32 = row.get("n_left")?;
        let partition = Partition::of_row(row)?;
        if n_left * 2 < partition.n_indexed {
            return Ok(Some(partition));
        }
    }
    Ok(None)
}

/// Words of the blocks that are left in a partition, by their number in it.
pub fn words_left(connection: &Connection, partition: Partition) -> rusqlite::Result<Vec<(u32, BlockTerms)>> {
    let mut unpacker = Unpacker::new().map_err(broken)?;
    let mut collector = Collector::default();
    let blocks = Block::of_partition(connection, partition)?;
    let words = blocks.iter().map(|block| {
        let frame = block.read(connection, &mut unpacker, Pieces::ALL)?;
        let terms = collector.collect(&frame, &[]);
        Ok((block.number() as u32, terms))
    });
    words.collect()
}
