//! Single reports, as they are kept.

use rusqlite::{Connection, named_params};

/// One kept report of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Occurrence {
    /// Rises with time.
    pub id: i64,
    /// Unix milliseconds.
    pub received_at: i64,
    /// prod, staging, …
    pub environment: Option<String>,
    /// URL of the request in which it happened.
    pub request_url: Option<String>,
    /// Its method.
    pub request_method: Option<String>,
    /// JSON text.
    pub request_headers: Option<String>,
    /// The user it happened to.
    pub user_id: Option<String>,
    /// JSON text.
    pub extra: Option<String>,
    /// Its own message.
    pub message: String,
    /// Its own traceback.
    pub traceback: String,
}

/// The kept occurrences of a group, newest first.
pub fn of_group(connection: &Connection, group_id: i64, limit: u32) -> rusqlite::Result<Vec<Occurrence>> {
    let mut statement = connection.prepare_cached(
        "select o.id, o.received_at, o.environment, o.request_url, o.request_method, o.request_headers,
                o.user_id, o.extra, coalesce(o.message, f.message), coalesce(o.traceback, f.traceback)
         from occurrences o
         join first_reports f on f.group_id = o.group_id
         where o.group_id = :group_id
         order by o.id desc
         limit :limit",
    )?;
    let rows = statement.query_map(named_params! { ":group_id": group_id, ":limit": limit }, |row| {
        Ok(Occurrence {
            id: row.get(0)?,
            received_at: row.get(1)?,
            environment: row.get(2)?,
            request_url: row.get(3)?,
            request_method: row.get(4)?,
            request_headers: row.get(5)?,
            user_id: row.get(6)?,
            extra: row.get(7)?,
            message: row.get(8)?,
            traceback: row.get(9)?,
        })
    })?;
    rows.collect()
}
