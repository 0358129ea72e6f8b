//! Answers queries: which series, from which tier, into which buckets. One read of the database and of memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::domain::aggregate::Aggregate;
use crate::domain::fold::Fold;
use crate::domain::kind::Kind;
use crate::domain::resolution::{Grid, Plan};
use crate::domain::select::{Answer, Function, Point, Select, SeriesResult, Split};
use crate::domain::series::Series;
use crate::ingest::Ingest;
use crate::registry::Registry;
use crate::sealed::Total;
use crate::source::{Snapshot, Source};

/// Buckets of all lines of an answer together, at some 60 bytes and as much again when they are told; those with
/// distributions count twice.
const MAX_CELLS: usize = 50_000;
/// A query that takes longer is given up. SQLite's own deadline does not see the time between its statements.
const MAX_TIME: Duration = Duration::from_secs(5);
/// Series between two looks at the clock.
const CLOCK_STEP: usize = 64;

/// The series of a query, and which lines they make.
pub struct Chosen {
    kind: Option<Kind>,
    /// By id.
    members: Vec<Member>,
    lines: Vec<SeriesResult>,
    /// Whether the means of the series are asked for.
    has_totals: bool,
    is_plain: bool,
}

/// A series and its line.
struct Member {
    series: u32,
    line: usize,
}

/// Finds the series of a query.
pub fn choose(registry: &Registry, select: &Select) -> Chosen {
    let is_meant = |series: &Series| {
        let is_of_project =
            select.project.is_none() || select.project.as_deref() == series.project.as_deref();
        is_of_project
            && select
                .matchers
                .iter()
                .all(|matcher| matcher.accepts(&series.labels))
    };
    let meant: Vec<(u32, &Series)> = registry
        .of_name(&select.name)
        .iter()
        .filter_map(|id| Some((*id, registry.get(*id)?)))
        .filter(|(_, series)| is_meant(series))
        .collect();
    let kind = select
        .kind
        .or_else(|| most_frequent(meant.iter().map(|(_, series)| series.kind)));
    let mut lines: BTreeMap<Common<'_>, Vec<u32>> = BTreeMap::new();
    for (id, series) in meant.into_iter().filter(|(_, series)| Some(series.kind) == kind) {
        lines.entry(line_of(series, &select.split)).or_default().push(id);
    }
    if select.split == Split::Merged {
        lines.entry((Vec::new(), None)).or_default();
    }
    let mut members: Vec<Member> = Vec::new();
    for (line, (_, ids)) in lines.iter().enumerate() {
        members.extend(ids.iter().map(|id| Member { series: *id, line }));
    }
    members.sort_unstable_by_key(|member| member.series);
    let result = |(labels, project): Common<'_>| SeriesResult {
        labels: labels
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
        project: project.map(Into::into),
        points: Vec::new(),
    };
    Chosen {
        kind,
        members,
        lines: lines.into_keys().map(result).collect(),
        has_totals: select.function == Some(Function::Total),
        is_plain: select.is_plain,
    }
}

/// What tells lines apart: labels, and the project where series are apart.
type Common<'a> = (Vec<(&'a str, &'a str)>, Option<&'a str>);

fn line_of<'a>(series: &'a Series, split: &'a Split) -> Common<'a> {
    match split {
        Split::Merged => (Vec::new(), None),
        Split::By(keys) => {
            let value = |key: &'a String| (key.as_str(), series.labels.get(key).unwrap_or(""));
            (keys.iter().map(value).collect(), None)
        }
        Split::All => (series.labels.iter().collect(), series.project.as_deref()),
    }
}

fn most_frequent(kinds: impl Iterator<Item = Kind>) -> Option<Kind> {
    let mut counts = [0; Kind::ALL.len()];
    kinds.for_each(|kind| counts[usize::from(kind.number())] += 1);
    let of = |kind: &Kind| counts[usize::from(kind.number())];
    // Of equally many the first counts, and the last is what `max_by_key` takes.
    Kind::ALL
        .into_iter()
        .rev()
        .max_by_key(of)
        .filter(|kind| of(kind) > 0)
}

/// Why a query has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// It would have more lines, each with so many buckets, than can be told.
    TooMany(usize),
    /// It takes too long.
    TooSlow,
}

/// What a query found, before anything is made of it.
pub struct Found {
    kind: Option<Kind>,
    plan: Plan,
    n_series: usize,
    lines: Vec<Line>,
}

/// A line: what its series have in common, and their buckets.
struct Line {
    result: SeriesResult,
    fold: Fold,
    /// By bucket, the series' means summed up; empty where nobody asks for it.
    totals: Vec<f64>,
}

impl Found {
    /// The answer that the function makes of it.
    pub fn into_answer(self, function: Option<Function>) -> Answer {
        let Plan { tier, grid } = self.plan;
        let told = |line: Line| SeriesResult {
            points: self
                .kind
                .map_or_else(Vec::new, |kind| points(&line, kind, function, &grid)),
            ..line.result
        };
        Answer {
            kind: self.kind,
            tier,
            step_ms: grid.step_ms,
            from_ms: grid.from_ms,
            to_ms: grid.to_ms(),
            n_series: self.n_series,
            series: self.lines.into_iter().map(told).collect(),
        }
    }

    /// Of a query for whole ranges: the labels of each line that has samples, and what they sum up to.
    pub fn wholes(&self) -> impl Iterator<Item = (&[(String, String)], &Aggregate)> {
        self.lines
            .iter()
            .filter_map(move |line| Some((line.result.labels.as_slice(), line.fold.filled().next()?.1)))
    }

    /// All buckets that have samples, line after line: when each begins, and what is in it.
    pub fn buckets(&self) -> impl Iterator<Item = (i64, &Aggregate)> {
        let filled = self.lines.iter().flat_map(|line| line.fold.filled());
        filled.map(|(place, bucket)| (self.plan.grid.at_ms(place), bucket))
    }

    /// All of them together.
    pub fn whole(&self) -> Aggregate {
        let mut all = Aggregate::default();
        self.wholes().for_each(|(_, bucket)| all.merge(bucket));
        all
    }

    /// What is added up, or counted, in a bucket of it: requests by a counter, observations.
    pub fn increase(&self, bucket: &Aggregate) -> f64 {
        let increase = self
            .kind
            .and_then(|kind| Function::Increase.of(kind, bucket, 0., self.plan.grid.step_ms));
        increase.unwrap_or(0.)
    }
}

/// Reads and folds one after the other, of one snapshot. `connection` has not read anything yet: who reads memory
/// enters before that, and looks at it after.
pub fn run_all(
    connection: &Connection,
    ingest: &Ingest,
    queries: Vec<(Plan, Chosen)>,
) -> rusqlite::Result<Result<Vec<Found>, NoAnswer>> {
    let _reading = ingest.readers.enter();
    let from_ms = queries.iter().map(|(plan, _)| plan.grid.from_ms).min();
    let snapshot = Snapshot::take(connection, from_ms.unwrap_or(i64::MAX))?;
    let mut all = Vec::with_capacity(queries.len());
    for (plan, chosen) in queries {
        match run(connection, &snapshot, ingest, &plan, chosen)? {
            Ok(found) => all.push(found),
            Err(no_answer) => return Ok(Err(no_answer)),
        }
    }
    Ok(Ok(all))
}

fn run(
    connection: &Connection,
    snapshot: &Snapshot,
    ingest: &Ingest,
    plan: &Plan,
    chosen: Chosen,
) -> rusqlite::Result<Result<Found, NoAnswer>> {
    let by_minutes = plan.by_minutes();
    let plan = match chosen.kind {
        Some(Kind::Histogram) => &by_minutes,
        _ => plan,
    };
    let n_lines = chosen.lines.len();
    let has_distributions = chosen.kind == Some(Kind::Histogram) && !chosen.is_plain;
    let weight = if has_distributions { 2 } else { 1 };
    if n_lines.saturating_mul(plan.grid.n * weight) > MAX_CELLS {
        return Ok(Err(NoAnswer::TooMany(n_lines)));
    }
    let line = |result| Line {
        result,
        fold: match chosen.is_plain {
            true => Fold::plain(plan.grid),
            false => Fold::new(plan.grid),
        },
        totals: Vec::new(),
    };
    let mut lines: Vec<Line> = chosen.lines.into_iter().map(line).collect();
    if let Some(kind) = chosen.kind {
        let mut source = Source::open(connection, snapshot, ingest, plan);
        let began = Instant::now();
        let sealed = match lines.as_mut_slice() {
            [line] if !chosen.has_totals => line.add_sealed(&mut source, &chosen.members, kind)?,
            _ => None,
        };
        for (done, member) in chosen.members.iter().enumerate() {
            if done % CLOCK_STEP == 0 && began.elapsed() > MAX_TIME {
                return Ok(Err(NoAnswer::TooSlow));
            }
            let line = &mut lines[member.line];
            match &sealed {
                Some(totals) => {
                    let total = totals.get(done).copied().flatten();
                    line.add_beyond(&mut source, member.series, kind, total)?;
                }
                None if chosen.has_totals => line.add_apart(&mut source, member.series, kind)?,
                None => line.add(&mut source, member.series, kind)?,
            }
        }
    }
    Ok(Ok(Found {
        kind: chosen.kind,
        plan: *plan,
        n_series: chosen.members.len(),
        lines,
    }))
}

impl Line {
    /// Reads a series right into the line.
    fn add(&mut self, source: &mut Source<'_>, series: u32, kind: Kind) -> rusqlite::Result<()> {
        std::mem::swap(&mut source.fold, &mut self.fold);
        let read = source.read(series, kind);
        std::mem::swap(&mut source.fold, &mut self.fold);
        read
    }

    /// Adds what rows say of all series, where that can be remembered. Returns what each of cumulative series stood at.
    fn add_sealed(
        &mut self,
        source: &mut Source<'_>,
        members: &[Member],
        kind: Kind,
    ) -> rusqlite::Result<Option<Vec<Option<Total>>>> {
        let series: Vec<u32> = members.iter().map(|member| member.series).collect();
        std::mem::swap(&mut source.fold, &mut self.fold);
        let read = source.read_sealed(&series, kind);
        std::mem::swap(&mut source.fold, &mut self.fold);
        read
    }

    /// Adds what memory says beyond that.
    fn add_beyond(
        &mut self,
        source: &mut Source<'_>,
        series: u32,
        kind: Kind,
        total: Option<Total>,
    ) -> rusqlite::Result<()> {
        std::mem::swap(&mut source.fold, &mut self.fold);
        let read = source.read_beyond(series, kind, total);
        std::mem::swap(&mut source.fold, &mut self.fold);
        read
    }

    /// Reads it apart, since its means are asked for as well.
    fn add_apart(&mut self, source: &mut Source<'_>, series: u32, kind: Kind) -> rusqlite::Result<()> {
        self.totals.resize(self.fold.grid().n, 0.);
        source.fold.clear();
        source.read(series, kind)?;
        for (place, bucket) in source.fold.filled() {
            self.totals[place] += bucket.avg();
        }
        self.fold.merge(&source.fold);
        Ok(())
    }
}

fn points(line: &Line, kind: Kind, function: Option<Function>, grid: &Grid) -> Vec<Point> {
    let point = |(place, bucket): (usize, &Aggregate)| {
        let total = line.totals.get(place).copied().unwrap_or_default();
        Point::of(grid.at_ms(place), kind, bucket, total, function, grid.step_ms)
    };
    line.fold.filled().map(point).collect()
}
