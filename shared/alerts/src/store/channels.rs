//! Where alerts go beside the addresses in ALERT_EMAILS.

use config::Secret;
use rusqlite::{Connection, OptionalExtension, Row, named_params};

/// One channel, with what must not be shown.
#[derive(Debug, Clone)]
pub struct Channel {
    /// Its number; 0 stands for ALERT_EMAILS and is never in the table.
    pub id: i64,
    /// As people call it.
    pub name: String,
    /// mail, webhook, slack, discord, teams, ntfy
    pub kind: String,
    /// URL, or mail addresses with commas between.
    pub target: Secret,
    /// What a webhook is signed with; an access token of ntfy.
    pub secret: Option<Secret>,
    /// Of a webhook: its own JSON instead of ours.
    pub template: Option<String>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Channel> {
    Ok(Channel {
        id: row.get(0)?,
        name: row.get(1)?,
        kind: row.get(2)?,
        target: Secret::new(row.get::<_, String>(3)?),
        secret: row.get::<_, Option<String>>(4)?.map(Secret::new),
        template: row.get(5)?,
    })
}

/// All channels, oldest first.
pub fn all(connection: &Connection) -> rusqlite::Result<Vec<Channel>> {
    let mut statement = connection
        .prepare_cached("select id, name, kind, target, secret, template from channels order by id")?;
    statement.query_map([], read)?.collect()
}

/// One channel.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Channel>> {
    let mut statement = connection
        .prepare_cached("select id, name, kind, target, secret, template from channels where id = ?1")?;
    statement.query_row([id], read).optional()
}

/// Adds a channel, whatever its number says. Returns its number.
pub fn add(tx: &Connection, channel: &Channel, now: i64) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into channels (name, kind, target, secret, template, created_at)
         values (:name, :kind, :target, :secret, :template, :now)",
    )?;
    statement.execute(named_params! {
        ":name": channel.name,
        ":kind": channel.kind,
        ":target": channel.target.expose(),
        ":secret": channel.secret.as_ref().map(Secret::expose),
        ":template": channel.template,
        ":now": now,
    })?;
    Ok(tx.last_insert_rowid())
}

/// Deletes a channel, and gives up what waits for it. False if it is not there. Rules that mean only it are the caller's.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let mut waiting = tx.prepare_cached(
        "update deliveries
         set next_attempt_at = null, is_held = 0, last_error = 'its channel was deleted'
         where channel_id = ?1 and delivered_at is null",
    )?;
    waiting.execute([id])?;
    Ok(tx
        .prepare_cached("delete from channels where id = ?1")?
        .execute([id])?
        > 0)
}
