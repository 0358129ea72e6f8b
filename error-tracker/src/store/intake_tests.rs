//! Random steps against the intake, compared with a plain model of it.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::store::groups::{self, Until};
use crate::store::testing::{database, filing};

const KEEP: u32 = 7;
const SMALL: Limits = Limits {
    max_reports: 5,
    step: 2,
    max_known: 2,
    cut_every: 3,
};

#[derive(Debug, Clone)]
enum Step {
    File(u8),
    Settle,
    SettleSome,
    Resolve(u8),
    /// The process dies and another begins.
    Restart,
}

/// Steps of one transaction, and whether it is committed.
fn transaction() -> impl Strategy<Value = (Vec<Step>, bool)> {
    let step = prop_oneof![
        12 => (0..4_u8).prop_map(Step::File),
        1 => Just(Step::Settle),
        2 => Just(Step::SettleSome),
        1 => (0..4_u8).prop_map(Step::Resolve),
        1 => Just(Step::Restart),
    ];
    (prop::collection::vec(step, 1..12), prop::bool::weighted(0.7))
}

/// What is known of a group, beside the tracker: reports, and whether it is resolved.
type Model = HashMap<u8, (i64, bool)>;

fn small() -> Intake {
    let intake = Intake::new(1);
    *intake.state.lock().unwrap() = State::new(Places::new(KEEP), SMALL);
    intake
}

fn run(database: &Connection, intake: &mut Intake, model: &mut Model, step: &Step) {
    match *step {
        Step::File(kind) => {
            let (n, is_resolved) = model.get(&kind).copied().unwrap_or_default();
            let filed = intake
                .file(database, &filing(&format!("E{kind}"), 1000 + n))
                .unwrap();
            let outcome = match (n, is_resolved) {
                (0, _) => Outcome::Created,
                (_, true) => Outcome::Reopened,
                (_, false) => Outcome::Incremented,
            };
            assert_eq!((filed.n_occurrences, filed.outcome), (n + 1, outcome));
            model.insert(kind, (n + 1, false));
        }
        Step::Settle => intake.settle(database).unwrap(),
        Step::SettleSome => {
            intake.settle_some(database, intake.next_seq(), 2).unwrap();
        }
        Step::Resolve(kind) => {
            intake.settle_and_forget(database).unwrap();
            if let Some((_, is_resolved)) = model.get_mut(&kind) {
                let sql = "select id from groups where exception_type = ?1";
                let id = database
                    .query_row(sql, [format!("E{kind}")], |row| row.get(0))
                    .unwrap();
                assert!(groups::resolve(database, id, Until::Any, 5000).unwrap());
                *is_resolved = true;
            }
        }
        Step::Restart => *intake = small(),
    }
}

proptest! {
    #[test]
    fn whatever_is_undone_in_between_each_committed_report_counts_once(
        transactions in prop::collection::vec(transaction(), 1..20)
    ) {
        let database = database();
        let mut intake = small();
        let mut model = Model::new();
        for (steps, is_committed) in transactions {
            database.execute_batch("begin").unwrap();
            let mut changed = model.clone();
            for step in &steps {
                run(&database, &mut intake, &mut changed, step);
            }
            database.execute_batch(if is_committed { "commit" } else { "rollback" }).unwrap();
            if is_committed {
                model = changed;
            }
        }
        intake.settle(&database).unwrap();

        let sql = "select exception_type, n_occurrences, is_resolved,
                          (select group_concat(number) from occurrences o where o.group_id = g.id)
                   from groups g";
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, bool>(2)?, row.get::<_, String>(3)?))
        });
        let stored: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(stored.len(), model.len());
        for (kind, n, is_resolved, kept) in stored {
            let expected = model[&kind[1..].parse::<u8>().unwrap()];
            prop_assert_eq!((n, is_resolved), expected, "{}", kind);
            let mut kept: Vec<i64> = kept.split(',').map(|number| number.parse().unwrap()).collect();
            kept.sort_unstable();
            let n_ring = Places::new(KEEP).n_ring();
            prop_assert_eq!(kept[0], 1, "the first is kept");
            for number in (n - n_ring).max(0) + 1..=n {
                prop_assert!(kept.contains(&number), "the newest are kept: {} of {}: {:?}", number, n, kept);
            }
            prop_assert!(kept.len() <= KEEP as usize);
            kept.dedup();
            prop_assert!(kept.len() as i64 >= n.min(n_ring), "each once");
        }
        let n_journalled: i64 =
            database.query_row("select count(*) from journal", [], |row| row.get(0)).unwrap();
        prop_assert_eq!(n_journalled, 0);
    }
}
