//! How many entries of a block match: by facts, by the counts of its words, and only then by reading it.

use std::collections::HashMap;

use rusqlite::Connection;

use super::Reading;
use super::sieve::Sieve;
use crate::store::blocks::Block;
use crate::store::term_hash;
use crate::store::terms::{self, Count, Term};

/// Entries of the block that match. None: there was no time to look.
pub(super) fn block(
    reading: &mut Reading<'_>,
    sieve: &mut Sieve<'_>,
    block: &Block,
) -> rusqlite::Result<Option<u64>> {
    let n_admitted = sieve.n_admitted(block);
    if !sieve.filter.query.needs_text() {
        if n_admitted.is_some() {
            return Ok(n_admitted);
        }
    } else if n_admitted == Some(block.n_entries)
        && let Some(word) = sieve.filter.query.as_word()
    {
        match (
            reading
                .counts
                .of(reading.connection, block, term_hash::hash(word))?,
            terms::term(word),
        ) {
            (Count::Exactly(n), _) => return Ok(Some(n)),
            (Count::OneIfAny, Term::Word(_)) => return Ok(Some(1)),
            (Count::OneIfAny, Term::Hashed(_)) | (Count::Unknown, _) => {}
        }
    }
    if reading.is_late_to_count() {
        return Ok(None);
    }
    let frame = reading.frame(block, sieve.part())?;
    Ok(Some(sieve.places(&frame, |_| true).len() as u64))
}

/// Blocks of a partition that are asked one by one before all are.
const FEW: u32 = 8;

/// Counts of one word, by partition.
#[derive(Default)]
pub(super) struct Counts(HashMap<u32, (u32, Vec<(i64, Count)>)>);

impl Counts {
    fn of(&mut self, connection: &Connection, block: &Block, hash: u64) -> rusqlite::Result<Count> {
        let (n_asked, all) = self.0.entry(block.partition()).or_default();
        *n_asked += 1;
        if *n_asked <= FEW {
            return block.count(connection, hash);
        }
        if all.is_empty() {
            *all = block.counts_around(connection, hash)?;
        }
        let at = all.binary_search_by_key(&block.id, |(id, _)| *id);
        Ok(at.map_or(Count::Unknown, |at| all[at].1))
    }
}
