//! Groups of equal errors: lists, one group, its state, retention.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params_from_iter};

use super::families;
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
const COLUMNS: &str = "g.id, g.fingerprint, g.project, g.exception_type, g.environment, g.is_browser, \
     max(g.n_occurrences + g.n_merged, 1), g.first_seen_at, g.last_seen_at, g.is_resolved, g.resolved_at, \
     g.reopened_at, f.message, f.culprit, g.level, g.release, g.n_users, g.is_snoozed, g.resolved_after, \
     g.first_release, g.merged_into";
/// Number of [`COLUMNS`]: where a query's own begin.
const N_COLUMNS: usize = 21;

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

    fn column(self) -> &'static str {
        match self {
            Self::LastSeen => "g.last_seen_at",
            Self::FirstSeen => "g.first_seen_at",
            Self::Count => "g.n_occurrences + g.n_merged",
            Self::Users => "g.n_users",
        }
    }

    fn value(self, group: &Group) -> i64 {
        match self {
            Self::LastSeen => group.last_seen_at,
            Self::FirstSeen => group.first_seen_at,
            Self::Count => group.n_occurrences,
            Self::Users => group.n_users,
        }
    }
}

/// Where a page of a list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// So many groups later than the first one.
    Offset(u64),
    /// After the group with this value of what is sorted by, and this id.
    After(i64, i64),
}

impl Start {
    /// From the text in a URL.
    pub fn read_cursor(text: &str) -> Option<Self> {
        let (value, id) = text.split_once('.')?;
        Some(Self::After(value.parse().ok()?, id.parse().ok()?))
    }
}

/// A page of groups, and how many there are in all.
#[derive(Debug)]
pub struct Groups {
    /// The page.
    pub groups: Vec<Group>,
    /// Matches on all pages.
    pub n_total: i64,
    /// What [`Start::read_cursor`] reads, for the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// Conditions of a list and what stands for their question marks, in order.
#[derive(Default)]
struct Conditions {
    sql: Vec<&'static str>,
    values: Vec<Value>,
}

impl Conditions {
    fn of(filter: &Filter) -> Self {
        let mut all = Self::default();
        all.add("g.merged_into is null", []);
        match filter.state {
            Some(State::Open) => all.add("g.is_resolved = 0 and g.is_snoozed = 0", []),
            Some(State::Snoozed) => all.add("g.is_resolved = 0 and g.is_snoozed = 1", []),
            Some(State::Resolved) => all.add("g.is_resolved = 1", []),
            None => {}
        }
        all.add_some("g.project = ?", filter.project.clone());
        all.add_some("g.first_release = ?", filter.new_in.clone());
        all.add_some("g.is_browser = ?", filter.is_browser);
        all.add_some("g.last_seen_at >= ?", filter.since);
        all.add_some("g.level = ?", filter.level.clone());
        all.add_some(
            "g.id in (select ifnull(m.merged_into, m.id) from group_users u join groups m on m.id = u.group_id
                      where u.user = ?)",
            filter.user_id.as_deref().map(super::tallies::user_number),
        );
        let environment = filter
            .environment
            .clone()
            .map(|it| ("environment".to_owned(), it));
        for (name, value) in filter.tags.iter().cloned().chain(environment) {
            all.add(
                "g.id in (select ifnull(m.merged_into, m.id) from group_tags t join groups m on m.id = t.group_id
                          where t.name = ? and t.value = ?)",
                [name.into(), value.into()],
            );
        }
        all.add_some(
            "g.id in (select ifnull(m.merged_into, m.id) from occurrences o join groups m on m.id = o.group_id
                      where o.session_id = ?)",
            filter.session_id.clone(),
        );
        if let Some(search) = &filter.search {
            all.add_some(
                "g.id in (select ifnull(m.merged_into, m.id) from group_search s join groups m on m.id = s.rowid
                          where s.group_search match ?)",
                search.matching.clone(),
            );
            for short in &search.short {
                all.add(
                    "(select g.exception_type || char(10) || t.message || char(10) || ifnull(t.culprit, '')
                      from first_reports t where t.group_id = g.id) like ? escape '\\'",
                    [short.clone().into()],
                );
            }
        }
        all
    }

    fn add(&mut self, sql: &'static str, values: impl IntoIterator<Item = Value>) {
        self.sql.push(sql);
        self.values.extend(values);
    }

    fn add_some(&mut self, sql: &'static str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(sql, [value.into()]);
        }
    }

    fn sql(&self) -> String {
        self.sql.join(" and ")
    }
}

/// Lists groups.
pub fn list(connection: &Connection, filter: &Filter, limit: u64, start: Start) -> rusqlite::Result<Groups> {
    let mut conditions = Conditions::of(filter);
    let mut total = connection.prepare_cached(&format!(
        "select count(*) from groups g where {}",
        conditions.sql()
    ))?;
    let n_total = total.query_row(params_from_iter(&conditions.values), |row| row.get(0))?;

    let column = filter.sort.column();
    let mut offset = 0;
    let mut after = String::new();
    match start {
        Start::Offset(n) => offset = i64::try_from(n).unwrap_or(i64::MAX),
        Start::After(value, id) => {
            after = format!(" and ({column}, g.id) < (?, ?)");
            conditions.values.extend([value.into(), id.into()]);
        }
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    conditions.values.extend([limit.into(), offset.into()]);
    // The ids first: only those of the page need their texts.
    let mut rows = connection.prepare_cached(&format!(
        "select {COLUMNS}
         from (select g.id, {column} as value
               from groups g
               where {}{after}
               order by {column} desc, g.id desc
               limit ? offset ?) page
         join groups g on g.id = page.id
         join first_reports f on f.group_id = g.id
         order by page.value desc, page.id desc",
        conditions.sql()
    ))?;
    let groups = rows
        .query_map(params_from_iter(&conditions.values), Group::read)?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let is_full = i64::try_from(groups.len()) == Ok(limit);
    let last = groups.last().filter(|_| is_full);
    Ok(Groups {
        next_cursor: last.map(|group| format!("{}.{}", filter.sort.value(group), group.id)),
        groups,
        n_total,
    })
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
    for merged in families::merged(tx, id)? {
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
    fn a_search_finds_type_message_and_place_even_by_two_letters() {
        let database = database();
        file(&database, filing("KeyError", 1000));
        let found = |text: &str| {
            let filter = Filter {
                search: search_query::parse(text),
                ..Filter::default()
            };
            list(&database, &filter, 10, Start::Offset(0)).unwrap().n_total
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
