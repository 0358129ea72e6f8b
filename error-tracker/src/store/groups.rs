//! Groups of equal errors: lists, one group, its state, retention.

use rusqlite::{Connection, OptionalExtension, Row, named_params};

use crate::domain::search_query::SearchQuery;

/// One group, without its traceback.
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
}

/// A group whose first report waits to be counted has one all the same.
const COLUMNS: &str = "g.id, g.fingerprint, g.project, g.exception_type, g.environment, g.is_browser, \
     max(g.n_occurrences, 1), g.first_seen_at, g.last_seen_at, g.is_resolved, g.resolved_at, g.reopened_at, \
     f.message, f.culprit, g.level, g.release, g.n_users";

impl Group {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
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
        })
    }
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
    /// Done, or not.
    pub is_resolved: Option<bool>,
    /// Last seen at or after.
    pub since: Option<i64>,
    /// Groups whose newest report is as bad.
    pub level: Option<String>,
    /// Groups with a report of this user.
    pub user_id: Option<String>,
    /// Groups with a report that had each of these tags; `environment` and `release` are tags too.
    pub tags: Vec<(String, String)>,
    /// What comes first.
    pub sort: Sort,
    /// Words in type, message or place.
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
    /// From its name in a URL.
    pub fn read(name: &str) -> Option<Self> {
        Some(match name {
            "last_seen" => Self::LastSeen,
            "first_seen" => Self::FirstSeen,
            "count" => Self::Count,
            "users" => Self::Users,
            _ => return None,
        })
    }

    fn column(self) -> &'static str {
        match self {
            Self::LastSeen => "g.last_seen_at",
            Self::FirstSeen => "g.first_seen_at",
            Self::Count => "g.n_occurrences",
            Self::Users => "g.n_users",
        }
    }
}

/// A page of groups, and how many there are in all.
#[derive(Debug)]
pub struct Groups {
    /// The page.
    pub groups: Vec<Group>,
    /// Matches on all pages.
    pub n_total: i64,
}

const MATCHES: &str = "(:project is null or g.project = :project)
    and (:is_resolved is null or g.is_resolved = :is_resolved)
    and (:is_browser is null or g.is_browser = :is_browser)
    and (:since is null or g.last_seen_at >= :since)
    and (:environment is null or exists (
         select 1 from group_tags t where t.name = 'environment' and t.value = :environment and t.group_id = g.id))
    and (:level is null or g.level = :level)
    and (:user is null or exists (
         select 1 from group_users u where u.user = :user and u.group_id = g.id))
    and (:tags is null or not exists (
         select 1 from json_each(:tags) tag
         where not exists (
             select 1 from group_tags t
             where t.group_id = g.id and t.name = tag.value ->> 0 and t.value = tag.value ->> 1)))
    and (:session_id is null or exists (
         select 1 from occurrences o where o.session_id = :session_id and o.place between g.id << 10 and g.id << 10 | 1023))
    and (:matching is null or g.id in (select rowid from group_search where group_search match :matching))
    and (:short is null or not exists (
         select 1 from json_each(:short) word
         where (select g.exception_type || char(10) || t.message || char(10) || ifnull(t.culprit, '')
                from first_reports t where t.group_id = g.id) not like word.value escape '\\'))";

/// Lists groups.
pub fn list(connection: &Connection, filter: &Filter, limit: u64, offset: u64) -> rusqlite::Result<Groups> {
    let search = filter.search.as_ref();
    let matching = search.and_then(|search| search.matching.as_deref());
    let short = search.filter(|search| !search.short.is_empty());
    let short = short.map(|search| serde_json::Value::from(search.short.clone()).to_string());
    let user = filter.user_id.as_deref().map(super::tallies::user_number);
    let tags = (!filter.tags.is_empty()).then(|| serde_json::json!(filter.tags).to_string());
    let filters = named_params! {
        ":level": filter.level,
        ":user": user,
        ":tags": tags,
        ":project": filter.project,
        ":is_resolved": filter.is_resolved,
        ":is_browser": filter.is_browser,
        ":since": filter.since,
        ":environment": filter.environment,
        ":session_id": filter.session_id,
        ":matching": matching,
        ":short": short,
    };
    let mut total = connection.prepare_cached(&format!("select count(*) from groups g where {MATCHES}"))?;
    let n_total = total.query_row(filters, |row| row.get(0))?;

    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let page = [filters, named_params! { ":limit": limit, ":offset": offset }].concat();
    let mut rows = connection.prepare_cached(&format!(
        "select {COLUMNS}
         from groups g
         join first_reports f on f.group_id = g.id
         where {MATCHES}
         order by {sort} desc, g.id desc
         limit :limit offset :offset",
        sort = filter.sort.column()
    ))?;
    let groups = rows
        .query_map(&page[..], Group::read)?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Groups { groups, n_total })
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
            Ok((Group::read(row)?, row.get(17)?))
        })
        .optional()
}

/// Marks a group as done; one that is done keeps its time. False if there is no such group.
pub fn resolve(tx: &Connection, id: i64, now: i64) -> rusqlite::Result<bool> {
    let mut statement = tx.prepare_cached(
        "update groups
         set resolved_at = iif(is_resolved, resolved_at, :now), is_resolved = 1
         where id = :id",
    )?;
    Ok(statement.execute(named_params! { ":id": id, ":now": now })? > 0)
}

/// Opens a group again by hand. False if there is no such group.
pub fn reopen(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let mut statement =
        tx.prepare_cached("update groups set is_resolved = 0, resolved_at = null where id = :id")?;
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

/// How many groups are open, resolved, and were ever kept at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Not resolved.
    pub n_open: i64,
    /// Resolved and not yet dropped.
    pub n_resolved: i64,
}

/// Counts groups by state.
pub fn totals(connection: &Connection) -> rusqlite::Result<Totals> {
    let mut statement = connection.prepare_cached(
        "select (select count(*) from groups where is_resolved = 0), (select count(*) from groups where is_resolved = 1)",
    )?;
    statement.query_row([], |row| {
        Ok(Totals {
            n_open: row.get(0)?,
            n_resolved: row.get(1)?,
        })
    })
}

/// Deletes a group with all that hangs on it. False if there is no such group.
pub fn delete(tx: &Connection, id: i64) -> rusqlite::Result<bool> {
    let mut search = tx.prepare_cached("delete from group_search where rowid = :id")?;
    search.execute(named_params! { ":id": id })?;
    super::occurrences::drop_of_group(tx, id)?;
    let mut group = tx.prepare_cached("delete from groups where id = :id")?;
    Ok(group.execute(named_params! { ":id": id })? > 0)
}

/// Deletes up to `limit` groups resolved before `before`, with all that hangs on them. Returns how many.
pub fn drop_resolved(tx: &Connection, before: i64, limit: u32) -> rusqlite::Result<usize> {
    let mut ids = tx.prepare_cached(
        "select id from groups where is_resolved = 1 and resolved_at < :before order by resolved_at limit :limit",
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
    use crate::domain::search_query;
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
        resolve(&database, old.group_id, 2000).unwrap();
        resolve(&database, young.group_id, 9000).unwrap();

        assert_eq!(drop_resolved(&database, 5000, 100).unwrap(), 1);
        assert_eq!(drop_resolved(&database, 5000, 100).unwrap(), 0);
        assert!(find(&database, old.group_id).unwrap().is_none());
        for table in ["groups", "first_reports", "occurrences", "mails", "group_search"] {
            assert_eq!(count(&database, table), 2, "{table}");
        }
    }

    #[test]
    fn retention_goes_in_steps() {
        let database = database();
        for kind in ["A", "B", "C"] {
            let filed = file(&database, filing(kind, 1000));
            resolve(&database, filed.group_id, 1000).unwrap();
        }
        assert_eq!(drop_resolved(&database, 5000, 2).unwrap(), 2);
        assert_eq!(drop_resolved(&database, 5000, 2).unwrap(), 1);
    }

    #[test]
    fn a_search_finds_type_message_and_place_even_by_two_letters() {
        let database = database();
        file(&database, filing("KeyError", 1000));
        let found = |text: &str| {
            let filter = Filter {
                search: search_query::parse(text),
                ..Filter::default()
            };
            list(&database, &filter, 10, 0).unwrap().n_total
        };
        for text in [
            "keyerr",
            "happened",
            "cart.py total",
            "ey",
            "or py",
            "\"Error happened\"",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
        for text in ["nothing", "zz", "happened zz", "%y"] {
            assert_eq!(found(text), 0, "{text}");
        }
    }

    #[test]
    fn resolving_twice_keeps_the_first_time_and_a_new_report_reopens() {
        let database = database();
        let id = file(&database, filing("E", 1000)).group_id;
        assert!(resolve(&database, id, 2000).unwrap());
        assert!(resolve(&database, id, 3000).unwrap());
        assert_eq!(find(&database, id).unwrap().unwrap().0.resolved_at, Some(2000));
        let filed = file(&database, filing("E", 4000));
        assert_eq!((filed.outcome, filed.n_occurrences), (Outcome::Reopened, 2));
        let (group, _) = find(&database, id).unwrap().unwrap();
        assert_eq!(
            (group.is_resolved, group.resolved_at, group.reopened_at),
            (false, None, Some(4000))
        );
        assert!(!resolve(&database, 99, 1).unwrap());
    }
}
