//! Batches of new entries, a row each, until they go into blocks. Read back at start.

use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Error, named_params};

use crate::domain::entry::{Committed, Entry, Level, Marks, Stream};

/// Fast rather than small: a row lives for minutes.
const ZSTD_LEVEL: i32 = 1;

/// Stores the entries and returns the id of the first.
pub fn append(tx: &Connection, entries: &[Entry]) -> rusqlite::Result<u64> {
    let n_entries = entries.len() as i64;
    let first_id: i64 = tx
        .prepare_cached("update archive set next_id = next_id + ?1 returning next_id - ?1")?
        .query_row([n_entries], |row| row.get(0))?;
    if !entries.is_empty() {
        let data = zstd::bulk::compress(&encode(entries), ZSTD_LEVEL).map_err(broken)?;
        tx.prepare_cached("insert into journal (id, n_entries, data) values (:id, :n_entries, :data)")?
            .execute(named_params! { ":id": first_id, ":n_entries": n_entries, ":data": data })?;
    }
    Ok(first_id.unsigned_abs())
}

/// The id that was given last; 0 before the first.
pub fn newest_id(connection: &Connection) -> rusqlite::Result<u64> {
    let newest = connection.query_row("select next_id - 1 from archive", [], |row| row.get::<_, i64>(0));
    newest.map(i64::unsigned_abs)
}

/// All batches, the oldest first.
pub fn load(connection: &Connection) -> rusqlite::Result<Vec<Arc<Committed>>> {
    let mut statement = connection.prepare("select id, data from journal order by id")?;
    let rows = statement.query_map([], |row| {
        let data: Vec<u8> = row.get(1)?;
        let bytes = zstd::decode_all(data.as_slice()).map_err(broken)?;
        Ok(Arc::new(Committed {
            first_id: row.get::<_, i64>(0)?.unsigned_abs(),
            entries: decode(&bytes).ok_or_else(|| broken("a journal row ends too early"))?,
        }))
    })?;
    rows.collect()
}

fn broken(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::FromSqlConversionFailure(0, Type::Blob, cause.into())
}

/// Per entry: time, level, stream, marks, length and bytes of container and message. Numbers little-endian.
fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend(entry.time_ns.to_le_bytes());
        bytes.extend([entry.level.index() as u8, entry.stream as u8, entry.marks.0]);
        for text in [&*entry.container, &entry.message] {
            bytes.extend((text.len() as u32).to_le_bytes());
            bytes.extend(text.as_bytes());
        }
    }
    bytes
}

fn decode(mut bytes: &[u8]) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let time_ns = i64::from_le_bytes(*take(&mut bytes)?);
        let [level, stream, marks] = *take::<3>(&mut bytes)?;
        let container = text(&mut bytes)?;
        entries.push(Entry {
            time_ns,
            container: container.into(),
            stream: if stream == 0 {
                Stream::Stdout
            } else {
                Stream::Stderr
            },
            level: Level::at(level.into())?,
            marks: Marks(marks),
            message: text(&mut bytes)?.to_owned(),
        });
    }
    Some(entries)
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(head)
}

fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let length = u32::from_le_bytes(*take(bytes)?) as usize;
    let (head, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    std::str::from_utf8(head).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entry::testing::entry;

    #[test]
    fn a_batch_is_read_as_it_was_written() {
        let mut second = entry("größer\n\tat b");
        second.time_ns = -1;
        second.stream = Stream::Stderr;
        second.level = Level::Critical;
        second.marks = Marks::CUT.and(Marks::LOST);
        let entries = vec![entry(""), second];
        assert_eq!(decode(&encode(&entries)), Some(entries.clone()));
        let bytes = encode(&entries);
        assert_eq!(decode(&bytes[..bytes.len() - 1]), None);
    }
}
