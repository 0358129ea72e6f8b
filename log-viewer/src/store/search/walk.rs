//! Blocks that may hold what is looked for, the next in order first. Partitions are asked only when their turn comes.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rusqlite::Connection;

use super::sieve::Sieve;
use crate::domain::paging::{Cursor, Order};
use crate::store::bits::Bits;
use crate::store::blocks::Block;
use crate::store::partitions::Partition;

/// So few blocks of a partition are read one by one.
const FEW: usize = 16;

/// A place in the order asked for; what is shown first is smaller.
pub(super) fn rank(order: Order, place: Cursor) -> u128 {
    let time = (place.time_ns as u64) ^ (1 << 63);
    let ascending = u128::from(time) << 64 | u128::from(place.id);
    match order {
        Order::OldestFirst => ascending,
        Order::NewestFirst => !ascending,
    }
}

/// The smallest rank that an entry between these times can have.
pub(super) fn first_rank(order: Order, first_ns: i64, last_ns: i64) -> u128 {
    match order {
        Order::OldestFirst => rank(
            order,
            Cursor {
                time_ns: first_ns,
                id: 0,
            },
        ),
        Order::NewestFirst => rank(
            order,
            Cursor {
                time_ns: last_ns,
                id: u64::MAX,
            },
        ),
    }
}

/// See above.
pub(super) struct Walk {
    order: Order,
    /// The next one is the last.
    partitions: Vec<(u128, Partition)>,
    blocks: BinaryHeap<Ranked>,
}

struct Ranked(Reverse<u128>, Block);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0).then(self.1.id.cmp(&other.1.id))
    }
}

impl Walk {
    pub(super) fn new(connection: &Connection, order: Order, sieve: &Sieve<'_>) -> rusqlite::Result<Self> {
        let mut partitions: Vec<(u128, Partition)> = Partition::all(connection)?
            .into_iter()
            .filter(|partition| sieve.overlaps(partition.first_ns, partition.last_ns))
            .map(|partition| {
                (
                    first_rank(order, partition.first_ns, partition.last_ns),
                    partition,
                )
            })
            .collect();
        partitions.sort_by_key(|(rank, _)| Reverse(*rank));
        Ok(Self {
            order,
            partitions,
            blocks: BinaryHeap::new(),
        })
    }

    /// The smallest rank that anything still to come can have.
    pub(super) fn next_rank(&self) -> Option<u128> {
        let partition = self.partitions.last().map(|(rank, _)| *rank);
        let block = self.blocks.peek().map(|block| block.0.0);
        partition.into_iter().chain(block).min()
    }

    /// The next block.
    pub(super) fn next(
        &mut self,
        connection: &Connection,
        sieve: &Sieve<'_>,
    ) -> rusqlite::Result<Option<Block>> {
        while let Some((rank, partition)) = self.partitions.last() {
            if self.blocks.peek().is_some_and(|block| block.0.0 < *rank) {
                break;
            }
            let partition = *partition;
            self.partitions.pop();
            for block in candidates(connection, partition, sieve)? {
                let rank = first_rank(self.order, block.first_ns, block.last_ns);
                self.blocks.push(Ranked(Reverse(rank), block));
            }
        }
        Ok(self.blocks.pop().map(|ranked| ranked.1))
    }
}

/// Blocks of the partition that may hold something.
pub(super) fn candidates(
    connection: &Connection,
    partition: Partition,
    sieve: &Sieve<'_>,
) -> rusqlite::Result<Vec<Block>> {
    let mut blocks = match partition.find(connection, &sieve.need)? {
        None => Block::of_partition(connection, partition)?,
        Some(found) => among(connection, partition, &found)?,
    };
    blocks.retain(|block| sieve.may_match(block));
    Ok(blocks)
}

fn among(connection: &Connection, partition: Partition, found: &Bits) -> rusqlite::Result<Vec<Block>> {
    if found.len() > FEW {
        let mut blocks = Block::of_partition(connection, partition)?;
        blocks.retain(|block| found.has(block.number()));
        return Ok(blocks);
    }
    let mut blocks = Vec::new();
    for number in found.iter() {
        blocks.extend(Block::one(connection, partition.block_id(number as u32))?);
    }
    Ok(blocks)
}
