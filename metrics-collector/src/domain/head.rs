//! The newest samples of one series in one window, in memory: packed as they come, and better packed in pieces of 120,
//! each with what it sums up to; of a histogram one distribution a minute, of which only the newest is not packed.

use std::sync::Arc;

use super::aggregate::Aggregate;
use super::bucket;
use super::chunk::Columns;
use super::fold::Fold;
use super::kind::Kind;
use super::open_chunk::{Entry, OpenChunk};
use super::run::Run;
use super::times_pool::TimesPool;
use super::timestamp::MINUTE_MS;
use super::varint::Reader;

/// Entries of one piece. Smaller ones are larger per entry, and while a piece is open it takes thrice the room.
const PIECE: usize = 120;

/// See the head of this file.
#[derive(Debug)]
pub enum Head {
    /// Of counters, gauges and cumulative series.
    Samples(SampleHead),
    /// Of histograms.
    Minutes(Box<MinuteHead>),
}

/// Samples one by one.
#[derive(Debug)]
pub struct SampleHead {
    kind: Kind,
    open: OpenChunk,
    sealed: Vec<Sealed>,
    /// The latest time.
    latest: i32,
    /// Whether a sample is older than one that came before it.
    is_unsorted: bool,
}

/// A piece as `chunk::Columns` packs it.
#[derive(Debug)]
struct Sealed {
    times: Arc<[u8]>,
    values: Box<[u8]>,
    whole: Run,
}

/// Observations by minute.
#[derive(Debug, Default)]
pub struct MinuteHead {
    newest_minute: u8,
    newest: Aggregate,
    packed: Vec<(u8, Box<[u8]>)>,
}

impl Head {
    /// Empty.
    pub fn new(kind: Kind) -> Self {
        match kind {
            Kind::Histogram => Self::Minutes(Box::default()),
            Kind::Counter | Kind::Gauge | Kind::Cumulative => Self::Samples(SampleHead {
                kind,
                open: OpenChunk::default(),
                sealed: Vec::new(),
                latest: 0,
                is_unsorted: false,
            }),
        }
    }

    /// Adds a sample; `at` in milliseconds since the window began.
    #[inline]
    pub fn add(&mut self, at: i32, value: f64, pool: &mut TimesPool) {
        match self {
            Self::Samples(samples) => samples.add(at, value, pool),
            Self::Minutes(minutes) => minutes.add(at, value),
        }
    }

    /// Bytes on the heap, about.
    pub fn heap_bytes(&self) -> usize {
        match self {
            Self::Samples(samples) => {
                let sealed = samples
                    .sealed
                    .iter()
                    .map(|sealed| sealed.values.len() + 16 + size_of::<Sealed>());
                samples.open.heap_bytes() + sealed.sum::<usize>()
            }
            Self::Minutes(minutes) => {
                minutes
                    .packed
                    .iter()
                    .map(|(_, bytes)| bytes.len() + 32)
                    .sum::<usize>()
                    + 512
            }
        }
    }
}

impl SampleHead {
    fn add(&mut self, at: i32, value: f64, pool: &mut TimesPool) {
        // Increments of one second are one entry if they are equal; no answer is finer than a second.
        let is_counter = self.kind == Kind::Counter;
        let at = if is_counter { at - at % 1000 } else { at };
        self.is_unsorted |= at < self.latest;
        self.latest = self.latest.max(at);
        self.open.push(Entry { at, value, n: 1 }, is_counter);
        if self.open.len() >= PIECE {
            self.seal(pool);
        }
    }

    fn seal(&mut self, pool: &mut TimesPool) {
        let mut entries = Vec::with_capacity(PIECE);
        std::mem::take(&mut self.open).each(|entry| entries.push(entry));
        let columns = Columns::of(&mut entries);
        let Some(whole) = Run::of(self.kind, &entries) else {
            return;
        };
        let times = pool.shared(columns.encode_times());
        // One more than there are: doubling would keep room for pieces that never come.
        self.sealed.reserve_exact(1);
        self.sealed.push(Sealed {
            times,
            values: columns.encode_values().into(),
            whole,
        });
    }

    /// Hands all entries to `each`, by and large in the order in which they came. `columns` is room to work in.
    pub fn each(&self, columns: &mut Columns, mut each: impl FnMut(Entry)) {
        for sealed in &self.sealed {
            if sealed.unpack(columns) {
                columns.entries().for_each(&mut each);
            }
        }
        self.open.each(each);
    }

    /// Adds all of it to a fold; of a cumulative series only if it is in order of time. The window begins at `start_ms`.
    pub fn fold(&self, start_ms: i64, columns: &mut Columns, fold: &mut Fold) {
        for sealed in &self.sealed {
            if !fold.add_run(self.kind, start_ms, &sealed.whole) && sealed.unpack(columns) {
                fold.add_columns(self.kind, start_ms, columns);
            }
        }
        self.open.each(|entry| fold.add_entry(self.kind, start_ms, entry));
    }

    /// Whether all came in order of time.
    pub fn is_sorted(&self) -> bool {
        !self.is_unsorted
    }

    /// All entries by time; of equal times, as they came.
    pub fn sorted(&self, columns: &mut Columns) -> Vec<Entry> {
        let mut entries = Vec::new();
        self.each(columns, |entry| entries.push(entry));
        if !entries.is_sorted_by_key(|entry| entry.at) {
            entries.sort_by_key(|entry| entry.at);
        }
        entries
    }
}

impl Sealed {
    /// Replaces what columns hold by its samples. Never false: the bytes are ours.
    fn unpack(&self, columns: &mut Columns) -> bool {
        columns.decode(&self.times, &self.values).is_some()
    }
}

impl MinuteHead {
    fn add(&mut self, at: i32, value: f64) {
        let minute = (i64::from(at) / MINUTE_MS) as u8;
        if minute != self.newest_minute {
            self.turn_to(minute);
        }
        self.newest.add(Kind::Histogram, i64::from(at), value, 1);
    }

    /// Packs the minute that is open, and opens another: a new one, or a packed one for what comes late.
    fn turn_to(&mut self, minute: u8) {
        let before = std::mem::take(&mut self.newest);
        if !before.is_empty() {
            let place = self
                .packed
                .partition_point(|(known, _)| *known < self.newest_minute);
            self.packed
                .insert(place, (self.newest_minute, bucket::encode(&before).into()));
        }
        if let Ok(place) = self.packed.binary_search_by_key(&minute, |(known, _)| *known) {
            let (_, bytes) = self.packed.remove(place);
            self.newest = bucket::decode(&mut Reader::new(&bytes)).unwrap_or_default();
        }
        self.newest_minute = minute;
    }

    /// Adds all of it to a fold. The window begins at `start_ms`.
    pub fn fold(&self, start_ms: i64, fold: &mut Fold) {
        let at_ms = |minute: u8| start_ms + i64::from(minute) * MINUTE_MS;
        for (minute, bytes) in &self.packed {
            // Only what is not within the grid gives nothing: the bytes are ours.
            fold.add_encoded(at_ms(*minute), start_ms, bytes);
        }
        if !self.newest.is_empty() {
            fold.add_bucket(at_ms(self.newest_minute), start_ms, &self.newest);
        }
    }

    /// Hands every minute that has observations to `each`, in no order: its number in the window, and what it says.
    /// Times in it are since the window began.
    pub fn each(&self, mut each: impl FnMut(u8, &Aggregate)) {
        for (minute, bytes) in &self.packed {
            if let Some(bucket) = bucket::decode(&mut Reader::new(bytes)) {
                each(*minute, &bucket);
            }
        }
        if !self.newest.is_empty() {
            each(self.newest_minute, &self.newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::resolution::Grid;
    use proptest::prelude::*;

    #[test]
    fn late_observations_find_their_minute() {
        let mut head = MinuteHead::default();
        for (at, value) in [(0, 1.), (61_000, 2.), (5, 3.), (125_000, 4.), (62_000, 5.)] {
            head.add(at, value);
        }
        let mut found = Vec::new();
        head.each(|minute, bucket| found.push((minute, bucket.count, bucket.sum, bucket.last_at)));
        found.sort_unstable_by_key(|(minute, ..)| *minute);
        assert_eq!(found, [(0, 2, 4., 5), (1, 2, 7., 62_000), (2, 1, 4., 125_000)]);
    }

    proptest! {
        #[test]
        fn a_fold_is_that_of_its_samples(
            distances in prop::collection::vec(0..60_000, 0..500),
            values in prop::collection::vec(0..50_u8, 500),
            from_ms in -7_200_000..7_200_000_i64,
            step_ms in 1..8_000_000_i64,
            n in 1..20_usize,
            before: bool,
        ) {
            let mut at = 0;
            let samples: Vec<(i32, f64)> = distances.iter().zip(values).map(|(distance, value)| {
                at += distance;
                (at, f64::from(value))
            }).take_while(|(at, _)| *at < 7_200_000).collect();
            for kind in [Kind::Counter, Kind::Gauge, Kind::Cumulative] {
                let Head::Samples(mut head) = Head::new(kind) else { unreachable!() };
                let mut pool = TimesPool::default();
                samples.iter().for_each(|(at, value)| head.add(*at, *value, &mut pool));
                prop_assert!(head.is_sorted());
                let mut columns = Columns::default();
                let [mut at_once, mut one_by_one] = [(), ()].map(|()| Fold::new(Grid { from_ms, step_ms, n }));
                for fold in [&mut at_once, &mut one_by_one] {
                    fold.set_total_before(before.then_some(20.));
                }
                head.fold(0, &mut columns, &mut at_once);
                one_by_one.add_entries(kind, 0, head.sorted(&mut columns));
                prop_assert!(at_once.filled().eq(one_by_one.filled()));
                prop_assert_eq!(at_once.total(), one_by_one.total());
            }
        }

        #[test]
        fn samples_come_back_by_time(samples in prop::collection::vec((0..7_200_000, -1e3..1e3), 0..500)) {
            let Head::Samples(mut head) = Head::new(Kind::Gauge) else { unreachable!() };
            let mut pool = TimesPool::default();
            samples.iter().for_each(|(at, value)| head.add(*at, *value, &mut pool));
            prop_assert_eq!(head.is_sorted(), samples.is_sorted_by_key(|(at, _)| *at));
            let found: Vec<_> = head.sorted(&mut Columns::default()).iter().map(|entry| (entry.at, entry.value)).collect();
            let mut expected = samples;
            expected.sort_by_key(|(at, _)| *at);
            prop_assert_eq!(found, expected);
        }
    }
}
