//! Which part of what was found is asked for, and what the answer looks like.

use crate::domain::entry::{Level, Stored};

/// A place in the order of entries: by time, and by id within the same nanosecond.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    /// Of the last entry shown.
    pub time_ns: i64,
    /// Of the last entry shown.
    pub id: u64,
}

impl Cursor {
    /// Where this entry stands.
    pub fn of(stored: &Stored) -> Self {
        Self {
            time_ns: stored.entry.time_ns,
            id: stored.id,
        }
    }

    /// As text for a URL; [`Cursor::parse`] reads it.
    pub fn text(self) -> String {
        format!("{}.{}", self.time_ns, self.id)
    }

    /// Reads what [`Cursor::text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let (time_ns, id) = text.split_once('.')?;
        Some(Self {
            time_ns: time_ns.parse().ok()?,
            id: id.parse().ok()?,
        })
    }
}

/// In which direction one reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As the list is shown.
    #[default]
    NewestFirst,
    /// As an export is written.
    OldestFirst,
}

/// Which part of what was found.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// The order of the answer.
    pub order: Order,
    /// Begin after this entry (in that order).
    pub after: Option<Cursor>,
    /// Skip so many.
    pub offset: usize,
    /// At most so many.
    pub limit: usize,
    /// Whether all that match are counted.
    pub is_counted: bool,
}

impl Paging {
    /// The newest `limit`, counted.
    pub fn newest(limit: usize) -> Self {
        Self {
            order: Order::NewestFirst,
            after: None,
            offset: 0,
            limit,
            is_counted: true,
        }
    }
}

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// In the order asked for.
    pub entries: Vec<Stored>,
    /// How many match in all, whatever the cursor; none unless counted.
    pub total: Option<Total>,
    /// Where the next page begins; none: there is no more.
    pub next: Option<Cursor>,
    /// False: time ran out before all was looked through; `next` goes on from there.
    pub is_complete: bool,
}

/// How many match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Total {
    /// So many.
    pub n: u64,
    /// There may be more: counting took too long.
    pub is_lower_bound: bool,
}

/// Entries of the same container around one.
#[derive(Debug, Clone)]
pub struct Context {
    /// Those before it, the oldest first.
    pub before: Vec<Stored>,
    /// The one asked for.
    pub entry: Stored,
    /// Those after it, the oldest first.
    pub after: Vec<Stored>,
}

/// Numbers of entries by level, in the order of [`Level::ALL`].
pub type LevelCounts = [u64; Level::COUNT];

/// How much a container has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerCount {
    /// Its name.
    pub name: String,
    /// By level.
    pub levels: LevelCounts,
}

impl ContainerCount {
    /// Entries in all.
    pub fn n_entries(&self) -> u64 {
        self.levels.iter().sum()
    }
}

/// What there is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stats {
    /// Entries in all.
    pub n_entries: u64,
    /// Time of the oldest.
    pub oldest_ns: Option<i64>,
    /// Time of the newest.
    pub newest_ns: Option<i64>,
    /// By level.
    pub levels: LevelCounts,
    /// By container, sorted by name; those with entries.
    pub containers: Vec<ContainerCount>,
}

/// Volume over time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Where the first bucket begins: a multiple of the step.
    pub start_ns: i64,
    /// Width of a bucket; 0 when there is none.
    pub step_ns: i64,
    /// By level, without gaps; bucket `i` begins at `start_ns + i * step_ns`.
    pub buckets: Vec<LevelCounts>,
    /// False: time ran out, and the counts are lower bounds.
    pub is_complete: bool,
}

impl Histogram {
    /// How many match in all.
    pub fn total(&self) -> Total {
        Total {
            n: self.buckets.iter().flatten().sum(),
            is_lower_bound: !self.is_complete,
        }
    }
}

/// What there is and what was found, as of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Overview {
    pub(crate) stats: Stats,
    pub(crate) page: Page,
    pub(crate) histogram: Histogram,
}

/// Values of the fields of JSON and logfmt entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Fields {
    /// Entries looked at: the newest that match.
    pub n_entries: u64,
    /// Whether those were all.
    pub is_complete: bool,
    /// The most frequent first.
    pub fields: Vec<FieldValues>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldValues {
    /// Its name; nested ones joined by dots.
    pub name: String,
    /// Entries that have it.
    pub n_entries: u64,
    /// Its most frequent values with how many entries have them, the most frequent first.
    pub values: Vec<(String, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor = Cursor {
            time_ns: -5,
            id: u64::MAX,
        };
        assert_eq!(Cursor::parse(&cursor.text()), Some(cursor));
        assert_eq!(Cursor::parse("1"), None);
        assert_eq!(Cursor::parse("1.x"), None);
    }
}
