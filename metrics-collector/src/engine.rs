//! Answers queries: which series, from which tier, into which buckets. One read of the database and of memory.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::domain::aggregate::Aggregate;
use crate::domain::kind::Kind;
use crate::domain::resolution::Plan;
use crate::domain::select::{Answer, Point, Select, SeriesResult, Split};
use crate::domain::series::Series;
use crate::ingest::Ingest;
use crate::registry::Registry;
use crate::source::Source;

/// Buckets of all lines of an answer together.
const MAX_CELLS: usize = 500_000;
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
    let mut lines: BTreeMap<Line<'_>, Vec<u32>> = BTreeMap::new();
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
    let result = |(labels, project): Line<'_>| SeriesResult {
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
    }
}

/// What tells lines apart: labels, and the project where series are apart.
type Line<'a> = (Vec<(&'a str, &'a str)>, Option<&'a str>);

fn line_of<'a>(series: &'a Series, split: &'a Split) -> Line<'a> {
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

/// A bucket of a line.
#[derive(Clone, Default)]
struct Cell {
    bucket: Aggregate,
    /// The series' means, summed up.
    total: f64,
}

/// Why a query has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoAnswer {
    /// It would have more lines, each with so many buckets, than can be told.
    TooMany(usize),
    /// It takes too long.
    TooSlow,
}

/// Reads and folds. `connection` has not read anything yet: memory is looked at after its snapshot is taken.
pub fn run(
    connection: &Connection,
    ingest: &Ingest,
    select: &Select,
    plan: &Plan,
    mut chosen: Chosen,
) -> rusqlite::Result<Result<Answer, NoAnswer>> {
    let n_lines = chosen.lines.len();
    if n_lines.saturating_mul(plan.grid.n) > MAX_CELLS {
        return Ok(Err(NoAnswer::TooMany(n_lines)));
    }
    let _reading = ingest.readers.enter();
    let mut cells = vec![Cell::default(); n_lines * plan.grid.n];
    if let Some(kind) = chosen.kind {
        let mut source = Source::open(connection, ingest, plan)?;
        let began = Instant::now();
        for (done, member) in chosen.members.iter().enumerate() {
            if done % CLOCK_STEP == 0 && began.elapsed() > MAX_TIME {
                return Ok(Err(NoAnswer::TooSlow));
            }
            source.read(member.series, kind)?;
            let line = &mut cells[member.line * plan.grid.n..][..plan.grid.n];
            for (place, bucket) in source.fold.filled() {
                line[place].bucket.merge(bucket);
                line[place].total += bucket.avg();
            }
        }
        for (line, cells) in chosen.lines.iter_mut().zip(cells.chunks(plan.grid.n)) {
            line.points = points(cells, kind, select, plan);
        }
    }
    Ok(Ok(Answer {
        kind: chosen.kind,
        tier: plan.tier,
        step_ms: plan.grid.step_ms,
        from_ms: plan.grid.from_ms,
        to_ms: plan.grid.to_ms(),
        n_series: chosen.members.len(),
        series: chosen.lines,
    }))
}

fn points(cells: &[Cell], kind: Kind, select: &Select, plan: &Plan) -> Vec<Point> {
    let filled = cells
        .iter()
        .enumerate()
        .filter(|(_, cell)| !cell.bucket.is_empty());
    filled
        .map(|(place, cell)| {
            let at_ms = plan.grid.at_ms(place);
            Point::of(
                at_ms,
                kind,
                &cell.bucket,
                cell.total,
                select.function,
                plan.grid.step_ms,
            )
        })
        .collect()
}
