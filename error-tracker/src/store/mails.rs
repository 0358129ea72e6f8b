//! Mails waiting to be sent, and what became of them.

use rusqlite::{Connection, OptionalExtension, named_params};

/// Why a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A new group.
    Created,
    /// A resolved group came back.
    Reopened,
    /// Somebody pressed the test button.
    Test,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Reopened => "reopened",
            Self::Test => "test",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "created" => Self::Created,
            "reopened" => Self::Reopened,
            _ => Self::Test,
        }
    }
}

/// A mail to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Unique in this database: part of the Message-ID.
    pub id: i64,
    /// None for a test.
    pub group_id: Option<i64>,
    /// Why.
    pub kind: Kind,
    /// To whom.
    pub recipient: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Tries so far.
    pub n_attempts: u32,
}

/// Adds a mail, due at once.
pub fn queue(
    tx: &Connection,
    group_id: Option<i64>,
    kind: Kind,
    recipient: &str,
    now: i64,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into mails (group_id, kind, recipient, created_at, next_attempt_at)
         values (:group_id, :kind, :recipient, :now, :now)",
    )?;
    statement.execute(named_params! {
        ":group_id": group_id,
        ":kind": kind.name(),
        ":recipient": recipient,
        ":now": now,
    })?;
    Ok(())
}

/// Mails due by now, oldest first.
pub fn due(connection: &Connection, now: i64, limit: u32) -> rusqlite::Result<Vec<Mail>> {
    let mut statement = connection.prepare_cached(
        "select id, group_id, kind, recipient, created_at, n_attempts
         from mails
         where next_attempt_at <= :now
         order by next_attempt_at, id
         limit :limit",
    )?;
    let rows = statement.query_map(named_params! { ":now": now, ":limit": limit }, |row| {
        Ok(Mail {
            id: row.get(0)?,
            group_id: row.get(1)?,
            kind: Kind::parse(row.get_ref(2)?.as_str()?),
            recipient: row.get(3)?,
            created_at: row.get(4)?,
            n_attempts: row.get(5)?,
        })
    })?;
    rows.collect()
}

/// When the next mail is due, Unix milliseconds.
pub fn next_due(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection
        .prepare_cached("select min(next_attempt_at) from mails where next_attempt_at is not null")?;
    statement
        .query_row([], |row| row.get(0))
        .optional()
        .map(Option::flatten)
}

/// The mail server took it.
pub fn delivered(tx: &Connection, id: i64, now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update mails
         set delivered_at = :now, next_attempt_at = null, n_attempts = n_attempts + 1, last_error = null
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": id, ":now": now })?;
    Ok(())
}

/// It did not go out; `next_attempt_at` of `None` gives it up.
pub fn failed(tx: &Connection, id: i64, error: &str, next_attempt_at: Option<i64>) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update mails
         set n_attempts = n_attempts + 1, last_error = :error, next_attempt_at = :next_attempt_at
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": id, ":error": error, ":next_attempt_at": next_attempt_at })?;
    Ok(())
}

/// How the mail queue stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Still to be delivered.
    pub n_waiting: i64,
    /// Given up.
    pub n_given_up: i64,
    /// What the mail server or the network said last to a mail that still waits.
    pub last_error: Option<String>,
}

/// Figures for the page and for `/metrics`.
pub fn queue_state(connection: &Connection) -> rusqlite::Result<Queue> {
    let mut statement = connection.prepare_cached(
        "select (select count(*) from mails where next_attempt_at is not null),
                (select count(*) from mails where next_attempt_at is null and delivered_at is null),
                (select last_error from mails where next_attempt_at is not null and last_error is not null
                 order by id desc limit 1)",
    )?;
    statement.query_row([], |row| {
        Ok(Queue {
            n_waiting: row.get(0)?,
            n_given_up: row.get(1)?,
            last_error: row.get(2)?,
        })
    })
}

/// Forgets mails that are done with and older than `before`.
pub fn drop_done(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement =
        tx.prepare_cached("delete from mails where next_attempt_at is null and created_at < :before")?;
    statement.execute(named_params! { ":before": before })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{database, file, filing};

    #[test]
    fn a_mail_waits_is_tried_again_and_is_done_once() {
        let database = database();
        file(&database, filing("E", 1000));
        file(&database, filing("E", 1001));
        assert_eq!(due(&database, 999, 10).unwrap(), []);
        let waiting = due(&database, 1000, 10).unwrap();
        assert_eq!(
            waiting.len(),
            1,
            "one mail for a new group, none for its second report"
        );
        assert_eq!(
            (waiting[0].kind, waiting[0].recipient.as_str()),
            (Kind::Created, "ops@example.com")
        );

        failed(&database, waiting[0].id, "connection refused", Some(6000)).unwrap();
        assert_eq!(due(&database, 5999, 10).unwrap(), []);
        assert_eq!(next_due(&database).unwrap(), Some(6000));
        assert_eq!(
            queue_state(&database).unwrap().last_error.as_deref(),
            Some("connection refused")
        );

        delivered(&database, waiting[0].id, 6000).unwrap();
        assert_eq!(
            (
                due(&database, i64::MAX, 10).unwrap(),
                next_due(&database).unwrap()
            ),
            (vec![], None)
        );
        assert_eq!(queue_state(&database).unwrap(), Queue::default());
        assert_eq!(drop_done(&database, 1001).unwrap(), 1);
    }

    #[test]
    fn what_is_given_up_is_counted() {
        let database = database();
        queue(&database, None, Kind::Test, "a@example.com", 5).unwrap();
        failed(&database, 1, "no such mailbox", None).unwrap();
        assert_eq!(
            queue_state(&database).unwrap(),
            Queue {
                n_waiting: 0,
                n_given_up: 1,
                last_error: None
            }
        );
    }
}
