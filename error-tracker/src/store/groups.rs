//! Groups of equal errors: one group, its state, names, retention. Lists are in `listing`.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::search_query::SearchQuery;

/// One group, without its traceback. Counts and times are those of all that were merged into it as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Number in URLs and mails.
    pub id: i64,
    /// 32 hexadecimal digits.
    pub fingerprint: String,
    /// Who owns it.
    pub project: String,
    /// The exception's type.
    pub exception_type: String,
    /// Environment of the newest report that named one.
    pub environment: Option<String>,
    /// Whether any report came from a browser.
    pub is_browser: bool,
    /// Reports so far, kept or not.
    pub n_occurrences: i64,
    /// Unix milliseconds, as all that end in `_at`.
    pub first_seen_at: i64,
    /// Of the newest report.
    pub last_seen_at: i64,
    /// Whether someone marked it as done.
    pub is_resolved: bool,
    /// When.
    pub resolved_at: Option<i64>,
    /// When it came back after that.
    pub reopened_at: Option<i64>,
    /// Message of its first report.
    pub message: String,
    /// Where it happened, in short.
    pub culprit: Option<String>,
    /// How bad its newest report is.
    pub level: String,
    /// Release of the newest report that named one.
    pub release: Option<String>,
    /// Users it hit, each once.
    pub n_users: i64,
    /// Out of the way until it wakes.
    pub is_snoozed: bool,
    /// Only a report of a release newer than this one reopens it.
    pub resolved_after: Option<String>,
    /// Release of its first report.
    pub first_release: Option<String>,
    /// The group that shows its reports.
    pub merged_into: Option<i64>,
}

/// A group whose first report waits to be counted has one all the same.
pub(super) const COLUMNS: &str = "g.id, g.fingerprint, g.project, g.exception_type, g.environment, g.is_browser, \
     max(g.n_occurrences + g.n_merged, 1), g.first_seen_at, g.last_seen_at, g.is_resolved, g.resolved_at, \
     g.reopened_at, f.message, f.culprit, g.level, g.release, g.n_users, g.is_snoozed, g.resolved_after, \
     g.first_release, g.merged_into";
/// Number of [`COLUMNS`]: where a query's own begin.
const N_COLUMNS: usize = 21;

impl Group {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            fingerprint: row.get(1)?,
            project: row.get(2)?,
            exception_type: row.get(3)?,
            environment: row.get(4)?,
            is_browser: row.get(5)?,
            n_occurrences: row.get(6)?,
            first_seen_at: row.get(7)?,
            last_seen_at: row.get(8)?,
            is_resolved: row.get(9)?,
            resolved_at: row.get(10)?,
            reopened_at: row.get(11)?,
            message: row.get(12)?,
            culprit: row.get(13)?,
            level: row.get(14)?,
            release: row.get(15)?,
            n_users: row.get(16)?,
            is_snoozed: row.get(17)?,
            resolved_after: row.get(18)?,
            first_release: row.get(19)?,
            merged_into: row.get(20)?,
        })
    }
}

/// Where a group stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// To be looked at.
    Open,
    /// Open, but out of the way until it wakes.
    Snoozed,
    /// Done until it comes back.
    Resolved,
}

/// Which groups a list shows; `None` does not filter.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Exact name.
    pub project: Option<String>,
    /// Groups with a report from it.
    pub environment: Option<String>,
    /// From browsers, or not.
    pub is_browser: Option<bool>,
    /// Groups with a kept occurrence of this session.
    pub session_id: Option<String>,
    /// Where they stand.
    pub state: Option<State>,
    /// Last seen at or after.
    pub since: Option<i64>,
    /// First seen at or before.
    pub until: Option<i64>,
    /// Groups whose newest report is as bad.
    pub level: Option<String>,
    /// Groups with a report of this user.
    pub user_id: Option<String>,
    /// Groups with a report that had each of these tags; `environment` and `release` are tags too.
    pub tags: Vec<(String, String)>,
    /// Groups whose first report was of this release.
    pub new_in: Option<String>,
    /// What comes first.
    pub sort: Sort,
    /// Words in type, message, place, frames or tags.
    pub search: Option<SearchQuery>,
}

/// What comes first in a list.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// The newest report.
    #[default]
    LastSeen,
    /// The newest group.
    FirstSeen,
    /// The most reports.
    Count,
    /// The most users.
    Users,
}

impl Sort {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::LastSeen, Self::FirstSeen, Self::Count, Self::Users];

    /// Its name in a URL.
    pub fn name(self) -> &'static str {
        match self {
            Self::LastSeen => "last_seen",
            Self::FirstSeen => "first_seen",
            Self::Count => "count",
            Self::Users => "users",
        }
    }

    /// From its name in a URL.
    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.name() == name)
    }

    pub(super) fn column(self) -> &'static str {
        match self {
            Self::LastSeen => "g.last_seen_at",
            Self::FirstSeen => "g.first_seen_at",
            Self::Count => "g.n_occurrences + g.n_merged",
            Self::Users => "g.n_users",
        }
    }

    pub(super) fn value(self, group: &Group) -> i64 {
        match self {
            Self::LastSeen => group.last_seen_at,
            Self::FirstSeen => group.first_seen_at,
            Self::Count => group.n_occurrences,
            Self::Users => group.n_users,
        }
    }
}

/// One group and the traceback of its first report.
pub fn find(connection: &Connection, id: i64) -> rusqlite::Result<Option<(Group, String)>> {
    let mut statement = connection.prepare_cached(&format!(
        "select {COLUMNS}, f.traceback
         from groups g
         join first_reports f on f.group_id = g.id
         where g.id = :id"
    ))?;
    statement
        .query_row(named_params! { ":id": id }, |row| {
            Ok((Group::read(row)?, row.get(N_COLUMNS)?))
        })
        .optional()
}

/// Who owns a group that is there.
pub fn project_of(connection: &Connection, id: i64) -> rusqlite::Result<String> {
    let mut statement = connection.prepare_cached("select project from groups where id = ?1")?;
    statement.query_row([id], |row| row.get(0))
}

/// Reports of a group that is there, and of what is merged into it.
pub fn n_occurrences(connection: &Connection, id: i64) -> rusqlite::Result<i64> {
    let mut statement =
        connection.prepare_cached("select n_occurrences + n_merged from groups where id = ?1")?;
    statement.query_row([id], |row| row.get(0))
}

/// How a group is resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Until<'a> {
    /// Any report reopens it.
    Any,
    /// Only one of a release newer than this one does.
    NewerThan(&'a str),
}

/// Marks a group as done; one that is done keeps its time. False if there is no such group.
pub fn resolve(tx: &Connection, id: i64, until: Until<'_>, now: i64) -> rusqlite::Result<bool> {
    let after = match until {
        Until::Any => None,
        Until::NewerThan(release) => Some(release),
    };
    super::snoozes::drop(tx, id)?;
    let mut statement = tx.prepare_cached(
        "update groups
         set resolved_at = iif(is_resolved, resolved_at, :now), is_resolved = 1, is_snoozed = 0,
             resolved_after = :after
         where id = :id",
    )?;
    Ok(statement.execute(named_params! { ":id": id, ":after": after, ":now": now })? > 0)
}

/// Opens a group again by hand. False if there is no such group.
pub fn reopen(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    super::snoozes::drop(tx, id)?;
    let mut statement = tx.prepare_cached(
        "update groups
         set is_resolved = 0, is_snoozed = 0, resolved_at = null, resolved_after = null
         where id = :id",
    )?;
    Ok(statement.execute(named_params! { ":id": id })? > 0)
}

/// Names of all projects, in byte order, the empty one included.
pub fn projects(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    // Steps from name to name through the index instead of reading all groups.
    names(
        connection,
        "with recursive names (name) as (
             select min(project) from groups
             union all
             select (select min(project) from groups where project > name) from names where name is not null
         )
         select name from names where name is not null",
    )
}

/// Names of all environments, in byte order.
pub fn environments(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    names(
        connection,
        "with recursive names (name) as (
             select min(value) from group_tags where name = 'environment'
             union all
             select (select min(value) from group_tags t where t.name = 'environment' and t.value > names.name)
             from names where name is not null
         )
         select name from names where name is not null",
    )
}

fn names(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// How many groups there are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// To be looked at.
    pub n_open: i64,
    /// Open, and out of the way for now.
    pub n_snoozed: i64,
    /// Resolved and not yet dropped.
    pub n_resolved: i64,
}

/// Counts groups by state.
pub fn totals(connection: &Connection) -> rusqlite::Result<Totals> {
    let mut statement = connection.prepare_cached(
        "select (select count(*) from groups where is_resolved = 0 and is_snoozed = 0 and merged_into is null),
                (select count(*) from groups where is_resolved = 0 and is_snoozed = 1 and merged_into is null),
                (select count(*) from groups where is_resolved = 1 and merged_into is null)",
    )?;
    statement.query_row([], |row| {
        Ok(Totals {
            n_open: row.get(0)?,
            n_snoozed: row.get(1)?,
            n_resolved: row.get(2)?,
        })
    })
}

/// Deletes a group with all that hangs on it, what was merged into it too. False if there is no such group.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    for merged in super::merged::into(tx, id)? {
        delete_one(tx, merged)?;
    }
    delete_one(tx, id)
}

fn delete_one(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let mut search = tx.prepare_cached("delete from group_search where rowid = :id")?;
    search.execute(named_params! { ":id": id })?;
    super::occurrences::drop_of_group(tx, id)?;
    let mut group = tx.prepare_cached("delete from groups where id = :id")?;
    Ok(group.execute(named_params! { ":id": id })? > 0)
}

/// Deletes up to `limit` groups resolved before `before`, with all that hangs on them. Returns how many.
pub fn drop_resolved(tx: &Connection, before: i64, limit: u32) -> rusqlite::Result<usize> {
    let mut ids = tx.prepare_cached(
        "select id from groups
         where is_resolved = 1 and resolved_at < :before and merged_into is null
         order by resolved_at
         limit :limit",
    )?;
    let ids: Vec<i64> = ids
        .query_map(named_params! { ":before": before, ":limit": limit }, |row| {
            row.get(0)
        })?
        .collect::<rusqlite::Result<_>>()?;
    for id in &ids {
        delete(tx, *id)?;
    }
    Ok(ids.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::filing::Outcome;
    use crate::store::testing::{database, file, filing};

    fn count(database: &Connection, table: &str) -> i64 {
        database
            .query_row(&format!("select count(*) from {table}"), [], |row| row.get(0))
            .unwrap()
    }

    #[test]
    fn retention_takes_old_resolved_groups_with_all_that_hangs_on_them() {
        let database = database();
        let old = file(&database, filing("Old", 1000));
        let young = file(&database, filing("Young", 1000));
        file(&database, filing("Open", 1000));
        resolve(&database, old.group_id, Until::Any, 2000).unwrap();
        resolve(&database, young.group_id, Until::Any, 9000).unwrap();

        assert_eq!(drop_resolved(&database, 5000, 100).unwrap(), 1);
        assert_eq!(drop_resolved(&database, 5000, 100).unwrap(), 0);
        assert!(find(&database, old.group_id).unwrap().is_none());
        for table in ["groups", "first_reports", "occurrences", "alerts", "group_search"] {
            assert_eq!(count(&database, table), 2, "{table}");
        }
    }

    #[test]
    fn retention_goes_in_steps() {
        let database = database();
        for kind in ["A", "B", "C"] {
            let filed = file(&database, filing(kind, 1000));
            resolve(&database, filed.group_id, Until::Any, 1000).unwrap();
        }
        assert_eq!(drop_resolved(&database, 5000, 2).unwrap(), 2);
        assert_eq!(drop_resolved(&database, 5000, 2).unwrap(), 1);
    }

    #[test]
    fn resolving_twice_keeps_the_first_time_and_a_new_report_reopens() {
        let database = database();
        let id = file(&database, filing("E", 1000)).group_id;
        assert!(resolve(&database, id, Until::Any, 2000).unwrap());
        assert!(resolve(&database, id, Until::Any, 3000).unwrap());
        assert_eq!(find(&database, id).unwrap().unwrap().0.resolved_at, Some(2000));
        let filed = file(&database, filing("E", 4000));
        assert_eq!((filed.outcome, filed.n_occurrences), (Outcome::Reopened, 2));
        let (group, _) = find(&database, id).unwrap().unwrap();
        assert_eq!(
            (group.is_resolved, group.resolved_at, group.reopened_at),
            (false, None, Some(4000))
        );
        assert!(!resolve(&database, 99, Until::Any, 1).unwrap());
    }
}
