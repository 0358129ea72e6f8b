//! What there is: by level and container, and the fields of entries.

use std::collections::{BTreeMap, HashMap};

use super::Reading;
use crate::domain::entry::Level;
use crate::domain::fields;
use crate::domain::filter::Filter;
use crate::domain::paging::{ContainerCount, FieldValues, Fields, LevelCounts, Paging, Stats};
use crate::store::blocks::Block;

/// Entries whose fields are looked at.
const SAMPLE: usize = 2_000;
/// Fields shown.
const MAX_FIELDS: usize = 100;
/// Values counted of a field; what comes later is only counted as having the field.
const MAX_VALUES: usize = 1_000;
/// Values shown of a field.
const SHOWN_VALUES: usize = 20;
/// Longer values are cut.
const MAX_VALUE_CHARS: usize = 200;

/// What there is, by level and container.
pub(super) fn stats(reading: &mut Reading<'_>) -> rusqlite::Result<Stats> {
    let mut stats = Stats::default();
    let mut by_container: BTreeMap<u32, LevelCounts> = BTreeMap::new();
    let mut note = |container, level: Level, n, first_ns: i64, last_ns: i64| {
        stats.n_entries += n;
        stats.levels[level.index()] += n;
        stats.oldest_ns = Some(stats.oldest_ns.map_or(first_ns, |oldest| oldest.min(first_ns)));
        stats.newest_ns = Some(stats.newest_ns.map_or(last_ns, |newest| newest.max(last_ns)));
        by_container.entry(container).or_default()[level.index()] += n;
    };
    for block in Block::all(reading.connection)? {
        for tally in &block.tallies {
            note(
                tally.container,
                tally.level,
                tally.n,
                block.first_ns,
                block.last_ns,
            );
        }
    }
    for row in reading.window.frames().iter().flat_map(|frame| &frame.rows) {
        if row.id >= reading.sealed_before {
            note(row.container, row.level, 1, row.time_ns, row.time_ns);
        }
    }
    let names = reading.names.all();
    stats.containers = by_container
        .into_iter()
        .filter_map(|(number, levels)| {
            let name = names.get(number as usize)?.to_string();
            Some(ContainerCount { name, levels })
        })
        .collect();
    stats.containers.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stats)
}

#[derive(Default)]
struct Seen {
    n_entries: u64,
    values: HashMap<String, u64>,
}

/// Values of the fields of the newest entries that match.
pub(super) fn fields(reading: &mut Reading<'_>, filter: &Filter) -> rusqlite::Result<Fields> {
    let paging = Paging {
        is_counted: false,
        ..Paging::newest(SAMPLE)
    };
    let page = reading.page(filter, &paging)?;
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for stored in &page.entries {
        let mut all = fields::all(&stored.entry.message);
        all.sort_unstable();
        all.dedup();
        for of_one in all.chunk_by(|a, b| a.0 == b.0) {
            let field = seen.entry(of_one[0].0.clone()).or_default();
            field.n_entries += 1;
            for (_, value) in of_one {
                let value: String = value.chars().take(MAX_VALUE_CHARS).collect();
                if field.values.len() < MAX_VALUES || field.values.contains_key(&value) {
                    *field.values.entry(value).or_default() += 1;
                }
            }
        }
    }
    let mut fields: Vec<FieldValues> = seen.into_iter().map(shown).collect();
    fields.sort_by(|a, b| b.n_entries.cmp(&a.n_entries).then_with(|| a.name.cmp(&b.name)));
    fields.truncate(MAX_FIELDS);
    Ok(Fields {
        n_entries: page.entries.len() as u64,
        is_complete: page.next.is_none(),
        fields,
    })
}

fn shown((name, seen): (String, Seen)) -> FieldValues {
    let mut values: Vec<(String, u64)> = seen.values.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    values.truncate(SHOWN_VALUES);
    FieldValues {
        name,
        n_entries: seen.n_entries,
        values,
    }
}
