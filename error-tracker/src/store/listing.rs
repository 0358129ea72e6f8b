//! Lists of groups, which stay quick at a hundred thousand of them: what is asked of each is in an index, or few are
//! asked.
//!
//! A filter by tag, user, session or words names a set of groups. A small set is gone through; where all are large,
//! groups are taken in the order of the list and asked one by one whether they belong, which ends when the page is
//! full. What belongs to more than [`MAX_COUNTED`] is not counted on.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::groups::{COLUMNS, Filter, Group, State};

/// Matches beyond are not counted where all sets are large.
pub const MAX_COUNTED: i64 = 2000;
/// Sets up to this size are gone through.
const MAX_GONE_THROUGH: i64 = 5000;
/// Words of one or two characters are in no index: so many groups are looked at, the last seen ones.
const MAX_LOOKED_AT: i64 = 6_000;

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
    /// Whether these are all: more than [`MAX_COUNTED`] are not always counted.
    pub is_exact: bool,
    /// What [`Start::read_cursor`] reads, for the next page; none at the end.
    pub next_cursor: Option<String>,
}

/// Conditions with what stands for their question marks, in order.
#[derive(Debug, Clone, Default)]
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn add(&mut self, sql: impl Into<String>, values: impl IntoIterator<Item = Value>) {
        self.sql.push(sql.into());
        self.values.extend(values);
    }

    fn add_some(&mut self, sql: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.add(sql, [value.into()]);
        }
    }

    fn sql(&self) -> String {
        self.sql.join(" and ")
    }

    /// What a group's own row says.
    fn of_row(filter: &Filter, state: State) -> Self {
        let mut all = Self::default();
        all.add("g.merged_into is null", []);
        all.add(
            match state {
                State::Open => "g.is_resolved = 0 and g.is_snoozed = 0",
                State::Snoozed => "g.is_resolved = 0 and g.is_snoozed = 1",
                State::Resolved => "g.is_resolved = 1 and g.is_snoozed = 0",
            },
            [],
        );
        all.add_some("g.project = ?", filter.project.clone());
        all.add_some("g.first_release = ?", filter.new_in.clone());
        match filter.is_browser {
            Some(true) => all.add("g.is_browser = 1", []),
            Some(false) => all.add("g.is_browser = 0", []),
            None => {}
        }
        all.add_some("g.last_seen_at >= ?", filter.since);
        all.add_some("g.first_seen_at <= ?", filter.until);
        all.add_some("g.level = ?", filter.level.clone());
        let short = filter.search.iter().flat_map(|search| &search.short);
        for (number, word) in short.enumerate() {
            if number == 0 {
                let of_state = all.sql[1].replace("g.", "x.");
                all.add(
                    format!(
                        "g.last_seen_at >= ifnull((select x.last_seen_at from groups x
                                                   where x.merged_into is null and {of_state}
                                                   order by x.last_seen_at desc limit 1 offset {MAX_LOOKED_AT}), 0)"
                    ),
                    [],
                );
            }
            all.add(
                "(select g.exception_type || char(10) || t.message || char(10) || ifnull(t.culprit, '')
                  from first_reports t where t.group_id = g.id) like ? escape '\\'",
                [word.clone().into()],
            );
        }
        all
    }

    /// Also belongs to this set, by itself or by what is merged into it.
    fn add_set(&mut self, set: &Set) {
        let (own, merged) = (set.has("g.id"), set.has("m.id"));
        let values = set.values.iter().chain(&set.values).cloned();
        self.add(
            format!(
                "({own} or g.n_merged > 0 and exists (select 1 from groups m where m.merged_into = g.id and {merged}))"
            ),
            values,
        );
    }
}

/// A set of groups by something that is not in their rows.
#[derive(Debug, Clone)]
struct Set {
    kind: SetKind,
    values: Vec<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SetKind {
    Tag,
    User,
    Session,
    Words,
}

impl Set {
    fn all(filter: &Filter) -> Vec<Self> {
        let set = |kind, values: Vec<Value>| Self { kind, values };
        let environment = filter.environment.iter().map(|it| ("environment", it));
        let tags = filter.tags.iter().map(|(name, value)| (name.as_str(), value));
        let tags = environment.chain(tags);
        let mut sets: Vec<Self> = tags
            .map(|(name, value)| set(SetKind::Tag, vec![name.to_owned().into(), value.clone().into()]))
            .collect();
        let user = filter.user_id.as_deref().map(super::tallies::user_number);
        sets.extend(user.map(|user| set(SetKind::User, vec![user.into()])));
        let session = filter.session_id.clone();
        sets.extend(session.map(|session| set(SetKind::Session, vec![session.into()])));
        let words = filter.search.as_ref().and_then(|search| search.matching.clone());
        sets.extend(words.map(|words| set(SetKind::Words, vec![words.into()])));
        sets
    }

    /// Its groups, as column `id`.
    fn select(&self) -> &'static str {
        match self.kind {
            SetKind::Tag => "select group_id as id from group_tags where name = ? and value = ?",
            SetKind::User => "select group_id as id from group_users where user = ?",
            SetKind::Session => "select group_id as id from occurrences where session_id = ?",
            SetKind::Words => "select rowid as id from group_search where group_search match ?",
        }
    }

    /// Whether the group `id` is in it.
    fn has(&self, id: &str) -> String {
        match self.kind {
            SetKind::Tag => {
                format!(
                    "exists (select 1 from group_tags s where s.group_id = {id} and s.name = ? and s.value = ?)"
                )
            }
            SetKind::User => {
                format!("exists (select 1 from group_users s where s.group_id = {id} and s.user = ?)")
            }
            SetKind::Session => format!(
                "exists (select 1 from occurrences s
                         where s.session_id = ? and s.place between {id} << 10 and {id} << 10 | 1023)"
            ),
            SetKind::Words => {
                format!(
                    "exists (select 1 from group_search s where s.group_search match ? and s.rowid = {id})"
                )
            }
        }
    }

    /// Up to one more than [`MAX_GONE_THROUGH`].
    fn size(&self, connection: &Connection) -> rusqlite::Result<i64> {
        let sql = format!(
            "select count(*) from ({} limit {})",
            self.select(),
            MAX_GONE_THROUGH + 1
        );
        let mut statement = connection.prepare_cached(&sql)?;
        statement.query_row(params_from_iter(&self.values), |row| row.get(0))
    }
}

/// How a list finds its groups.
struct Plan {
    /// The set that is gone through; none: all groups, in order.
    driver: Option<Set>,
    others: Vec<Set>,
    states: Vec<State>,
}

impl Plan {
    fn of(connection: &Connection, filter: &Filter) -> rusqlite::Result<Self> {
        let mut others = Set::all(filter);
        let mut smallest: Option<(usize, i64)> = None;
        for (at, set) in others.iter().enumerate() {
            let size = set.size(connection)?;
            if size <= MAX_GONE_THROUGH && smallest.is_none_or(|(_, known)| size < known) {
                smallest = Some((at, size));
            }
        }
        Ok(Self {
            driver: smallest.map(|(at, _)| others.remove(at)),
            others,
            states: match filter.state {
                Some(state) => vec![state],
                None => vec![State::Open, State::Snoozed, State::Resolved],
            },
        })
    }

    /// `from … where …` for one state, with its values.
    fn source(&self, filter: &Filter, state: State) -> (String, Vec<Value>) {
        let mut conditions = Conditions::of_row(filter, state);
        self.others.iter().for_each(|set| conditions.add_set(set));
        match &self.driver {
            None => (
                format!("from groups g where {}", conditions.sql()),
                conditions.values,
            ),
            Some(set) => {
                let sql = format!(
                    "from (select distinct ifnull(m.merged_into, m.id) as id
                           from ({}) s
                           cross join groups m on m.id = s.id) d
                     cross join groups g on g.id = d.id
                     where {}",
                    set.select(),
                    conditions.sql()
                );
                (sql, [set.values.clone(), conditions.values].concat())
            }
        }
    }

    /// Matches, and whether these are all.
    fn count(&self, connection: &Connection, filter: &Filter) -> rusqlite::Result<(i64, bool)> {
        let is_limited = self.driver.is_none() && (!self.others.is_empty() || filter.level.is_some());
        if !is_limited && filter.is_browser == Some(false) {
            // Those of browsers have an index of their own.
            let of = |is_browser| {
                let filter = Filter {
                    is_browser,
                    ..filter.clone()
                };
                self.count(connection, &filter)
            };
            return Ok((of(None)?.0 - of(Some(true))?.0, true));
        }
        let mut n_total = 0;
        for state in &self.states {
            let (source, values) = match self.words() {
                Some(words) if is_limited => self.by_words(filter, *state, words),
                _ => self.source(filter, *state),
            };
            let limit = if is_limited { MAX_COUNTED + 1 - n_total } else { -1 };
            let sql = match is_limited {
                true => format!("select count(*) from (select 1 {source} limit {limit})"),
                false => format!("select count(*) {source}"),
            };
            let mut statement = connection.prepare_cached(&sql)?;
            n_total += statement.query_row(params_from_iter(values), |row| row.get::<_, i64>(0))?;
        }
        let is_exact = !is_limited || n_total <= MAX_COUNTED;
        Ok((if is_exact { n_total } else { MAX_COUNTED }, is_exact))
    }

    fn words(&self) -> Option<&Set> {
        self.others.iter().find(|set| set.kind == SetKind::Words)
    }

    /// Counts faster than [`Plan::source`] where words match very many: the index is gone through until it is enough.
    fn by_words(&self, filter: &Filter, state: State, words: &Set) -> (String, Vec<Value>) {
        let mut conditions = Conditions::of_row(filter, state);
        let others = self.others.iter().filter(|set| set.kind != SetKind::Words);
        others.for_each(|set| conditions.add_set(set));
        let sql = format!(
            "from ({}) s cross join groups g on g.id = s.id where {}",
            words.select(),
            conditions.sql()
        );
        (sql, [words.values.clone(), conditions.values].concat())
    }
}

/// Lists groups.
pub fn list(connection: &Connection, filter: &Filter, limit: u64, start: Start) -> rusqlite::Result<Groups> {
    let plan = Plan::of(connection, filter)?;
    let (n_total, is_exact) = plan.count(connection, filter)?;
    let groups = page(connection, &plan, filter, limit, start)?;
    let is_full = u64::try_from(groups.len()) == Ok(limit);
    let last = groups.last().filter(|_| is_full);
    Ok(Groups {
        next_cursor: last.map(|group| format!("{}.{}", filter.sort.value(group), group.id)),
        groups,
        n_total,
        is_exact,
    })
}

fn page(
    connection: &Connection,
    plan: &Plan,
    filter: &Filter,
    limit: u64,
    start: Start,
) -> rusqlite::Result<Vec<Group>> {
    let column = filter.sort.column();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (after, offset) = match start {
        Start::Offset(n) => (None, i64::try_from(n).unwrap_or(i64::MAX)),
        Start::After(value, id) => (Some((value, id)), 0),
    };
    // The ids first: only those of the page need their texts. Each state is in order by an index of its own.
    let mut parts = Vec::new();
    let mut all_values: Vec<Value> = Vec::new();
    for state in &plan.states {
        let (source, values) = plan.source(filter, *state);
        // Without the plus the project's index would be taken, and all its groups sorted.
        let source = source.replace("g.project = ?", "+g.project = ?");
        all_values.extend(values);
        let after = match after {
            None => "",
            Some((value, id)) => {
                all_values.extend([value.into(), value.into(), id.into()]);
                &format!(" and {column} <= ? and ({column}, g.id) < (?, ?)")
            }
        };
        all_values.push(limit.saturating_add(offset).into());
        parts.push(format!(
            "select * from (select g.id, {column} as value {source}{after}
                            order by {column} desc, g.id desc limit ?)"
        ));
    }
    all_values.extend([limit.into(), offset.into()]);
    let mut rows = connection.prepare_cached(&format!(
        "select {COLUMNS}
         from (select id, value from ({}) order by value desc, id desc limit ? offset ?) page
         cross join groups g on g.id = page.id
         cross join first_reports f on f.group_id = g.id
         order by page.value desc, page.id desc",
        parts.join(" union all ")
    ))?;
    rows.query_map(params_from_iter(all_values), Group::read)?
        .collect()
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
