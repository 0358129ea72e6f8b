//! What is in memory: the newest samples of all series, by window. They are in the journal as well.
//! Batches are applied in the order of their numbers, so that memory is always the journal up to one number.
//! Windows that are being written to chunks are frozen: they can be read, and what comes late for them is kept apart.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::batch::Batch;
use crate::domain::head::Head;
use crate::domain::kind::Kind;
use crate::domain::times_pool::TimesPool;
use crate::domain::window;
use crate::store::progress::Cut;
use crate::visits::Visits;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Heads {
    windows: BTreeMap<i64, Window>,
    /// All batches up to here are applied.
    applied: i64,
    /// Batches whose predecessors are not applied yet; nothing for one that was not stored.
    waiting: BTreeMap<i64, Option<Batch>>,
    visits: Visits,
    frozen: Option<Arc<Frozen>>,
    last_cut: Cut,
}

/// Windows that are being written, or were a moment ago: whoever began to read before still needs them.
#[derive(Debug)]
pub struct Frozen {
    /// What is in it.
    pub cut: Cut,
    /// By number.
    pub windows: BTreeMap<i64, Window>,
    /// All that came up to the cut. Written twice they are the same, so they need no cut of their own.
    pub visits: Visits,
}

/// The heads of one window by series.
#[derive(Debug, Default)]
pub struct Window {
    /// By series: one more than the place of its head; 0 for none.
    places: Vec<u32>,
    heads: Vec<Head>,
    pool: TimesPool,
}

impl Heads {
    /// Empty, with all up to `seq` applied.
    pub fn new(seq: i64) -> Self {
        Self {
            applied: seq,
            ..Self::default()
        }
    }

    /// Applies a batch that is stored (or notes that it is not) once all before it are applied.
    pub fn settle(&mut self, seq: i64, batch: Option<Batch>, kind_of: impl Fn(u32) -> Option<Kind>) {
        self.waiting.insert(seq, batch);
        while let Some(first) = self
            .waiting
            .first_entry()
            .filter(|first| *first.key() == self.applied + 1)
        {
            self.applied += 1;
            if let Some(batch) = first.remove() {
                self.apply(&batch, &kind_of);
            }
        }
    }

    /// Applies a batch of the journal at the start. Numbers may be missing between them.
    pub fn replay(&mut self, seq: i64, batch: &Batch, kind_of: &impl Fn(u32) -> Option<Kind>) {
        self.applied = seq;
        self.apply(batch, kind_of);
    }

    /// Whether some stored batches are not applied yet.
    pub fn is_behind(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Adds the samples and visits of a batch.
    pub fn apply(&mut self, batch: &Batch, kind_of: &impl Fn(u32) -> Option<Kind>) {
        batch.visits.iter().for_each(|visit| self.visits.add(visit));
        let mut samples = batch.samples.iter().peekable();
        while let Some(first) = samples.peek() {
            let number = window::of(first.at_ms);
            let start = window::start_ms(number);
            let window = self.windows.entry(number).or_default();
            let ours = start..start + window::WINDOW_MS;
            while let Some(sample) = samples.next_if(|sample| ours.contains(&sample.at_ms)) {
                window.add(
                    sample.series,
                    (sample.at_ms - start) as i32,
                    sample.value,
                    kind_of,
                );
            }
        }
    }

    /// The head of a series in a window that is not frozen.
    pub fn get(&self, window: i64, series: u32) -> Option<&Head> {
        self.windows.get(&window)?.get(series)
    }

    /// Whether a series has any, frozen or not.
    pub fn has(&self, series: u32) -> bool {
        let frozen = self.frozen.iter().flat_map(|frozen| frozen.windows.values());
        self.windows
            .values()
            .chain(frozen)
            .any(|window| window.get(series).is_some())
    }

    /// The windows that are there and not frozen, in order of time.
    pub fn windows(&self) -> impl Iterator<Item = i64> {
        self.windows.keys().copied()
    }

    /// Freezes all windows below one. Nothing must be frozen still.
    pub fn freeze(&mut self, window: i64) -> Arc<Frozen> {
        let open = self.windows.split_off(&window);
        let windows = std::mem::replace(&mut self.windows, open);
        let cut = Cut {
            seq: self.applied,
            window,
        };
        let visits = std::mem::take(&mut self.visits);
        let frozen = Arc::new(Frozen { cut, windows, visits });
        self.frozen = Some(frozen.clone());
        self.last_cut = cut;
        frozen
    }

    /// The same at the start, for a round that was under way.
    pub fn freeze_again(&mut self, cut: Cut) {
        self.applied = cut.seq;
        self.freeze(cut.window);
    }

    /// The last one that was made.
    pub fn last_cut(&self) -> Cut {
        self.last_cut
    }

    /// Says at the start which was made last.
    pub fn set_last_cut(&mut self, cut: Cut) {
        self.last_cut = cut;
    }

    /// The visits that are not frozen.
    pub fn visits(&self) -> &Visits {
        &self.visits
    }

    /// What is frozen.
    pub fn frozen(&self) -> Option<Arc<Frozen>> {
        self.frozen.clone()
    }

    /// Lets go of what was frozen: it is written, and nobody reads any more who began before.
    pub fn thaw(&mut self) {
        self.frozen = None;
    }

    /// Bytes of all that is not frozen, about.
    pub fn heap_bytes(&self) -> usize {
        self.windows.values().map(Window::heap_bytes).sum()
    }
}

impl Frozen {
    /// The head of a series in a window.
    pub fn get(&self, window: i64, series: u32) -> Option<&Head> {
        self.windows.get(&window)?.get(series)
    }
}

impl Window {
    #[inline]
    fn add(&mut self, series: u32, at: i32, value: f64, kind_of: &impl Fn(u32) -> Option<Kind>) {
        let place = match self.places.get(series as usize) {
            Some(place) if *place > 0 => *place as usize - 1,
            _ => {
                // A series that is not there any more: the journal is older than its end.
                let Some(kind) = kind_of(series) else { return };
                self.open(series, kind)
            }
        };
        self.heads[place].add(at, value, &mut self.pool);
    }

    fn open(&mut self, series: u32, kind: Kind) -> usize {
        let slot = series as usize;
        if self.places.len() <= slot {
            self.places.resize(slot + 1, 0);
        }
        self.heads.push(Head::new(kind));
        self.places[slot] = self.heads.len() as u32;
        self.heads.len() - 1
    }

    /// The series that have a head, from `series` on, ascending.
    pub fn series_from(&self, series: u32) -> impl Iterator<Item = (u32, &Head)> {
        let places = self.places.iter().enumerate().skip(series as usize);
        places.filter_map(|(series, place)| {
            Some((series as u32, self.heads.get(place.checked_sub(1)? as usize)?))
        })
    }

    fn heap_bytes(&self) -> usize {
        let heads: usize = self
            .heads
            .iter()
            .map(|head| size_of::<Head>() + head.heap_bytes())
            .sum();
        heads + self.places.len() * size_of::<u32>()
    }

    /// The head of a series.
    pub fn get(&self, series: u32) -> Option<&Head> {
        let place = self.places.get(series as usize)?.checked_sub(1)?;
        self.heads.get(place as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::batch::Sample;
    use crate::domain::chunk::Columns;

    fn batch(series: u32, at_ms: i64, value: f64) -> Batch {
        Batch {
            samples: vec![Sample { series, at_ms, value }],
            visits: Vec::new(),
        }
    }

    fn values(heads: &Heads, window: i64, series: u32) -> Vec<f64> {
        let mut values = Vec::new();
        if let Some(Head::Samples(samples)) = heads.get(window, series) {
            samples.each(&mut Columns::default(), |entry| values.push(entry.value));
        }
        values
    }

    #[test]
    fn batches_are_applied_in_the_order_of_their_numbers() {
        let mut heads = Heads::new(4);
        let kind_of = |_| Some(Kind::Gauge);
        heads.settle(6, Some(batch(0, 2, 6.)), kind_of);
        assert!(heads.is_behind() && values(&heads, 0, 0).is_empty());
        heads.settle(7, None, kind_of);
        heads.settle(5, Some(batch(0, 1, 5.)), kind_of);
        assert_eq!((values(&heads, 0, 0), heads.is_behind()), (vec![5., 6.], false));
    }

    #[test]
    fn samples_are_kept_by_window_and_those_of_no_series_are_left() {
        let mut heads = Heads::default();
        let samples = [(0, 5), (0, window::WINDOW_MS + 1), (0, 6), (1, 7)].map(|(series, at_ms)| Sample {
            series,
            at_ms,
            value: 1.,
        });
        heads.apply(
            &Batch {
                samples: samples.to_vec(),
                visits: Vec::new(),
            },
            &|id| (id == 0).then_some(Kind::Gauge),
        );
        let windows: Vec<i64> = heads.windows().collect();
        assert_eq!((windows, heads.get(0, 1).is_none()), (vec![0, 1], true));
        assert_eq!(values(&heads, 0, 0), [1., 1.]);
    }

    #[test]
    fn what_comes_late_for_a_frozen_window_is_apart() {
        let mut heads = Heads::new(0);
        let kind_of = |_| Some(Kind::Gauge);
        heads.settle(1, Some(batch(0, 5, 1.)), kind_of);
        heads.settle(2, Some(batch(0, window::WINDOW_MS, 2.)), kind_of);
        let frozen = heads.freeze(1);
        assert_eq!((frozen.cut, frozen.windows.len()), (Cut { seq: 2, window: 1 }, 1));
        heads.settle(3, Some(batch(0, 6, 3.)), kind_of);
        assert_eq!((values(&heads, 0, 0), values(&heads, 1, 0)), (vec![3.], vec![2.]));
        assert_eq!(frozen.windows[&0].series_from(0).count(), 1);
    }
}
