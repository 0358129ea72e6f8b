//! `progress`: how far memory has been written to chunks, and from where on which tier is there. One row, read first
//! by every query: what it says is true of all the rest of the same snapshot.

use rusqlite::{Connection, named_params};

use crate::domain::resolution::Tier;

/// Samples of batches up to a number in windows below another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cut {
    /// The last batch.
    pub seq: i64,
    /// The first window that is not meant.
    pub window: i64,
}

/// A round of writing that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Round {
    /// What it writes.
    pub cut: Cut,
    /// Window and series that are next; those before are written.
    pub next: (i64, u32),
}

/// The row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// What all rounds before have written.
    pub done: Cut,
    /// The one under way.
    pub round: Option<Round>,
    /// Windows below have no chunks any more, but minutes; of the last of them some may be left for a moment.
    pub chunks_from: i64,
    /// Windows below have no minutes any more.
    pub minutes_from: i64,
    /// Days below have no buckets of five minutes any more.
    pub five_minutes_from: i64,
    /// Days below have no hours any more.
    pub hours_from: i64,
}

impl Progress {
    /// Whether a sample of the journal is in a chunk already.
    pub fn has(&self, seq: i64, window: i64, series: u32) -> bool {
        let is_done = seq <= self.done.seq && window < self.done.window;
        is_done
            || self.round.is_some_and(|round| {
                seq <= round.cut.seq && window < round.cut.window && (window, series) < round.next
            })
    }

    /// No window from here on has anything in chunks or tiers.
    pub fn written_to(&self) -> i64 {
        let round = self.round.map_or(i64::MIN, |round| round.cut.window);
        self.done.window.max(round)
    }

    /// The first piece of time of which a tier has all that is kept.
    pub fn from(&self, tier: Tier) -> i64 {
        match tier {
            Tier::Raw => self.chunks_from,
            Tier::Minute => self.minutes_from,
            Tier::FiveMinutes => self.five_minutes_from,
            Tier::Hour => self.hours_from,
        }
    }

    /// The same, to be raised.
    pub fn from_mut(&mut self, tier: Tier) -> &mut i64 {
        match tier {
            Tier::Raw => &mut self.chunks_from,
            Tier::Minute => &mut self.minutes_from,
            Tier::FiveMinutes => &mut self.five_minutes_from,
            Tier::Hour => &mut self.hours_from,
        }
    }

    /// The greatest number of a batch that this knows of.
    pub fn last_seq(&self) -> i64 {
        self.round.map_or(0, |round| round.cut.seq).max(self.done.seq)
    }
}

/// Reads the row.
pub fn read(connection: &Connection) -> rusqlite::Result<Progress> {
    let mut statement = connection.prepare_cached(
        "select done_seq, done_window, round_seq, round_window, next_window, next_series,
                chunks_from, minutes_from, five_minutes_from, hours_from
         from progress",
    )?;
    statement.query_row([], |row| {
        let round = match row.get::<_, Option<i64>>(2)? {
            Some(seq) => Some(Round {
                cut: Cut {
                    seq,
                    window: row.get(3)?,
                },
                next: (row.get(4)?, row.get(5)?),
            }),
            None => None,
        };
        Ok(Progress {
            done: Cut {
                seq: row.get(0)?,
                window: row.get(1)?,
            },
            round,
            chunks_from: row.get(6)?,
            minutes_from: row.get(7)?,
            five_minutes_from: row.get(8)?,
            hours_from: row.get(9)?,
        })
    })
}

/// Writes how far memory has come; leaves the tiers as they are.
pub fn write_round(tx: &Connection, done: Cut, round: Option<Round>) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update progress
         set done_seq = :done_seq, done_window = :done_window, round_seq = :round_seq, round_window = :round_window,
             next_window = :next_window, next_series = :next_series",
    )?;
    statement.execute(named_params! {
        ":done_seq": done.seq,
        ":done_window": done.window,
        ":round_seq": round.map(|round| round.cut.seq),
        ":round_window": round.map(|round| round.cut.window),
        ":next_window": round.map(|round| round.next.0),
        ":next_series": round.map(|round| round.next.1),
    })?;
    Ok(())
}

/// Writes from where on the tiers are there; leaves the rest as it is.
pub fn write_tiers(tx: &Connection, progress: &Progress) -> rusqlite::Result<()> {
    let mut statement = tx.prepare_cached(
        "update progress
         set chunks_from = :chunks, minutes_from = :minutes, five_minutes_from = :fives, hours_from = :hours",
    )?;
    statement.execute(named_params! {
        ":chunks": progress.chunks_from,
        ":minutes": progress.minutes_from,
        ":fives": progress.five_minutes_from,
        ":hours": progress.hours_from,
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::database;

    #[test]
    fn the_row_comes_back() {
        let database = database();
        assert_eq!(read(&database).unwrap(), Progress::default());
        let round = Round {
            cut: Cut { seq: 9, window: 7 },
            next: (6, 5),
        };
        let progress = Progress {
            done: Cut { seq: 4, window: 3 },
            round: Some(round),
            chunks_from: 2,
            minutes_from: 1,
            five_minutes_from: 8,
            hours_from: 10,
        };
        write_round(&database, progress.done, progress.round).unwrap();
        write_tiers(&database, &progress).unwrap();
        assert_eq!(read(&database).unwrap(), progress);
        write_round(&database, round.cut, None).unwrap();
        assert_eq!(read(&database).unwrap().done, round.cut);
    }

    #[test]
    fn a_sample_is_in_a_chunk_or_in_memory() {
        let round = Round {
            cut: Cut { seq: 20, window: 8 },
            next: (7, 5),
        };
        let progress = Progress {
            done: Cut { seq: 10, window: 7 },
            round: Some(round),
            ..Progress::default()
        };
        let check = |seq, window, series, expected| {
            assert_eq!(
                progress.has(seq, window, series),
                expected,
                "{seq} {window} {series}"
            )
        };
        check(10, 6, 9, true);
        check(11, 6, 9, true);
        check(10, 7, 4, true);
        check(10, 7, 5, false);
        check(21, 6, 0, false);
        check(5, 8, 0, false);
        assert_eq!(progress.last_seq(), 20);
    }
}
