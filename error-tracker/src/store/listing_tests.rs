//! Lists and counts compared with slow and simple ones, and the plans that SQLite makes for them.

use proptest::prelude::*;

use super::*;
use crate::domain::search_query;
use crate::store::groups::{self, Sort, Until};
use crate::store::snoozes::{self, Snooze};
use crate::store::testing::{database, file, filing, filing_of};
use crate::store::{families, merged};

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

#[derive(Debug, Clone)]
struct Made {
    kind: usize,
    tag: Option<usize>,
    user: usize,
    state: usize,
}

fn made() -> impl Strategy<Value = Made> {
    let parts = (0..12_usize, prop::option::of(0..3_usize), 0..4_usize, 0..4_usize);
    parts.prop_map(|(kind, tag, user, state)| Made {
        kind,
        tag,
        user,
        state,
    })
}

fn fill(database: &Connection, all: &[Made]) {
    for (at, made) in all.iter().enumerate() {
        let report = serde_json::json!({
            "project": if made.kind % 2 == 0 { "shop" } else { "blog" }, "exception_type": format!("Kind{}", made.kind),
            "message": format!("word{} happened", made.kind % 3), "traceback": "",
            "user_id": format!("u{}", made.user),
            "tags": made.tag.map(|tag| serde_json::json!({"region": format!("r{tag}")})),
        });
        let id = file(database, filing_of(&report, 1000 + (at as i64) / 2)).group_id;
        match made.state {
            0 => drop(groups::resolve(database, id, Until::Any, 5000).unwrap()),
            1 => {
                let snooze = Snooze {
                    until_at: Some(i64::MAX),
                    ..Snooze::default()
                };
                snoozes::put(database, id, &snooze, 5000).unwrap();
            }
            _ => {}
        }
    }
}

/// All that fits, in order, by looking at each group.
fn slowly(database: &Connection, filter: &Filter) -> Vec<i64> {
    let mut statement = database
        .prepare("select id from groups where merged_into is null")
        .unwrap();
    let ids: Vec<i64> = statement
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let family = |id: i64| [merged::into(database, id).unwrap(), vec![id]].concat();
    let count = |sql: &str, id: i64, value: &str| -> bool {
        family(id).iter().any(|id| {
            database
                .query_row(sql, (id, value), |row| row.get::<_, i64>(0))
                .unwrap()
                > 0
        })
    };
    let mut found: Vec<Group> = ids
        .into_iter()
        .map(|id| groups::find(database, id).unwrap().unwrap().0)
        .filter(|group| {
            let state = match (group.is_resolved, group.is_snoozed) {
                (true, _) => State::Resolved,
                (false, true) => State::Snoozed,
                (false, false) => State::Open,
            };
            let tag = "select count(*) from group_tags where group_id = ?1 and value = ?2";
            let word =
                "select count(*) from first_reports where group_id = ?1 and message like '%' || ?2 || '%'";
            let searched = filter.search.as_ref().and_then(|it| it.matching.as_deref());
            filter.state.is_none_or(|wanted| wanted == state)
                && filter
                    .project
                    .as_ref()
                    .is_none_or(|project| *project == group.project)
                && filter.tags.iter().all(|(_, value)| count(tag, group.id, value))
                && searched.is_none_or(|words| count(word, group.id, words.trim_matches('"')))
        })
        .collect();
    found.sort_by_key(|group| std::cmp::Reverse((filter.sort.value(group), group.id)));
    found.into_iter().map(|group| group.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_list_is_what_looking_at_each_group_gives(
        all in prop::collection::vec(made(), 1..40),
        state in prop::option::of(0..3_usize),
        project in prop::option::of(Just("shop".to_owned())),
        tag in prop::option::of(0..3_usize),
        word in prop::option::of(0..3_usize),
        sort in 0..4_usize,
        merges in prop::collection::vec((1..12_i64, 1..12_i64), 0..4),
    ) {
        let database = database();
        fill(&database, &all);
        for (a, b) in merges {
            let _ = families::merge(&database, a, &[b]).unwrap();
        }
        let filter = Filter {
            state: state.map(|at| [State::Open, State::Snoozed, State::Resolved][at]),
            project,
            tags: tag.map(|tag| ("region".to_owned(), format!("r{tag}"))).into_iter().collect(),
            search: word.and_then(|word| search_query::parse(&format!("word{word}"))),
            sort: Sort::ALL[sort],
            ..Filter::default()
        };
        let expected = slowly(&database, &filter);
        // Page by page, both ways.
        let (mut by_cursor, mut start) = (Vec::new(), Start::Offset(0));
        loop {
            let page = list(&database, &filter, 3, start).unwrap();
            prop_assert_eq!(page.n_total as usize, expected.len());
            by_cursor.extend(page.groups.iter().map(|group| group.id));
            match page.next_cursor.as_deref().and_then(Start::read_cursor) {
                Some(next) => start = next,
                None => break,
            }
        }
        prop_assert_eq!(&by_cursor, &expected);
        let offset = expected.len() / 2;
        let page = list(&database, &filter, 3, Start::Offset(offset as u64)).unwrap();
        let ids: Vec<i64> = page.groups.iter().map(|group| group.id).collect();
        prop_assert_eq!(&ids[..], &expected[offset..expected.len().min(offset + 3)]);
        // As if the sets were too large to be gone through.
        let large = Plan { driver: None, ..Plan::of(&database, &filter).unwrap() };
        let large = Plan { others: Set::all(&filter), ..large };
        let ids = page_ids(&database, &large, &filter);
        prop_assert_eq!(&ids[..], &expected[..expected.len().min(10)]);
        prop_assert_eq!(large.count(&database, &filter).unwrap().1, true);
    }
}

fn page_ids(database: &Connection, plan: &Plan, filter: &Filter) -> Vec<i64> {
    let page = page(database, plan, filter, 10, Start::Offset(0)).unwrap();
    page.iter().map(|group| group.id).collect()
}

#[test]
fn large_sets_are_not_counted_on() {
    let database = database();
    for kind in ["A", "B"] {
        file(&database, filing(kind, 1000));
    }
    database
        .execute_batch(
            "with recursive n (n) as (select 10 union all select n + 1 from n where n < 6009)
             insert into groups (id, fingerprint, project, exception_type, n_occurrences, first_seen_at,
                                 last_seen_at, text_hash)
             select n, '', 'shop', 'C', 1, n, n, 0 from n;
             insert into first_reports (group_id, message, received_at, traceback)
             select id, 'm', 1, '' from groups where id >= 10;
             insert into group_tags (group_id, name, value, n, first_seen_at, last_seen_at)
             select id, 'environment', 'prod', 1, 1, 1 from groups where id >= 10",
        )
        .unwrap();
    let total = |filter: &Filter| {
        let page = list(&database, filter, 3, Start::Offset(0)).unwrap();
        (page.groups.len(), page.n_total, page.is_exact)
    };
    let environment = Some("prod".to_owned());
    let filter = Filter {
        environment,
        ..Filter::default()
    };
    assert_eq!(total(&filter), (3, MAX_COUNTED, false));
    let of_browsers = Filter {
        is_browser: Some(true),
        ..Filter::default()
    };
    let of_servers = Filter {
        is_browser: Some(false),
        ..Filter::default()
    };
    assert_eq!(
        (total(&of_browsers), total(&of_servers)),
        ((0, 0, true), (3, 6002, true))
    );
    assert_eq!(total(&Filter::default()), (3, 6002, true));
}

#[test]
fn lists_in_order_need_no_sorting() {
    let database = database();
    for sort in Sort::ALL {
        let filter = Filter {
            sort,
            state: Some(State::Open),
            ..Filter::default()
        };
        let plan = Plan::of(&database, &filter).unwrap();
        let (source, values) = plan.source(&filter, State::Open);
        let column = sort.column();
        let sql =
            format!("explain query plan select g.id {source} order by {column} desc, g.id desc limit 50");
        let mut statement = database.prepare(&sql).unwrap();
        let steps: Vec<String> = statement
            .query_map(params_from_iter(values), |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(
            steps.iter().all(|step| !step.contains("TEMP B-TREE")),
            "{sort:?}: {steps:?}"
        );
    }
}
