//! Entries by their ids: one, those around it, those after it.

use std::collections::BinaryHeap;

use super::page::stored;
use super::walk::candidates;
use super::{Part, Reading};
use crate::domain::entry::Stored;
use crate::domain::filter::Filter;
use crate::domain::paging::{Context, Cursor, Order, Paging};
use crate::store::blocks::Block;
use crate::store::partitions::Partition;

/// The entry with this id.
pub(super) fn one(reading: &mut Reading<'_>, id: u64) -> rusqlite::Result<Option<Stored>> {
    let filter = Filter::default();
    let sieve = reading.sieve(&filter);
    if id >= reading.sealed_before {
        let found = reading.window.frames().iter().find_map(|frame| {
            let at = frame.rows.binary_search_by_key(&id, |row| row.id).ok()?;
            Some(stored(frame, at, &sieve))
        });
        return Ok(found);
    }
    for block in Block::around(reading.connection, id)? {
        let facts = reading.frame(&block, Part::Facts)?;
        if let Some(at) = facts.rows.iter().position(|row| row.id == id) {
            let frame = reading.frame(&block, Part::All)?;
            return Ok(Some(stored(&frame, at, &sieve)));
        }
    }
    Ok(None)
}

/// The entry with this id, and those of its container around it.
pub(super) fn context(
    reading: &mut Reading<'_>,
    id: u64,
    n_before: usize,
    n_after: usize,
) -> rusqlite::Result<Option<Context>> {
    let Some(entry) = one(reading, id)? else {
        return Ok(None);
    };
    let filter = Filter {
        containers: vec![entry.entry.container.to_string()],
        ..Filter::default()
    };
    let around = |order, limit| Paging {
        order,
        after: Some(Cursor::of(&entry)),
        offset: 0,
        limit,
        is_counted: false,
    };
    let mut before = reading
        .page(&filter, &around(Order::NewestFirst, n_before))?
        .entries;
    before.reverse();
    let after = reading
        .page(&filter, &around(Order::OldestFirst, n_after))?
        .entries;
    Ok(Some(Context { before, entry, after }))
}

/// Those that match and were stored after the one with this id, in the order of ids; at most `limit`.
pub(super) fn stored_after(
    reading: &mut Reading<'_>,
    id: u64,
    filter: &Filter,
    limit: usize,
) -> rusqlite::Result<Vec<Stored>> {
    let mut sieve = reading.sieve(filter);
    let mut first: BinaryHeap<ById> = BinaryHeap::new();
    // The smallest ids of partitions and of blocks ascend; the others overlap.
    for partition in Partition::all(reading.connection)? {
        let mut blocks = candidates(reading.connection, partition, &sieve)?;
        blocks.retain(|block| block.last_id > id);
        blocks.sort_by_key(|block| block.first_id);
        let is_full = |first: &BinaryHeap<ById>, block: &Block| {
            first.len() >= limit && first.peek().is_some_and(|last| last.0.id < block.first_id)
        };
        if blocks.first().is_some_and(|block| is_full(&first, block)) {
            break;
        }
        for block in blocks {
            if is_full(&first, &block) {
                break;
            }
            let frame = reading.frame(&block, sieve.shown_part())?;
            for at in sieve.places(&frame, |row| row.id > id) {
                let is_wanted =
                    first.len() < limit || first.peek().is_some_and(|last| frame.rows[at].id < last.0.id);
                if is_wanted {
                    first.push(ById(stored(&frame, at, &sieve)));
                    if first.len() > limit {
                        first.pop();
                    }
                }
            }
        }
    }
    let mut entries: Vec<Stored> = first.into_sorted_vec().into_iter().map(|by_id| by_id.0).collect();
    for frame in reading.window.frames() {
        if entries.len() >= limit {
            break;
        }
        let places = sieve.places(frame, |row| row.id > id && row.id >= reading.sealed_before);
        let left = limit - entries.len();
        entries.extend(places.into_iter().take(left).map(|at| stored(frame, at, &sieve)));
    }
    Ok(entries)
}

/// How many of the entries stored after the one with this id are not there any more. Ids have no gaps of their own;
/// what leaves are blocks, not always those stored first.
pub(super) fn n_gone_after(reading: &mut Reading<'_>, id: u64) -> rusqlite::Result<u64> {
    let (mut newest, mut n_kept) = (id, 0);
    for block in Block::all(reading.connection)? {
        newest = newest.max(block.last_id);
        if block.first_id > id {
            n_kept += block.n_entries;
        } else if block.last_id > id {
            let facts = reading.frame(&block, Part::Facts)?;
            n_kept += facts.rows.iter().filter(|row| row.id > id).count() as u64;
        }
    }
    for row in reading.window.frames().iter().flat_map(|frame| &frame.rows) {
        if row.id > id && row.id >= reading.sealed_before {
            newest = newest.max(row.id);
            n_kept += 1;
        }
    }
    Ok((newest - id).saturating_sub(n_kept))
}

struct ById(Stored);

impl PartialEq for ById {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for ById {}

impl PartialOrd for ById {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ById {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.id.cmp(&other.0.id)
    }
}
