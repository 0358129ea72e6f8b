//! A filter made ready for frames: what can be told by facts is told first, and a text is read as a whole for a word
//! that must be in it before entries are looked at one by one.

use std::sync::Arc;

use memchr::memmem::Finder;

use super::Part;
use crate::domain::entry::{Level, Stream};
use crate::domain::filter::Filter;
use crate::domain::query::Need;
use crate::domain::view::EntryView;
use crate::store::blocks::{Block, Tally};
use crate::store::frame::{Frame, Row};

/// See above.
pub(super) struct Sieve<'f> {
    pub(super) filter: &'f Filter,
    pub(super) need: Need,
    /// By container: a bit for each level and stream that is asked for.
    admitted: Vec<u16>,
    names: Vec<Arc<str>>,
    /// Each entry that matches has one of these, unless it hides its words. None: nothing is known.
    probes: Option<Vec<Finder<'static>>>,
    /// The text of the frame at hand, in lower ASCII letters.
    lower: String,
}

fn bit(level: Level, stream: Stream) -> u16 {
    1 << (level.index() * 2 + stream as usize)
}

impl<'f> Sieve<'f> {
    pub(super) fn new(filter: &'f Filter, names: Vec<Arc<str>>) -> Self {
        let need = filter.query.need();
        let probes = probes(&need);
        Self {
            admitted: names.iter().map(|name| admitted(filter, name)).collect(),
            names,
            probes: probes.map(|texts| texts.iter().map(|text| Finder::new(text).into_owned()).collect()),
            need,
            filter,
            lower: String::new(),
        }
    }

    pub(super) fn name(&self, container: u32) -> Arc<str> {
        self.names.get(container as usize).cloned().unwrap_or_default()
    }

    fn has_facts(&self, container: u32, level: Level, stream: Stream) -> bool {
        self.admitted
            .get(container as usize)
            .is_some_and(|bits| bits & bit(level, stream) != 0)
    }

    fn has_tally(&self, tally: &Tally) -> bool {
        self.has_facts(tally.container, tally.level, tally.stream)
    }

    /// Whether facts speak for the row.
    pub(super) fn has_row(&self, row: &Row) -> bool {
        self.has_facts(row.container, row.level, row.stream)
            && self.filter.has_time(row.time_ns)
            && self.filter.has_id(row.id)
    }

    /// What must be read of a block to find what matches.
    pub(super) fn part(&self) -> Part<'_> {
        match self.filter.query.needs_text() {
            true => Part::Having(&self.need),
            false => Part::Facts,
        }
    }

    /// What must be read of a block to show what matches: rows stand at the same places.
    pub(super) fn shown_part(&self) -> Part<'_> {
        match self.filter.query.needs_text() {
            true => Part::Having(&self.need),
            false => Part::All,
        }
    }

    /// Whether facts allow that something in the block matches.
    pub(super) fn may_match(&self, block: &Block) -> bool {
        self.overlaps(block.first_ns, block.last_ns)
            && self
                .filter
                .newest_id
                .is_none_or(|newest| block.first_id <= newest)
            && self.filter.after_id.is_none_or(|after| block.last_id > after)
            && block.tallies.iter().any(|tally| self.has_tally(tally))
    }

    /// Whether the time asked for and this one have a moment in common.
    pub(super) fn overlaps(&self, first_ns: i64, last_ns: i64) -> bool {
        self.filter.since_ns.is_none_or(|since| last_ns >= since)
            && self.filter.until_ns.is_none_or(|until| first_ns <= until)
    }

    /// Entries of the block for which facts speak, if that can be told without opening it.
    pub(super) fn n_admitted(&self, block: &Block) -> Option<u64> {
        self.tallied(block)
            .map(|tallies| tallies.map(|tally| tally.n).sum())
    }

    /// Tallies of the block for which facts speak, if it is asked for as a whole.
    pub(super) fn tallied<'b>(&'b self, block: &'b Block) -> Option<impl Iterator<Item = &'b Tally>> {
        let is_inside = self.filter.has_time(block.first_ns)
            && self.filter.has_time(block.last_ns)
            && self.filter.has_id(block.first_id)
            && self.filter.has_id(block.last_id);
        is_inside.then(|| block.tallies.iter().filter(|tally| self.has_tally(tally)))
    }

    /// Places of the rows that match, among those that are `wanted`. The text must be there if it is needed.
    pub(super) fn places(&mut self, frame: &Frame, wanted: impl Fn(&Row) -> bool) -> Vec<usize> {
        let rows = &frame.rows;
        if !self.filter.query.needs_text() {
            return (0..rows.len())
                .filter(|at| wanted(&rows[*at]) && self.has_row(&rows[*at]))
                .collect();
        }
        self.lower.clear();
        self.lower.push_str(&frame.text);
        self.lower.make_ascii_lowercase();
        let candidates = self.candidates(frame);
        let mut places: Vec<usize> = match candidates {
            Some(places) => places,
            None => (0..rows.len()).collect(),
        };
        places.retain(|at| {
            let row = &rows[*at];
            wanted(row) && self.has_row(row) && self.matches_text(frame, *at)
        });
        places
    }

    fn matches_text(&self, frame: &Frame, at: usize) -> bool {
        let row = &frame.rows[at];
        let name = self.names.get(row.container as usize).map_or("", |name| name);
        let view = EntryView::new(row.time_ns, name, row.stream, row.level, frame.message(at));
        let view = view.with_lower(self.lower.get(frame.range(at)).unwrap_or(""));
        self.filter.query.matches_text(&view)
    }

    /// Rows that have a probe in their text or hide what they have, in order.
    fn candidates(&self, frame: &Frame) -> Option<Vec<usize>> {
        let probes = self.probes.as_ref()?;
        let mut places: Vec<usize> = Vec::new();
        for (at, row) in frame.rows.iter().enumerate() {
            if row.hides_words {
                places.push(at);
            }
        }
        for probe in probes {
            let mut from = 0;
            while let Some(found) = self
                .lower
                .as_bytes()
                .get(from..)
                .and_then(|rest| probe.find(rest))
            {
                let at = frame.rows.partition_point(|row| row.end as usize <= from + found);
                let Some(row) = frame.rows.get(at) else { break };
                places.push(at);
                from = row.end as usize;
            }
        }
        places.sort_unstable();
        places.dedup();
        Some(places)
    }
}

fn admitted(filter: &Filter, name: &str) -> u16 {
    let mut bits = 0;
    for level in Level::ALL {
        for stream in [Stream::Stdout, Stream::Stderr] {
            if filter.has_facts(name, level, stream) {
                bits |= bit(level, stream);
            }
        }
    }
    bits
}

/// Texts of which one must be in every entry that matches, as few and long as can be.
fn probes(need: &Need) -> Option<Vec<&str>> {
    match need {
        Need::Anything => None,
        Need::Word(text) | Need::Prefix(text) => text.is_ascii().then(|| vec![text.as_str()]),
        Need::All(needs) => needs.iter().filter_map(probes).min_by_key(|probes| {
            (
                probes.len(),
                std::cmp::Reverse(probes.iter().map(|text| text.len()).min()),
            )
        }),
        Need::Any(needs) => {
            let all: Option<Vec<Vec<&str>>> = needs.iter().map(probes).collect();
            all.map(|all| all.concat())
        }
    }
}
