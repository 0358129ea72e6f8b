//! The original tracker's tables, and what is set in ours besides the reports.

use std::collections::BTreeMap;

use rusqlite::{Connection, named_params};
use serde_json::{Value, json};

/// A group of the original.
#[derive(Debug)]
pub struct OldGroup {
    /// Its id there.
    pub id: i64,
    /// As the original counted.
    pub count: i64,
    /// Times as the original writes them.
    pub first_seen: String,
    /// See `first_seen`.
    pub last_seen: String,
    /// When it was resolved; none while it is open.
    pub resolved_at: Option<String>,
    /// Its kept reports as clients send them, oldest first, each with its time; at least one.
    pub reports: Vec<(String, Value)>,
}

/// Groups behind this id, at most `limit`, by id.
pub fn groups_after(original: &Connection, id: i64, limit: u32) -> rusqlite::Result<Vec<OldGroup>> {
    let mut statement = original.prepare_cached(
        "select id, project, exception_type, message, traceback, count, first_seen, last_seen,
                case when resolved then ifnull(resolved_at, last_seen) end
         from errors
         where id > ?1
         order by id
         limit ?2",
    )?;
    let mut rows = statement.query((id, limit))?;
    let mut groups = Vec::new();
    while let Some(row) = rows.next()? {
        let body = json!({
            "project": row.get::<_, String>(1)?,
            "exception_type": row.get::<_, String>(2)?,
            "message": row.get::<_, String>(3)?,
            "traceback": row.get::<_, String>(4)?,
        });
        let (id, last_seen): (i64, String) = (row.get(0)?, row.get(7)?);
        let mut reports = occurrences(original, id, &body)?;
        if reports.is_empty() {
            reports.push((last_seen.clone(), body));
        }
        groups.push(OldGroup {
            id,
            count: row.get(5)?,
            first_seen: row.get(6)?,
            last_seen,
            resolved_at: row.get(8)?,
            reports,
        });
    }
    Ok(groups)
}

fn occurrences(original: &Connection, id: i64, body: &Value) -> rusqlite::Result<Vec<(String, Value)>> {
    let mut statement = original.prepare_cached(
        "select timestamp, traceback, request_url, request_method, request_headers, user_id, extra
         from error_occurrences
         where error_id = ?1
         order by timestamp, id",
    )?;
    let rows = statement.query_map([id], |row| {
        let mut report = body.clone();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                report[name] = value;
            }
        };
        let text = |at| row.get::<_, Option<String>>(at);
        // What the original kept as JSON text.
        let json = |at| Ok::<_, rusqlite::Error>(text(at)?.and_then(|text| serde_json::from_str(&text).ok()));
        put("traceback", text(1)?.map(Value::from));
        put("request_url", text(2)?.map(Value::from));
        put("request_method", text(3)?.map(Value::from));
        put("request_headers", json(4)?);
        put("user_id", text(5)?.map(Value::from));
        put("extra", json(6)?);
        Ok((row.get(0)?, report))
    })?;
    rows.collect()
}

/// What the original knew of the groups that became one of ours.
#[derive(Debug, Clone)]
pub struct Past {
    /// Reports that it counted and did not keep.
    pub n_more: i64,
    /// Unix milliseconds.
    pub first_seen_at: i64,
    /// Unix milliseconds.
    pub last_seen_at: i64,
    /// When the last of them was resolved; none if any is open.
    pub resolved_at: Option<i64>,
}

/// Sets it in our groups, whose reports are counted already.
pub fn set_past(tx: &Connection, pasts: &BTreeMap<i64, Past>) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update groups
         set n_occurrences = n_occurrences + :n_more,
             first_seen_at = min(first_seen_at, :first),
             last_seen_at = max(last_seen_at, :last),
             is_resolved = :resolved is not null,
             resolved_at = :resolved
         where id = :id",
    )?;
    for (id, past) in pasts {
        statement.execute(named_params! {
            ":id": id, ":n_more": past.n_more, ":first": past.first_seen_at, ":last": past.last_seen_at,
            ":resolved": past.resolved_at,
        })?;
    }
    Ok(())
}

/// Takes back what would be told of these groups: what happened there was told long ago, and is no news.
pub fn tell_nothing(tx: &Connection, since: i64) -> rusqlite::Result<()> {
    tx.execute("delete from alerts where id > ?1", [since])?;
    Ok(())
}

/// The number of the newest thing to be told.
pub fn newest_cause(tx: &Connection) -> rusqlite::Result<i64> {
    tx.query_row("select ifnull(max(id), 0) from alerts", [], |row| row.get(0))
}
