//! Finding entries again, in the database and in the window as one. All on one snapshot of a reader's connection.
//! The window must be taken before that snapshot: what has been sealed since is then found in a block, and passed over here.

mod around;
mod count;
mod histogram;
mod overview;
mod page;
mod sieve;
mod walk;

use std::rc::Rc;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::domain::entry::Stored;
use crate::domain::filter::Filter;
use crate::domain::paging::{Context, Fields, Histogram, Page, Paging, Stats};
use crate::domain::query::Need;
use crate::store::blocks::{Block, broken};
use crate::store::frame::{Frame, Unpacker};
use crate::store::journal::Ids;
use crate::store::names::Names;
use crate::store::piece_set::Pieces;
use crate::store::window::Window;
use sieve::Sieve;

/// After this a page ends where it is, and says so. Well below the deadline of readers.
const PAGE_BUDGET: Duration = Duration::from_millis(1_500);
/// After this blocks are no longer opened to count.
const COUNT_BUDGET: Duration = Duration::from_millis(60);
/// Opened blocks that are kept: those of a page are often read twice.
const KEPT_FRAMES: usize = 4;

/// What is wanted of a block.
#[derive(Clone, Copy)]
enum Part<'n> {
    /// All rows, without their text.
    Facts,
    All,
    /// All that can match where this is needed: the same rows at the same places whenever it is asked for.
    Having(&'n Need),
}

/// One look at all entries.
pub struct Reading<'c> {
    connection: &'c Connection,
    window: &'c Window,
    names: &'c Names,
    /// Rows of the window with smaller ids are in blocks.
    sealed_before: u64,
    unpacker: Unpacker,
    started: Instant,
    /// The last one opened is the last.
    kept: Vec<(i64, (bool, Pieces), Rc<Frame>)>,
    /// Of the word that is counted: there is one filter in a look.
    counts: count::Counts,
}

impl<'c> Reading<'c> {
    /// On the snapshot that begins with this. The window was taken before.
    pub fn new(connection: &'c Connection, window: &'c Window, names: &'c Names) -> rusqlite::Result<Self> {
        Ok(Self {
            connection,
            window,
            names,
            sealed_before: Ids::load(connection)?.sealed_before,
            unpacker: Unpacker::new().map_err(broken)?,
            started: Instant::now(),
            kept: Vec::new(),
            counts: count::Counts::default(),
        })
    }

    /// One page of what matches.
    pub fn page(&mut self, filter: &Filter, paging: &Paging) -> rusqlite::Result<Page> {
        page::page(self, filter, paging)
    }

    /// The entry with this id.
    pub fn one(&mut self, id: u64) -> rusqlite::Result<Option<Stored>> {
        around::one(self, id)
    }

    /// The entry with this id, and those of its container around it.
    pub fn context(&mut self, id: u64, n_before: usize, n_after: usize) -> rusqlite::Result<Option<Context>> {
        around::context(self, id, n_before, n_after)
    }

    /// Those that match and were stored after the one with this id, in the order of ids; at most `limit`.
    pub fn stored_after(&mut self, id: u64, filter: &Filter, limit: usize) -> rusqlite::Result<Vec<Stored>> {
        around::stored_after(self, id, filter, limit)
    }

    /// How many of the entries stored after the one with this id are not there any more.
    pub fn n_gone_after(&mut self, id: u64) -> rusqlite::Result<u64> {
        around::n_gone_after(self, id)
    }

    /// Volume over time in at most `n_buckets` buckets.
    pub fn histogram(&mut self, filter: &Filter, n_buckets: usize) -> rusqlite::Result<Histogram> {
        histogram::histogram(self, filter, n_buckets)
    }

    /// What there is.
    pub fn stats(&mut self) -> rusqlite::Result<Stats> {
        overview::stats(self)
    }

    /// Values of the fields of the newest entries that match.
    pub fn fields(&mut self, filter: &Filter) -> rusqlite::Result<Fields> {
        overview::fields(self, filter)
    }

    fn sieve<'f>(&self, filter: &'f Filter) -> Sieve<'f> {
        Sieve::new(filter, self.names.all())
    }

    /// Opens a block.
    fn frame(&mut self, block: &Block, part: Part<'_>) -> rusqlite::Result<Rc<Frame>> {
        let pieces = match part {
            Part::Facts => Pieces::NONE,
            Part::All => Pieces::ALL,
            Part::Having(need) => block.pieces(self.connection, need)?,
        };
        let kind = (matches!(part, Part::Facts), pieces);
        let known = self
            .kept
            .iter()
            .position(|kept| kept.0 == block.id && kept.1 == kind);
        let frame = match known {
            Some(known) => self.kept.remove(known).2,
            None => Rc::new(match part {
                Part::Facts => block.read_rows(self.connection, &mut self.unpacker)?,
                Part::All | Part::Having(_) => block.read(self.connection, &mut self.unpacker, pieces)?,
            }),
        };
        if self.kept.len() == KEPT_FRAMES {
            self.kept.remove(0);
        }
        self.kept.push((block.id, kind, frame.clone()));
        Ok(frame)
    }

    fn is_late(&self) -> bool {
        self.started.elapsed() > PAGE_BUDGET
    }

    fn is_late_to_count(&self) -> bool {
        self.started.elapsed() > COUNT_BUDGET
    }
}

#[cfg(test)]
mod tests;
