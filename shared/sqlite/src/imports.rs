//! How much of another database was taken over already, so that doing it again, or going on after a crash, takes
//! nothing twice. The note is made in the transaction that stores the rows.

use rusqlite::{Connection, OptionalExtension, params};

/// Made with every database.
pub(crate) const TABLE: &str = "
    create table if not exists _imports (
        -- Which database, and which part of it.
        source text not null,
        part text not null,
        -- Rows up to this id are taken over.
        last_id integer not null,
        primary key (source, part)
    ) strict, without rowid;
";

/// Up to which id a part of a database is taken over; 0 for nothing.
pub fn last_id(connection: &Connection, source: &str, part: &str) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("select last_id from _imports where source = ?1 and part = ?2")?;
    let found = statement.query_row([source, part], |row| row.get(0)).optional()?;
    Ok(found.unwrap_or(0))
}

/// Notes that rows up to this id are taken over.
pub fn note(tx: &Connection, source: &str, part: &str, last_id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into _imports (source, part, last_id) values (?1, ?2, ?3)
         on conflict do update set last_id = excluded.last_id",
    )?;
    statement.execute(params![source, part, last_id])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_each_source_goes_on_where_it_stopped() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(TABLE).unwrap();
        note(&database, "a.db", "errors", 5).unwrap();
        note(&database, "a.db", "errors", 9).unwrap();
        note(&database, "b.db", "errors", 2).unwrap();
        let last = |source, part| last_id(&database, source, part).unwrap();
        assert_eq!(
            (
                last("a.db", "errors"),
                last("b.db", "errors"),
                last("a.db", "other")
            ),
            (9, 2, 0)
        );
    }
}
