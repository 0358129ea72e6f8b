//! Stacks of kept reports, to be read and replaced: a source map that comes late tells more of them.

use rusqlite::{Connection, OptionalExtension, named_params};

use super::occurrences::{self, group_of};
use crate::domain::grouping::{By, Grouping};
use crate::domain::recognition::Recognised;
use crate::domain::report::{BROWSER_METHOD, Details, Report};
use crate::domain::rich::Rich;

/// One kept report, as far as its stack goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The occurrence's id.
    pub id: i64,
    /// Who owns it.
    pub project: String,
    /// Its group's type.
    pub exception_type: String,
    /// Its own message.
    pub message: String,
    /// Its own traceback.
    pub traceback: String,
}

/// Kept reports of a release that came from browsers, behind a place, and the place to go on from; none at the end.
pub fn of_release(
    connection: &Connection,
    project: &str,
    release: &str,
    after: i64,
    limit: u32,
) -> rusqlite::Result<(Vec<Stored>, Option<i64>)> {
    let mut statement = connection.prepare_cached(
        "select o.place, o.number, g.project, g.exception_type, coalesce(o.message, f.message),
                coalesce(o.traceback, f.traceback), o.rich, o.details
         from group_tags t
         join groups g on g.id = t.group_id
         join first_reports f on f.group_id = g.id
         join occurrences o on o.place between g.id << 10 and g.id << 10 | 1023
         where t.name = 'release' and t.value = :release and g.project = :project and o.place > :after
         order by o.place
         limit :limit",
    )?;
    let page = named_params! { ":release": release, ":project": project, ":after": after, ":limit": limit };
    let mut rows = statement.query(page)?;
    let (mut found, mut n_seen, mut last) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        let place: i64 = row.get(0)?;
        n_seen += 1;
        last = Some(place);
        let rich: Option<Vec<u8>> = row.get(6)?;
        let rich = rich.as_deref().and_then(Rich::unpack).unwrap_or_default();
        let details: String = row.get(7)?;
        let details: Details = serde_json::from_str(&details).unwrap_or_default();
        let is_of_browser = details.request_method.as_deref() == Some(BROWSER_METHOD);
        if !is_of_browser || rich.release.as_deref() != Some(release) {
            continue;
        }
        found.push(Stored {
            id: occurrences::id_of(group_of(place), row.get(1)?),
            project: row.get(2)?,
            exception_type: row.get(3)?,
            message: row.get(4)?,
            traceback: row.get(5)?,
        });
    }
    Ok((found, last.filter(|_| n_seen == limit)))
}

/// One kept report.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<Stored>> {
    let Some(place) = occurrences::place_of(connection, id)? else {
        return Ok(None);
    };
    let mut statement = connection.prepare_cached(
        "select g.project, g.exception_type, coalesce(o.message, f.message), coalesce(o.traceback, f.traceback)
         from occurrences o
         join groups g on g.id = o.group_id
         join first_reports f on f.group_id = g.id
         where o.place = :place",
    )?;
    let found = statement.query_row(named_params! { ":place": place }, |row| {
        Ok(Stored {
            id,
            project: row.get(0)?,
            exception_type: row.get(1)?,
            message: row.get(2)?,
            traceback: row.get(3)?,
        })
    });
    found.optional()
}

/// Gives a kept report the traceback and the exceptions of another. Its group keeps it, and takes reports with the new
/// stack from now on, unless another group does already. False if it is not kept any more.
pub fn replace(tx: &Connection, id: i64, new: &Report, recognised: &Recognised) -> rusqlite::Result<bool> {
    let (Some(old), Some(place)) = (find(tx, id)?, occurrences::place_of(tx, id)?) else {
        return Ok(false);
    };
    let group_id = group_of(place);
    let mut read = tx.prepare_cached("select rich from occurrences where place = ?1")?;
    let rich: Option<Vec<u8>> = read.query_row([place], |row| row.get(0))?;
    let mut rich = rich.as_deref().and_then(Rich::unpack).unwrap_or_default();
    rich.exceptions = new.exceptions();
    tx.prepare_cached("update occurrences set traceback = :traceback, rich = :rich where place = :place")?
        .execute(named_params! { ":traceback": new.traceback, ":rich": rich.pack(), ":place": place })?;
    // The group shows the first report's, which may be this one, or one with the same text.
    tx.prepare_cached(
        "update first_reports set traceback = :traceback, culprit = :culprit
         where group_id = :group_id and traceback = :old",
    )?
    .execute(named_params! {
        ":traceback": new.traceback, ":culprit": recognised.culprit, ":group_id": group_id, ":old": old.traceback,
    })?;
    if !is_by_fingerprint(tx, group_id)? {
        tx.prepare_cached("insert or ignore into group_keys (project, key, group_id) values (?1, ?2, ?3)")?
            .execute((&old.project, &recognised.key, group_id))?;
    }
    Ok(true)
}

/// Whether the client said which reports are one bug: then its stack has no say in it.
fn is_by_fingerprint(tx: &Connection, group_id: i64) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached("select grouping from first_reports where group_id = ?1")?;
    let grouping: Option<String> = statement.query_row([group_id], |row| row.get(0))?;
    let grouping: Option<Grouping> = grouping.and_then(|text| serde_json::from_str(&text).ok());
    Ok(grouping.is_some_and(|grouping| grouping.by == By::Fingerprint))
}
