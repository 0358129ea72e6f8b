//! Making room in a full database, step by step: what tells least leaves first, counts stay as long as they can.

use rusqlite::{Connection, named_params};

use super::{groups, occurrences};

/// How full the database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Use {
    n_pages: u64,
    n_free: u64,
    page_bytes: u64,
}

impl Use {
    /// What is in use, in bytes.
    pub fn bytes(&self) -> u64 {
        self.n_pages.saturating_sub(self.n_free) * self.page_bytes
    }

    /// Pages of the file that hold nothing.
    pub fn n_free(&self) -> u64 {
        self.n_free
    }

    /// Size of the file, free pages included.
    pub fn file_bytes(&self) -> u64 {
        self.n_pages * self.page_bytes
    }
}

/// See [`Use`].
pub fn used(connection: &Connection) -> rusqlite::Result<Use> {
    let number =
        |pragma: &str| connection.query_row(&format!("pragma {pragma}"), [], |row| row.get::<_, i64>(0));
    Ok(Use {
        n_pages: number("page_count")?.unsigned_abs(),
        n_free: number("freelist_count")?.unsigned_abs(),
        page_bytes: number("page_size")?.unsigned_abs(),
    })
}

/// What is given up, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Of each group, all events but the first, the newest and every fourth between.
    ThinOut,
    /// All but the first and the newest.
    Ends,
    /// All but the newest.
    Newest,
    /// Resolved groups.
    Resolved,
    /// Tags and users of the groups not seen for longest; how many there were stays.
    Breakdowns,
    /// The groups not seen for longest.
    Groups,
}

/// All steps, in order.
pub const STEPS: [Step; 6] = [
    Step::ThinOut,
    Step::Ends,
    Step::Newest,
    Step::Resolved,
    Step::Breakdowns,
    Step::Groups,
];

impl Step {
    /// Whether groups leave, so that whoever remembers them must forget.
    pub fn takes_groups(self) -> bool {
        matches!(self, Self::Resolved | Self::Groups)
    }

    /// Does it to the next `n` groups, those after the one with the id `from`. Returns where to go on; none: there
    /// are no more.
    pub fn run(self, tx: &Connection, from: i64, n: u32) -> rusqlite::Result<Option<i64>> {
        let next = self.next(tx, from, n)?;
        for id in &next {
            match self {
                Self::ThinOut => thin_out(tx, *id)?,
                Self::Ends => keep_only(tx, *id, true)?,
                Self::Newest => keep_only(tx, *id, false)?,
                Self::Breakdowns => drop_breakdowns(tx, *id)?,
                Self::Resolved | Self::Groups => drop(groups::delete(tx, *id)?),
            }
        }
        Ok(next.last().copied())
    }

    fn next(self, tx: &Connection, from: i64, n: u32) -> rusqlite::Result<Vec<i64>> {
        let mut statement = tx.prepare_cached(match self {
            Self::ThinOut | Self::Ends | Self::Newest | Self::Breakdowns => {
                "select id from groups where id > ?1 order by id limit ?2"
            }
            // What was taken is not there any more, so these begin at the beginning each time.
            Self::Resolved => {
                "select id from groups where is_resolved = 1 and merged_into is null and ?1 = ?1
                 order by resolved_at limit ?2"
            }
            Self::Groups => {
                "select id from groups where is_resolved = 0 and merged_into is null and ?1 = ?1
                 order by is_snoozed, last_seen_at limit ?2"
            }
        })?;
        let rows = statement.query_map((from, n), |row| row.get(0))?;
        rows.collect()
    }
}

fn thin_out(tx: &Connection, id: i64) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from occurrences
         where place in (select place
                         from (select place, row_number() over (order by number) as at, count(*) over () as n
                               from occurrences
                               where place between ?1 and ?2)
                         where at > 1 and at < n and at % 4 <> 0)",
    )?;
    statement.execute(occurrences::places(id))?;
    Ok(())
}

fn keep_only(tx: &Connection, id: i64, with_first: bool) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "delete from occurrences
         where place between :first and :last
           and number < (select max(number) from occurrences where place between :first and :last)
           and not (:with_first and number = 1)",
    )?;
    let (first, last) = occurrences::places(id);
    statement.execute(named_params! { ":first": first, ":last": last, ":with_first": with_first })?;
    Ok(())
}

fn drop_breakdowns(tx: &Connection, id: i64) -> rusqlite::Result<()> {
    for table in ["group_tag_days", "group_tags", "group_users"] {
        tx.prepare_cached(&format!("delete from {table} where group_id = ?1"))?
            .execute([id])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::groups::Until;
    use crate::store::intake::Intake;
    use crate::store::testing::{database, filing};

    fn numbers(database: &Connection, id: i64) -> Vec<i64> {
        let kept = occurrences::of_group(database, id, 1000).unwrap();
        kept.iter().rev().map(|it| it.number).collect()
    }

    #[test]
    fn each_step_leaves_what_tells_most_and_all_counts() {
        let database = database();
        let intake = Intake::new(50);
        let mut id = 0;
        for at in 0..12 {
            id = intake.file(&database, &filing("E", 1000 + at)).unwrap().group_id;
        }
        let resolved = intake.file(&database, &filing("Done", 5000)).unwrap().group_id;
        intake.settle(&database).unwrap();
        groups::resolve(&database, resolved, Until::Any, 6000).unwrap();
        let run = |step: Step| {
            let mut place = 0;
            while let Some(next) = step.run(&database, place, 1).unwrap() {
                place = next;
            }
        };
        let n_before = numbers(&database, id).len();
        run(Step::ThinOut);
        let thinned = numbers(&database, id);
        assert!(thinned.len() < n_before && thinned.len() > 2, "{thinned:?}");
        assert_eq!((thinned[0], thinned[thinned.len() - 1]), (1, 12));
        run(Step::Ends);
        assert_eq!(numbers(&database, id), [1, 12]);
        run(Step::Newest);
        assert_eq!(numbers(&database, id), [12]);
        run(Step::Resolved);
        assert!(groups::find(&database, resolved).unwrap().is_none());
        run(Step::Breakdowns);
        assert_eq!(groups::find(&database, id).unwrap().unwrap().0.n_occurrences, 12);
        run(Step::Groups);
        assert!(groups::find(&database, id).unwrap().is_none());
    }

    #[test]
    fn what_is_in_use_is_less_than_the_file() {
        let database = database();
        let used = used(&database).unwrap();
        assert!(used.bytes() > 0 && used.bytes() <= used.file_bytes());
    }
}
