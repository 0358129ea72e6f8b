//! The year: every request is thrown by itself, counted in cells, and stored by the collector's own functions.

use metrics_collector::domain::requests::block::{self, Cells};
use metrics_collector::domain::requests::cell::Cell;
use metrics_collector::domain::requests::period::{Kept, Tier};
use metrics_collector::domain::requests::record::Record;
use metrics_collector::registry::Limits;
use metrics_collector::requests::Requests;
use metrics_collector::requests::counting::Counter;
use metrics_collector::requests::registry::{Registry, Saved};
use metrics_collector::store::requests as store;
use rusqlite::Connection;

use crate::Result;
use bench::dice::Dice;

pub(crate) const N_ENDPOINTS: usize = 30;
pub(crate) const N_CONSUMERS: usize = 20;
pub(crate) const N_NODES: usize = 3;
const STATUSES: [u16; 5] = [200, 201, 404, 422, 500];
/// In percent, of requests with each status or one before it.
const SHARES: [u64; 5] = [80, 90, 95, 98, 100];
/// Latencies thrown for each endpoint once, to be drawn from.
const N_LATENCIES: usize = 4096;
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// As the collector has it.
const KEPT: Kept = Kept {
    minutes_ms: 7 * DAY_MS,
    five_minutes_ms: 90 * DAY_MS,
    hours_ms: 720 * DAY_MS,
};

/// What is filled in, and how.
pub(crate) struct Year {
    dice: Dice,
    requests: Requests,
    now_ms: i64,
    per_second: u64,
    n_requests: u64,
    /// By endpoint, consumer, node and status.
    groups: Vec<u32>,
    /// By endpoint, in µs.
    latencies: Vec<Vec<u64>>,
    /// Cells under construction, by group.
    cells: Vec<Cell>,
}

impl Year {
    pub(crate) fn new(per_second: u64, now_ms: i64) -> Self {
        let mut registry = Registry::new(Limits {
            series: 100_000,
            label_values: 2_000,
        });
        let mut groups = Vec::new();
        for endpoint in 0..N_ENDPOINTS {
            for consumer in 0..N_CONSUMERS {
                for node in 0..N_NODES {
                    for status in STATUSES {
                        groups.push(registry.intern(&record(endpoint, consumer, node, status)));
                    }
                }
            }
        }
        let mut dice = Dice::new(1);
        let latencies = (0..N_ENDPOINTS)
            .map(|endpoint| latencies(&mut dice, endpoint))
            .collect();
        Self {
            cells: vec![Cell::default(); registry.n_groups()],
            requests: Requests::with(registry, KEPT),
            dice,
            now_ms,
            per_second,
            n_requests: 0,
            groups,
            latencies,
        }
    }

    pub(crate) fn n_requests(&self) -> u64 {
        self.n_requests
    }

    /// For questions by the library.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    /// When questions end.
    pub(crate) fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Fills whole days, and today up to now: hours that are over in all tiers, the one that runs in minutes.
    pub(crate) fn fill(&mut self, database: &mut Connection, days: i64) -> Result<()> {
        database.execute_batch("pragma synchronous = off; pragma cache_size = -200000")?;
        let (first, last) = (
            Tier::Day.period(self.now_ms) - days,
            Tier::Day.period(self.now_ms),
        );
        let closed = Tier::Hour.period(self.now_ms);
        for day in first..=last {
            let tx = database.transaction()?;
            if day == first {
                self.requests.registry().save(&tx, Saved::default())?;
                store::close(&tx, closed)?;
            }
            let counter = Counter::new(&self.requests, self.now_ms);
            let mut whole = Cells::new();
            for hour in (day * 24..(day + 1) * 24).filter(|hour| *hour <= closed) {
                let cells = self.hour(&counter, &tx, hour, hour < closed)?;
                if hour < closed {
                    block::merge(&mut whole, &block::encode(&cells), Some);
                    counter.add(&tx, Tier::Hour, hour, cells)?;
                }
            }
            counter.add(&tx, Tier::Day, day, whole.clone())?;
            counter.add(&tx, Tier::FourWeeks, Tier::FourWeeks.period(day * DAY_MS), whole)?;
            tx.commit()?;
            database.execute_batch("pragma wal_checkpoint(truncate)")?;
        }
        Ok(())
    }

    /// An hour, its minutes and five minutes stored where they are kept. `is_over`: else only minutes up to now.
    fn hour(&mut self, counter: &Counter, tx: &Connection, hour: i64, is_over: bool) -> Result<Cells> {
        let age_ms = self.now_ms - hour * HOUR_MS;
        if age_ms > KEPT.five_minutes_ms + DAY_MS {
            return Ok(self.throw(3600, hour));
        }
        let mut whole = Cells::new();
        for five in hour * 12..(hour + 1) * 12 {
            let mut cells = Cells::new();
            if age_ms > KEPT.minutes_ms + DAY_MS {
                cells = self.throw(300, hour);
            } else {
                for minute in five * 5..(five + 1) * 5 {
                    if minute * 60_000 > self.now_ms {
                        continue;
                    }
                    let of_minute = self.throw(60, hour);
                    block::merge(&mut cells, &block::encode(&of_minute), Some);
                    counter.add(tx, Tier::Minute, minute, of_minute)?;
                }
            }
            if is_over {
                block::merge(&mut whole, &block::encode(&cells), Some);
                counter.add(tx, Tier::FiveMinutes, five, cells)?;
            }
        }
        Ok(whole)
    }

    /// Requests of so many seconds; at noon four times as many as at midnight.
    fn throw(&mut self, seconds: u64, hour: i64) -> Cells {
        let of_day = 40 + 120 * (12 - (hour.rem_euclid(24) - 12).unsigned_abs()) / 12;
        let n = seconds * self.per_second * of_day / 100;
        self.n_requests += n;
        for _ in 0..n {
            let dice = &mut self.dice;
            let endpoint = dice.zipf(N_ENDPOINTS as u64) as usize;
            let consumer = dice.zipf(N_CONSUMERS as u64) as usize;
            let node = dice.below(N_NODES as u64) as usize;
            let share = dice.below(100);
            let status = SHARES.iter().position(|upto| share < *upto).unwrap_or(0);
            let place = ((endpoint * N_CONSUMERS + consumer) * N_NODES + node) * STATUSES.len() + status;
            let us = self.latencies[endpoint][dice.below(N_LATENCIES as u64) as usize];
            self.cells[self.groups[place] as usize].add(us, STATUSES[status] < 300);
        }
        let thrown = self.cells.iter_mut().enumerate().filter(|(_, cell)| cell.n > 0);
        thrown
            .map(|(group, cell)| (group as u32, std::mem::take(cell)))
            .collect()
    }
}

/// Around some ms for each endpoint, now and then much more.
fn latencies(dice: &mut Dice, endpoint: usize) -> Vec<u64> {
    let median_ms = 5. * 1.2_f64.powi(endpoint as i32);
    let mut latency = || {
        // Twelve throws of 0 to 1 are about normal.
        let normal = (0..12).map(|_| dice.below(1000) as f64 / 1000.).sum::<f64>() - 6.;
        ((median_ms * (normal * 0.6).exp()) as u64) * 1000
    };
    (0..N_LATENCIES).map(|_| latency()).collect()
}

fn record(endpoint: usize, consumer: usize, node: usize, status: u16) -> Record {
    Record {
        service: "shop".to_owned(),
        method: ["GET", "GET", "POST"][endpoint % 3].to_owned(),
        endpoint: format!("/api/things-{endpoint}/{{id}}"),
        node: Some(format!("node-{node}")),
        consumer: format!("consumer-{consumer}"),
        context: None,
        status,
        response_time_us: 0,
        at_ms: 0,
    }
}
