//! Groups merged by hand. A merged group keeps its keys and goes on counting for itself; the group it is merged into
//! shows the sum. So taking it out again is exact, whatever came meanwhile.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, named_params};

use crate::domain::report::BROWSER_METHOD;

/// The group that shows the reports of `id`: itself unless it is merged. None if there is no such group.
pub fn root(connection: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare_cached("select ifnull(merged_into, id) from groups where id = ?1")?;
    statement.query_row([id], |row| row.get(0)).optional()
}

/// One group merged into another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its number, which still leads to its page.
    pub id: i64,
    /// The exception's type.
    pub exception_type: String,
    /// Of its first report.
    pub message: String,
    /// Its own reports.
    pub n_occurrences: i64,
}

/// What is merged into `root`, oldest first.
pub fn members(connection: &Connection, root: i64) -> rusqlite::Result<Vec<Member>> {
    let mut statement = connection.prepare_cached(
        "select g.id, g.exception_type, f.message, g.n_occurrences
         from groups g
         join first_reports f on f.group_id = g.id
         where g.merged_into = ?1
         order by g.id",
    )?;
    let rows = statement.query_map([root], |row| {
        Ok(Member {
            id: row.get(0)?,
            exception_type: row.get(1)?,
            message: row.get(2)?,
            n_occurrences: row.get(3)?,
        })
    })?;
    rows.collect()
}

/// Why groups cannot be merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One of them is not there.
    #[error("no such group: {0}")]
    Unknown(i64),
    /// A group would be merged into itself.
    #[error("group {0} cannot be merged into itself")]
    Itself(i64),
    /// They belong to different owners.
    #[error("group {0} is of another project")]
    OtherProject(i64),
}

/// Merges `others`, with what was merged into them, into `root`. All of them, or none.
pub fn merge(tx: &Connection, root: i64, others: &[i64]) -> rusqlite::Result<Result<(), Refusal>> {
    for id in others {
        if let Some(refusal) = refusal(tx, root, *id)? {
            return Ok(Err(refusal));
        }
    }
    let mut left = BTreeSet::new();
    for id in others {
        left.extend(self::root(tx, *id)?);
        let mut statement = tx.prepare_cached(
            "update groups set merged_into = :root, n_merged = 0, is_snoozed = 0 where id = :id or merged_into = :id",
        )?;
        statement.execute(named_params! { ":root": root, ":id": id })?;
        super::snoozes::drop(tx, *id)?;
        refresh_alone(tx, *id)?;
    }
    refresh(tx, root)?;
    // Those that others were in until now and that stand by themselves.
    for id in left.into_iter().filter(|id| *id != root && !others.contains(id)) {
        refresh(tx, id)?;
    }
    Ok(Ok(()))
}

fn refusal(tx: &Connection, root_id: i64, id: i64) -> rusqlite::Result<Option<Refusal>> {
    let project = |id: i64| -> rusqlite::Result<Option<String>> {
        let mut statement = tx.prepare_cached("select project from groups where id = ?1")?;
        statement.query_row([id], |row| row.get(0)).optional()
    };
    let Some(ours) = project(root_id)? else {
        return Ok(Some(Refusal::Unknown(root_id)));
    };
    Ok(match project(id)? {
        None => Some(Refusal::Unknown(id)),
        Some(_) if root(tx, id)? == Some(root_id) => Some(Refusal::Itself(id)),
        Some(theirs) if theirs != ours => Some(Refusal::OtherProject(id)),
        Some(_) => None,
    })
}

/// Takes a merged group out again, as it would stand had it never been merged. Returns the group it was in.
pub fn unmerge(tx: &Connection, id: i64) -> rusqlite::Result<Option<i64>> {
    let Some(root) = root(tx, id)?.filter(|root| *root != id) else {
        return Ok(None);
    };
    // Its state is the one that both had: whoever resolved the whole resolved its parts.
    let mut statement = tx.prepare_cached(
        "update groups
         set merged_into = null,
             (is_resolved, resolved_at, reopened_at, resolved_after)
                 = (select r.is_resolved, r.resolved_at, r.reopened_at, r.resolved_after
                    from groups r where r.id = :root)
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": id, ":root": root })?;
    refresh(tx, root)?;
    Ok(Some(root))
}

/// Times, users and counts of a group anew, from itself and what is merged into it.
fn refresh(tx: &Connection, root: i64) -> rusqlite::Result<()> {
    refresh_alone(tx, root)?;
    let mut statement = tx.prepare_cached(
        "update groups
         set n_merged = (select ifnull(sum(m.n_occurrences), 0) from groups m where m.merged_into = :id),
             first_seen_at = min(first_seen_at, (select ifnull(min(m.first_seen_at), groups.first_seen_at)
                                                 from groups m where m.merged_into = :id)),
             last_seen_at = max(last_seen_at, (select ifnull(max(m.last_seen_at), groups.last_seen_at)
                                               from groups m where m.merged_into = :id)),
             is_browser = is_browser or exists (select 1 from groups m where m.merged_into = :id and m.is_browser),
             n_users = (select count(distinct u.user) from group_users u
                        where u.group_id = :id or u.group_id in (select id from groups where merged_into = :id))
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": root })?;
    refresh_newest(tx, root)
}

/// What a group has of its newest report, anew: of all that it shows.
fn refresh_newest(tx: &Connection, root: i64) -> rusqlite::Result<()> {
    let newest = super::occurrences::of_group(tx, root, 1)?.pop();
    let level = newest.map(|newest| newest.rich.level.unwrap_or_default().name());
    let mut statement = tx.prepare_cached(
        "with shown as (select id from groups where id = :id or merged_into = :id),
              named as (select name, value, last_seen_at from group_tags
                        where group_id in shown and name in ('environment', 'release') and value <> '__other__')
         update groups
         set level = coalesce(:level, level),
             environment = coalesce((select value from named where name = 'environment'
                                     order by last_seen_at desc limit 1), environment),
             release = coalesce((select value from named where name = 'release'
                                 order by last_seen_at desc limit 1), release)
         where id = :id",
    )?;
    statement.execute(named_params! { ":id": root, ":level": level })?;
    Ok(())
}

/// Times and users of a group by itself, and whether a browser sent any of its kept reports.
fn refresh_alone(tx: &Connection, id: i64) -> rusqlite::Result<()> {
    let (first, last) = super::occurrences::places(id);
    let mut statement = tx.prepare_cached(
        "update groups
         set first_seen_at = (select received_at from first_reports where group_id = :id),
             last_seen_at = max((select received_at from first_reports where group_id = :id),
                                (select ifnull(max(received_at), 0) from occurrences
                                 where place between :first and :last)),
             is_browser = ifnull((select max(details ->> 'request_method' is :browser) from occurrences
                                  where place between :first and :last), is_browser),
             n_users = (select count(*) from group_users where group_id = :id)
         where id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id, ":first": first, ":last": last, ":browser": BROWSER_METHOD,
    })?;
    refresh_newest(tx, id)
}

/// Users of a group, and of the one that shows its reports, anew.
pub(super) fn recount_users(tx: &Connection, id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update groups
         set n_users = (select count(distinct u.user) from group_users u
                        where u.group_id = groups.id
                           or u.group_id in (select m.id from groups m where m.merged_into = groups.id))
         where id = :id or id = (select merged_into from groups where id = :id)",
    )?;
    statement.execute(named_params! { ":id": id })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::groups;
    use crate::store::merged;
    use crate::store::tallies;
    use crate::store::testing::{database, file, filing};

    /// Everything of a group that merging changes.
    fn stand(database: &Connection, id: i64) -> (groups::Group, Vec<tallies::Tag>, usize) {
        let group = groups::find(database, id).unwrap().unwrap().0;
        let kept = crate::store::occurrences::of_group(database, id, 50).unwrap();
        (group, tallies::tags(database, id, 10).unwrap(), kept.len())
    }

    #[test]
    fn what_moves_from_one_merged_group_to_another_counts_once() {
        let database = database();
        let [a, b, c] = ["A", "B", "C"].map(|kind| file(&database, filing(kind, 1000)).group_id);
        file(&database, filing("C", 2000));
        merge(&database, b, &[c]).unwrap().unwrap();
        merge(&database, a, &[c]).unwrap().unwrap();
        let counts = [a, b].map(|id| groups::find(&database, id).unwrap().unwrap().0.n_occurrences);
        assert_eq!(counts, [3, 1]);
        // With all that is in it.
        merge(&database, b, &[a]).unwrap().unwrap();
        assert_eq!(groups::find(&database, b).unwrap().unwrap().0.n_occurrences, 4);
    }

    #[test]
    fn what_is_merged_and_taken_out_again_is_as_it_was() {
        let database = database();
        let a = file(&database, filing("A", 2000)).group_id;
        file(&database, filing("A", 3000));
        let b = file(&database, filing("B", 1000)).group_id;
        let before = (stand(&database, a), stand(&database, b));

        merge(&database, a, &[b]).unwrap().unwrap();
        let (whole, _, n_kept) = stand(&database, a);
        assert_eq!(
            (whole.n_occurrences, whole.first_seen_at, whole.last_seen_at),
            (3, 1000, 3000)
        );
        assert_eq!(n_kept, 3);

        assert_eq!(unmerge(&database, b).unwrap(), Some(a));
        assert_eq!((stand(&database, a), stand(&database, b)), before);
        assert_eq!(unmerge(&database, b).unwrap(), None, "it is in no other group");
    }

    #[test]
    fn reports_that_come_while_merged_are_shown_by_the_one_and_belong_to_the_other() {
        let database = database();
        let a = file(&database, filing("A", 1000)).group_id;
        let b = file(&database, filing("B", 1500)).group_id;
        merge(&database, a, &[b]).unwrap().unwrap();

        let filed = file(&database, filing("B", 2000));
        assert_eq!((filed.group_id, filed.n_occurrences), (a, 3));
        let filed = file(&database, filing("A", 1900));
        assert_eq!((filed.group_id, filed.n_occurrences), (a, 4));
        let (whole, _, _) = stand(&database, a);
        assert_eq!((whole.n_occurrences, whole.last_seen_at), (4, 2000));

        unmerge(&database, b).unwrap();
        let n = |id| stand(&database, id).0.n_occurrences;
        assert_eq!((n(a), n(b)), (2, 2));
        assert_eq!(stand(&database, a).0.last_seen_at, 1900);
        assert_eq!(file(&database, filing("B", 3000)).group_id, b);
    }

    #[test]
    fn what_was_merged_before_comes_along() {
        let database = database();
        let [a, b, c] = ["A", "B", "C"].map(|kind| file(&database, filing(kind, 1000)).group_id);
        merge(&database, b, &[c]).unwrap().unwrap();
        merge(&database, a, &[b]).unwrap().unwrap();
        assert_eq!(merged::into(&database, a).unwrap(), [b, c]);
        assert_eq!(stand(&database, a).0.n_occurrences, 3);
        assert_eq!(file(&database, filing("C", 2000)).group_id, a);
        unmerge(&database, c).unwrap();
        assert_eq!(stand(&database, a).0.n_occurrences, 2);
        assert!(groups::delete(&database, a).unwrap());
        assert!(
            groups::find(&database, b).unwrap().is_none(),
            "its parts go with it"
        );
        assert!(groups::find(&database, c).unwrap().is_some());
    }

    #[test]
    fn what_cannot_be_merged_is_left_as_it_is() {
        let database = database();
        let [a, b] = ["A", "B"].map(|kind| file(&database, filing(kind, 1000)).group_id);
        assert_eq!(merge(&database, a, &[b, 99]).unwrap(), Err(Refusal::Unknown(99)));
        assert_eq!(merge(&database, 99, &[b]).unwrap(), Err(Refusal::Unknown(99)));
        assert_eq!(merge(&database, a, &[a]).unwrap(), Err(Refusal::Itself(a)));
        database
            .execute("update groups set project = 'blog' where id = ?1", [b])
            .unwrap();
        assert_eq!(merge(&database, a, &[b]).unwrap(), Err(Refusal::OtherProject(b)));
        assert_eq!(root(&database, b).unwrap(), Some(b));
    }
}
