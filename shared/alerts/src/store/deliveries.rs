//! What is sent to whom: held until it is decided whether it goes alone or in a digest, then tried until it is taken.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row, named_params};

/// Kind of what the test button sends.
pub const TEST: &str = "test";
/// Kind of what carries many others at once.
pub const DIGEST: &str = "digest";

/// To whom: a channel, or an address. For addresses of `ALERT_EMAILS` there is no channel.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// Number of the channel.
    pub channel_id: Option<i64>,
    /// Of a mail.
    pub recipient: Option<String>,
}

/// Something to be sent now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Unique in this database: part of the Message-ID.
    pub id: i64,
    /// To whom.
    pub to: Address,
    /// What it is about; none for tests and digests.
    pub subject_id: Option<i64>,
    /// Why: [`TEST`], [`DIGEST`], or a word of the service's.
    pub kind: String,
    /// Unix milliseconds, as all that end in `_at`.
    pub created_at: i64,
    /// Tries so far.
    pub n_attempts: u32,
}

impl Delivery {
    /// What receivers know it by: it stays the same over all tries.
    pub fn name(&self) -> String {
        format!("{}-{}", self.created_at, self.id)
    }
}

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    /// What, in the service's words: `created`.
    pub kind: &'a str,
    /// To what.
    pub subject_id: i64,
    /// When, in Unix milliseconds.
    pub at: i64,
}

/// What waits for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// Number of the delivery.
    pub id: i64,
    /// When it happened, or the quiet hours ended.
    pub at: i64,
}

/// Adds an alert that is not decided yet; `hold_until` is the end of quiet hours.
pub fn hold(
    tx: &Connection,
    to: &Address,
    event: &Event<'_>,
    hold_until: Option<i64>,
) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "insert into deliveries (channel_id, recipient, subject_id, kind, created_at, is_held, hold_until)
         values (:channel_id, :recipient, :subject_id, :kind, :at, 1, :hold_until)",
    )?;
    statement.execute(named_params! {
        ":channel_id": to.channel_id,
        ":recipient": to.recipient,
        ":subject_id": event.subject_id,
        ":kind": event.kind,
        ":at": event.at,
        ":hold_until": hold_until,
    })?;
    Ok(())
}

/// Adds a test, due at once.
pub fn queue_test(tx: &Connection, to: &Address, now: i64) -> rusqlite::Result<i64> {
    release_new(tx, to, TEST, now)
}

fn release_new(tx: &Connection, to: &Address, kind: &str, now: i64) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into deliveries (channel_id, recipient, kind, created_at, released_at, next_attempt_at)
         values (:channel_id, :recipient, :kind, :now, :now, :now)",
    )?;
    statement.execute(named_params! {
        ":channel_id": to.channel_id,
        ":recipient": to.recipient,
        ":kind": kind,
        ":now": now,
    })?;
    Ok(tx.last_insert_rowid())
}

/// What is held and not quiet any more, oldest first, by whom it is for.
pub fn held(connection: &Connection, now: i64) -> rusqlite::Result<BTreeMap<Address, Vec<Held>>> {
    let mut statement = connection.prepare_cached(
        "select channel_id, recipient, id, max(created_at, ifnull(hold_until, 0))
         from deliveries
         where is_held = 1 and ifnull(hold_until, 0) <= :now
         order by id",
    )?;
    let mut rows = statement.query(named_params! { ":now": now })?;
    let mut held: BTreeMap<Address, Vec<Held>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let to = Address {
            channel_id: row.get(0)?,
            recipient: row.get(1)?,
        };
        held.entry(to).or_default().push(Held {
            id: row.get(2)?,
            at: row.get(3)?,
        });
    }
    Ok(held)
}

/// When a held one's quiet hours end next.
pub fn next_held(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "select min(max(created_at, ifnull(hold_until, 0))) from deliveries where is_held = 1",
    )?;
    statement.query_row([], |row| row.get(0))
}

/// When alerts went singly to somebody since `since`, and when a digest last did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub single: Vec<i64>,
    /// Ever.
    pub last_digest: Option<i64>,
}

/// See [`History`].
pub fn history_of(connection: &Connection, to: &Address, since: i64) -> rusqlite::Result<History> {
    let mut statement = connection.prepare_cached(
        "select released_at, kind = 'digest'
         from deliveries
         where channel_id is :channel_id and recipient is :recipient and released_at >= :since and kind <> 'test'
         order by released_at",
    )?;
    let values = named_params! { ":channel_id": to.channel_id, ":recipient": to.recipient, ":since": since };
    let mut rows = statement.query(values)?;
    let mut history = History::default();
    while let Some(row) = rows.next()? {
        let at: i64 = row.get(0)?;
        match row.get(1)? {
            true => history.last_digest = Some(at),
            false => history.single.push(at),
        }
    }
    Ok(history)
}

/// Lets held ones go by themselves.
pub fn release(tx: &Connection, held: &[Held], now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update deliveries set is_held = 0, released_at = :now, next_attempt_at = :now where id = :id",
    )?;
    for one in held {
        statement.execute(named_params! { ":id": one.id, ":now": now })?;
    }
    Ok(())
}

/// Lets held ones go as one digest.
pub fn release_digest(tx: &Connection, to: &Address, held: &[Held], now: i64) -> rusqlite::Result<()> {
    let digest = release_new(tx, to, DIGEST, now)?;
    let mut statement =
        tx.prepare_cached("update deliveries set is_held = 0, digest_id = :digest where id = :id")?;
    for one in held {
        statement.execute(named_params! { ":id": one.id, ":digest": digest })?;
    }
    Ok(())
}

/// Whether mails or other channels are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// To an address.
    Mail,
    /// By HTTP.
    Channel,
}

impl Way {
    fn condition(self) -> &'static str {
        match self {
            Self::Mail => "recipient is not null",
            Self::Channel => "recipient is null",
        }
    }
}

const COLUMNS: &str = "id, channel_id, recipient, subject_id, kind, created_at, n_attempts";

fn read(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    Ok(Delivery {
        id: row.get(0)?,
        to: Address {
            channel_id: row.get(1)?,
            recipient: row.get(2)?,
        },
        subject_id: row.get(3)?,
        kind: row.get(4)?,
        created_at: row.get(5)?,
        n_attempts: row.get(6)?,
    })
}

/// Channels to which not everything can go now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Occupied {
    /// Something is on its way to them.
    pub busy: Vec<i64>,
    /// They did not take something: only what somebody tries by hand goes there.
    pub resting: Vec<i64>,
}

/// What is due by now, oldest first.
pub fn due(
    connection: &Connection,
    way: Way,
    occupied: &Occupied,
    now: i64,
    limit: u32,
) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS} from deliveries
         where next_attempt_at <= :now and {}
           and ifnull(channel_id, 0) not in (select value from json_each(:busy))
           and (ifnull(channel_id, 0) not in (select value from json_each(:resting))
                or (kind = 'test' and n_attempts = 0))
         order by next_attempt_at, id
         limit :limit",
        way.condition()
    ))?;
    let list = |ids: &[i64]| serde_json::json!(ids).to_string();
    let values = named_params! {
        ":now": now,
        ":busy": list(&occupied.busy),
        ":resting": list(&occupied.resting),
        ":limit": limit,
    };
    let rows = statement.query_map(values, read)?;
    rows.collect()
}

/// When the next one is due after now.
pub fn next_due(connection: &Connection, way: Way, now: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(&format!(
        "select min(next_attempt_at) from deliveries where next_attempt_at > ?1 and {}",
        way.condition()
    ))?;
    statement.query_row([now], |row| row.get(0))
}

/// A server took it.
pub fn delivered(tx: &Connection, id: i64, now: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update deliveries
         set delivered_at = :now, next_attempt_at = null, n_attempts = n_attempts + 1, last_error = null
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": id, ":now": now })?;
    Ok(())
}

/// It did not go out; `next_attempt_at` of `None` gives it up.
pub fn failed(tx: &Connection, id: i64, error: &str, next_attempt_at: Option<i64>) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update deliveries
         set n_attempts = n_attempts + 1, last_error = :error, next_attempt_at = :next_attempt_at
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": id, ":error": error, ":next_attempt_at": next_attempt_at })?;
    Ok(())
}

/// How sending stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Still to be delivered, held ones too.
    pub n_waiting: i64,
    /// Given up.
    pub n_given_up: i64,
}

/// Figures for `/metrics`.
pub fn queue_state(connection: &Connection) -> rusqlite::Result<Queue> {
    let mut statement = connection.prepare_cached(
        "select (select count(*) from deliveries where next_attempt_at is not null)
                + (select count(*) from deliveries where is_held = 1),
                (select count(*) from deliveries
                 where next_attempt_at is null and delivered_at is null and is_held = 0 and digest_id is null)",
    )?;
    statement.query_row([], |row| {
        Ok(Queue {
            n_waiting: row.get(0)?,
            n_given_up: row.get(1)?,
        })
    })
}

/// Forgets what is done with and older than `before`.
pub fn drop_done(tx: &Connection, before: i64) -> rusqlite::Result<usize> {
    let mut statement = tx.prepare_cached(
        "delete from deliveries
         where next_attempt_at is null and is_held = 0 and digest_id is null and created_at < :before",
    )?;
    statement.execute(named_params! { ":before": before })
}

/// How many alerts of each kind a digest carries.
pub fn digest_kinds(connection: &Connection, digest_id: i64) -> rusqlite::Result<Vec<(String, i64)>> {
    let mut statement = connection.prepare_cached(
        "select kind, count(*) from deliveries where digest_id = ?1 group by kind order by kind",
    )?;
    let rows = statement.query_map([digest_id], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

/// One line of the delivery history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What was to be sent.
    pub delivery: Delivery,
    /// Alerts in it, if it is a digest.
    pub n_alerts: i64,
    /// Not decided yet.
    pub is_held: bool,
    /// When it is tried next, or quiet hours end.
    pub next_attempt_at: Option<i64>,
    /// When a server took it.
    pub delivered_at: Option<i64>,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Line {
    /// held, waiting, delivered, failed
    pub fn state(&self) -> &'static str {
        match (self.delivered_at, self.is_held, self.next_attempt_at) {
            (Some(_), _, _) => "delivered",
            (None, true, _) => "held",
            (None, false, Some(_)) => "waiting",
            (None, false, None) => "failed",
        }
    }
}

/// Some lines of the history, and where the next ones begin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// Newest first.
    pub lines: Vec<Line>,
    /// To be given as `before` for those that follow; none at the end.
    pub next: Option<i64>,
}

/// Up to `limit` deliveries older than `before`; what a digest carries is not listed by itself.
pub fn page(connection: &Connection, before: Option<i64>, limit: u32) -> rusqlite::Result<Page> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS}, (select count(*) from deliveries m where m.digest_id = d.id), is_held,
                ifnull(next_attempt_at, iif(is_held, hold_until, null)), delivered_at, last_error
         from deliveries d
         where digest_id is null and id < :before
         order by id desc
         limit :limit"
    ))?;
    let before = before.unwrap_or(i64::MAX);
    // One more tells whether there is more.
    let rows = statement.query_map(named_params! { ":before": before, ":limit": limit + 1 }, |row| {
        Ok(Line {
            delivery: read(row)?,
            n_alerts: row.get(7)?,
            is_held: row.get(8)?,
            next_attempt_at: row.get(9)?,
            delivered_at: row.get(10)?,
            last_error: row.get(11)?,
        })
    })?;
    let mut lines: Vec<Line> = rows.collect::<rusqlite::Result<_>>()?;
    let is_more = lines.len() > limit as usize;
    lines.truncate(limit as usize);
    let last = lines.last().map(|line| line.delivery.id);
    Ok(Page {
        next: last.filter(|_| is_more),
        lines,
    })
}
