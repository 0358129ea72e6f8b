//! Answers questions about API requests. One read: blocks, and the journal of the same snapshot.
//!
//! Points of the time series come from the tier of their length; everything else is about the whole range, and is read
//! from as few and as long periods as cover it. Each is read from the smallest cube that has what is asked.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rusqlite::Connection;

use super::Requests;
use super::registry::{Registry, Table};
use crate::domain::requests::block;
use crate::domain::requests::cell::CellRef;
use crate::domain::requests::group::{Cube, Dimension, Group, NONE};
use crate::domain::requests::histogram::Histogram;
use crate::domain::requests::journal_row;
use crate::domain::requests::overview::{Endpoint, Named, Overview, Point, ServiceStatuses, Stats, Sum};
use crate::domain::requests::period::{Run, Tier, cover};
use crate::domain::requests::query::{Bucket, Filters, Query};
use crate::domain::timestamp::{HOUR_MS, MINUTE_MS};
use crate::store::request_blocks::{self, Part};
use crate::store::requests as store;

/// No group is counted under it.
const NO_SLOT: u32 = u32::MAX;

/// Answers a question. `connection` has not read anything yet: names are looked up after its snapshot is taken.
pub fn answer(connection: &Connection, requests: &Requests, query: &Query) -> rusqlite::Result<Overview> {
    let closed_ms = store::closed(connection)? * HOUR_MS;
    let (table, endpoints, wanted, all) = {
        let registry = requests.registry();
        let endpoints = registry.of(Dimension::Endpoint).collect();
        let table = registry.table();
        let wanted = Accepted::new(&registry, &table, &query.filters);
        let all = Accepted::new(&registry, &table, &Filters::default());
        (table, endpoints, wanted, all)
    };
    let source = Source {
        waiting: waiting(connection, &table, query)?,
        connection,
        table,
        endpoints,
        closed_ms,
    };
    let runs = cover(query.from_ms, query.to_ms, closed_ms);
    let routes = source.tally(query, &runs, &wanted, &[&ROUTE])?;
    let callers = source.tally(query, &runs, &wanted, &[&CONSUMER, &NODE, &CONTEXT])?;
    let (nodes, contexts) = match query.filters.is_empty() {
        true => distinct(&source.table, &callers),
        false => distinct(
            &source.table,
            &source.tally(&query.unfiltered(), &runs, &all, &[&PRESENCE])?,
        ),
    };
    let series = source.series(query, &wanted)?;
    let registry = requests.registry();
    let texts = |ids: BTreeSet<u32>| {
        let mut texts: Vec<String> = ids.into_iter().map(|id| registry.text(id).to_owned()).collect();
        texts.sort_unstable();
        texts
    };
    let (total, endpoints) = told_routes(&registry, &routes, query);
    Ok(Overview {
        series,
        total,
        endpoints,
        services: told_services(&registry, &source.table, &routes),
        consumers: told_names(&registry, &callers, 0, query),
        nodes: told_names(&registry, &callers, 1, query),
        contexts: told_names(&registry, &callers, 2, query),
        distinct_nodes: texts(nodes),
        distinct_contexts: texts(contexts),
    })
}

/// The status of each group that is meant, by its number; 0 for the others.
struct Accepted {
    statuses: Vec<u16>,
    /// The endpoint that is asked for.
    endpoint: Option<u32>,
}

impl Accepted {
    fn new(registry: &Registry, table: &Table, filters: &Filters) -> Self {
        // A text that is unknown has no requests, and 0 is the number of none.
        let number = |dimension: Dimension| {
            let text = filters.values[dimension as usize].as_deref()?;
            Some(registry.find(dimension, text).unwrap_or(0))
        };
        let asked: Vec<(Dimension, u32)> = filters
            .dimensions()
            .filter_map(|dimension| Some((dimension, number(dimension)?)))
            .collect();
        let is_meant = |group: &Group| {
            let has_values = asked
                .iter()
                .all(|(dimension, value)| *value > NONE && group.of(*dimension) == *value);
            has_values
                && filters
                    .status
                    .is_none_or(|statuses| statuses.accept(group.status))
        };
        Self {
            statuses: table
                .groups()
                .map(|group| if is_meant(group) { group.status } else { 0 })
                .collect(),
            endpoint: number(Dimension::Endpoint),
        }
    }

    fn status(&self, group: u32) -> Option<u16> {
        let status = self.statuses.get(group as usize).copied();
        status.filter(|status| *status > 0)
    }
}

/// By what requests are told apart in a pass.
struct Grouping {
    dimensions: &'static [Dimension],
    /// Whether percentiles are told.
    has_histograms: bool,
}

const ROUTE: Grouping = Grouping {
    dimensions: &[Dimension::Service, Dimension::Method, Dimension::Endpoint],
    has_histograms: true,
};
const CONSUMER: Grouping = Grouping {
    dimensions: &[Dimension::Consumer],
    has_histograms: true,
};
const NODE: Grouping = Grouping {
    dimensions: &[Dimension::Node],
    has_histograms: true,
};
const CONTEXT: Grouping = Grouping {
    dimensions: &[Dimension::Context],
    has_histograms: true,
};
/// Which nodes and contexts there are.
const PRESENCE: Grouping = Grouping {
    dimensions: &[Dimension::Node, Dimension::Context],
    has_histograms: false,
};

/// What a pass over a range counted.
struct Tally {
    /// By group.
    sums: Vec<Sum>,
    slots: Vec<Slots>,
}

/// Which groups are counted together, and their latencies.
struct Slots {
    /// By group.
    of: Vec<u32>,
    keys: Vec<Key>,
    histograms: Vec<Histogram>,
}

/// Values of the dimensions of a grouping; the rest is 0.
type Key = [u32; 3];

impl Slots {
    fn new(table: &Table, grouping: &Grouping, accepted: &Accepted) -> Self {
        let mut slots = Self {
            of: vec![NO_SLOT; accepted.statuses.len()],
            keys: Vec::new(),
            histograms: Vec::new(),
        };
        if !grouping.has_histograms {
            return slots;
        }
        let mut known: HashMap<Key, u32> = HashMap::new();
        for (id, group) in table.groups().enumerate() {
            let key = key(group, grouping);
            // Not given, or left out in this cube.
            if accepted.statuses[id] == 0 || key[0] <= NONE {
                continue;
            }
            slots.of[id] = *known.entry(key).or_insert_with(|| {
                slots.keys.push(key);
                slots.keys.len() as u32 - 1
            });
        }
        slots.histograms = vec![Histogram::default(); slots.keys.len()];
        slots
    }
}

fn key(group: &Group, grouping: &Grouping) -> Key {
    let mut key = [0; 3];
    for (place, dimension) in grouping.dimensions.iter().enumerate() {
        key[place] = group.of(*dimension);
    }
    key
}

impl Tally {
    fn add(&mut self, cell: &CellRef<'_>, status: u16) {
        let group = cell.group as usize;
        self.sums[group].add(cell, status);
        let Some(latency) = &cell.latency else { return };
        for slots in &mut self.slots {
            if let Some(histogram) = slots.histograms.get_mut(slots.of[group] as usize) {
                latency.each_slot(cell.n, |slot, n| histogram.add(slot, n));
            }
        }
    }

    /// Sums of each key of a grouping, in the order of its keys.
    fn sums_of(&self, grouping: usize) -> Vec<Sum> {
        let slots = &self.slots[grouping];
        let mut sums = vec![Sum::default(); slots.keys.len()];
        for (slot, sum) in slots.of.iter().zip(&self.sums) {
            if let Some(all) = sums.get_mut(*slot as usize) {
                all.merge(sum);
            }
        }
        sums
    }
}

/// What is read from.
struct Source<'c> {
    connection: &'c Connection,
    table: Table,
    endpoints: Vec<u32>,
    /// What is before is in all tiers.
    closed_ms: i64,
    /// Blocks of what is not counted yet, by minute.
    waiting: BTreeMap<i64, Vec<u8>>,
}

/// The journal, counted.
fn waiting(
    connection: &Connection,
    table: &Table,
    query: &Query,
) -> rusqlite::Result<BTreeMap<i64, Vec<u8>>> {
    let mut minutes = BTreeMap::new();
    let is_ok = |group| Some(table.get(group)?.group.is_ok());
    store::each_batch(connection, |data| journal_row::count(&mut minutes, data, is_ok))?;
    let meant = Tier::Minute.period(query.from_ms)..Tier::Minute.period(query.to_ms);
    Ok(minutes
        .into_iter()
        .filter(|(minute, _)| meant.contains(minute))
        .map(|(minute, cells)| (minute, block::encode(&cells)))
        .collect())
}

impl Source<'_> {
    /// Rows that have a cube. Short tiers have everything in one.
    fn parts(&self, tier: Tier, cube: Cube, endpoint: Option<u32>) -> Vec<Part> {
        match (tier, cube) {
            (Tier::Minute, _) => vec![Part::ALL],
            (_, Cube::Routes) => vec![Part::ROUTES],
            (Tier::FiveMinutes, _) => vec![Part::ALL],
            (_, Cube::Callers) => vec![Part::CALLERS],
            (_, Cube::Full) => match endpoint {
                Some(endpoint) => vec![Part::endpoint(endpoint)],
                None => self.endpoints.iter().map(|id| Part::endpoint(*id)).collect(),
            },
        }
    }

    /// Hands each block of a run, with its period, to `each`; in order where it is in one part.
    fn each(
        &self,
        run: Run,
        cube: Cube,
        endpoint: Option<u32>,
        mut each: impl FnMut(i64, &[u8]),
    ) -> rusqlite::Result<()> {
        for part in self.parts(run.tier, cube, endpoint) {
            request_blocks::each(self.connection, run, part, &mut each)?;
        }
        Ok(())
    }

    /// One pass over the range.
    fn tally(
        &self,
        query: &Query,
        runs: &[Run],
        accepted: &Accepted,
        groupings: &[&Grouping],
    ) -> rusqlite::Result<Tally> {
        let of_groupings = groupings
            .iter()
            .flat_map(|grouping| grouping.dimensions.iter().copied());
        let cube = Cube::with(query.filters.dimensions().chain(of_groupings));
        let mut tally = Tally {
            sums: vec![Sum::default(); accepted.statuses.len()],
            slots: groupings
                .iter()
                .map(|grouping| Slots::new(&self.table, grouping, accepted))
                .collect(),
        };
        let mut add = |bytes: &[u8]| {
            for cell in block::decode(bytes) {
                if let Some(status) = accepted.status(cell.group) {
                    tally.add(&cell, status);
                }
            }
        };
        for run in runs {
            self.each(*run, cube, accepted.endpoint, |_, bytes| add(bytes))?;
        }
        self.waiting.values().for_each(|bytes| add(bytes));
        Ok(tally)
    }

    /// The time series.
    fn series(&self, query: &Query, accepted: &Accepted) -> rusqlite::Result<Vec<Point>> {
        let span_ms = query.bucket.span_ms();
        let place = |at_ms: i64| ((at_ms - query.from_ms) / span_ms) as usize;
        let mut points: Vec<Point> = (0..query.n_points() as i64)
            .map(|n| Point {
                at_ms: query.from_ms + n * span_ms,
                stats: Stats::default(),
            })
            .collect();
        let mut part = self.open(query, accepted)?;
        let mut set = |place: usize, bucket: &Spread| {
            if let Some(point) = points.get_mut(place) {
                point.stats = bucket.sum.stats(&bucket.histogram, query.apdex_us);
            }
        };
        let tier = query.bucket.tier();
        let end_ms = match query.bucket {
            Bucket::Minute => query.to_ms,
            _ => query.to_ms.min(self.closed_ms),
        };
        let run = Run {
            tier,
            first: tier.period(query.from_ms),
            end: tier.period(end_ms + span_ms - 1),
        };
        let cube = Cube::with(query.filters.dimensions());
        let mut scratch = Spread::default();
        if run.first < run.end {
            self.each(run, cube, accepted.endpoint, |period, bytes| {
                let place = place(period * span_ms);
                match part.get_mut(&place) {
                    Some(bucket) => bucket.add(bytes, accepted),
                    None => {
                        scratch.clear();
                        scratch.add(bytes, accepted);
                        set(place, &scratch);
                    }
                }
            })?;
        }
        part.iter().for_each(|(place, bucket)| set(*place, bucket));
        Ok(points)
    }

    /// What of the time series is in minutes that are not part of longer periods yet, and in the journal.
    fn open(&self, query: &Query, accepted: &Accepted) -> rusqlite::Result<BTreeMap<usize, Spread>> {
        let mut buckets: BTreeMap<usize, Spread> = BTreeMap::new();
        let mut add = |minute: i64, bytes: &[u8]| {
            let place = (minute * MINUTE_MS - query.from_ms) / query.bucket.span_ms();
            let bucket = buckets.entry(place as usize).or_default();
            bucket.add(bytes, accepted);
        };
        let open_ms = query.from_ms.max(self.closed_ms);
        if query.bucket != Bucket::Minute && open_ms < query.to_ms {
            let run = Run {
                tier: Tier::Minute,
                first: Tier::Minute.period(open_ms),
                end: Tier::Minute.period(query.to_ms),
            };
            self.each(run, Cube::Full, None, &mut add)?;
        }
        self.waiting
            .iter()
            .for_each(|(minute, bytes)| add(*minute, bytes));
        Ok(buckets)
    }
}

/// A bucket of the time series under construction.
#[derive(Default)]
struct Spread {
    sum: Sum,
    histogram: Histogram,
}

impl Spread {
    fn clear(&mut self) {
        self.sum = Sum::default();
        self.histogram.clear();
    }

    fn add(&mut self, bytes: &[u8], accepted: &Accepted) {
        for cell in block::decode(bytes) {
            let Some(status) = accepted.status(cell.group) else {
                continue;
            };
            self.sum.add(&cell, status);
            if let Some(latency) = &cell.latency {
                latency.each_slot(cell.n, |slot, n| self.histogram.add(slot, n));
            }
        }
    }
}

/// The nodes and contexts of all groups that have requests.
fn distinct(table: &Table, tally: &Tally) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let present = || {
        let groups = table.groups().zip(&tally.sums);
        groups.filter(|(_, sum)| sum.n() > 0).map(|(group, _)| group)
    };
    let of = |dimension| {
        let values = present().map(|group| group.of(dimension));
        values.filter(|value| *value > NONE).collect()
    };
    (of(Dimension::Node), of(Dimension::Context))
}

/// All together, and each route; most requests first.
fn told_routes(registry: &Registry, tally: &Tally, query: &Query) -> (Stats, Vec<Endpoint>) {
    let slots = &tally.slots[0];
    let (mut all, mut histogram) = (Sum::default(), Histogram::default());
    let mut endpoints = Vec::new();
    for ((key, sum), spread) in slots.keys.iter().zip(tally.sums_of(0)).zip(&slots.histograms) {
        if sum.n() == 0 {
            continue;
        }
        all.merge(&sum);
        histogram.merge(spread);
        let [service, method, endpoint] = key.map(|value| registry.text(value).to_owned());
        endpoints.push(Endpoint {
            service,
            method,
            endpoint,
            stats: sum.stats(spread, query.apdex_us),
        });
    }
    endpoints.sort_by(|a, b| {
        let total = b.stats.total.cmp(&a.stats.total);
        total.then_with(|| (&a.service, &a.endpoint, &a.method).cmp(&(&b.service, &b.endpoint, &b.method)))
    });
    (all.stats(&histogram, query.apdex_us), endpoints)
}

fn told_services(registry: &Registry, table: &Table, tally: &Tally) -> Vec<ServiceStatuses> {
    let mut services: BTreeMap<u32, BTreeMap<u16, u64>> = BTreeMap::new();
    for (group, sum) in table.groups().zip(&tally.sums).filter(|(_, sum)| sum.n() > 0) {
        let codes = services.entry(group.of(Dimension::Service)).or_default();
        *codes.entry(group.status).or_default() += sum.n();
    }
    let mut told: Vec<ServiceStatuses> = services
        .into_iter()
        .map(|(service, codes)| ServiceStatuses {
            service: registry.text(service).to_owned(),
            total: codes.values().sum(),
            codes,
        })
        .collect();
    told.sort_by(|a, b| b.total.cmp(&a.total).then_with(|| a.service.cmp(&b.service)));
    told
}

fn told_names(registry: &Registry, tally: &Tally, grouping: usize, query: &Query) -> Vec<Named> {
    let slots = &tally.slots[grouping];
    let sums = tally.sums_of(grouping);
    let mut told: Vec<Named> = slots
        .keys
        .iter()
        .zip(&sums)
        .zip(&slots.histograms)
        .filter(|((_, sum), _)| sum.n() > 0)
        .map(|((key, sum), histogram)| Named {
            name: registry.text(key[0]).to_owned(),
            stats: sum.stats(histogram, query.apdex_us),
        })
        .collect();
    told.sort_by(|a, b| {
        b.stats
            .total
            .cmp(&a.stats.total)
            .then_with(|| a.name.cmp(&b.name))
    });
    told
}
