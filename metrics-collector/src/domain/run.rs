//! Samples of one series that came one after the other, summed up: a bucket that has all of them takes them at once.

use super::aggregate::Aggregate;
use super::kind::Kind;
use super::open_chunk::Entry;

/// See the head of this file.
#[derive(Debug, PartialEq)]
pub struct Run {
    first: Entry,
    /// All but the first, whose increment of a cumulative series depends on what was before. Its times count as those
    /// of the entries do.
    rest: Aggregate,
}

impl Run {
    /// Of entries in order of time; nothing of none.
    pub fn of(kind: Kind, entries: &[Entry]) -> Option<Self> {
        let (first, others) = entries.split_first()?;
        let mut rest = Aggregate::default();
        let mut before = first.value;
        for entry in others {
            let (at, n) = (i64::from(entry.at), u64::from(entry.n));
            if kind == Kind::Cumulative {
                rest.add_plain(at, increment(before, entry.value), n);
                rest.last = entry.value;
                before = entry.value;
            } else {
                rest.add_plain(at, entry.value, n);
            }
        }
        Some(Self { first: *first, rest })
    }

    /// The first of them.
    pub fn first(&self) -> Entry {
        self.first
    }

    /// All the others.
    pub fn rest(&self) -> &Aggregate {
        &self.rest
    }

    /// When the last one was, as entries have it.
    pub fn last_at(&self) -> i64 {
        self.rest.last_at.max(i64::from(self.first.at))
    }

    /// What the last one was.
    pub fn last(&self) -> f64 {
        match self.rest.is_empty() {
            true => self.first.value,
            false => self.rest.last,
        }
    }
}

/// What a cumulative series added between two totals. One that is less than before has started again from 0.
pub fn increment(before: f64, total: f64) -> f64 {
    match total >= before {
        true => total - before,
        false => total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(kind: Kind, values: &[f64]) -> Option<Run> {
        let entry = |(at, value): (usize, &f64)| Entry {
            at: at as i32,
            value: *value,
            n: 2,
        };
        Run::of(kind, &values.iter().enumerate().map(entry).collect::<Vec<_>>())
    }

    #[test]
    fn a_run_tells_its_ends_and_what_is_between() {
        let gauge = run(Kind::Gauge, &[4., 1., 3.]).unwrap();
        assert_eq!((gauge.first().value, gauge.last(), gauge.last_at()), (4., 3., 2));
        let rest = gauge.rest();
        assert_eq!((rest.count, rest.sum, rest.min, rest.max), (4, 8., 1., 3.));
        let total = run(Kind::Cumulative, &[4., 9., 3.]).unwrap();
        assert_eq!((total.rest().sum, total.rest().max, total.last()), (16., 5., 3.));
        let one = run(Kind::Gauge, &[7.]).unwrap();
        assert_eq!((one.last(), one.last_at(), one.rest().count), (7., 0, 0));
        assert_eq!(run(Kind::Gauge, &[]), None);
    }
}
