//! What is in memory: the newest samples of all series, by window. They are in the journal as well.
//! Batches are applied in the order of their numbers, so that memory is always the journal up to one number.

use std::collections::BTreeMap;

use crate::domain::batch::Batch;
use crate::domain::head::Head;
use crate::domain::kind::Kind;
use crate::domain::window;

/// See the head of this file.
#[derive(Debug, Default)]
pub struct Heads {
    windows: BTreeMap<i64, Window>,
    /// All batches up to here are applied.
    applied: i64,
    /// Batches whose predecessors are not applied yet; nothing for one that was not stored.
    waiting: BTreeMap<i64, Option<Batch>>,
}

/// The heads of one window by series.
#[derive(Debug, Default)]
pub struct Window {
    /// By series: one more than the place of its head; 0 for none.
    places: Vec<u32>,
    heads: Vec<Head>,
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

    /// Adds the samples of a batch.
    pub fn apply(&mut self, batch: &Batch, kind_of: &impl Fn(u32) -> Option<Kind>) {
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

    /// The heads of a series, with their windows, in order of time.
    pub fn of_series(&self, series: u32) -> impl Iterator<Item = (i64, &Head)> {
        self.windows
            .iter()
            .filter_map(move |(number, window)| Some((*number, window.get(series)?)))
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
        self.heads[place].add(at, value);
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

    fn batch(series: u32, at_ms: i64, value: f64) -> Batch {
        Batch {
            samples: vec![Sample { series, at_ms, value }],
            visits: Vec::new(),
        }
    }

    fn values(heads: &Heads, series: u32) -> Vec<f64> {
        let mut values = Vec::new();
        for (_, head) in heads.of_series(series) {
            let Head::Samples(samples) = head else {
                panic!("no histogram was added")
            };
            samples.each(|entry| values.push(entry.value));
        }
        values
    }

    #[test]
    fn batches_are_applied_in_the_order_of_their_numbers() {
        let mut heads = Heads::new(4);
        let kind_of = |_| Some(Kind::Gauge);
        heads.settle(6, Some(batch(0, 2, 6.)), kind_of);
        assert!(heads.is_behind() && values(&heads, 0).is_empty());
        heads.settle(7, None, kind_of);
        heads.settle(5, Some(batch(0, 1, 5.)), kind_of);
        assert_eq!((values(&heads, 0), heads.is_behind()), (vec![5., 6.], false));
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
        let windows: Vec<i64> = heads.of_series(0).map(|(window, _)| window).collect();
        assert_eq!((windows, heads.of_series(1).count()), (vec![0, 1], 0));
    }
}
