//! Answers queries: which series, from which tier, into which buckets. One read of the database and of memory.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::domain::aggregate::Aggregate;
use crate::domain::fold::Fold;
use crate::domain::head::Head;
use crate::domain::kind::Kind;
use crate::domain::resolution::Plan;
use crate::domain::select::{Answer, Point, Select, SeriesResult, Split};
use crate::domain::series::Series;
use crate::domain::window;
use crate::ingest::Ingest;
use crate::registry::Registry;

/// Buckets of all lines of an answer together.
const MAX_CELLS: usize = 500_000;
/// Series whose heads are read at once, while no sample comes in.
const HEADS_STEP: usize = 64;

/// More lines than can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// How many lines the answer would have.
    pub n_lines: usize,
}

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

/// Reads and folds. `connection` is one snapshot, taken before memory is looked at.
pub fn run(
    _connection: &Connection,
    ingest: &Ingest,
    select: &Select,
    plan: &Plan,
    mut chosen: Chosen,
) -> rusqlite::Result<Result<Answer, TooMany>> {
    let n_lines = chosen.lines.len();
    if n_lines.saturating_mul(plan.grid.n) > MAX_CELLS {
        return Ok(Err(TooMany { n_lines }));
    }
    let mut cells = vec![Cell::default(); n_lines * plan.grid.n];
    let mut fold = Fold::new(plan.grid);
    if let Some(kind) = chosen.kind {
        for members in chosen.members.chunks(HEADS_STEP) {
            let heads = ingest.heads();
            for member in members {
                fold.clear();
                for (number, head) in heads.of_series(member.series) {
                    fold_head(&mut fold, kind, number, head);
                }
                let line = &mut cells[member.line * plan.grid.n..][..plan.grid.n];
                for (place, bucket) in fold.filled() {
                    line[place].bucket.merge(bucket);
                    line[place].total += bucket.avg();
                }
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

fn fold_head(fold: &mut Fold, kind: Kind, number: i64, head: &Head) {
    let start_ms = window::start_ms(number);
    match head {
        Head::Samples(samples) if kind == Kind::Cumulative => {
            fold.add_entries(kind, start_ms, samples.sorted());
        }
        Head::Samples(samples) => samples.each(|entry| fold.add_entry(kind, start_ms, entry)),
        Head::Minutes(minutes) => minutes.each(|minute, bucket| {
            let at_ms = start_ms + i64::from(minute) * crate::domain::timestamp::MINUTE_MS;
            fold.add_bucket(at_ms, start_ms, bucket);
        }),
    }
}
