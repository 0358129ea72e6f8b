//! Forgetting a user.

use rusqlite::{Connection, named_params};

use super::{families, occurrences, tallies};
use crate::domain::report::Details;
use crate::domain::rich::Rich;

/// What was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Groups in which the user was hit.
    pub n_groups: usize,
    /// Kept events.
    pub n_occurrences: usize,
}

/// Deletes the kept events of a user, and that they were hit; overwrites what was there. Counts of events stay, and
/// so do the words of a group's first report, which are those of the group.
pub fn forget(tx: &Connection, user: &str) -> rusqlite::Result<Forgotten> {
    tx.execute_batch("pragma secure_delete = on")?;
    let forgotten = forget_in_all(tx, user);
    super::intake::delete_securely(tx)?;
    forgotten
}

fn forget_in_all(tx: &Connection, user: &str) -> rusqlite::Result<Forgotten> {
    let number = tallies::user_number(user);
    let mut groups = tx.prepare_cached("select group_id from group_users where user = ?1")?;
    let groups: Vec<i64> = groups
        .query_map([number], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut forgotten = Forgotten {
        n_groups: groups.len(),
        n_occurrences: 0,
    };
    for group in groups {
        forgotten.n_occurrences += forget_in(tx, group, user)?;
        let mut statement =
            tx.prepare_cached("delete from group_users where user = :user and group_id = :group")?;
        statement.execute(named_params! { ":user": number, ":group": group })?;
        drop_tags(tx, group, user)?;
        families::recount_users(tx, group)?;
    }
    Ok(forgotten)
}

/// Returns how many events it deleted.
fn forget_in(tx: &Connection, group: i64, user: &str) -> rusqlite::Result<usize> {
    let (first, last) = occurrences::places(group);
    let mut kept =
        tx.prepare_cached("select place, details, rich from occurrences where place between ?1 and ?2")?;
    let mut rows = kept.query((first, last))?;
    let mut theirs: Vec<i64> = Vec::new();
    while let Some(row) = rows.next()? {
        let details: Option<Details> = serde_json::from_str(row.get_ref(1)?.as_str()?).ok();
        let rich = row.get_ref(2)?.as_blob_or_null()?.and_then(Rich::unpack);
        let is_named = details.is_some_and(|details| details.user_id.as_deref() == Some(user))
            || rich.is_some_and(|rich| rich.user.iter().any(|(_, value)| value == user));
        if is_named {
            theirs.push(row.get(0)?);
        }
    }
    let mut delete = tx.prepare_cached("delete from occurrences where place = ?1")?;
    for place in &theirs {
        delete.execute([place])?;
    }
    Ok(theirs.len())
}

/// Words in the names of tags that say who it was.
const SAYS_WHO: [&str; 10] = [
    "user", "account", "customer", "member", "login", "mail", "person", "owner", "uid", "sub",
];
/// Ids of fewer characters, and numbers, may be values of anything.
const MIN_TELLING: usize = 6;

/// Some apps send the user as a tag as well. An id such as `42` is only looked for in tags that say who it was.
fn drop_tags(tx: &Connection, group: i64, user: &str) -> rusqlite::Result<()> {
    let is_telling = user.chars().count() >= MIN_TELLING && !user.bytes().all(|byte| byte.is_ascii_digit());
    let mut names =
        tx.prepare_cached("select distinct name from group_tags where group_id = ?1 and value = ?2")?;
    let names: Vec<String> = names
        .query_map((group, user), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let says_who = |name: &String| {
        let name = name.to_lowercase();
        is_telling || SAYS_WHO.iter().any(|word| name.contains(word))
    };
    for name in names.iter().filter(|name| says_who(name)) {
        for table in ["group_tags", "group_tag_days"] {
            let mut statement = tx.prepare_cached(&format!(
                "delete from {table} where group_id = ?1 and value = ?2 and name = ?3"
            ))?;
            statement.execute((group, user, name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::groups;
    use crate::store::testing::{database, file, filing_of};

    #[test]
    fn a_number_is_forgotten_only_in_tags_that_say_who_it_was() {
        let database = database();
        let report = serde_json::json!({
            "project": "shop", "exception_type": "E", "message": "m", "traceback": "",
            "user": {"id": "42"}, "tags": {"shard": "42", "user_id": "42"},
        });
        let id = file(&database, filing_of(&report, 1000)).group_id;
        forget(&database, "42").unwrap();
        let tags = tallies::tags(&database, id, 10).unwrap();
        let names: Vec<&str> = tags.iter().map(|tag| tag.name.as_str()).collect();
        assert_eq!(names, ["shard"]);
    }

    #[test]
    fn a_forgotten_user_is_in_no_row_and_others_are_left_alone() {
        let database = database();
        let report = |user: &str| {
            serde_json::json!({
                "project": "shop", "exception_type": "E", "message": "m", "traceback": "",
                "user": {"id": user, "email": "a@example.com"}, "tags": {"account": user},
            })
        };
        let id = file(&database, filing_of(&report("marker-4711"), 1000)).group_id;
        for at in 1001..1005 {
            file(&database, filing_of(&report("marker-4711"), at));
        }
        file(&database, filing_of(&report("other"), 2000));

        let forgotten = forget(&database, "marker-4711").unwrap();
        assert_eq!(forgotten.n_groups, 1);
        let group = groups::find(&database, id).unwrap().unwrap().0;
        assert_eq!((group.n_users, group.n_occurrences), (1, 6));
        let kept = occurrences::of_group(&database, id, 50).unwrap();
        assert!(
            !kept.is_empty()
                && kept
                    .iter()
                    .all(|it| it.details.user_id.as_deref() == Some("other"))
        );
        assert_eq!(forget(&database, "marker-4711").unwrap(), Forgotten::default());
    }
}
