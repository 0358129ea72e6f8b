//! `day_versions`: how often the rows of tiers of a day have changed. Read in the snapshot of a query, it says whether
//! what is remembered of them is still true.

use rusqlite::Connection;

/// Days since 1970 that have rows of tiers, ascending, each with its version.
#[derive(Debug, Default)]
pub struct DayVersions(Vec<(i64, i64)>);

impl DayVersions {
    /// The version of a day; `None` where it has no rows.
    pub fn get(&self, day: i64) -> Option<i64> {
        let place = self.0.binary_search_by_key(&day, |(day, _)| *day).ok()?;
        self.0.get(place).map(|(_, version)| *version)
    }
}

/// Those of a day and of all after it.
pub fn since(connection: &Connection, day: i64) -> rusqlite::Result<DayVersions> {
    let mut statement =
        connection.prepare_cached("select day, version from day_versions where day >= ?1 order by day")?;
    let rows = statement.query_map([day], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect::<rusqlite::Result<_>>().map(DayVersions)
}

/// Says that rows of a day change in this transaction.
pub fn raise(tx: &Connection, day: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into day_versions (day, version) values (?1, 1)
         on conflict (day) do update set version = version + 1",
    )?;
    statement.execute([day]).map(drop)
}

/// Forgets the days below one, of which no tier has rows any more.
pub fn delete_below(tx: &Connection, day: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from day_versions where day < ?1")?;
    statement.execute([day]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MIGRATIONS;
    use crate::store::testing::database;
    use crate::store::tiers::{self, Table};

    #[test]
    fn a_day_has_a_version_once_it_has_rows() {
        let database = database();
        for day in [7, 5, 7] {
            raise(&database, day).unwrap();
        }
        let all = since(&database, 5).unwrap();
        assert_eq!(
            [4, 5, 6, 7].map(|day| all.get(day)),
            [None, Some(1), None, Some(2)]
        );
        assert_eq!(since(&database, 6).unwrap().get(5), None);
        delete_below(&database, 7).unwrap();
        let left = since(&database, 0).unwrap();
        assert_eq!([5, 7].map(|day| left.get(day)), [None, Some(2)]);
    }

    #[test]
    fn days_from_before_have_a_version() {
        let database = database();
        for (day, series) in [(5, 1), (5, 9), (7, 0), (20_000, 3)] {
            tiers::put(&database, Table::Hours, tiers::place(day, series), b"").unwrap();
        }
        database.execute_batch("drop table day_versions").unwrap();
        let migration = MIGRATIONS
            .iter()
            .find(|it| it.name == "0012_day_versions")
            .unwrap();
        database.execute_batch(migration.sql).unwrap();
        let all = since(&database, 0).unwrap();
        assert_eq!(all.0, [(5, 1), (7, 1), (20_000, 1)]);
    }
}
