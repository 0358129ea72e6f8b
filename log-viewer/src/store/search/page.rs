//! One page of what matches, and how many match in all.

use std::collections::{BinaryHeap, HashMap};
use std::rc::Rc;

use super::sieve::Sieve;
use super::walk::{Walk, rank};
use super::{Reading, count};
use crate::domain::entry::{Entry, Stored};
use crate::domain::filter::Filter;
use crate::domain::paging::{Cursor, Order, Page, Paging, Total};
use crate::store::blocks::Block;
use crate::store::frame::{Frame, Row};

/// Entries that may be skipped and shown.
const MAX_REACH: usize = 1_000_000;

/// Entries of a block that are kept as they are found; where more match, it is opened again to read those shown.
const FEW: usize = 8;
/// Bytes of such entries at most.
const MAX_FOUND_BYTES: usize = 1 << 20;

/// Where an entry is: in a frame of the window, or in a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Home {
    Window(usize),
    Block(i64),
}

/// The first so many in the order asked for.
struct Top {
    order: Order,
    after: Option<u128>,
    size: usize,
    /// The last of them is on top.
    kept: BinaryHeap<(u128, Home, usize)>,
    /// Those that need not be read again.
    found: HashMap<(Home, usize), Stored>,
    n_found_bytes: usize,
}

impl Top {
    fn new(paging: &Paging) -> Self {
        Self {
            order: paging.order,
            after: paging.after.map(|after| rank(paging.order, after)),
            // One more, to know whether there is one.
            size: paging.offset.saturating_add(paging.limit).min(MAX_REACH) + 1,
            kept: BinaryHeap::new(),
            found: HashMap::new(),
            n_found_bytes: 0,
        }
    }

    /// Whether one of this rank would be kept.
    fn wants(&self, rank: u128) -> bool {
        self.after.is_none_or(|after| rank > after)
            && (self.kept.len() < self.size || self.kept.peek().is_some_and(|last| rank < last.0))
    }

    /// Whether one of this rank or a larger one would be kept.
    fn wants_from(&self, first_rank: u128) -> bool {
        self.kept.len() < self.size || self.kept.peek().is_some_and(|last| first_rank < last.0)
    }

    fn offer(&mut self, row: &Row, home: Home, at: usize) {
        let rank = rank(
            self.order,
            Cursor {
                time_ns: row.time_ns,
                id: row.id,
            },
        );
        if self.wants(rank) {
            self.kept.push((rank, home, at));
            if self.kept.len() > self.size {
                self.kept.pop();
            }
        }
    }
}

impl Top {
    /// Keeps an entry as it was found, as long as there is room.
    fn remember(&mut self, home: Home, at: usize, stored: Stored) {
        self.n_found_bytes += stored.entry.message.len();
        if self.n_found_bytes <= MAX_FOUND_BYTES {
            self.found.insert((home, at), stored);
        }
    }
}

/// One page of what matches.
pub(super) fn page(reading: &mut Reading<'_>, filter: &Filter, paging: &Paging) -> rusqlite::Result<Page> {
    let mut sieve = reading.sieve(filter);
    let mut top = Top::new(paging);
    let mut total = Total::default();
    for (nth, frame) in reading.window.frames().iter().enumerate() {
        let places = sieve.places(frame, |row| row.id >= reading.sealed_before);
        total.n += places.len() as u64;
        places
            .into_iter()
            .for_each(|at| top.offer(&frame.rows[at], Home::Window(nth), at));
    }
    let end = blocks(reading, &mut sieve, paging, &mut top, &mut total)?;
    let mut kept = top.kept.into_sorted_vec();
    if let Some(end) = end {
        // What comes after may have been overlooked.
        kept.retain(|(rank, _, _)| *rank < end.0);
    }
    let has_more = kept.len() > paging.offset.saturating_add(paging.limit);
    let entries = read(
        reading,
        &sieve,
        kept.into_iter().skip(paging.offset).take(paging.limit),
        top.found,
    )?;
    let last = entries.last().map(Cursor::of);
    Ok(Page {
        next: if has_more { last } else { end.map(|end| end.1) },
        entries,
        total: paging.is_counted.then_some(total),
        is_complete: end.is_none(),
    })
}

/// Goes through the blocks. Returns where it ended if time ran out: the first rank that was not looked at, and the
/// place to go on after.
fn blocks(
    reading: &mut Reading<'_>,
    sieve: &mut Sieve<'_>,
    paging: &Paging,
    top: &mut Top,
    total: &mut Total,
) -> rusqlite::Result<Option<(u128, Cursor)>> {
    let mut walk = Walk::new(reading.connection, paging.order, sieve)?;
    let mut end = None;
    let mut n_read = 0;
    while let Some(next_rank) = walk.next_rank() {
        let is_wanted = end.is_none() && top.wants_from(next_rank);
        if !is_wanted && !paging.is_counted {
            break;
        }
        let Some(block) = walk.next(reading.connection, sieve)? else {
            break;
        };
        if is_wanted && n_read > 0 && reading.is_late() && goes_on(top, next_rank) {
            end = Some((next_rank, before(paging.order, next_rank)));
            if !paging.is_counted {
                break;
            }
        }
        let is_wanted = is_wanted && end.is_none();
        if is_wanted && may_show(paging, &block) {
            n_read += 1;
            let frame = reading.frame(&block, sieve.part())?;
            let places = sieve.places(&frame, |_| true);
            total.n += places.len() as u64;
            let home = Home::Block(block.id);
            if places.len() <= FEW && sieve.filter.query.needs_text() {
                for at in &places {
                    top.remember(home, *at, stored(&frame, *at, sieve));
                }
            }
            places
                .into_iter()
                .for_each(|at| top.offer(&frame.rows[at], home, at));
        } else if paging.is_counted {
            match count::block(reading, sieve, &block)? {
                Some(n) => total.n += n,
                None => total.is_lower_bound = true,
            }
        }
    }
    Ok(end)
}

/// Whether ending here is a step ahead of where this page began.
fn goes_on(top: &Top, next_rank: u128) -> bool {
    top.after.is_none_or(|after| next_rank >> 64 > after >> 64)
}

/// The place just before all of this rank's time.
fn before(order: Order, rank: u128) -> Cursor {
    let ascending = match order {
        Order::OldestFirst => rank,
        Order::NewestFirst => !rank,
    };
    Cursor {
        time_ns: ((ascending >> 64) as u64 ^ (1 << 63)) as i64,
        id: match order {
            Order::OldestFirst => 0,
            Order::NewestFirst => u64::MAX,
        },
    }
}

/// Whether the block has anything after the place at which the page begins.
fn may_show(paging: &Paging, block: &Block) -> bool {
    paging.after.is_none_or(|after| match paging.order {
        Order::NewestFirst => block.first_ns <= after.time_ns,
        Order::OldestFirst => block.last_ns >= after.time_ns,
    })
}

/// Reads the entries at these places.
fn read(
    reading: &mut Reading<'_>,
    sieve: &Sieve<'_>,
    places: impl Iterator<Item = (u128, Home, usize)>,
    mut found: HashMap<(Home, usize), Stored>,
) -> rusqlite::Result<Vec<Stored>> {
    let places: Vec<(Home, usize)> = places.map(|(_, home, at)| (home, at)).collect();
    let mut entries: Vec<Option<Stored>> = places.iter().map(|place| found.remove(place)).collect();
    let mut by_home: Vec<usize> = (0..places.len()).filter(|nth| entries[*nth].is_none()).collect();
    by_home.sort_unstable_by_key(|nth| places[*nth]);
    for of_one in by_home.chunk_by(|a, b| places[*a].0 == places[*b].0) {
        let home = places[of_one[0]].0;
        let frame: Rc<Frame> = match home {
            Home::Window(_) => Rc::default(),
            Home::Block(id) => match Block::one(reading.connection, id)? {
                Some(block) => reading.frame(&block, sieve.shown_part())?,
                None => continue,
            },
        };
        for nth in of_one {
            let frame = match home {
                Home::Window(number) => &*reading.window.frames()[number],
                Home::Block(_) => &*frame,
            };
            entries[*nth] = Some(stored(frame, places[*nth].1, sieve));
        }
    }
    Ok(entries.into_iter().flatten().collect())
}

/// The entry at this place of a frame.
pub(super) fn stored(frame: &Frame, at: usize, sieve: &Sieve<'_>) -> Stored {
    let row = &frame.rows[at];
    Stored {
        id: row.id,
        entry: Entry {
            time_ns: row.time_ns,
            container: sieve.name(row.container),
            stream: row.stream,
            level: row.level,
            marks: row.marks,
            message: frame.message(at).to_owned(),
        },
    }
}
