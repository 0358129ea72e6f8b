//! Searches against an oracle that looks at every entry, over random batches, seals and trims.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::domain::entry::{Entry, Level, Marks, Stream};
use crate::domain::levels::Levels;
use crate::domain::paging::{Cursor, Order, Total};
use crate::domain::query::Query;
use crate::domain::view::EntryView;
use crate::store::room::{self, Limits};
use crate::store::seal::{self, Sizes};
use crate::store::{MIGRATIONS, journal};

/// Small, so that little makes many blocks and partitions.
const SIZES: Sizes = Sizes {
    max_entries: 5,
    max_partition: 9,
    piece_bytes: 12,
};

/// A store on a database in memory, and all entries beside it.
struct Bench {
    database: Connection,
    window: Window,
    names: Names,
    next_id: u64,
    all: Vec<Stored>,
}

impl Bench {
    fn new() -> Self {
        let database = Connection::open_in_memory().unwrap();
        for migration in MIGRATIONS {
            database.execute_batch(migration.sql).unwrap();
        }
        Self {
            database,
            window: Window::default(),
            names: Names::default(),
            next_id: 1,
            all: Vec::new(),
        }
    }

    fn store(&mut self, entries: &[Entry]) {
        let mut frame = Frame::default();
        for entry in entries {
            frame.push(self.next_id, self.names.number(&entry.container), entry);
            self.all.push(Stored {
                id: self.next_id,
                entry: entry.clone(),
            });
            self.next_id += 1;
        }
        self.names.store(&self.database).unwrap();
        self.names.note_stored();
        journal::append(&self.database, &frame).unwrap();
        self.ids(None);
        self.window.push(Arc::new(frame));
    }

    fn ids(&self, sealed_before: Option<u64>) {
        let ids = Ids::load(&self.database).unwrap();
        let ids = Ids {
            next: self.next_id,
            sealed_before: sealed_before.unwrap_or(ids.sealed_before),
        };
        ids.store(&self.database).unwrap();
    }

    /// The window stays as it was, as it does for a reader that took it before.
    fn seal(&mut self) {
        let sealed = seal::prepare(self.window.frames(), SIZES).unwrap();
        sealed.store(&self.database, SIZES).unwrap();
        journal::clear(&self.database).unwrap();
        self.ids(Some(self.next_id));
    }

    fn forget_window(&mut self) {
        self.window = Window::of(journal::load(&self.database).unwrap());
        self.names = Names::load(&self.database).unwrap();
    }

    /// Trims, and takes what is gone out of the oracle.
    fn trim(&mut self, max_entries: u64) {
        let limits = Limits {
            max_entries,
            max_bytes: None,
            max_age_ns: None,
        };
        let before = self.all.len() as u64;
        let dropped = limits.make_room(&self.database, 0, 0).unwrap();
        let mut reading = Reading::new(&self.database, &self.window, &self.names).unwrap();
        self.all
            .retain(|stored| reading.one(stored.id).unwrap().is_some());
        assert_eq!(self.all.len() as u64, before - dropped);
        while let Some(mut partition) = room::thin_partition(&self.database).unwrap() {
            let left = room::words_left(&self.database, partition).unwrap();
            partition.reindex(&self.database, left).unwrap();
            partition.save(&self.database).unwrap();
        }
    }

    fn reading(&self) -> Reading<'_> {
        Reading::new(&self.database, &self.window, &self.names).unwrap()
    }

    fn matching(&self, filter: &Filter, order: Order) -> Vec<&Stored> {
        let mut found: Vec<&Stored> = self
            .all
            .iter()
            .filter(|stored| filter.matches(&EntryView::of(&stored.entry)) && has_id(filter, stored))
            .collect();
        found.sort_by_key(|stored| Cursor::of(stored));
        if order == Order::NewestFirst {
            found.reverse();
        }
        found
    }

    fn check(&self, filter: &Filter, limit: usize, order: Order) {
        let expected = self.matching(filter, order);
        let mut paging = Paging {
            order,
            limit,
            ..Paging::newest(limit)
        };
        let mut found = Vec::new();
        loop {
            let page = self.reading().page(filter, &paging).unwrap();
            assert!(page.entries.len() <= limit && page.is_complete);
            let total = Total {
                n: expected.len() as u64,
                is_lower_bound: false,
            };
            assert_eq!(page.total, Some(total));
            found.extend(page.entries);
            match page.next {
                Some(next) => paging.after = Some(next),
                None => break,
            }
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
        self.check_offset(filter, limit, &expected, order);
        self.check_histogram(filter, &expected);
        self.check_after(filter, limit);
    }

    fn check_offset(&self, filter: &Filter, limit: usize, expected: &[&Stored], order: Order) {
        let paging = Paging {
            order,
            after: None,
            offset: limit / 2,
            limit,
            is_counted: false,
        };
        let page = self.reading().page(filter, &paging).unwrap();
        let part: Vec<&Stored> = expected.iter().skip(limit / 2).take(limit).copied().collect();
        assert_eq!(page.entries.iter().collect::<Vec<_>>(), part);
    }

    fn check_histogram(&self, filter: &Filter, expected: &[&Stored]) {
        let histogram = self.reading().histogram(filter, 7).unwrap();
        assert!(histogram.is_complete && histogram.buckets.len() <= 7);
        let mut counts: BTreeMap<i64, [u64; 5]> = BTreeMap::new();
        for stored in expected {
            let bucket = stored.entry.time_ns.div_euclid(histogram.step_ns) * histogram.step_ns;
            counts.entry(bucket).or_default()[stored.entry.level.index()] += 1;
        }
        let found: BTreeMap<i64, [u64; 5]> = (0..)
            .zip(&histogram.buckets)
            .filter(|(_, counts)| counts.iter().sum::<u64>() > 0)
            .map(|(at, counts)| (histogram.start_ns + at * histogram.step_ns, *counts))
            .collect();
        assert_eq!(found, counts);
    }

    fn check_after(&self, filter: &Filter, limit: usize) {
        let id = self.next_id / 2;
        let expected: Vec<&Stored> = self
            .all
            .iter()
            .filter(|stored| stored.id > id && filter.matches(&EntryView::of(&stored.entry)))
            .filter(|stored| has_id(filter, stored))
            .take(limit)
            .collect();
        let found = self.reading().stored_after(id, filter, limit).unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    }

    fn check_stats(&self) {
        let oldest_ns = self.all.iter().map(|stored| stored.entry.time_ns).min();
        let histogram = self.reading().histogram(&Filter::default(), 7).unwrap();
        if let Some(oldest_ns) = oldest_ns {
            let step_ns = histogram.step_ns;
            assert_eq!(histogram.start_ns, oldest_ns.div_euclid(step_ns) * step_ns);
        }
        let stats = self.reading().stats().unwrap();
        assert_eq!(stats.n_entries, self.all.len() as u64);
        for container in &stats.containers {
            let n = self
                .all
                .iter()
                .filter(|stored| *stored.entry.container == *container.name);
            assert_eq!(container.n_entries(), n.count() as u64);
        }
    }

    fn check_context(&self, nth: usize) {
        let Some(stored) = self.all.get(nth % self.all.len().max(1)) else {
            return;
        };
        let context = self.reading().context(stored.id, 3, 3).unwrap().unwrap();
        let filter = Filter {
            containers: vec![stored.entry.container.to_string()],
            ..Filter::default()
        };
        let around = self.matching(&filter, Order::OldestFirst);
        let at = around.iter().position(|other| other.id == stored.id).unwrap();
        assert_eq!(&context.entry, stored);
        assert_eq!(
            context.before.iter().collect::<Vec<_>>(),
            around[at.saturating_sub(3)..at]
        );
        assert_eq!(
            context.after.iter().collect::<Vec<_>>(),
            around[at + 1..around.len().min(at + 4)]
        );
    }
}

fn has_id(filter: &Filter, stored: &Stored) -> bool {
    filter.has_id(stored.id)
}

#[derive(Debug, Clone)]
enum Step {
    Store(Vec<Entry>),
    Seal,
    /// A seal whose transaction is lost.
    UndoneSeal,
    SealAndForget,
    Trim(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => crate::store::frame::tests::entries("(a|b|err|req1|12345|é|登录|\\{\"k\":\"a\\\\u0062\"\\}|k=err|[ .-]){0,6}")
            .prop_map(Step::Store),
        2 => Just(Step::Seal),
        1 => Just(Step::UndoneSeal),
        2 => Just(Step::SealAndForget),
        1 => (0..60_u64).prop_map(Step::Trim),
    ];
    prop::collection::vec(step, 1..12)
}

fn filters() -> impl Strategy<Value = Filter> {
    let query = prop_oneof![
        Just(""),
        Just("a"),
        Just("err"),
        Just("12345"),
        Just("req1"),
        Just("req*"),
        Just("1*"),
        Just("123*"),
        Just("a b"),
        Just("a OR 12345"),
        Just("-a"),
        Just("a -b"),
        Just("登录"),
        Just("é"),
        Just("k:err"),
        Just("k:ab"),
        Just("\"a b\""),
        Just("nowhere"),
        Just("nowhere9"),
        Just("level:>=error a"),
        Just("-container:c1"),
        Just("/a.b/"),
        Just("a-b"),
        Just("ab"),
        Just("stream:stderr"),
        Just("level:info OR err"),
    ];
    let containers = prop::collection::vec((0..5_u8).prop_map(|n| format!("c{n}")), 0..3);
    let levels = prop_oneof![
        3 => Just(Levels::ALL),
        1 => (0..5_usize).prop_map(|at| Levels::only(Level::ALL[at])),
        1 => (0..5_usize).prop_map(|at| Levels::at_least(Level::ALL[at])),
    ];
    let stream = prop::option::weighted(0.2, prop_oneof![Just(Stream::Stdout), Just(Stream::Stderr)]);
    let time = || prop::option::weighted(0.3, (0..2_000_i64).prop_map(|time| time * 250_000_000));
    let id = || prop::option::weighted(0.2, 0..400_u64);
    (query, containers, levels, stream, time(), time(), id(), id()).prop_map(
        |(query, containers, levels, stream, since_ns, until_ns, newest_id, after_id)| Filter {
            newest_id,
            after_id,
            query: Query::parse(query),
            containers,
            levels,
            stream,
            since_ns,
            until_ns,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_search_finds_what_looking_at_every_entry_finds(
        steps in steps(),
        filters in prop::collection::vec((filters(), 3..40_usize, any::<bool>()), 6),
        nth: usize,
    ) {
        let mut bench = Bench::new();
        for step in steps {
            match step {
                Step::Store(entries) => bench.store(&entries),
                Step::Seal => {
                    bench.forget_window();
                    bench.seal();
                }
                Step::UndoneSeal => {
                    bench.forget_window();
                    bench.database.execute_batch("savepoint seal").unwrap();
                    bench.seal();
                    bench.database.execute_batch("rollback to seal; release seal").unwrap();
                }
                Step::SealAndForget => {
                    bench.forget_window();
                    bench.seal();
                    bench.forget_window();
                }
                Step::Trim(max_entries) => {
                    bench.forget_window();
                    bench.seal();
                    bench.forget_window();
                    bench.trim(max_entries);
                }
            }
        }
        for (filter, limit, is_newest_first) in &filters {
            let order = if *is_newest_first { Order::NewestFirst } else { Order::OldestFirst };
            bench.check(filter, *limit, order);
        }
        bench.check_stats();
        bench.check_context(nth);
    }
}

fn entry(container: &str, second: i64) -> Entry {
    Entry {
        time_ns: second * 1_000_000_000,
        container: container.into(),
        stream: Stream::Stdout,
        level: Level::Info,
        marks: Marks::default(),
        message: format!("line {second} {}", "x".repeat(20_000)),
    }
}

#[test]
fn a_burst_of_one_container_leaves_the_others_their_share() {
    let mut bench = Bench::new();
    let quiet: Vec<Entry> = (0..20).map(|second| entry("quiet", second)).collect();
    let burst: Vec<Entry> = (20..500).map(|second| entry("burst", second)).collect();
    bench.store(&quiet);
    bench.store(&burst);
    bench.seal();
    bench.forget_window();
    bench.trim(100);
    let left = |name: &str| {
        bench
            .all
            .iter()
            .filter(|stored| &*stored.entry.container == name)
            .count()
    };
    assert_eq!(left("quiet"), 20);
    assert!((70..=80).contains(&left("burst")), "{}", left("burst"));
    let newest = bench.all.iter().map(|stored| stored.entry.time_ns).max();
    assert_eq!(newest, Some(499 * 1_000_000_000));
}

#[test]
fn room_is_made_by_age_and_by_size() {
    let mut bench = Bench::new();
    let entries: Vec<Entry> = (0..200).map(|second| entry("web", second)).collect();
    bench.store(&entries);
    bench.seal();
    bench.forget_window();
    let by_age = Limits {
        max_entries: 1_000,
        max_bytes: None,
        max_age_ns: Some(50_000_000_000),
    };
    let dropped = by_age.make_room(&bench.database, 0, 199_000_000_000).unwrap();
    assert!((145..=149).contains(&dropped), "{dropped}");
    let used = room::used_bytes(&bench.database).unwrap();
    let by_size = Limits {
        max_entries: 1_000,
        max_bytes: Some(used),
        max_age_ns: None,
    };
    assert!(by_size.make_room(&bench.database, 0, 0).unwrap() > 0);
    assert!(room::used_bytes(&bench.database).unwrap() < used);
}
