//! What rules told of: each is the subject of deliveries.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::alert_rule::{AlertRule, Due};

/// A rule was told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// Its number.
    pub id: i64,
    /// When, Unix milliseconds.
    pub at: i64,
    /// The rule's name at that time; the next three likewise.
    pub name: String,
    /// The search.
    pub query: String,
    /// How many matches it wants.
    pub n_wanted: u32,
    /// Within how long, in milliseconds.
    pub window_ms: i64,
    /// How many there were.
    pub n_matches: i64,
    /// When the first of them was, Unix milliseconds.
    pub from_ms: i64,
    /// The beginning of the newest few, a line each.
    pub samples: String,
}

const COLUMNS: &str =
    "f.id, f.at, f.name, f.query, f.n_wanted, f.window_ms, f.n_matches, f.from_ms, f.samples";

fn read(row: &Row<'_>) -> rusqlite::Result<Firing> {
    Ok(Firing {
        id: row.get(0)?,
        at: row.get(1)?,
        name: row.get(2)?,
        query: row.get(3)?,
        n_wanted: row.get(4)?,
        window_ms: row.get(5)?,
        n_matches: row.get(6)?,
        from_ms: row.get(7)?,
        samples: row.get(8)?,
    })
}

/// Notes one. Returns its number.
pub fn add(tx: &Connection, rule_id: i64, rule: &AlertRule, due: &Due, at: i64) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into firings (rule_id, at, name, query, n_wanted, window_ms, n_matches, from_ms, samples)
         values (:rule_id, :at, :name, :query, :n_wanted, :window_ms, :n_matches, :from_ms, :samples)",
    )?;
    statement.execute(named_params! {
        ":rule_id": rule_id,
        ":at": at,
        ":name": rule.name,
        ":query": rule.query,
        ":n_wanted": rule.n_matches,
        ":window_ms": rule.window_ms,
        ":n_matches": due.n_matches as i64,
        ":from_ms": due.from_ms,
        ":samples": due.samples.join("\n"),
    })?;
    Ok(tx.last_insert_rowid())
}

/// One of them.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Firing>> {
    let mut statement =
        connection.prepare_cached(&format!("select {COLUMNS} from firings f where id = ?1"))?;
    statement.query_row([id], read).optional()
}

/// Those in a digest, the newest first, at most `limit`; and how many there are.
pub fn of_digest(
    connection: &Connection,
    digest_id: i64,
    limit: u32,
) -> rusqlite::Result<(Vec<Firing>, u64)> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS} from deliveries d join firings f on f.id = d.subject_id
         where d.digest_id = ?1
         order by f.id desc
         limit ?2"
    ))?;
    let firings = statement.query_map((digest_id, limit), read)?;
    let firings = firings.collect::<rusqlite::Result<_>>()?;
    let mut count = connection.prepare_cached("select count(*) from deliveries where digest_id = ?1")?;
    let n: i64 = count.query_row([digest_id], |row| row.get(0))?;
    Ok((firings, n.unsigned_abs()))
}

/// Forgets those before a time that no delivery speaks of any more.
pub fn drop_old(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached(
        "delete from firings
         where at < ?1 and not exists (select 1 from deliveries d where d.subject_id = firings.id)",
    )?;
    statement.execute([before])
}
