//! What happened to a group beside reports: who did what, and notes.

use rusqlite::{Connection, named_params};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// By hand. Detail: the release after which it counts, if that was asked.
    Resolved,
    /// By hand.
    Reopened,
    /// A report came after it was resolved. Detail: its release.
    Regressed,
    /// Detail: until when.
    Snoozed,
    /// The snooze is over.
    Woken,
    /// Far over its own past. Detail: reports in the hour.
    Spiked,
    /// Another group was merged into it. Detail: its number.
    Merged,
    /// It was taken out again. Detail: its number.
    Unmerged,
    /// Somebody wrote something. Detail: the text.
    Note,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Resolved,
        Self::Reopened,
        Self::Regressed,
        Self::Snoozed,
        Self::Woken,
        Self::Spiked,
        Self::Merged,
        Self::Unmerged,
        Self::Note,
    ];

    /// Its name, as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Resolved => "resolved",
            Self::Reopened => "reopened",
            Self::Regressed => "regressed",
            Self::Snoozed => "snoozed",
            Self::Woken => "woken",
            Self::Spiked => "spiked",
            Self::Merged => "merged",
            Self::Unmerged => "unmerged",
            Self::Note => "note",
        }
    }
}

/// Who did what, to be written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act<'a> {
    /// What.
    pub kind: Kind,
    /// Name of the key; none: the tracker itself.
    pub author: Option<&'a str>,
    /// See [`Kind`].
    pub detail: Option<&'a str>,
}

/// One line of a group's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// Its number.
    pub id: i64,
    /// Unix milliseconds.
    pub at: i64,
    /// What happened.
    pub kind: Kind,
    /// Name of the key; none: the tracker itself.
    pub author: Option<String>,
    /// See [`Kind`].
    pub detail: Option<String>,
}

/// Writes a line down.
pub fn note(tx: &Connection, group_id: i64, act: &Act<'_>, now: i64) -> rusqlite::Result<i64> {
    let mut statement = tx.prepare_cached(
        "insert into activities (group_id, at, kind, author, detail)
         values (:group_id, :now, :kind, :author, :detail)",
    )?;
    statement.execute(named_params! {
        ":group_id": group_id,
        ":now": now,
        ":kind": act.kind.name(),
        ":author": act.author,
        ":detail": act.detail,
    })?;
    Ok(tx.last_insert_rowid())
}

/// The newest lines of a group's history, newest first.
pub fn of_group(connection: &Connection, group_id: i64, limit: u32) -> rusqlite::Result<Vec<Activity>> {
    let mut statement = connection.prepare_cached(
        "select id, at, kind, author, detail from activities where group_id = ?1 order by id desc limit ?2",
    )?;
    let rows = statement.query_map((group_id, limit), |row| {
        let kind = row.get_ref(2)?.as_str()?;
        Ok(Activity {
            id: row.get(0)?,
            at: row.get(1)?,
            kind: Kind::ALL
                .into_iter()
                .find(|it| it.name() == kind)
                .unwrap_or(Kind::Note),
            author: row.get(3)?,
            detail: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// When something of this kind last happened to a group.
pub fn last_of(connection: &Connection, group_id: i64, kind: Kind) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare_cached("select max(at) from activities where group_id = ?1 and kind = ?2")?;
    statement.query_row((group_id, kind.name()), |row| row.get(0))
}

/// Deletes a note of a group, or of the one it is merged into. False if there is no such note; other lines stay.
pub fn drop_note(tx: &Connection, group_id: i64, id: i64) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(
        "delete from activities
             where id = ?2 and kind = 'note'
               and (group_id = ?1 or group_id = (select merged_into from groups where id = ?1))",
    )?;
    Ok(statement.execute((group_id, id))? > 0)
}

/// Median time from a group's first report to its being resolved, over those resolved by hand since `since`, in
/// milliseconds; none if there are none.
pub fn median_time_to_resolve(connection: &Connection, since: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement = connection.prepare_cached(
        "select resolved_at - first_seen_at from groups
         where is_resolved = 1 and resolved_at >= ?1 and merged_into is null
         order by 1",
    )?;
    let all: Vec<i64> = statement
        .query_map([since], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(all.get(all.len() / 2).copied())
}
