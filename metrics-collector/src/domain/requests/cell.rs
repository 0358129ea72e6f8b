//! Requests of one group in one period, counted together: how many, how long, and where they went well how their
//! latencies are spread.

use super::histogram;

/// A group in a period. Latencies are those of 200 to 299 only, as in Malti's formulas.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// Requests.
    pub n: u64,
    /// Of all of them together, in µs.
    pub time_us: u64,
    /// Of groups that went well.
    pub latency: Option<Latency>,
}

/// How latencies are spread, in µs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Latency {
    /// The least.
    pub min_us: u64,
    /// The greatest.
    pub max_us: u64,
    /// Slots of `histogram` with their counts, in order.
    pub slots: Vec<(u16, u64)>,
}

/// A cell that is still bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// Which group.
    pub group: u32,
    /// See [`Cell::n`].
    pub n: u64,
    /// See [`Cell::time_us`].
    pub time_us: u64,
    /// See [`Cell::latency`].
    pub latency: Option<LatencyRef<'a>>,
}

/// A latency that is still bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LatencyRef<'a> {
    /// The least.
    pub min_us: u64,
    /// The greatest.
    pub max_us: u64,
    /// What `histogram::decode` reads; none where all are as the least.
    pub slots: Option<&'a [u8]>,
}

impl Cell {
    /// Counts one request.
    pub fn add(&mut self, us: u64, is_ok: bool) {
        self.n += 1;
        self.time_us = self.time_us.saturating_add(us);
        if is_ok {
            self.widen(us, us);
            self.add_slot(histogram::slot(us), 1);
        }
    }

    /// Counts all of another.
    pub fn merge(&mut self, other: &CellRef<'_>) {
        self.n = self.n.saturating_add(other.n);
        self.time_us = self.time_us.saturating_add(other.time_us);
        if let Some(latency) = &other.latency {
            self.widen(latency.min_us, latency.max_us);
            latency.each_slot(other.n, |slot, n| self.add_slot(slot, n));
        }
    }

    fn widen(&mut self, min_us: u64, max_us: u64) {
        let latency = self.latency.get_or_insert_with(|| Latency {
            min_us,
            max_us,
            slots: Vec::new(),
        });
        latency.min_us = latency.min_us.min(min_us);
        latency.max_us = latency.max_us.max(max_us);
    }

    fn add_slot(&mut self, slot: u16, n: u64) {
        let Some(latency) = &mut self.latency else { return };
        let slots = &mut latency.slots;
        match slots.binary_search_by_key(&slot, |(known, _)| *known) {
            Ok(place) => slots[place].1 = slots[place].1.saturating_add(n),
            Err(place) => slots.insert(place, (slot, n)),
        }
    }
}

impl LatencyRef<'_> {
    /// Hands on each slot with its count; `n` are the requests of the cell.
    pub fn each_slot(&self, n: u64, mut each: impl FnMut(u16, u64)) {
        match self.slots {
            Some(bytes) => histogram::decode(bytes, each),
            None => each(histogram::slot(self.min_us), n),
        }
    }
}
