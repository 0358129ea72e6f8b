//! Where the buckets of one series come from: rows of a tier, chunks, and memory. What a snapshot of the database has
//! and what memory has are never both taken, and never neither: `progress` of the same snapshot says where one ends.

use std::array;
use std::iter::Flatten;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use rusqlite::Connection;

use crate::domain::chunk::Columns;
use crate::domain::fold::Fold;
use crate::domain::head::Head;
use crate::domain::kind::Kind;
use crate::domain::open_chunk::Entry;
use crate::domain::resolution::{Plan, Tier};
use crate::domain::tier_row::TierRow;
use crate::domain::timestamp::{DAY_MS, MINUTE_MS};
use crate::domain::window;
use crate::heads::Frozen;
use crate::ingest::Ingest;
use crate::rolling::{KnownTimes, Roller, WINDOWS_BACK, read_chunk};
use crate::sealed::Total;
use crate::store::day_versions::{self, DayVersions};
use crate::store::progress::{self, Progress};
use crate::store::tiers::{self, Table, place};

mod together;

/// What memory has of a series in a window: frozen at two times, and open.
type HeadsOf<'h> = Flatten<array::IntoIter<Option<&'h Head>, 3>>;

/// What a snapshot of the database says of itself.
pub struct Snapshot {
    progress: Progress,
    days: DayVersions,
}

impl Snapshot {
    /// Takes it, for queries from a time on.
    pub fn take(connection: &Connection, from_ms: i64) -> rusqlite::Result<Self> {
        Ok(Self {
            progress: progress::read(connection)?,
            days: day_versions::since(connection, from_ms.div_euclid(DAY_MS))?,
        })
    }
}

/// One query's view of all series.
pub struct Source<'q> {
    connection: &'q Connection,
    ingest: &'q Ingest,
    plan: &'q Plan,
    progress: Progress,
    days: &'q DayVersions,
    frozen: Option<Arc<Frozen>>,
    /// What was read.
    pub fold: Fold,
    row: TierRow,
    columns: Columns,
    times: KnownTimes,
    /// Windows of which memory had something when this was opened, in order.
    in_memory: Vec<i64>,
    /// Those of them that the grid touches.
    windows: Range<usize>,
    /// Where the rows end that were read of a series.
    total: Option<Total>,
}

impl<'q> Source<'q> {
    /// Looks at memory; the snapshot was taken before.
    pub fn open(
        connection: &'q Connection,
        snapshot: &'q Snapshot,
        ingest: &'q Ingest,
        plan: &'q Plan,
    ) -> Self {
        let heads = ingest.heads();
        let frozen = heads.frozen();
        let mut in_memory: Vec<i64> = heads.windows().collect();
        drop(heads);
        in_memory.extend(frozen.iter().flat_map(|frozen| frozen.windows.keys().copied()));
        in_memory.sort_unstable();
        in_memory.dedup();
        let (first, last) = pieces(Table::Chunks, &plan.grid.range());
        let before = |number: i64| in_memory.partition_point(|window| *window < number);
        Self {
            windows: before(first)..before(last + 1),
            total: None,
            connection,
            ingest,
            plan,
            progress: snapshot.progress,
            days: &snapshot.days,
            frozen,
            fold: Fold::new(plan.grid),
            row: TierRow::default(),
            columns: Columns::default(),
            times: KnownTimes::default(),
            in_memory,
        }
    }

    /// Adds a series to the fold.
    pub fn read(&mut self, series: u32, kind: Kind) -> rusqlite::Result<()> {
        self.fold.begin();
        if kind == Kind::Cumulative {
            return self.read_cumulative(series);
        }
        if self.plan.tier >= Tier::FiveMinutes {
            self.read_tier(series, i64::MAX)?;
        } else if kind == Kind::Histogram {
            self.read_rows(Table::Minutes, MINUTE_MS, self.plan.grid.range(), series)?;
        } else {
            self.read_chunks(series, kind)?;
        }
        self.read_memory(series, kind)
    }

    /// Adds what is in memory of a series whose rows ended with `total`.
    pub fn read_beyond(&mut self, series: u32, kind: Kind, total: Option<Total>) -> rusqlite::Result<()> {
        self.fold.begin();
        self.total = total;
        self.read_memory(series, kind)
    }

    fn read_memory(&mut self, series: u32, kind: Kind) -> rusqlite::Result<()> {
        if kind == Kind::Cumulative {
            return self.add_totals_in_memory(series);
        }
        for place in self.windows.clone() {
            let number = self.in_memory[place];
            self.with_heads(number, series, |fold, columns, heads| {
                for head in heads {
                    add_head(fold, columns, number, head);
                }
            });
        }
        Ok(())
    }

    /// Of a cumulative series: what rows say, and from where samples are needed, those in order of time.
    fn read_cumulative(&mut self, series: u32) -> rusqlite::Result<()> {
        let (first, last) = self.bounds();
        let from = match self.plan.tier >= Tier::FiveMinutes {
            true => self.first_late(series),
            false => Some(first),
        };
        match from {
            Some(from) => {
                self.read_tier(series, window::start_ms(from))?;
                self.read_totals(series, from..=last)
            }
            None => {
                self.read_tier(series, i64::MAX)?;
                self.add_totals_in_memory(series)
            }
        }
    }

    /// The first window of which there is a chunk already, and samples in memory that came later: what a cumulative
    /// series added is then not what rows say and memory adds.
    fn first_late(&mut self, series: u32) -> Option<i64> {
        self.windows.clone().find_map(|place| {
            let number = self.in_memory[place];
            let has_chunk = number >= self.progress.chunks_from && self.progress.has(0, number, series);
            (has_chunk && self.has_heads(number, series)).then_some(number)
        })
    }

    fn has_heads(&mut self, number: i64, series: u32) -> bool {
        self.with_heads(number, series, |_, _, mut heads| heads.next().is_some())
    }

    /// Which rows are read of which time: those of the plan's tier; but what is one bucket anyway is made of hours, and
    /// only its ends of finer rows.
    fn parts(&self) -> impl Iterator<Item = (Tier, Range<i64>)> + use<> {
        let (tier, range) = (self.plan.tier, self.plan.grid.range());
        let hours = self.plan.grid.whole_hours();
        let parts = match tier {
            Tier::FiveMinutes if !hours.is_empty() => [
                (tier, range.start..hours.start),
                (Tier::Hour, hours.clone()),
                (tier, hours.end..range.end),
            ],
            _ => [(tier, range), (tier, 0..0), (tier, 0..0)],
        };
        let written_to = self.progress.written_to();
        let is_written = move |range: &Range<i64>| !range.is_empty() && window::of(range.start) < written_to;
        parts.into_iter().filter(move |(_, range)| is_written(range))
    }

    /// Adds the rows of tiers from five minutes on, up to a time.
    fn read_tier(&mut self, series: u32, end_ms: i64) -> rusqlite::Result<()> {
        self.total = None;
        if self.plan.tier < Tier::FiveMinutes {
            return Ok(());
        }
        for (tier, range) in self.parts() {
            let range = range.start..range.end.min(end_ms);
            if !range.is_empty() {
                self.read_rows(Table::of(tier), tier.width_ms(), range, series)?;
            }
        }
        Ok(())
    }

    /// The first and the last window that the grid touches; none after the last that may have anything.
    fn bounds(&self) -> (i64, i64) {
        let (first, last) = pieces(Table::Chunks, &self.plan.grid.range());
        let newest = self.in_memory.last().copied().unwrap_or(i64::MIN);
        (first, last.min(newest.max(self.progress.written_to() - 1)))
    }

    /// Adds the buckets within a range.
    fn read_rows(
        &mut self,
        table: Table,
        width_ms: i64,
        range: Range<i64>,
        series: u32,
    ) -> rusqlite::Result<()> {
        let (first, last) = pieces(table, &range);
        for piece in first..=last {
            if self.version(table, piece).is_some() {
                self.read_row(table, width_ms, piece, &range, series)?;
            }
        }
        Ok(())
    }

    fn read_row(
        &mut self,
        table: Table,
        width_ms: i64,
        piece: i64,
        range: &Range<i64>,
        series: u32,
    ) -> rusqlite::Result<()> {
        let Self { row, fold, .. } = self;
        let start_ms = piece * table.span_ms();
        let read = tiers::read(self.connection, table, place(piece, series), |bytes| {
            row.fold(bytes, start_ms, width_ms, range, fold)
        })?;
        let newest = row.newest().filter(|_| read.is_some());
        let total = newest.map(|(place, value)| Total {
            at_ms: start_ms + place * width_ms,
            value,
        });
        self.total = Total::later(self.total, total);
        Ok(())
    }

    /// Chunks, and minutes where those are gone.
    fn read_chunks(&mut self, series: u32, kind: Kind) -> rusqlite::Result<()> {
        let (first, last) = self.bounds();
        for number in first..=last {
            if self.chunk(number, series)?.is_some() {
                let Self { fold, columns, .. } = self;
                fold.add_columns(kind, window::start_ms(number), columns);
            } else if number < self.progress.chunks_from {
                self.read_row(Table::Minutes, MINUTE_MS, number, &self.plan.grid.range(), series)?;
            }
        }
        Ok(())
    }

    /// Reads a chunk into the columns, if its window can have any. The inner value is the total before.
    fn chunk(&mut self, number: i64, series: u32) -> rusqlite::Result<Option<Option<f64>>> {
        // Of the last window that is gone some may be left.
        match number + 1 < self.progress.chunks_from {
            true => Ok(None),
            false => read_chunk(
                self.connection,
                number,
                series,
                &mut self.columns,
                &mut self.times,
            ),
        }
    }

    /// A cumulative series by its totals: each window's samples in order, whether in a chunk or in memory.
    fn read_totals(&mut self, series: u32, windows: RangeInclusive<i64>) -> rusqlite::Result<()> {
        let mut before = None;
        for number in windows {
            let chunk = self.chunk(number, series)?;
            let mut entries: Vec<Entry> = if chunk.is_some() {
                self.columns.entries().collect()
            } else {
                Vec::new()
            };
            let n_of_chunk = entries.len();
            self.collect_heads(number, series, &mut entries);
            if entries.len() > n_of_chunk {
                entries.sort_by_key(|entry| entry.at);
            }
            if chunk.is_none() && number < self.progress.chunks_from {
                self.read_row(Table::Minutes, MINUTE_MS, number, &self.plan.grid.range(), series)?;
                self.add_totals(number, None, &entries);
                before = None;
                continue;
            }
            if entries.is_empty() {
                continue;
            }
            if before.is_none() {
                before = match chunk.flatten() {
                    Some(known) if !self.has_earlier(number, series) => Some(known),
                    _ => self.total_before(number, series)?,
                };
            }
            before = self.add_totals(number, before, &entries);
        }
        Ok(())
    }

    /// Whether memory has samples of a window before one.
    fn has_earlier(&mut self, number: i64, series: u32) -> bool {
        let before = |window: i64| self.in_memory.partition_point(|known| *known < window);
        let mut places = before(number - WINDOWS_BACK)..before(number);
        places.any(|place| self.has_heads(self.in_memory[place], series))
    }

    /// The totals that are in memory alone, on top of rows of a tier.
    fn add_totals_in_memory(&mut self, series: u32) -> rusqlite::Result<()> {
        let mut before = None;
        for place in self.windows.clone() {
            let number = self.in_memory[place];
            if !self.has_heads(number, series) {
                continue;
            }
            // Of a window whose samples are minutes by now nobody knows what it stood at when.
            let is_known = number >= self.progress.chunks_from;
            if before.is_none() && is_known {
                before = match self.total_of_rows(number) {
                    None => self.total_before(number, series)?,
                    known => known,
                };
            }
            self.fold.set_total_before(before.filter(|_| is_known));
            self.with_heads(number, series, |fold, columns, heads| {
                add_totals_of(fold, columns, number, heads);
            });
            before = self.fold.total().filter(|_| is_known);
        }
        Ok(())
    }

    fn add_totals(&mut self, number: i64, before: Option<f64>, entries: &[Entry]) -> Option<f64> {
        self.fold.set_total_before(before);
        self.fold.add_entries(
            Kind::Cumulative,
            window::start_ms(number),
            entries.iter().copied(),
        );
        entries.last().map(|entry| entry.value)
    }

    /// What a cumulative series stood at when a window began, by the rows that were read, where they end shortly before
    /// and memory has nothing in between.
    fn total_of_rows(&self, number: i64) -> Option<f64> {
        let total = self.total?;
        let window = window::of(total.at_ms);
        let has_more = self
            .in_memory
            .iter()
            .any(|other| (window..number).contains(other));
        (window < number && window >= number - WINDOWS_BACK && !has_more).then_some(total.value)
    }

    /// What a cumulative series stood at when a window began: its latest sample before, whether in memory or in rows.
    fn total_before(&mut self, number: i64, series: u32) -> rusqlite::Result<Option<f64>> {
        let mut roller = Roller::default();
        let mut entries = Vec::new();
        for earlier in (number - WINDOWS_BACK..number).rev() {
            let of_rows = roller.total_of(self.connection, &self.progress, earlier, series)?;
            entries.clear();
            self.collect_heads(earlier, series, &mut entries);
            // Of equal times the last to come.
            let newest = entries.iter().max_by_key(|entry| entry.at);
            let in_memory = newest.map(|entry| (i64::from(entry.at), entry.value));
            let latest = match (of_rows, in_memory) {
                (Some(row), Some(head)) if row.0 > head.0 => Some(row),
                (row, head) => head.or(row),
            };
            if let Some((_, total)) = latest {
                return Ok(Some(total));
            }
        }
        Ok(None)
    }

    fn collect_heads(&mut self, number: i64, series: u32, entries: &mut Vec<Entry>) {
        if self.in_memory.binary_search(&number).is_err() {
            return;
        }
        self.with_heads(number, series, |_, columns, heads| {
            collect(heads, columns, entries)
        });
    }

    /// Hands the heads of a series in a window to `then`: the frozen one unless this snapshot has it, and the open one.
    fn with_heads<T>(
        &mut self,
        number: i64,
        series: u32,
        then: impl FnOnce(&mut Fold, &mut Columns, HeadsOf<'_>) -> T,
    ) -> T {
        let Self {
            fold,
            columns,
            progress,
            ingest,
            frozen,
            ..
        } = self;
        let heads = ingest.heads();
        // What was open when this began may be frozen by now.
        let now = heads
            .frozen()
            .filter(|now| frozen.as_ref().is_none_or(|then| !Arc::ptr_eq(then, now)));
        let unwritten = |frozen: &'_ Frozen| !progress.has(frozen.cut.seq, number, series);
        let found = [
            frozen
                .as_deref()
                .filter(|it| unwritten(it))
                .and_then(|it| it.get(number, series)),
            now.as_deref()
                .filter(|it| unwritten(it))
                .and_then(|it| it.get(number, series)),
            heads.get(number, series),
        ];
        then(fold, columns, found.into_iter().flatten())
    }
}

/// The first and the last piece of time of a table that a range touches.
fn pieces(table: Table, range: &Range<i64>) -> (i64, i64) {
    let piece = |at_ms: i64| at_ms.div_euclid(table.span_ms());
    (piece(range.start), piece(range.end - 1))
}

fn add_head(fold: &mut Fold, columns: &mut Columns, number: i64, head: &Head) {
    let start_ms = window::start_ms(number);
    match head {
        Head::Samples(samples) => samples.fold(start_ms, columns, fold),
        Head::Minutes(minutes) => minutes.fold(start_ms, fold),
    }
}

/// Adds the heads of a cumulative series, whose samples count in order of time whichever head they are in.
fn add_totals_of(fold: &mut Fold, columns: &mut Columns, number: i64, heads: HeadsOf<'_>) {
    let mut some = heads.clone();
    match (some.next(), some.next()) {
        (Some(Head::Samples(one)), None) if one.is_sorted() => {
            one.fold(window::start_ms(number), columns, fold);
        }
        _ => {
            let mut entries = Vec::new();
            collect(heads, columns, &mut entries);
            entries.sort_by_key(|entry| entry.at);
            fold.add_entries(Kind::Cumulative, window::start_ms(number), entries);
        }
    }
}

fn collect(heads: HeadsOf<'_>, columns: &mut Columns, entries: &mut Vec<Entry>) {
    for head in heads {
        if let Head::Samples(samples) = head {
            samples.each(columns, |entry| entries.push(entry));
        }
    }
}
