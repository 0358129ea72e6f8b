//! Partitions of the index: the words of up to a few hundred blocks, in one FTS5 table, dropped as a whole.
//! The table knows words by block and nothing else: no text, no positions, no sizes.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::query::Need;
use crate::store::bits::{Bits, MAX_BLOCKS};
use crate::store::hashes;
use crate::store::term_hash;
use crate::store::terms::{self, BlockTerms, STEM, Term};

/// Bits of a block's number within its partition.
pub const BLOCK_BITS: u32 = MAX_BLOCKS.trailing_zeros();

/// One partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Partition {
    /// Ascending.
    pub id: u32,
    /// Blocks ever put into it.
    pub n_blocks: u32,
    /// Seals ever put into it.
    pub n_seals: u32,
    /// Blocks that its index knows, those dropped since among them.
    pub n_indexed: u32,
    /// Time of its earliest entry.
    pub first_ns: i64,
    /// Time of its latest entry.
    pub last_ns: i64,
}

impl Partition {
    /// All of them, in order.
    pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut statement = connection.prepare_cached("select * from partitions order by id")?;
        statement.query_map([], Self::of_row)?.collect()
    }

    /// Reads a row of `partitions`.
    pub fn of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get("id")?,
            n_blocks: row.get("n_blocks")?,
            n_seals: row.get("n_seals")?,
            n_indexed: row.get("n_indexed")?,
            first_ns: row.get("first_ns")?,
            last_ns: row.get("last_ns")?,
        })
    }

    /// The one that new blocks go into: the last, unless `n_more` are too many for it.
    pub fn open(tx: &Connection, n_more: u32, max_blocks: u32) -> rusqlite::Result<Self> {
        let last = tx
            .prepare_cached("select * from partitions order by id desc limit 1")?
            .query_row([], Self::of_row)
            .optional()?;
        match last {
            Some(last) if last.n_blocks + n_more <= max_blocks && last.n_seals < hashes::MAX_SEALS => {
                Ok(last)
            }
            last => Self::create(tx, last.map_or(1, |last| last.id + 1)),
        }
    }

    /// An empty one.
    pub fn create(tx: &Connection, id: u32) -> rusqlite::Result<Self> {
        // A partition gets some hundred seals at most, so segments are merged late: less is written twice.
        tx.execute_batch(&format!(
            "create virtual table words_{id} using fts5(
                 words, content = '', detail = none, columnsize = 0, tokenize = \"ascii tokenchars '{STEM}'\"
             );
             insert into words_{id} (words_{id}, rank) values ('automerge', 8);"
        ))?;
        Ok(Self {
            id,
            n_blocks: 0,
            n_seals: 0,
            n_indexed: 0,
            first_ns: i64::MAX,
            last_ns: i64::MIN,
        })
    }

    /// The id of its block with this number.
    pub fn block_id(self, number: u32) -> i64 {
        i64::from(self.id) << BLOCK_BITS | i64::from(number)
    }

    /// Adds the words of new blocks, which get the next numbers, as one seal. [`Partition::save`] comes after.
    pub fn index(&mut self, tx: &Connection, blocks: &[BlockTerms]) -> rusqlite::Result<()> {
        let id = self.id;
        let mut insert =
            tx.prepare_cached(&format!("insert into words_{id} (rowid, words) values (?1, ?2)"))?;
        for (number, terms) in (self.n_blocks..).zip(blocks) {
            insert.execute((number, &terms.words))?;
        }
        let hashes: Vec<&[u32]> = blocks.iter().map(|terms| terms.hashes.as_slice()).collect();
        hashes::insert(tx, id, self.n_seals, self.n_blocks, &hashes)?;
        self.n_blocks += blocks.len() as u32;
        self.n_indexed += blocks.len() as u32;
        self.n_seals += 1;
        Ok(())
    }

    /// Writes what is known of it.
    pub fn save(self, tx: &Connection) -> rusqlite::Result<()> {
        tx.prepare_cached(
            "insert into partitions (id, n_blocks, n_seals, n_indexed, first_ns, last_ns)
             values (:id, :n_blocks, :n_seals, :n_indexed, :first_ns, :last_ns)
             on conflict (id) do update
             set n_blocks = excluded.n_blocks, n_seals = excluded.n_seals, n_indexed = excluded.n_indexed,
                 first_ns = excluded.first_ns, last_ns = excluded.last_ns",
        )?
        .execute(named_params! {
            ":id": self.id,
            ":n_blocks": self.n_blocks,
            ":n_seals": self.n_seals,
            ":n_indexed": self.n_indexed,
            ":first_ns": self.first_ns,
            ":last_ns": self.last_ns,
        })?;
        Ok(())
    }

    /// Makes its index again, of the blocks that are left. [`Partition::save`] comes after.
    pub fn reindex(&mut self, tx: &Connection, left: Vec<(u32, BlockTerms)>) -> rusqlite::Result<()> {
        let id = self.id;
        hashes::drop_partition(tx, id)?;
        tx.execute_batch(&format!(
            "insert into words_{id} (words_{id}) values ('delete-all')"
        ))?;
        let mut insert =
            tx.prepare_cached(&format!("insert into words_{id} (rowid, words) values (?1, ?2)"))?;
        let mut by_number: Vec<&[u32]> = vec![&[]; self.n_blocks as usize];
        for (number, terms) in &left {
            insert.execute((number, &terms.words))?;
            if let Some(hashes) = by_number.get_mut(*number as usize) {
                *hashes = &terms.hashes;
            }
        }
        hashes::insert(tx, id, 0, 0, &by_number)?;
        self.n_seals = 1;
        self.n_indexed = left.len() as u32;
        Ok(())
    }

    /// Deletes it with all its words; its blocks are the caller's.
    pub fn delete(self, tx: &Connection) -> rusqlite::Result<()> {
        let id = self.id;
        hashes::drop_partition(tx, id)?;
        tx.execute_batch(&format!("drop table words_{id}"))?;
        tx.prepare_cached("delete from partitions where id = ?1")?
            .execute([id])
            .map(drop)
    }

    /// The blocks that may have what is needed. None: nothing is known, all of them.
    pub fn find(self, connection: &Connection, need: &Need) -> rusqlite::Result<Option<Bits>> {
        Lookup {
            connection,
            partition: self,
            words: HashMap::new(),
        }
        .find(need)
    }
}

struct Lookup<'c> {
    connection: &'c Connection,
    partition: Partition,
    /// What FTS5 has answered.
    words: HashMap<String, Bits>,
}

impl Lookup<'_> {
    fn find(&mut self, need: &Need) -> rusqlite::Result<Option<Bits>> {
        match need {
            Need::Anything => Ok(None),
            Need::Word(word) => self.word(word).map(Some),
            Need::Prefix(prefix) => self.prefix(prefix),
            Need::All(needs) => {
                let mut all: Option<Bits> = None;
                for need in needs {
                    match (&mut all, self.find(need)?) {
                        (Some(all), Some(found)) => all.keep(&found),
                        (all, found) => *all = all.take().or(found),
                    }
                    if all.as_ref().is_some_and(Bits::is_empty) {
                        break;
                    }
                }
                Ok(all)
            }
            Need::Any(needs) => {
                let mut any = Bits::default();
                for need in needs {
                    match self.find(need)? {
                        Some(found) => any.add(&found),
                        None => return Ok(None),
                    }
                }
                Ok(Some(any))
            }
        }
    }

    fn word(&mut self, word: &str) -> rusqlite::Result<Bits> {
        match terms::term(word) {
            Term::Word(word) => self.matching(&format!("\"{word}\"")),
            Term::Hashed(_) => {
                let mut found = Bits::default();
                let hash = term_hash::index_hash(term_hash::hash(word));
                let Partition { id, n_seals, .. } = self.partition;
                hashes::find(self.connection, id, n_seals, hash, &mut found)?;
                Ok(found)
            }
        }
    }

    /// A word that begins so is a word in the table, or is hashed and has a stem in it.
    fn prefix(&mut self, prefix: &str) -> rusqlite::Result<Option<Bits>> {
        let first_digit = prefix.bytes().position(|byte| byte.is_ascii_digit());
        match first_digit {
            None => {
                let letters = terms::cut(prefix);
                // A stem may be cut a little shorter than this beginning.
                let stem = &letters[..letters.floor_char_boundary(letters.len().min(MIN_STEM_BYTES))];
                self.matching(&format!("\"{letters}\" * OR \"{STEM}{stem}\" *"))
                    .map(Some)
            }
            Some(0) => Ok(None),
            Some(digit) => self
                .matching(&format!("\"{STEM}{}\"", terms::cut(&prefix[..digit])))
                .map(Some),
        }
    }

    fn matching(&mut self, expression: &str) -> rusqlite::Result<Bits> {
        if let Some(known) = self.words.get(expression) {
            return Ok(known.clone());
        }
        let id = self.partition.id;
        let mut statement = self
            .connection
            .prepare_cached(&format!("select rowid from words_{id} where words_{id} match ?1"))?;
        let mut found = Bits::default();
        let mut rows = statement.query([expression])?;
        while let Some(row) = rows.next()? {
            found.set(row.get::<_, u32>(0)? as usize);
        }
        self.words.insert(expression.to_owned(), found.clone());
        Ok(found)
    }
}

/// Stems are at least as long as this, if their word is: the longest cut less the bytes of a character.
const MIN_STEM_BYTES: usize = 21;
