//! What rows say of many series together, by way of what is remembered of their days (`crate::sealed`).

use std::ops::Range;
use std::sync::Arc;

use super::{Source, pieces};
use crate::domain::fold::Fold;
use crate::domain::kind::Kind;
use crate::domain::resolution::{Grid, Tier};
use crate::domain::tier_row::{self, Buckets};
use crate::domain::timestamp::DAY_MS;
use crate::domain::window;
use crate::rolling::WINDOWS_BACK;
use crate::sealed::{self, Key, Piece, SeriesSet, Total};
use crate::store::tiers::Table;

impl Source<'_> {
    /// Adds what rows say of series together to the fold. `None`, and nothing added, where that is not remembered, or
    /// not told apart from what is in memory; else what each cumulative series stood at.
    pub fn read_sealed(
        &mut self,
        series: &[u32],
        kind: Kind,
    ) -> rusqlite::Result<Option<Vec<Option<Total>>>> {
        if !self.is_remembered(kind, series.len()) {
            return Ok(None);
        }
        let set = SeriesSet::of(series);
        let n_totals = if kind == Kind::Cumulative { series.len() } else { 0 };
        let mut totals = vec![None; n_totals];
        for (tier, range) in self.parts() {
            // Of histograms there is nothing finer than minutes.
            let tier = tier.max(Tier::Minute);
            let (first, last) = pieces(Table::of(tier), &range);
            for piece in first..=last {
                let Some(sealed) = self.sealed(tier, piece, &range, kind, (set, series))? else {
                    continue;
                };
                let start_ms = piece * Table::of(tier).span_ms();
                let Self { row, fold, .. } = self;
                fold.add_bucket(start_ms.max(range.start), 0, &sealed.whole);
                row.fold(&sealed.row, start_ms, tier.width_ms(), &range, fold);
                for (known, total) in totals.iter_mut().zip(&sealed.totals) {
                    *known = Total::later(*known, *total);
                }
            }
        }
        Ok(Some(totals))
    }

    /// Whether what rows say of so many series together is remembered: sums in one bucket, or distributions.
    fn is_remembered(&self, kind: Kind, n_series: usize) -> bool {
        let is_late = |number: &i64| *number < self.progress.written_to();
        let has_late = || self.in_memory[self.windows.clone()].iter().any(is_late);
        let is_coarse = self.plan.tier >= Tier::FiveMinutes;
        match (self.fold.is_plain(), kind) {
            (true, Kind::Cumulative) if has_late() => false,
            (true, _) => self.plan.grid.n == 1 && is_coarse && n_series <= sealed::MAX_SERIES,
            (false, Kind::Histogram) => (2..=sealed::MAX_MERGED).contains(&n_series),
            (false, _) => false,
        }
    }

    /// What the rows of a piece of time say of series together: as a row of its own, or in one bucket, where the answer
    /// is one that has all of it. `None` where there are no rows.
    fn sealed(
        &mut self,
        tier: Tier,
        piece: i64,
        range: &Range<i64>,
        kind: Kind,
        (set, series): (SeriesSet, &[u32]),
    ) -> rusqlite::Result<Option<Arc<Piece>>> {
        let table = Table::of(tier);
        let (start_ms, end_ms) = (piece * table.span_ms(), (piece + 1) * table.span_ms());
        let may_have = piece >= self.progress.from(tier) && window::of(start_ms) < self.progress.written_to();
        let Some(version) = self.version(table, piece).filter(|_| may_have) else {
            return Ok(None);
        };
        let key = Key {
            series: set,
            table,
            piece,
            is_plain: self.fold.is_plain(),
            is_whole: self.plan.grid.n == 1 && range.start <= start_ms && end_ms <= range.end,
        };
        if let Some(known) = self.ingest.sealed.get(&key, version) {
            return Ok(Some(known));
        }
        let step_ms = if key.is_whole {
            end_ms - start_ms
        } else {
            tier.width_ms()
        };
        let grid = Grid {
            from_ms: start_ms,
            step_ms,
            n: ((end_ms - start_ms) / step_ms) as usize,
        };
        let (totals, fold) = self.read_all(tier, piece, kind, series, grid)?;
        let mut sealed = Piece {
            totals: totals.into(),
            ..Piece::default()
        };
        match fold.filled().next() {
            Some((_, bucket)) if key.is_whole => sealed.whole = bucket.clone(),
            _ => sealed.row = row_of(&fold).into(),
        }
        let sealed = Arc::new(sealed);
        self.ingest.sealed.put(key, version, sealed.clone());
        Ok(Some(sealed))
    }

    /// Adds up the rows of a piece of time of series. Returns what each stood at as well, if they are cumulative and
    /// memory may go on from there.
    fn read_all(
        &mut self,
        tier: Tier,
        piece: i64,
        kind: Kind,
        series: &[u32],
        grid: Grid,
    ) -> rusqlite::Result<(Vec<Option<Total>>, Fold)> {
        let (table, width_ms) = (Table::of(tier), tier.width_ms());
        let is_near = window::of(grid.to_ms()) >= self.progress.done.window - WINDOWS_BACK;
        let of_piece = match self.fold.is_plain() {
            true => Fold::plain(grid),
            false => Fold::new(grid),
        };
        let of_answer = std::mem::replace(&mut self.fold, of_piece);
        let mut totals = Vec::new();
        let read = series.iter().try_for_each(|id| {
            self.total = None;
            self.read_row(table, width_ms, piece, &grid.range(), *id)?;
            if kind == Kind::Cumulative && is_near {
                totals.push(self.total);
            }
            Ok(())
        });
        let of_piece = std::mem::replace(&mut self.fold, of_answer);
        read.map(|()| (totals, of_piece))
    }

    /// Of the day of a piece of time.
    pub(super) fn version(&self, table: Table, piece: i64) -> Option<i64> {
        self.days.get((piece * table.span_ms()).div_euclid(DAY_MS))
    }
}

/// The row that one series with all of it would have.
fn row_of(fold: &Fold) -> Vec<u8> {
    let buckets: Buckets = fold
        .filled()
        .map(|(place, bucket)| (place as u32, bucket.clone()))
        .collect();
    let kind = match fold.is_plain() {
        true => Kind::Gauge,
        false => Kind::Histogram,
    };
    tier_row::encode(kind, &buckets)
}
