//! From heads to chunks and tiers. Buckets are always made of all samples of their window, so that what comes late
//! makes them new: doing it twice changes nothing. Only where the samples are gone already is something added.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::domain::aggregate::Aggregate;
use crate::domain::chunk::Columns;
use crate::domain::chunk_blob::{ChunkBlob, Times};
use crate::domain::fold::Fold;
use crate::domain::head::{Head, MinuteHead, SampleHead};
use crate::domain::kind::Kind;
use crate::domain::open_chunk::Entry;
use crate::domain::resolution::{Grid, Tier};
use crate::domain::tier_row::{self, Buckets, TierRow};
use crate::domain::timestamp::MINUTE_MS;
use crate::domain::window::{self, WINDOW_MS};
use crate::store::progress::Progress;
use crate::store::tiers::{self, Table, place};

/// Times of this many bytes or fewer are not worth a place of their own.
const SMALL_TIMES: usize = 16;
/// How many windows back a cumulative series is looked for.
pub const WINDOWS_BACK: i64 = 12;

/// A series in a window.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The window.
    pub window: i64,
    /// Id of the series.
    pub series: u32,
    /// Its kind.
    pub kind: Kind,
}

impl Slot {
    fn place(&self) -> i64 {
        place(self.window, self.series)
    }
}

/// Room to work in, and which times of a window are stored already.
#[derive(Default)]
pub struct Roller {
    columns: Columns,
    row: TierRow,
    /// The window of the times below.
    window: i64,
    times: HashMap<Vec<u8>, u32>,
    last_times: u32,
}

impl Roller {
    /// Writes the head of a series in a window: into its chunk and all tiers made of it.
    pub fn write(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        head: &Head,
    ) -> rusqlite::Result<()> {
        match head {
            Head::Samples(samples) => self.write_samples(tx, progress, slot, samples),
            Head::Minutes(minutes) => self.write_minutes(tx, progress, slot, minutes),
        }
    }

    fn write_samples(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        head: &SampleHead,
    ) -> rusqlite::Result<()> {
        let there = self.chunk(tx, slot.window, slot.series)?;
        let late = head.sorted(&mut self.columns);
        if there.is_none() && slot.window < progress.chunks_from {
            return self.add_late(tx, progress, slot, &late);
        }
        let (mut entries, known_before) = there.unwrap_or_default();
        entries.extend(late);
        if slot.kind != Kind::Cumulative {
            return self.write_chunk(tx, progress, slot, &mut entries, None);
        }
        let total_before = self
            .total_before(tx, progress, slot.window, slot.series)?
            .or(known_before);
        self.write_chunk(tx, progress, slot, &mut entries, total_before)?;
        // What the next chunk added begins where this one ends.
        let written = progress.written_to().min(slot.window + 1 + WINDOWS_BACK);
        for window in slot.window + 1..written {
            if let Some((mut later, _)) = self.chunk(tx, window, slot.series)? {
                let total_before = entries.last().map(|entry| entry.value);
                let after = Slot { window, ..slot };
                return self.write_chunk(tx, progress, after, &mut later, total_before);
            }
        }
        Ok(())
    }

    /// Writes a chunk, and makes the buckets of five minutes and of an hour of its window anew. Sorts `entries`.
    fn write_chunk(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        entries: &mut [Entry],
        total_before: Option<f64>,
    ) -> rusqlite::Result<()> {
        let columns = Columns::of(entries);
        let (own, values) = (columns.encode_times(), columns.encode_values());
        let times = match own.len() {
            0..=SMALL_TIMES => Times::Own(&own),
            _ => Times::Shared(self.shared_times(tx, slot.window, &own)?),
        };
        let blob = ChunkBlob {
            total_before,
            times,
            values: &values,
        };
        tiers::put(tx, Table::Chunks, slot.place(), &blob.encode())?;
        for tier in [Tier::FiveMinutes, Tier::Hour] {
            let buckets = folded(tier, slot, entries, total_before);
            self.put_buckets(tx, progress, slot, tier, buckets, false)?;
        }
        Ok(())
    }

    /// Samples whose window has no chunks any more: added to the minutes and to what was made of them.
    fn add_late(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        late: &[Entry],
    ) -> rusqlite::Result<()> {
        for tier in [Tier::Minute, Tier::FiveMinutes, Tier::Hour] {
            let buckets = folded(tier, slot, late, None);
            self.put_buckets(tx, progress, slot, tier, buckets, true)?;
        }
        Ok(())
    }

    /// Adds minutes and hours that come from elsewhere; places count from the window's beginning, and so do their times.
    pub fn add(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        minutes: Buckets,
        hours: Buckets,
    ) -> rusqlite::Result<()> {
        let of_minutes = [Tier::FiveMinutes, Tier::Hour].map(|tier| (tier, coarser(tier, &minutes)));
        let all = of_minutes
            .into_iter()
            .chain([(Tier::Minute, minutes), (Tier::Hour, hours)]);
        for (tier, buckets) in all.filter(|(_, buckets)| !buckets.is_empty()) {
            self.put_buckets(tx, progress, slot, tier, buckets, true)?;
        }
        Ok(())
    }

    fn write_minutes(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        head: &MinuteHead,
    ) -> rusqlite::Result<()> {
        let mut late: Buckets = Vec::new();
        head.each(|minute, bucket| late.push((u32::from(minute), bucket.clone())));
        late.sort_unstable_by_key(|(minute, _)| *minute);
        let is_whole = slot.window >= progress.minutes_from;
        let mut minutes = late.clone();
        if is_whole {
            let row = &mut self.row;
            let there = tiers::read(tx, Table::Minutes, slot.place(), |bytes| {
                row.buckets(bytes, MINUTE_MS)
            })?;
            minutes = there.flatten().unwrap_or_default();
            tier_row::put(&mut minutes, late, 0, 0, true);
            tiers::put(
                tx,
                Table::Minutes,
                slot.place(),
                &tier_row::encode(slot.kind, &minutes),
            )?;
        }
        for tier in [Tier::FiveMinutes, Tier::Hour] {
            self.put_buckets(tx, progress, slot, tier, coarser(tier, &minutes), !is_whole)?;
        }
        Ok(())
    }

    /// Puts buckets whose places and times count from the window's beginning into the row of their tier: in place of
    /// those of the window, or with `adds` on top.
    fn put_buckets(
        &mut self,
        tx: &Connection,
        progress: &Progress,
        slot: Slot,
        tier: Tier,
        buckets: Buckets,
        adds: bool,
    ) -> rusqlite::Result<()> {
        let (table, width_ms) = (Table::of(tier), tier.width_ms());
        let start_ms = window::start_ms(slot.window);
        let piece = start_ms.div_euclid(table.span_ms());
        if piece < progress.from(tier) {
            return Ok(());
        }
        let since_ms = start_ms - piece * table.span_ms();
        let first = (since_ms / width_ms) as u32;
        let n = (WINDOW_MS / width_ms) as u32;
        let of_row = |(at, mut bucket): (u32, Aggregate)| {
            bucket.last_at += since_ms;
            (first + at, bucket)
        };
        let buckets = buckets.into_iter().map(of_row).collect();
        let place = place(piece, slot.series);
        let row = &mut self.row;
        let there = tiers::read(tx, table, place, |bytes| row.buckets(bytes, width_ms))?;
        let mut all = there.flatten().unwrap_or_default();
        tier_row::put(&mut all, buckets, first, first + n, adds);
        tiers::put(tx, table, place, &tier_row::encode(slot.kind, &all))
    }

    /// Makes minutes of a chunk and deletes it.
    pub fn demote(&mut self, tx: &Connection, slot: Slot) -> rusqlite::Result<()> {
        if let Some((entries, total_before)) = self.chunk(tx, slot.window, slot.series)? {
            let minutes = folded(Tier::Minute, slot, &entries, total_before);
            tiers::put(
                tx,
                Table::Minutes,
                slot.place(),
                &tier_row::encode(slot.kind, &minutes),
            )?;
        }
        tiers::delete(tx, Table::Chunks, slot.place())
    }

    /// The samples of a chunk, and what its series stood at before.
    fn chunk(
        &mut self,
        connection: &Connection,
        window: i64,
        series: u32,
    ) -> rusqlite::Result<Option<(Vec<Entry>, Option<f64>)>> {
        let found = read_chunk(
            connection,
            window,
            series,
            &mut self.columns,
            &mut KnownTimes::default(),
        )?;
        Ok(found.map(|total_before| (self.columns.entries().collect(), total_before)))
    }

    /// What a cumulative series stood at when a window began, as far as chunks and minutes tell.
    fn total_before(
        &mut self,
        connection: &Connection,
        progress: &Progress,
        window: i64,
        series: u32,
    ) -> rusqlite::Result<Option<f64>> {
        for earlier in (window - WINDOWS_BACK..window).rev() {
            if let Some((_, total)) = self.total_of(connection, progress, earlier, series)? {
                return Ok(Some(total));
            }
        }
        Ok(None)
    }

    /// What a cumulative series stood at when a window ended, by its chunk or its minutes, and when it came to that, in
    /// milliseconds since the window began.
    pub fn total_of(
        &mut self,
        connection: &Connection,
        progress: &Progress,
        window: i64,
        series: u32,
    ) -> rusqlite::Result<Option<(i64, f64)>> {
        let Self { columns, row, .. } = self;
        // Of the last window without chunks some may be left.
        if window + 1 >= progress.chunks_from {
            let times = &mut KnownTimes::default();
            let chunk = read_chunk(connection, window, series, columns, times)?;
            let newest = columns.at.last().copied().zip(columns.values.last().copied());
            if let Some(newest) = newest.filter(|_| chunk.is_some()) {
                return Ok(Some(newest));
            }
        }
        if window >= progress.chunks_from {
            return Ok(None);
        }
        let minutes = tiers::read(connection, Table::Minutes, place(window, series), |bytes| {
            row.buckets(bytes, MINUTE_MS)
        })?;
        let newest = minutes.flatten().and_then(|mut minutes| minutes.pop());
        Ok(newest.map(|(_, bucket)| (bucket.last_at, bucket.last)))
    }

    fn shared_times(&mut self, tx: &Connection, window: i64, times: &[u8]) -> rusqlite::Result<u32> {
        if self.window != window || self.last_times == 0 {
            self.times.clear();
            self.window = window;
            self.last_times = tiers::last_times(tx, window)?;
        }
        if let Some(number) = self.times.get(times) {
            return Ok(*number);
        }
        self.last_times += 1;
        tiers::put(tx, Table::Times, place(window, self.last_times), times)?;
        self.times.insert(times.to_vec(), self.last_times);
        Ok(self.last_times)
    }

    /// Forgets which times are stored: the transaction that stored them may not have been committed.
    pub fn forget_times(&mut self) {
        self.times.clear();
        self.last_times = 0;
    }
}

/// Reads a chunk into `columns`. The inner value is what a cumulative series stood at before.
pub fn read_chunk(
    connection: &Connection,
    window: i64,
    series: u32,
    columns: &mut Columns,
    known: &mut KnownTimes,
) -> rusqlite::Result<Option<Option<f64>>> {
    let read = |bytes: &[u8]| -> rusqlite::Result<Option<Option<f64>>> {
        let Some(blob) = ChunkBlob::decode(bytes) else {
            return Ok(None);
        };
        let has_times = match blob.times {
            Times::Own(times) => columns.decode_times(times),
            Times::Shared(number) => known.read(connection, place(window, number), columns)?,
        };
        let decoded = has_times.and_then(|()| columns.decode_values(blob.values));
        Ok(decoded.map(|()| blob.total_before))
    };
    let found = tiers::read(connection, Table::Chunks, place(window, series), read)?.transpose()?;
    if found == Some(None) {
        tracing::error!(window, series, "a chunk of series {series} cannot be read");
    }
    Ok(found.flatten())
}

/// Times that chunks share, read once in one snapshot of the database: those of a thousand series are often the same.
#[derive(Debug, Default)]
pub struct KnownTimes(HashMap<i64, Vec<i64>>);

impl KnownTimes {
    /// Different ones kept; beyond that all are forgotten.
    const MAX_KEPT: usize = 64;

    fn read(
        &mut self,
        connection: &Connection,
        place: i64,
        columns: &mut Columns,
    ) -> rusqlite::Result<Option<()>> {
        if let Some(at) = self.0.get(&place) {
            columns.set_times(at);
            return Ok(Some(()));
        }
        let read = tiers::read(connection, Table::Times, place, |times| {
            columns.decode_times(times)
        })?;
        if read.flatten().is_none() {
            return Ok(None);
        }
        if self.0.len() >= Self::MAX_KEPT {
            self.0.clear();
        }
        self.0.insert(place, columns.at.clone());
        Ok(Some(()))
    }
}

/// The buckets of a tier in a window, their places and times counted from its beginning.
fn folded(tier: Tier, slot: Slot, entries: &[Entry], total_before: Option<f64>) -> Buckets {
    let (start_ms, step_ms) = (window::start_ms(slot.window), tier.width_ms());
    let mut fold = Fold::new(Grid {
        from_ms: start_ms,
        step_ms,
        n: (WINDOW_MS / step_ms) as usize,
    });
    fold.set_total_before(total_before);
    fold.add_entries(slot.kind, start_ms, entries.iter().copied());
    let of_window = |(at, bucket): (usize, &Aggregate)| {
        let mut bucket = bucket.clone();
        bucket.last_at -= start_ms;
        (at as u32, bucket)
    };
    fold.filled().map(of_window).collect()
}

/// Minutes of a window as buckets of a coarser tier.
fn coarser(tier: Tier, minutes: &Buckets) -> Buckets {
    let n = (tier.width_ms() / MINUTE_MS) as u32;
    let mut buckets: Buckets = Vec::new();
    for (minute, bucket) in minutes {
        match buckets.last_mut() {
            Some((at, last)) if *at == minute / n => last.merge(bucket),
            _ => buckets.push((minute / n, bucket.clone())),
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::times_pool::TimesPool;
    use crate::domain::timestamp::DAY_MS;
    use crate::store::testing::database;

    #[test]
    fn the_latest_is_the_last_where_samples_are_gone() {
        let database = database();
        let progress = Progress {
            chunks_from: 35,
            ..Progress::default()
        };
        let slot = Slot {
            window: 34,
            series: 3,
            kind: Kind::Gauge,
        };
        for (minute, value) in [(110, 9.), (90, 5.)] {
            let mut head = Head::new(slot.kind);
            head.add(minute * 60_000, value, &mut TimesPool::default());
            Roller::default()
                .write(&database, &progress, slot, &head)
                .unwrap();
        }
        let day = window::start_ms(slot.window) / DAY_MS;
        let hours = tiers::read(&database, Table::Hours, place(day, slot.series), |bytes| {
            TierRow::default().buckets(bytes, Tier::Hour.width_ms())
        });
        let hours = hours.unwrap().flatten().unwrap();
        let told: Vec<_> = hours.iter().map(|(_, hour)| (hour.count, hour.last)).collect();
        assert_eq!(told, [(2, 9.)]);
    }
}
