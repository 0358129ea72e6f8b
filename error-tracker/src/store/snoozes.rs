//! Groups that are out of the way for a while: until a time, until so many more reports, or so many users.

use rusqlite::{Connection, OptionalExtension, named_params};

/// When a snoozed group wakes: whichever comes first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snooze {
    /// Unix milliseconds.
    pub until_at: Option<i64>,
    /// When the group has so many reports.
    pub until_n_occurrences: Option<i64>,
    /// When it hit so many users.
    pub until_n_users: Option<i64>,
}

/// Snoozes an open group. False if there is no such group, or it is resolved.
pub fn put(tx: &Connection, group_id: i64, snooze: &Snooze, now: i64) -> rusqlite::Result<bool> {
    let mut group =
        tx.prepare_cached("update groups set is_snoozed = 1 where id = ?1 and is_resolved = 0")?;
    if group.execute([group_id])? == 0 {
        return Ok(false);
    }
    let mut statement = tx.prepare_cached(
        "insert or replace into snoozes (group_id, since, until_at, until_n_occurrences, until_n_users)
         values (:group_id, :now, :until_at, :until_n_occurrences, :until_n_users)",
    )?;
    statement.execute(named_params! {
        ":group_id": group_id,
        ":now": now,
        ":until_at": snooze.until_at,
        ":until_n_occurrences": snooze.until_n_occurrences,
        ":until_n_users": snooze.until_n_users,
    })?;
    Ok(true)
}

/// Forgets a snooze, if there is one; the group's state is the caller's.
pub(super) fn drop(tx: &Connection, group_id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached("delete from snoozes where group_id = ?1")?;
    statement.execute([group_id])?;
    Ok(())
}

/// The snooze of a group.
pub fn find(connection: &Connection, group_id: i64) -> rusqlite::Result<Option<Snooze>> {
    let mut statement = connection.prepare_cached(
        "select until_at, until_n_occurrences, until_n_users from snoozes where group_id = ?1",
    )?;
    let row = statement.query_row([group_id], |row| {
        Ok(Snooze {
            until_at: row.get(0)?,
            until_n_occurrences: row.get(1)?,
            until_n_users: row.get(2)?,
        })
    });
    row.optional()
}

/// Up to `limit` groups whose snooze is over.
pub fn over(connection: &Connection, now: i64, limit: u32) -> rusqlite::Result<Vec<i64>> {
    let mut statement = connection.prepare_cached(
        "select s.group_id
         from snoozes s
         join groups g on g.id = s.group_id
         where s.until_at <= :now
            or g.n_occurrences + g.n_merged >= s.until_n_occurrences
            or g.n_users >= s.until_n_users
         limit :limit",
    )?;
    let rows = statement.query_map(named_params! { ":now": now, ":limit": limit }, |row| row.get(0))?;
    rows.collect()
}

/// Puts a snoozed group back among the open ones. False if it was not snoozed.
pub fn wake(tx: &Connection, group_id: i64) -> rusqlite::Result<bool> {
    drop(tx, group_id)?;
    let mut group = tx.prepare_cached("update groups set is_snoozed = 0 where id = ?1 and is_snoozed = 1")?;
    Ok(group.execute([group_id])? > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::groups::{self, Until};
    use crate::store::testing::{database, file, filing};

    #[test]
    fn a_snooze_ends_by_time_by_reports_or_by_users() {
        let database = database();
        let id = file(&database, filing("E", 1000)).group_id;
        let over = |snooze: Snooze, now| {
            assert!(put(&database, id, &snooze, 1000).unwrap());
            !over(&database, now, 10).unwrap().is_empty()
        };
        let by_time = Snooze {
            until_at: Some(5000),
            ..Snooze::default()
        };
        assert!(!over(by_time, 4999) && over(by_time, 5000));
        let by_reports = |n| Snooze {
            until_n_occurrences: Some(n),
            ..Snooze::default()
        };
        assert!(!over(by_reports(2), i64::MAX) && over(by_reports(1), 0));
        let by_users = |n| Snooze {
            until_n_users: Some(n),
            ..Snooze::default()
        };
        assert!(!over(by_users(1), i64::MAX) && over(by_users(0), 0));

        assert!(wake(&database, id).unwrap());
        assert_eq!(find(&database, id).unwrap(), None);
        assert!(!wake(&database, id).unwrap());
    }

    #[test]
    fn what_is_resolved_is_not_snoozed_and_resolving_ends_a_snooze() {
        let database = database();
        let id = file(&database, filing("E", 1000)).group_id;
        let snooze = Snooze {
            until_at: Some(5000),
            ..Snooze::default()
        };
        assert!(put(&database, id, &snooze, 1000).unwrap());
        groups::resolve(&database, id, Until::Any, 2000).unwrap();
        assert_eq!(find(&database, id).unwrap(), None);
        assert!(!put(&database, id, &snooze, 3000).unwrap());
        assert!(!groups::find(&database, id).unwrap().unwrap().0.is_snoozed);
    }
}
