//! Entries to blocks: sorted by container, cut, compressed, their words collected (all that without the database),
//! and then stored and indexed.

use std::sync::Arc;

use rusqlite::Connection;

use crate::store::blocks::Block;
use crate::store::frame::Frame;
use crate::store::partitions::Partition;
use crate::store::pieces;
use crate::store::terms::{BlockTerms, Collector};

/// Text in one block. Larger ones compress little better and take longer to open.
const BLOCK_BYTES: usize = 256 << 10;
/// A container with less to say shares its block with others.
const OWN_BLOCK_BYTES: usize = 64 << 10;

/// How blocks are cut.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Entries in a block at most.
    pub max_entries: usize,
    /// Blocks in a partition at most.
    pub max_partition: u32,
    /// See [`pieces::cut`].
    pub piece_bytes: usize,
}

/// A block that is ready to be stored.
#[derive(Debug)]
pub struct Prepared {
    block: Block,
    rows: Vec<u8>,
    text: Vec<u8>,
}

/// Blocks of one seal.
#[derive(Debug, Default)]
pub struct Seal {
    blocks: Vec<Prepared>,
    terms: Vec<BlockTerms>,
}

/// A row: which frame, which place in it.
type Place = (u32, u32);

/// Makes blocks of all entries in `frames`.
pub fn prepare(frames: &[Arc<Frame>], sizes: Sizes) -> std::io::Result<Seal> {
    let mut collector = Collector::default();
    let mut seal = Seal::default();
    for places in cut(frames, sizes) {
        let mut frame = Frame::default();
        frame.rows.reserve(places.len());
        for (of, at) in places {
            frame.push_row(&frames[of as usize], at as usize);
        }
        let ends = pieces::cut(&frame, sizes.piece_bytes);
        let terms = collector.collect(&frame, &ends);
        let (rows, text) = (frame.packed_rows()?, frame.packed_text(&ends)?);
        let n_terms = terms.counts.len() + terms.pieces.len() + terms.hashes.len() * 2 + terms.words.len();
        let n_bytes = rows.len() + text.len() + n_terms;
        seal.blocks.push(Prepared {
            block: Block::of(&frame, n_bytes as u64),
            rows,
            text,
        });
        seal.terms.push(terms);
    }
    Ok(seal)
}

/// Which entries go into which block: containers that say much have their own, the others share.
fn cut(frames: &[Arc<Frame>], sizes: Sizes) -> Vec<Vec<Place>> {
    let row = |place: &Place| frames[place.0 as usize].rows[place.1 as usize];
    let length = |place: &Place| frames[place.0 as usize].message(place.1 as usize).len();
    let mut places: Vec<Place> = (0_u32..)
        .zip(frames)
        .flat_map(|(of, frame)| (0..frame.rows.len() as u32).map(move |at| (of, at)))
        .collect();
    places.sort_by_key(|place| (row(place).container, row(place).id));
    let mut blocks = Vec::new();
    let mut shared: Vec<Place> = Vec::new();
    for of_one in places.chunk_by(|a, b| row(a).container == row(b).container) {
        if of_one.iter().map(length).sum::<usize>() >= OWN_BLOCK_BYTES {
            cut_evenly(of_one, length, sizes, &mut blocks);
        } else {
            shared.extend(of_one);
        }
    }
    cut_evenly(&shared, length, sizes, &mut blocks);
    blocks
}

/// Blocks of about the same size, so that none is tiny.
fn cut_evenly(
    places: &[Place],
    length: impl Fn(&Place) -> usize,
    sizes: Sizes,
    blocks: &mut Vec<Vec<Place>>,
) {
    let n_bytes: usize = places.iter().map(&length).sum();
    let n_blocks = n_bytes
        .div_ceil(BLOCK_BYTES)
        .max(places.len().div_ceil(sizes.max_entries.max(1)))
        .max(1);
    let max_bytes = n_bytes.div_ceil(n_blocks);
    let max_entries = sizes.max_entries.max(1);
    let mut block = Vec::new();
    let mut n_in_block = 0;
    for place in places {
        let n = length(place);
        // A single long entry may be a block of its own, larger than others.
        if !block.is_empty()
            && (n_in_block + n > max_bytes.max(BLOCK_BYTES / 2) || block.len() == max_entries)
        {
            blocks.push(std::mem::take(&mut block));
            n_in_block = 0;
        }
        block.push(*place);
        n_in_block += n;
    }
    if !block.is_empty() {
        blocks.push(block);
    }
}

impl Seal {
    /// How many blocks.
    pub fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Stores the blocks and their words.
    pub fn store(&self, tx: &Connection, sizes: Sizes) -> rusqlite::Result<()> {
        let per_partition = sizes.max_partition.max(1) as usize;
        for (blocks, terms) in self
            .blocks
            .chunks(per_partition)
            .zip(self.terms.chunks(per_partition))
        {
            let mut partition = Partition::open(tx, blocks.len() as u32, sizes.max_partition)?;
            for (number, prepared) in (partition.n_blocks..).zip(blocks) {
                let block = Block {
                    id: partition.block_id(number),
                    ..prepared.block.clone()
                };
                partition.first_ns = partition.first_ns.min(block.first_ns);
                partition.last_ns = partition.last_ns.max(block.last_ns);
                let terms = &terms[(number - partition.n_blocks) as usize];
                block.insert(tx, &prepared.rows, &prepared.text, terms)?;
            }
            partition.index(tx, terms)?;
            partition.save(tx)?;
        }
        Ok(())
    }
}
