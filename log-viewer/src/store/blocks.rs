//! Blocks of entries: up to 256 KB of text, of one container where that has enough to say.
//! The facts about a block answer most questions about numbers without opening it.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::entry::{Level, Stream};
use crate::domain::query::Need;
use crate::store::frame::{Frame, Unpacker};
use crate::store::partitions::{BLOCK_BITS, Partition};
use crate::store::piece_set::Pieces;
use crate::store::pieces;
use crate::store::terms::{BlockTerms, Count, count_of};
use crate::store::varint::{put, take};

/// Entries of one container, level and stream in a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Number of the container.
    pub container: u32,
    /// Their level.
    pub level: Level,
    /// Their stream.
    pub stream: Stream,
    /// How many.
    pub n: u64,
}

/// The facts about a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// See [`Partition::block_id`].
    pub id: i64,
    /// Smallest id of its entries.
    pub first_id: u64,
    /// Largest id of its entries.
    pub last_id: u64,
    /// Earliest time of its entries.
    pub first_ns: i64,
    /// Latest time of its entries.
    pub last_ns: i64,
    /// How many.
    pub n_entries: u64,
    /// What it takes in the database, about.
    pub n_bytes: u64,
    /// Its entries by container, level and stream.
    pub tallies: Vec<Tally>,
}

const COLUMNS: &str = "id, first_id, last_id, first_ns, last_ns, n_entries, n_bytes, tallies";

impl Block {
    /// The facts about these entries, of which there is at least one. Has no id yet.
    pub fn of(frame: &Frame, n_bytes: u64) -> Self {
        let rows = || frame.rows.iter();
        Self {
            id: 0,
            first_id: rows().map(|row| row.id).min().unwrap_or(0),
            last_id: rows().map(|row| row.id).max().unwrap_or(0),
            first_ns: rows().map(|row| row.time_ns).min().unwrap_or(0),
            last_ns: rows().map(|row| row.time_ns).max().unwrap_or(0),
            n_entries: frame.rows.len() as u64,
            n_bytes,
            tallies: tallies(frame),
        }
    }

    /// Number of its partition.
    pub fn partition(&self) -> u32 {
        (self.id >> BLOCK_BITS) as u32
    }

    /// Its number within the partition.
    pub fn number(&self) -> usize {
        (self.id & ((1 << BLOCK_BITS) - 1)) as usize
    }

    /// The container that all its entries are of, if it is one.
    pub fn owner(&self) -> Option<u32> {
        let first = self.tallies.first()?.container;
        let is_one = self.tallies.iter().all(|tally| tally.container == first);
        is_one.then_some(first)
    }

    /// The blocks of a partition, in order.
    pub fn of_partition(connection: &Connection, partition: Partition) -> rusqlite::Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "select {COLUMNS} from blocks where id between ?1 and ?2 order by id"
        ))?;
        let range = (partition.block_id(0), partition.block_id((1 << BLOCK_BITS) - 1));
        statement.query_map(range, Self::of_row)?.collect()
    }

    /// The block with this id.
    pub fn one(connection: &Connection, id: i64) -> rusqlite::Result<Option<Self>> {
        let mut statement =
            connection.prepare_cached(&format!("select {COLUMNS} from blocks where id = ?1"))?;
        statement.query_row([id], Self::of_row).optional()
    }

    /// Blocks among whose ids this one is: those of one seal at most.
    pub fn around(connection: &Connection, entry_id: u64) -> rusqlite::Result<Vec<Self>> {
        let mut statement = connection.prepare_cached(&format!(
            "select {COLUMNS} from blocks where first_id <= ?1 and last_id >= ?1"
        ))?;
        statement.query_map([entry_id as i64], Self::of_row)?.collect()
    }

    /// All blocks, in order.
    pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Self>> {
        let mut statement =
            connection.prepare_cached(&format!("select {COLUMNS} from blocks order by id"))?;
        statement.query_map([], Self::of_row)?.collect()
    }

    /// A row of [`COLUMNS`]: by place, since names are looked up anew for each of thousands of rows.
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(Self {
            id: row.get(0)?,
            first_id: number(1)?,
            last_id: number(2)?,
            first_ns: row.get(3)?,
            last_ns: row.get(4)?,
            n_entries: number(5)?,
            n_bytes: number(6)?,
            tallies: read_tallies(row.get_ref(7)?.as_blob()?),
        })
    }

    /// Stores the facts and the entries.
    pub fn insert(
        &self,
        tx: &Connection,
        rows: &[u8],
        text: &[u8],
        terms: &BlockTerms,
    ) -> rusqlite::Result<()> {
        tx.prepare_cached(
            "insert into blocks (id, first_id, last_id, first_ns, last_ns, n_entries, n_bytes, tallies)
             values (:id, :first_id, :last_id, :first_ns, :last_ns, :n_entries, :n_bytes, :tallies)",
        )?
        .execute(named_params! {
            ":id": self.id,
            ":first_id": self.first_id as i64,
            ":last_id": self.last_id as i64,
            ":first_ns": self.first_ns,
            ":last_ns": self.last_ns,
            ":n_entries": self.n_entries as i64,
            ":n_bytes": self.n_bytes as i64,
            ":tallies": write_tallies(&self.tallies),
        })?;
        tx.prepare_cached("insert into frames (id, rows, text) values (?1, ?2, ?3)")?
            .execute((self.id, rows, text))?;
        tx.prepare_cached("insert into word_counts (id, data) values (?1, ?2)")?
            .execute((self.id, &terms.counts))?;
        if !terms.pieces.is_empty() {
            tx.prepare_cached("insert into piece_words (id, data) values (?1, ?2)")?
                .execute((self.id, &terms.pieces))?;
        }
        Ok(())
    }

    /// Deletes it; the index goes on to name it, and it is passed over.
    pub fn delete(&self, tx: &Connection) -> rusqlite::Result<()> {
        for sql in [
            "delete from blocks where id = ?1",
            "delete from frames where id = ?1",
            "delete from word_counts where id = ?1",
            "delete from piece_words where id = ?1",
        ] {
            tx.prepare_cached(sql)?.execute([self.id])?;
        }
        Ok(())
    }

    /// Deletes all blocks of a partition.
    pub fn delete_partition(tx: &Connection, partition: Partition) -> rusqlite::Result<()> {
        for sql in [
            "delete from blocks where id between ?1 and ?2",
            "delete from frames where id between ?1 and ?2",
            "delete from word_counts where id between ?1 and ?2",
            "delete from piece_words where id between ?1 and ?2",
        ] {
            let range = (partition.block_id(0), partition.block_id((1 << BLOCK_BITS) - 1));
            tx.prepare_cached(sql)?.execute(range)?;
        }
        Ok(())
    }

    /// Its entries' facts; the text stays empty.
    pub fn read_rows(&self, connection: &Connection, unpacker: &mut Unpacker) -> rusqlite::Result<Frame> {
        let mut statement = connection.prepare_cached("select rows from frames where id = ?1")?;
        statement.query_row([self.id], |row| {
            let (rows, _) = unpacker.rows(row.get_ref(0)?.as_blob()?).map_err(broken)?;
            Ok(Frame {
                rows,
                text: String::new(),
            })
        })
    }

    /// The entries of some pieces.
    pub fn read(
        &self,
        connection: &Connection,
        unpacker: &mut Unpacker,
        pieces: Pieces,
    ) -> rusqlite::Result<Frame> {
        if pieces == Pieces::NONE {
            return Ok(Frame::default());
        }
        let mut statement = connection.prepare_cached("select rows, text from frames where id = ?1")?;
        statement.query_row([self.id], |row| {
            let (rows, _) = unpacker.rows(row.get_ref(0)?.as_blob()?).map_err(broken)?;
            let text = row.get_ref(1)?.as_blob()?;
            unpacker.frame(&rows, text, pieces).map_err(broken)
        })
    }

    /// Pieces in which something may be that needs this.
    pub fn pieces(&self, connection: &Connection, need: &Need) -> rusqlite::Result<Pieces> {
        if *need == Need::Anything {
            return Ok(Pieces::ALL);
        }
        let mut statement = connection.prepare_cached("select data from piece_words where id = ?1")?;
        let pieces = statement.query_row([self.id], |row| {
            Ok(pieces::having(row.get_ref(0)?.as_blob()?, need))
        });
        Ok(pieces.optional()?.unwrap_or(Pieces::ALL))
    }

    /// See [`count_of`].
    pub fn count(&self, connection: &Connection, hash: u64) -> rusqlite::Result<Count> {
        let mut statement = connection.prepare_cached("select data from word_counts where id = ?1")?;
        statement.query_row([self.id], |row| Ok(count_of(row.get_ref(0)?.as_blob()?, hash)))
    }

    /// [`Block::count`] for all blocks of this one's partition, in the order of their ids: faster than one by one.
    pub fn counts_around(&self, connection: &Connection, hash: u64) -> rusqlite::Result<Vec<(i64, Count)>> {
        let mut statement = connection
            .prepare_cached("select id, data from word_counts where id between ?1 and ?2 order by id")?;
        let first = self.id >> BLOCK_BITS << BLOCK_BITS;
        let counts = statement.query_map((first, first | ((1 << BLOCK_BITS) - 1)), |row| {
            Ok((row.get(0)?, count_of(row.get_ref(1)?.as_blob()?, hash)))
        })?;
        counts.collect()
    }
}

/// A value in the database that is not as we wrote it, as an error of SQLite's.
pub fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Blob, cause.into())
}

fn tallies(frame: &Frame) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = Vec::new();
    for run in frame.rows.chunk_by(|a, b| a.container == b.container) {
        let mut counts = [[0; 2]; Level::COUNT];
        for row in run {
            counts[row.level.index()][row.stream as usize] += 1;
        }
        for (level, counts) in Level::ALL.into_iter().zip(counts) {
            for (stream, n) in [Stream::Stdout, Stream::Stderr].into_iter().zip(counts) {
                if n > 0 {
                    tallies.push(Tally {
                        container: run[0].container,
                        level,
                        stream,
                        n,
                    });
                }
            }
        }
    }
    tallies
}

fn write_tallies(tallies: &[Tally]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for tally in tallies {
        put(&mut bytes, tally.container.into());
        put(
            &mut bytes,
            tally.level.index() as u64 | (tally.stream as u64) << 3,
        );
        put(&mut bytes, tally.n);
    }
    bytes
}

fn read_tallies(mut bytes: &[u8]) -> Vec<Tally> {
    let mut tallies = Vec::new();
    while let (Some(container), Some(kind), Some(n)) = (take(&mut bytes), take(&mut bytes), take(&mut bytes))
    {
        tallies.push(Tally {
            container: container as u32,
            level: Level::at((kind & 7) as usize).unwrap_or(Level::Info),
            stream: if kind & 8 == 0 {
                Stream::Stdout
            } else {
                Stream::Stderr
            },
            n,
        });
    }
    tallies
}
