//! Finding entries again. Everything is newest first unless said otherwise, by time and then by id.

use std::collections::BTreeMap;

use crate::domain::entry::{Level, Stored};
use crate::domain::filter::Filter;
use crate::domain::paging::{
    ContainerCount, Context, Cursor, Fields, Histogram, LevelCounts, Order, Page, Paging, Stats, Total,
};
use crate::domain::view::EntryView;
use crate::store::window::Window;

/// Widths of buckets that people like to read, in seconds.
const STEPS: [i64; 16] = [
    1, 2, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400, 604_800,
];
const SECOND_NS: i64 = 1_000_000_000;

/// One page of what matches.
pub fn page(window: &Window, filter: &Filter, paging: &Paging) -> Page {
    let mut found = matching(window, filter);
    let total = paging.is_counted.then_some(Total {
        n: found.len() as u64,
        is_lower_bound: false,
    });
    if paging.order == Order::NewestFirst {
        found.reverse();
    }
    if let Some(after) = paging.after {
        found.retain(|stored| match paging.order {
            Order::NewestFirst => Cursor::of(stored) < after,
            Order::OldestFirst => Cursor::of(stored) > after,
        });
    }
    let n_left = found.len().saturating_sub(paging.offset);
    let entries: Vec<Stored> = found.into_iter().skip(paging.offset).take(paging.limit).collect();
    let next = entries.last().map(Cursor::of).filter(|_| n_left > entries.len());
    Page {
        entries,
        total,
        next,
        is_complete: true,
    }
}

/// The entry with this id.
pub fn one(window: &Window, id: u64) -> Option<Stored> {
    all(window).find(|stored| stored.id == id)
}

/// The entry with this id, and those of its container around it.
pub fn context(window: &Window, id: u64, n_before: usize, n_after: usize) -> Option<Context> {
    let entry = one(window, id)?;
    let filter = Filter {
        containers: vec![entry.entry.container.to_string()],
        ..Filter::default()
    };
    let around = |order, limit| Paging {
        order,
        after: Some(Cursor::of(&entry)),
        offset: 0,
        limit,
        is_counted: false,
    };
    let mut before = page(window, &filter, &around(Order::NewestFirst, n_before)).entries;
    before.reverse();
    let after = page(window, &filter, &around(Order::OldestFirst, n_after)).entries;
    Some(Context { before, entry, after })
}

/// Those that match and were stored after the one with this id, in the order of ids; at most `limit`.
pub fn stored_after(window: &Window, id: u64, filter: &Filter, limit: usize) -> Vec<Stored> {
    all(window)
        .filter(|stored| stored.id > id && filter.matches(&EntryView::of(&stored.entry)))
        .take(limit)
        .collect()
}

/// Volume over time in at most `n_buckets` buckets.
pub fn histogram(window: &Window, filter: &Filter, n_buckets: usize) -> Histogram {
    let found = matching(window, filter);
    let (Some(first), Some(last)) = (found.first(), found.last()) else {
        return Histogram {
            is_complete: true,
            ..Histogram::default()
        };
    };
    let from = filter.since_ns.unwrap_or(first.entry.time_ns);
    let to = filter.until_ns.unwrap_or(last.entry.time_ns);
    let steps = STEPS.iter().map(|seconds| seconds * SECOND_NS);
    let fits = |step: i64| to.div_euclid(step) - from.div_euclid(step) < n_buckets.max(1) as i64;
    let step_ns = steps
        .clone()
        .find(|step| fits(*step))
        .unwrap_or_else(|| (to - from) / n_buckets.max(1) as i64 + 1);
    let first_bucket = from.div_euclid(step_ns);
    let mut buckets = vec![LevelCounts::default(); (to.div_euclid(step_ns) - first_bucket + 1) as usize];
    for stored in &found {
        let bucket = stored.entry.time_ns.div_euclid(step_ns) - first_bucket;
        if let Some(counts) = buckets.get_mut(bucket as usize) {
            counts[stored.entry.level.index()] += 1;
        }
    }
    Histogram {
        start_ns: first_bucket * step_ns,
        step_ns,
        buckets,
        is_complete: true,
    }
}

/// What there is.
pub fn stats(window: &Window) -> Stats {
    let mut stats = Stats::default();
    let mut containers = BTreeMap::<String, LevelCounts>::new();
    for stored in all(window) {
        let time_ns = stored.entry.time_ns;
        stats.n_entries += 1;
        stats.oldest_ns = Some(stats.oldest_ns.map_or(time_ns, |oldest| oldest.min(time_ns)));
        stats.newest_ns = Some(stats.newest_ns.map_or(time_ns, |newest| newest.max(time_ns)));
        let level = stored.entry.level.index();
        stats.levels[level] += 1;
        containers.entry(stored.entry.container.to_string()).or_default()[level] += 1;
    }
    stats.containers = containers
        .into_iter()
        .map(|(name, levels)| ContainerCount { name, levels })
        .collect();
    stats
}

/// Values of the fields of what matches.
pub fn fields(window: &Window, filter: &Filter) -> Fields {
    Fields {
        n_entries: matching(window, filter).len() as u64,
        is_complete: true,
        fields: Vec::new(),
    }
}

fn all(window: &Window) -> impl Iterator<Item = Stored> {
    window.iter().flat_map(|batch| {
        (batch.first_id..).zip(&batch.entries).map(|(id, entry)| Stored {
            id,
            entry: entry.clone(),
        })
    })
}

/// Those that match, the oldest first.
fn matching(window: &Window, filter: &Filter) -> Vec<Stored> {
    let mut found: Vec<Stored> = all(window)
        .filter(|stored| filter.matches(&EntryView::of(&stored.entry)))
        .collect();
    found.sort_by_key(Cursor::of);
    found
}

/// Entries by level, of all containers.
pub fn sum(containers: &[ContainerCount]) -> LevelCounts {
    let mut sum = LevelCounts::default();
    for level in Level::ALL {
        sum[level.index()] = containers
            .iter()
            .map(|container| container.levels[level.index()])
            .sum();
    }
    sum
}
