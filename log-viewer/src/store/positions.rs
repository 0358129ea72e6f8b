//! How far each log file was handed over, and since when logs are followed at all.

use rusqlite::{Connection, OptionalExtension, Result, Row, named_params};

use crate::domain::intake::Progress;

/// Which file on this machine, as long as it exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// Device number.
    pub device: u64,
    /// Inode number on it.
    pub inode: u64,
}

/// What a file's bytes look like, so that another file under its number is not taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// How many first bytes are hashed: all that were handed over, up to a few hundred.
    pub head_bytes: u64,
    /// Their hash.
    pub head_hash: i64,
    /// How many bytes before the offset are hashed.
    pub last_bytes: u64,
    /// Their hash.
    pub last_hash: i64,
}

/// A file that is nothing to a source any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// Container id, or path of a plain file.
    pub source: String,
    /// The file.
    pub file: FileId,
}

/// A row: one file's position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file.
    pub file: FileId,
    /// Container id, or path of a plain file.
    pub source: String,
    /// Its bytes.
    pub fingerprint: Fingerprint,
    /// How far it was handed over.
    pub progress: Progress,
    /// The order in which positions were saved: a larger number is later.
    pub turn: u64,
    /// Since when its source is nowhere to be found, in Unix milliseconds.
    pub gone_ms: Option<i64>,
    /// Of a plain file: what is added to its times without a zone, in nanoseconds.
    pub zone_ns: Option<i64>,
}

impl Position {
    fn read(row: &Row<'_>) -> Result<Self> {
        let number = |name: &str| row.get::<_, i64>(name).map(i64::cast_unsigned);
        Ok(Self {
            file: FileId {
                device: number("device")?,
                inode: number("inode")?,
            },
            source: row.get("source")?,
            fingerprint: Fingerprint {
                head_bytes: number("head_bytes")?,
                head_hash: row.get("head_hash")?,
                last_bytes: number("last_bytes")?,
                last_hash: row.get("last_hash")?,
            },
            progress: Progress {
                offset: number("offset")?,
                done: [number("stdout_done")?, number("stderr_done")?],
            },
            turn: number("turn")?,
            gone_ms: row.get("gone_ms")?,
            zone_ns: row.get("zone_ns")?,
        })
    }
}

/// All positions.
pub fn all(connection: &Connection) -> Result<Vec<Position>> {
    connection
        .prepare("select * from positions")?
        .query_map([], Position::read)?
        .collect()
}

/// Saves positions, and forgets the files that are gone.
pub fn save(tx: &Connection, positions: &[Position], gone: &[Gone]) -> Result<()> {
    let mut delete = tx.prepare_cached(
        "delete from positions where source = :source and device = :device and inode = :inode",
    )?;
    for Gone { source, file } in gone {
        delete.execute(named_params! {
            ":source": source,
            ":device": file.device.cast_signed(),
            ":inode": file.inode.cast_signed(),
        })?;
    }
    let mut save = tx.prepare_cached(
        "insert or replace into positions
             (device, inode, source, head_bytes, head_hash, last_bytes, last_hash, offset, stdout_done, stderr_done, turn, gone_ms, zone_ns)
         values
             (:device, :inode, :source, :head_bytes, :head_hash, :last_bytes, :last_hash, :offset, :stdout_done, :stderr_done, :turn, :gone_ms, :zone_ns)",
    )?;
    for position in positions {
        let Position {
            file,
            source,
            fingerprint,
            progress,
            turn,
            gone_ms,
            zone_ns,
        } = position;
        save.execute(named_params! {
            ":device": file.device.cast_signed(),
            ":inode": file.inode.cast_signed(),
            ":source": source,
            ":head_bytes": fingerprint.head_bytes.cast_signed(),
            ":head_hash": fingerprint.head_hash,
            ":last_bytes": fingerprint.last_bytes.cast_signed(),
            ":last_hash": fingerprint.last_hash,
            ":offset": progress.offset.cast_signed(),
            ":stdout_done": progress.done[0].cast_signed(),
            ":stderr_done": progress.done[1].cast_signed(),
            ":turn": turn.cast_signed(),
            ":gone_ms": gone_ms,
            ":zone_ns": zone_ns,
        })?;
    }
    Ok(())
}

/// Since when logs are followed, in Unix milliseconds: `now_ms` the first time, and that from then on.
pub fn following_since(tx: &Connection, now_ms: i64) -> Result<i64> {
    tx.execute(
        "insert into following (id, since_ms) values (1, :now) on conflict (id) do nothing",
        named_params! {":now": now_ms},
    )?;
    let since = tx
        .query_row("select since_ms from following where id = 1", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(since.unwrap_or(now_ms))
}

#[cfg(test)]
mod tests {
    use sqlite::Store;

    use super::*;
    use crate::store::MIGRATIONS;

    fn gone(position: Position) -> Gone {
        Gone {
            source: position.source,
            file: position.file,
        }
    }

    fn position(inode: u64, offset: u64) -> Position {
        Position {
            file: FileId {
                device: u64::MAX,
                inode,
            },
            source: "abc".to_owned(),
            fingerprint: Fingerprint {
                head_bytes: 256,
                head_hash: -5,
                last_bytes: 64,
                last_hash: i64::MIN,
            },
            progress: Progress {
                offset,
                done: [offset, u64::MAX],
            },
            turn: 7,
            gone_ms: Some(8),
            zone_ns: Some(-3_600_000_000_000),
        }
    }

    #[tokio::test]
    async fn a_position_is_read_as_it_was_saved_and_goes_with_its_file() {
        let store = Store::in_memory(MIGRATIONS).unwrap();
        let found = store
            .write(|tx| {
                save(tx, &[position(1, 10), position(2, 20)], &[])?;
                save(tx, &[position(1, 11)], &[gone(position(2, 0))])?;
                all(tx)
            })
            .await
            .unwrap();
        assert_eq!(found, [position(1, 11)]);
    }

    #[tokio::test]
    async fn an_inode_may_have_been_a_file_of_each_of_two_sources() {
        let store = Store::in_memory(MIGRATIONS).unwrap();
        let of_another = Position {
            source: "xyz".to_owned(),
            ..position(1, 20)
        };
        let saved = [position(1, 10), of_another.clone()];
        let (both, one) = store
            .write(move |tx| {
                save(tx, &saved, &[])?;
                let both = all(tx)?;
                save(tx, &[], &[gone(position(1, 10))])?;
                Ok::<_, rusqlite::Error>((both, all(tx)?))
            })
            .await
            .unwrap();
        assert_eq!((both.len(), one), (2, vec![of_another]));
    }

    #[tokio::test]
    async fn the_first_start_is_remembered() {
        let store = Store::in_memory(MIGRATIONS).unwrap();
        let since = store
            .write(|tx| Ok::<_, rusqlite::Error>((following_since(tx, 5)?, following_since(tx, 9)?)))
            .await
            .unwrap();
        assert_eq!(since, (5, 5));
    }
}
