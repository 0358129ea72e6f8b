//! `chunks`, `times`, `minutes`, `five_minutes`, `hours`: one blob for each series and piece of time.

use rusqlite::{Connection, OptionalExtension, params};

use super::day_versions;
use crate::domain::resolution::Tier;
use crate::domain::timestamp::DAY_MS;
use crate::domain::window::WINDOW_MS;

/// Bits of a place that are the series.
const SERIES_BITS: u32 = 28;
/// Series there can be.
pub const MAX_SERIES: u32 = 1 << SERIES_BITS;

/// One of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Samples.
    Chunks,
    /// Times that chunks share.
    Times,
    /// Buckets of a minute.
    Minutes,
    /// Buckets of five minutes.
    FiveMinutes,
    /// Buckets of an hour.
    Hours,
}

impl Table {
    /// The table of a tier.
    pub fn of(tier: Tier) -> Self {
        match tier {
            Tier::Raw => Self::Chunks,
            Tier::Minute => Self::Minutes,
            Tier::FiveMinutes => Self::FiveMinutes,
            Tier::Hour => Self::Hours,
        }
    }

    /// Length of the time that one row covers.
    pub fn span_ms(self) -> i64 {
        match self {
            Self::Chunks | Self::Times | Self::Minutes => WINDOW_MS,
            Self::FiveMinutes | Self::Hours => DAY_MS,
        }
    }

    fn get_sql(self) -> &'static str {
        match self {
            Self::Chunks => "select data from chunks where place = ?1",
            Self::Times => "select data from times where place = ?1",
            Self::Minutes => "select data from minutes where place = ?1",
            Self::FiveMinutes => "select data from five_minutes where place = ?1",
            Self::Hours => "select data from hours where place = ?1",
        }
    }

    fn put_sql(self) -> &'static str {
        match self {
            Self::Chunks => "insert or replace into chunks (place, data) values (?1, ?2)",
            Self::Times => "insert or replace into times (place, data) values (?1, ?2)",
            Self::Minutes => "insert or replace into minutes (place, data) values (?1, ?2)",
            Self::FiveMinutes => "insert or replace into five_minutes (place, data) values (?1, ?2)",
            Self::Hours => "insert or replace into hours (place, data) values (?1, ?2)",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Chunks => "chunks",
            Self::Times => "times",
            Self::Minutes => "minutes",
            Self::FiveMinutes => "five_minutes",
            Self::Hours => "hours",
        }
    }
}

/// The place of a series in a piece of time.
pub fn place(piece: i64, series: u32) -> i64 {
    piece << SERIES_BITS | i64::from(series)
}

/// Hands the blob of a place to `read`, if there is one.
pub fn read<T>(
    connection: &Connection,
    table: Table,
    place: i64,
    read: impl FnOnce(&[u8]) -> T,
) -> rusqlite::Result<Option<T>> {
    let mut statement = connection.prepare_cached(table.get_sql())?;
    statement
        .query_row([place], |row| Ok(read(row.get_ref(0)?.as_blob()?)))
        .optional()
}

/// Stores a blob, in place of what is there. Hours are what every change of a day's buckets comes to, so that they
/// raise its version.
pub fn put(tx: &Connection, table: Table, place: i64, data: &[u8]) -> rusqlite::Result<()> {
    tx.prepare_cached(table.put_sql())?
        .execute(params![place, data])?;
    match table {
        Table::Hours => day_versions::raise(tx, place >> SERIES_BITS),
        _ => Ok(()),
    }
}

/// Deletes up to `n` rows of pieces below `piece`. Returns how many.
pub fn delete_below(tx: &Connection, table: Table, piece: i64, n: u32) -> rusqlite::Result<usize> {
    let name = table.name();
    let sql = format!(
        "delete from {name} where place in (select place from {name} where place < ?1 order by place limit ?2)"
    );
    tx.prepare_cached(&sql)?.execute(params![place(piece, 0), n])
}

/// The first piece of time that has rows.
pub fn first_piece(connection: &Connection, table: Table) -> rusqlite::Result<Option<i64>> {
    let sql = format!("select min(place) from {}", table.name());
    let place: Option<i64> = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok(place.map(|place| place >> SERIES_BITS))
}

/// The last piece of time that has rows.
pub fn last_piece(connection: &Connection, table: Table) -> rusqlite::Result<Option<i64>> {
    let sql = format!("select max(place) from {}", table.name());
    let place: Option<i64> = connection.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    Ok(place.map(|place| place >> SERIES_BITS))
}

/// The greatest number given to shared times of a window; 0 for none.
pub fn last_times(connection: &Connection, window: i64) -> rusqlite::Result<u32> {
    let mut statement =
        connection.prepare_cached("select max(place) from times where place between ?1 and ?2")?;
    let bounds = [place(window, 0), place(window, MAX_SERIES - 1)];
    let last: Option<i64> = statement.query_row(bounds, |row| row.get(0))?;
    Ok(last.map_or(0, |place| (place & i64::from(MAX_SERIES - 1)) as u32))
}

/// Up to `n` series that have a chunk in a window, from `series` on, ascending.
pub fn series_of(connection: &Connection, window: i64, series: u32, n: u32) -> rusqlite::Result<Vec<u32>> {
    let mut statement = connection
        .prepare_cached("select place from chunks where place between ?1 and ?2 order by place limit ?3")?;
    let bounds = params![place(window, series), place(window, MAX_SERIES - 1), n];
    let rows = statement.query_map(bounds, |row| row.get::<_, i64>(0))?;
    rows.map(|place| Ok((place? & i64::from(MAX_SERIES - 1)) as u32))
        .collect()
}

/// Deletes the row of a place.
pub fn delete(tx: &Connection, table: Table, place: i64) -> rusqlite::Result<()> {
    tx.prepare_cached(&format!("delete from {} where place = ?1", table.name()))?
        .execute([place])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn blobs_are_kept_by_piece_and_series() {
        let database = database();
        let get =
            |piece, series| read(&database, Table::Hours, place(piece, series), <[u8]>::to_vec).unwrap();
        for (piece, series) in [(5, 1), (5, MAX_SERIES - 1), (6, 0), (7, 3)] {
            put(&database, Table::Hours, place(piece, series), &[piece as u8]).unwrap();
        }
        put(&database, Table::Hours, place(5, 1), b"new").unwrap();
        assert_eq!((get(5, 1).as_deref(), get(5, 0)), (Some(&b"new"[..]), None));
        assert_eq!(first_piece(&database, Table::Hours).unwrap(), Some(5));
        assert_eq!(delete_below(&database, Table::Hours, 6, 10).unwrap(), 2);
        assert_eq!(
            (get(6, 0), first_piece(&database, Table::Hours).unwrap()),
            (Some(vec![6]), Some(6))
        );
    }

    #[test]
    fn series_of_a_window_come_in_steps() {
        let database = database();
        for series in [3, 1, 2] {
            put(&database, Table::Chunks, place(9, series), b"").unwrap();
        }
        put(&database, Table::Chunks, place(10, 0), b"").unwrap();
        assert_eq!(series_of(&database, 9, 0, 2).unwrap(), [1, 2]);
        assert_eq!(series_of(&database, 9, 3, 2).unwrap(), [3]);
        put(&database, Table::Times, place(9, 7), b"").unwrap();
        assert_eq!(
            (
                last_times(&database, 9).unwrap(),
                last_times(&database, 8).unwrap()
            ),
            (7, 0)
        );
    }
}
