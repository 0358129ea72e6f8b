//! How many entries of a block match: by facts, by the counts of its words, and only then by reading it.

use super::Reading;
use super::sieve::Sieve;
use crate::store::blocks::Block;
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
            block.count(reading.connection, terms::hash(word))?,
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
    let frame = reading.frame(block, sieve.filter.query.needs_text())?;
    Ok(Some(sieve.places(&frame, |_| true).len() as u64))
}
