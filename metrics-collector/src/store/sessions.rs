//! `sessions`: which browser sessions were on a page in an hour.

use rusqlite::{Connection, OptionalExtension, named_params, params};

use crate::domain::distinct::Distinct;

/// Adds sessions to what is there. Doing it twice changes nothing.
pub fn unite(
    tx: &Connection,
    hour: i64,
    project: &str,
    page: &str,
    sessions: &Distinct,
) -> rusqlite::Result<()> {
    let there = tx
        .prepare_cached("select data from sessions where hour = ?1 and project = ?2 and page = ?3")?
        .query_row(params![hour, project, page], |row| {
            Ok(Distinct::decode(row.get_ref(0)?.as_blob()?))
        })
        .optional()?;
    let mut all = there.flatten().unwrap_or_default();
    all.unite(sessions);
    tx.prepare_cached("insert or replace into sessions (hour, project, page, data) values (?1, ?2, ?3, ?4)")?
        .execute(params![hour, project, page, all.encode()])?;
    Ok(())
}

/// Hands page and sessions of hours from one to another to `each`; of all projects, or of one.
pub fn between(
    connection: &Connection,
    project: Option<&str>,
    hours: std::ops::RangeInclusive<i64>,
    mut each: impl FnMut(&str, Distinct),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(
        "select page, data
         from sessions
         where hour between :first and :last
           and (:project is null or project = :project)",
    )?;
    let mut rows = statement
        .query(named_params! { ":first": hours.start(), ":last": hours.end(), ":project": project })?;
    while let Some(row) = rows.next()? {
        if let Some(sessions) = Distinct::decode(row.get_ref(1)?.as_blob()?) {
            each(row.get_ref(0)?.as_str()?, sessions);
        }
    }
    Ok(())
}

/// Deletes up to `n` rows of hours below one. Returns how many.
pub fn delete_below(tx: &Connection, hour: i64, n: u32) -> rusqlite::Result<usize> {
    tx.prepare_cached(
        "delete from sessions where rowid in (select rowid from sessions where hour < ?1 order by hour limit ?2)",
    )?
    .execute(params![hour, n])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn sessions_of_hours_are_united() {
        let database = database();
        let of = |hashes: &[u64]| {
            let mut set = Distinct::default();
            hashes.iter().for_each(|hash| set.add(*hash));
            set
        };
        for (hour, project, hashes) in [
            (5, "a", &[1, 2][..]),
            (5, "a", &[2, 3]),
            (6, "b", &[1]),
            (7, "a", &[9]),
        ] {
            unite(&database, hour, project, "/p", &of(hashes)).unwrap();
        }
        let count = |project, hours| {
            let mut all = Distinct::default();
            between(&database, project, hours, |_, sessions| all.unite(&sessions)).unwrap();
            all.count()
        };
        assert_eq!(
            (
                count(None, 5..=6),
                count(Some("a"), 5..=7),
                count(Some("b"), 7..=9)
            ),
            (3, 4, 0)
        );
        assert_eq!(
            (delete_below(&database, 7, 10).unwrap(), count(None, 0..=9)),
            (2, 1)
        );
    }
}
