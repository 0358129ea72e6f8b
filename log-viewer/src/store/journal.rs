//! Batches of new entries, a row per commit, until they go into blocks. Read back at start.

use std::sync::Arc;

use rusqlite::Connection;

use crate::store::blocks::broken;
use crate::store::frame::{Frame, Unpacker};
use crate::store::piece_set::Pieces;

/// Ids that have been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ids {
    /// Of the next entry.
    pub next: u64,
    /// Entries with smaller ids are in blocks, those from it on in the journal.
    pub sealed_before: u64,
}

impl Ids {
    /// As they are in the database.
    pub fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare_cached("select next_id, sealed_before from archive")?;
        statement.query_row([], |row| {
            Ok(Self {
                next: row.get::<_, i64>(0)?.unsigned_abs(),
                sealed_before: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
    }

    /// Writes them.
    pub fn store(self, tx: &Connection) -> rusqlite::Result<()> {
        tx.prepare_cached("update archive set next_id = ?1, sealed_before = ?2")?
            .execute((self.next as i64, self.sealed_before as i64))
            .map(drop)
    }
}

/// The id that was given last; 0 before the first.
pub fn newest_id(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(Ids::load(connection)?.next - 1)
}

/// Stores entries.
pub fn append(tx: &Connection, frame: &Frame) -> rusqlite::Result<()> {
    let Some(first) = frame.rows.first() else {
        return Ok(());
    };
    let rows = frame.packed_rows().map_err(broken)?;
    let text = frame.packed_text(&[frame.rows.len()]).map_err(broken)?;
    tx.prepare_cached("insert into journal (id, rows, text) values (?1, ?2, ?3)")?
        .execute((first.id as i64, rows, text))
        .map(drop)
}

/// All batches, the oldest first.
pub fn load(connection: &Connection) -> rusqlite::Result<Vec<Arc<Frame>>> {
    let mut unpacker = Unpacker::new().map_err(broken)?;
    let mut statement = connection.prepare("select rows, text from journal order by id")?;
    let frames = statement.query_map([], |row| {
        let (rows, _) = unpacker.rows(row.get_ref(0)?.as_blob()?).map_err(broken)?;
        let text = row.get_ref(1)?.as_blob()?;
        let frame = unpacker.frame(&rows, text, Pieces::ALL).map_err(broken)?;
        Ok(Arc::new(frame))
    })?;
    frames.collect()
}

/// Forgets them all: they are in blocks.
pub fn clear(tx: &Connection) -> rusqlite::Result<()> {
    tx.execute("delete from journal", []).map(drop)
}
