//! What was acknowledged and no backend has taken yet.

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::backend::Backend;

/// One request that waits.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Its place in the queue.
    pub seq: i64,
    /// By which the backend knows what it had before.
    pub event_id: String,
    /// Who owns it.
    pub project: String,
    /// Unix milliseconds.
    pub queued_at: i64,
    /// JSON.
    pub body: Vec<u8>,
}

/// How much waits for one backend.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Requests.
    pub n: u64,
    /// Bytes of their bodies.
    pub n_bytes: u64,
    /// When the oldest came, Unix milliseconds.
    pub oldest_at: Option<i64>,
}

/// Puts a request at the end of its backend's queue.
pub fn push(
    tx: &Connection,
    backend: Backend,
    event_id: &str,
    project: &str,
    body: &[u8],
    now: i64,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into outbox (backend, event_id, project, queued_at, body)
         values (:backend, :event_id, :project, :now, :body)",
    )?;
    statement.execute(named_params! {
        ":backend": backend.number(), ":event_id": event_id, ":project": project, ":now": now, ":body": body,
    })?;
    Ok(())
}

/// The front of a backend's queue: at most `limit` requests of together about `max_bytes`, at least one.
pub fn front(
    connection: &Connection,
    backend: Backend,
    limit: u32,
    max_bytes: usize,
) -> rusqlite::Result<Vec<Waiting>> {
    let mut statement = connection.prepare_cached(
        "select seq, event_id, project, queued_at, body from outbox
         where backend = :backend
         order by seq
         limit :limit",
    )?;
    let mut rows = statement.query(named_params! { ":backend": backend.number(), ":limit": limit })?;
    let mut front = Vec::new();
    let mut n_bytes = 0;
    while let Some(row) = rows.next()? {
        let body: Vec<u8> = row.get(4)?;
        n_bytes += body.len();
        if n_bytes > max_bytes && !front.is_empty() {
            break;
        }
        front.push(Waiting {
            seq: row.get(0)?,
            event_id: row.get(1)?,
            project: row.get(2)?,
            queued_at: row.get(3)?,
            body,
        });
    }
    Ok(front)
}

/// Takes requests out.
pub fn remove(tx: &Connection, seqs: &[i64]) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from outbox where seq = ?1")?;
    for seq in seqs {
        statement.execute([seq])?;
    }
    Ok(())
}

/// When the front of a backend's queue came.
pub fn oldest_at(connection: &Connection, backend: Backend) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare_cached("select queued_at from outbox where backend = ?1 order by seq limit 1")?;
    statement
        .query_row([backend.number()], |row| row.get(0))
        .optional()
}

/// How much waits for a backend.
pub fn backlog(connection: &Connection, backend: Backend) -> rusqlite::Result<Backlog> {
    let mut statement = connection.prepare_cached(
        "select count(*), ifnull(sum(length(body)), 0), min(queued_at) from outbox where backend = ?1",
    )?;
    statement.query_row([backend.number()], |row| {
        Ok(Backlog {
            n: row.get::<_, i64>(0)?.unsigned_abs(),
            n_bytes: row.get::<_, i64>(1)?.unsigned_abs(),
            oldest_at: row.get(2)?,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::database;
    use super::*;

    #[test]
    fn queues_are_apart_and_in_order() {
        let database = database();
        for number in 0..5_u8 {
            let backend = if number == 2 {
                Backend::Collector
            } else {
                Backend::Tracker
            };
            push(
                &database,
                backend,
                &format!("e{number}"),
                "p",
                &[number; 10],
                i64::from(number),
            )
            .unwrap();
        }
        let ids = |limit, max_bytes| -> Vec<String> {
            let front = front(&database, Backend::Tracker, limit, max_bytes).unwrap();
            front.into_iter().map(|waiting| waiting.event_id).collect()
        };
        assert_eq!(ids(3, 1000), ["e0", "e1", "e3"]);
        assert_eq!(ids(3, 25), ["e0", "e1"]);
        assert_eq!(ids(3, 5), ["e0"]);
        remove(&database, &[1, 2]).unwrap();
        assert_eq!(ids(9, 1000), ["e3", "e4"]);
        let backlog = |backend| backlog(&database, backend).unwrap();
        assert_eq!(
            backlog(Backend::Tracker),
            Backlog {
                n: 2,
                n_bytes: 20,
                oldest_at: Some(3)
            }
        );
        assert_eq!(backlog(Backend::LogViewer), Backlog::default());
    }
}
