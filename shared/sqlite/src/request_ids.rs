//! Requests that came before: who sends one again, because no answer reached it, has it stored once.
//!
//! The note is made in the transaction that stores what the request brought, so both are there or neither.

use rusqlite::{Connection, params};

/// Made with every database. Ordered by day, so that forgetting is the deletion of a range.
pub(crate) const TABLE: &str = "
    create table if not exists _request_ids (
        -- Unix time / 86400 s
        day integer not null,
        id text not null,
        primary key (day, id)
    ) strict, without rowid;
";

/// So many days an id is known besides its own.
const DAYS: i64 = 3;
const DAY_MS: i64 = 86_400_000;
/// Longest id, in bytes.
const MAX_BYTES: usize = 128;
/// Ids forgotten at once.
const FORGET_STEP: u32 = 500;

/// Whether an id can be kept: printable ASCII of a sensible length.
pub fn is_usable(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_BYTES && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Whether a request with this id was stored in the last days.
pub fn is_known(connection: &Connection, id: &str, now_ms: i64) -> rusqlite::Result<bool> {
    let day = now_ms.div_euclid(DAY_MS);
    let mut statement =
        connection.prepare_cached("select exists (select 1 from _request_ids where day = ?1 and id = ?2)")?;
    for day in day - DAYS..=day {
        if statement.query_row(params![day, id], |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Notes an id. False if it was known: then nothing of its request is to be stored.
pub fn note(tx: &Connection, id: &str, now_ms: i64) -> rusqlite::Result<bool> {
    if is_known(tx, id, now_ms)? {
        return Ok(false);
    }
    let day = now_ms.div_euclid(DAY_MS);
    tx.prepare_cached("insert or ignore into _request_ids (day, id) values (?1, ?2)")?
        .execute(params![day, id])?;
    // Each may forget a few, so that none has to forget many.
    tx.prepare_cached(
        "delete from _request_ids
         where (day, id) in (select day, id from _request_ids where day < ?1 order by day limit ?2)",
    )?
    .execute(params![day - DAYS, FORGET_STEP])?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_known_for_days_and_then_forgotten() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(TABLE).unwrap();
        let note = |id, day: i64| note(&database, id, day * DAY_MS + 5).unwrap();
        assert!(note("a", 10) && note("b", 10));
        assert!(!note("a", 10) && !note("a", 13));
        assert!(note("c", 14) && note("a", 14), "four days later");
        let n: i64 = database
            .query_row("select count(*) from _request_ids", [], |row| row.get(0))
            .unwrap();
        assert_eq!(n, 2);
        assert!(is_usable("0123-abc") && !is_usable("") && !is_usable("a b") && !is_usable(&"x".repeat(129)));
    }
}
