//! Counts requests: the journal into minutes, and hours that are over into all longer periods. What comes late is added
//! to every period that it belongs to. On the writer, each call in its transaction.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Requests;
use super::registry::Table;
use crate::domain::requests::block::{self, Cells};
use crate::domain::requests::group::Dimension;
use crate::domain::requests::journal_row;
use crate::domain::requests::period::{Kept, Run, Tier};
use crate::domain::timestamp::{HOUR_MS, MINUTE_MS};
use crate::store::request_blocks::{self, Part};
use crate::store::requests as store;

/// Batches counted in one transaction.
const BATCHES: u32 = 500;
/// How long an hour stays open when it is over: Malti's client keeps requests for a minute, and tries for three more.
pub const GRACE_MS: i64 = 5 * MINUTE_MS;
const MINUTES_PER_HOUR: i64 = HOUR_MS / MINUTE_MS;
/// Tiers that are written when an hour is over.
const LONGER: [Tier; 4] = [Tier::FiveMinutes, Tier::Hour, Tier::Day, Tier::FourWeeks];

/// What counting has to know.
#[derive(Debug, Clone)]
pub struct Counter {
    table: Table,
    kept: Kept,
    now_ms: i64,
}

impl Counter {
    /// With the groups there are: call it in the transaction that it is for, so that none is missing.
    pub fn new(requests: &Requests, now_ms: i64) -> Self {
        Self {
            table: requests.registry().table(),
            kept: requests.kept(),
            now_ms,
        }
    }

    /// Counts the next batches of the journal. True when none is left.
    pub fn count(&self, tx: &Connection) -> rusqlite::Result<bool> {
        let closed = self.closed(tx)?;
        let mut minutes = BTreeMap::new();
        let is_ok = |group| Some(self.table.get(group)?.group.is_ok());
        let n = store::take_batches(tx, BATCHES, |data| {
            journal_row::count(&mut minutes, data, is_ok);
        })?;
        let mut late: [BTreeMap<i64, Cells>; LONGER.len()] = Default::default();
        for (minute, cells) in minutes {
            if minute.div_euclid(MINUTES_PER_HOUR) < closed {
                let bytes = block::encode(&cells);
                for (tier, periods) in LONGER.iter().zip(&mut late) {
                    let period = periods.entry(tier.period(minute * MINUTE_MS)).or_default();
                    block::merge(period, &bytes, Some);
                }
            }
            self.add(tx, Tier::Minute, minute, cells)?;
        }
        for (tier, periods) in LONGER.iter().zip(late) {
            for (period, cells) in periods {
                self.add(tx, *tier, period, cells)?;
            }
        }
        Ok(n == 0)
    }

    /// Counts the next hour that is over into all longer periods. True when none is left.
    pub fn close_next(&self, tx: &Connection) -> rusqlite::Result<bool> {
        let (closed, due) = (self.closed(tx)?, self.due());
        if closed >= due {
            return Ok(true);
        }
        let open = Run {
            tier: Tier::Minute,
            first: closed * MINUTES_PER_HOUR,
            end: due * MINUTES_PER_HOUR,
        };
        match request_blocks::first(tx, open, Part::ALL)? {
            Some(minute) => {
                let hour = minute.div_euclid(MINUTES_PER_HOUR);
                self.close(tx, hour)?;
                store::close(tx, hour + 1)?;
                Ok(false)
            }
            None => {
                store::close(tx, due)?;
                Ok(true)
            }
        }
    }

    /// Hours below are over.
    fn due(&self) -> i64 {
        Tier::Hour.period(self.now_ms - GRACE_MS)
    }

    /// Hours below are in all tiers. With the first request that is all that is over.
    fn closed(&self, tx: &Connection) -> rusqlite::Result<i64> {
        let closed = store::closed(tx)?;
        if closed > 0 {
            return Ok(closed);
        }
        store::close(tx, self.due())?;
        Ok(self.due())
    }

    fn close(&self, tx: &Connection, hour: i64) -> rusqlite::Result<()> {
        let run = Run {
            tier: Tier::Minute,
            first: hour * MINUTES_PER_HOUR,
            end: (hour + 1) * MINUTES_PER_HOUR,
        };
        let mut fives: BTreeMap<i64, Cells> = BTreeMap::new();
        request_blocks::each(tx, run, Part::ALL, |minute, bytes| {
            let five = fives
                .entry(Tier::FiveMinutes.period(minute * MINUTE_MS))
                .or_default();
            block::merge(five, bytes, Some);
        })?;
        let mut whole = Cells::new();
        for (period, cells) in fives {
            block::merge(&mut whole, &block::encode(&cells), Some);
            self.add(tx, Tier::FiveMinutes, period, cells)?;
        }
        for tier in [Tier::Hour, Tier::Day] {
            self.add(tx, tier, tier.period(hour * HOUR_MS), whole.clone())?;
        }
        self.add(tx, Tier::FourWeeks, Tier::FourWeeks.period(hour * HOUR_MS), whole)
    }

    /// Adds cells of all dimensions to a period, in all parts that its tier has. What is not kept any more is left out.
    pub fn add(&self, tx: &Connection, tier: Tier, period: i64, cells: Cells) -> rusqlite::Result<()> {
        if period < self.kept.first(tier, self.now_ms) {
            return Ok(());
        }
        if tier != Tier::Minute {
            let bytes = block::encode(&cells);
            let entry = |group| self.table.get(group);
            self.add_cube(tx, tier, Part::ROUTES, period, &bytes, |group| {
                Some(entry(group)?.routes)
            })?;
            if tier != Tier::FiveMinutes {
                self.add_cube(tx, tier, Part::CALLERS, period, &bytes, |group| {
                    Some(entry(group)?.callers)
                })?;
                return self.add_endpoints(tx, tier, period, cells);
            }
        }
        add_part(tx, tier, Part::ALL, period, cells)
    }

    fn add_cube(
        &self,
        tx: &Connection,
        tier: Tier,
        part: Part,
        period: i64,
        bytes: &[u8],
        group: impl Fn(u32) -> Option<u32>,
    ) -> rusqlite::Result<()> {
        let mut cells = Cells::new();
        block::merge(&mut cells, bytes, group);
        add_part(tx, tier, part, period, cells)
    }

    fn add_endpoints(&self, tx: &Connection, tier: Tier, period: i64, cells: Cells) -> rusqlite::Result<()> {
        let mut endpoints: BTreeMap<u32, Cells> = BTreeMap::new();
        for (group, cell) in cells {
            if let Some(entry) = self.table.get(group) {
                let endpoint = entry.group.of(Dimension::Endpoint);
                endpoints.entry(endpoint).or_default().insert(group, cell);
            }
        }
        for (endpoint, cells) in endpoints {
            add_part(tx, tier, Part::endpoint(endpoint), period, cells)?;
        }
        Ok(())
    }
}

fn add_part(tx: &Connection, tier: Tier, part: Part, period: i64, mut cells: Cells) -> rusqlite::Result<()> {
    request_blocks::read(tx, tier, part, period, |bytes| {
        block::merge(&mut cells, bytes, Some);
    })?;
    request_blocks::put(tx, tier, part, period, &block::encode(&cells))
}
