//! From answers of the query engine to charts.

use ui::chart::{Series, Tone};
use ui::{Chart, Unit};

use crate::domain::kind::Kind;
use crate::domain::select::{Answer, Function, Point, SeriesResult};

/// Lines of one chart; of more, those with the greatest values.
pub(crate) const MAX_LINES: usize = 20;
/// From which part of its time on the bucket that is still running is shown: before, it says too little.
const RUNNING_SHARE: f64 = 0.2;

/// An empty chart over the grid of an answer.
pub(crate) fn chart(id: &str, title: impl Into<String>, unit: Unit, answer: &Answer) -> Chart {
    let n = (answer.to_ms - answer.from_ms) / answer.step_ms.max(1);
    Chart {
        id: id.to_owned(),
        title: title.into(),
        unit,
        from: answer.from_ms,
        to: answer.to_ms,
        step: answer.step_ms,
        times: (0..n)
            .map(|place| answer.from_ms + place * answer.step_ms)
            .collect(),
        sync: Some("page"),
        ..Chart::default()
    }
}

/// One line of an answer on its grid.
pub(crate) struct Line<'a> {
    answer: &'a Answer,
    points: &'a [Point],
    now_ms: i64,
    /// Whether the values are of a time, so that a bucket half over has half of them.
    is_per_bucket: bool,
    /// Whether they are per second, and so are made whole by the time that is over.
    is_rate: bool,
}

impl<'a> Line<'a> {
    /// `function` says how a bucket that is still running, and one without samples, are to be taken.
    pub(crate) fn new(
        answer: &'a Answer,
        line: &'a SeriesResult,
        function: Option<Function>,
        now_ms: i64,
    ) -> Self {
        Self {
            answer,
            points: &line.points,
            now_ms,
            is_per_bucket: matches!(
                function,
                Some(Function::Rate | Function::Increase | Function::Count | Function::Sum)
            ),
            is_rate: function == Some(Function::Rate),
        }
    }

    /// What `pick` takes of each bucket. Between its first and its last sample, a counter without samples counts 0.
    pub(crate) fn values(&self, pick: impl Fn(&Point) -> Option<f64>) -> Vec<Option<f64>> {
        let n = ((self.answer.to_ms - self.answer.from_ms) / self.answer.step_ms.max(1)).max(0);
        let mut values = vec![None; usize::try_from(n).unwrap_or(0)];
        let place = |point: &Point| {
            let place = (point.at_ms - self.answer.from_ms) / self.answer.step_ms.max(1);
            usize::try_from(place).unwrap_or(usize::MAX)
        };
        if self.is_per_bucket
            && self.answer.kind.is_some_and(Kind::is_additive)
            && let (Some(first), Some(last)) = (self.points.first(), self.points.last())
            && let Some(between) = values.get_mut(place(first)..=place(last))
        {
            between.fill(Some(0.0));
        }
        for point in self.points {
            if let Some(value) = values.get_mut(place(point)) {
                *value = pick(point).and_then(|value| self.whole(point, value));
            }
        }
        values
    }

    /// The value of a bucket that may still be running.
    fn whole(&self, point: &Point, value: f64) -> Option<f64> {
        let share = (self.now_ms - point.at_ms) as f64 / self.answer.step_ms.max(1) as f64;
        match share < 1.0 && self.is_per_bucket {
            true if share < RUNNING_SHARE => None,
            true if self.is_rate => Some(value / share),
            _ => Some(value),
        }
    }
}

/// The lines of a grouped answer, those with the greatest values first, and how many are left out.
pub(crate) fn lines(answer: &Answer, function: Function, now_ms: i64) -> (Vec<Series>, usize) {
    let mut lines: Vec<(f64, Series)> = answer
        .series
        .iter()
        .filter(|line| !line.points.is_empty())
        .map(|line| {
            let values = Line::new(answer, line, Some(function), now_ms).values(|point| point.value);
            let size = values.iter().flatten().map(|value| value.abs()).sum();
            let series = Series {
                name: name(line),
                values,
                ..Series::default()
            };
            (size, series)
        })
        .collect();
    lines.sort_by(|left, right| right.0.total_cmp(&left.0));
    let n_left_out = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    (lines.into_iter().map(|(_, series)| series).collect(), n_left_out)
}

/// What tells a line from the others: `GET`, `GET /x`; all of it where it has more labels than a legend can tell.
pub(crate) fn name(line: &SeriesResult) -> String {
    let value = |(_, value): &(String, String)| match value.as_str() {
        "" => "(none)".to_owned(),
        value => value.to_owned(),
    };
    match line.labels.len() {
        0 => "all".to_owned(),
        1 | 2 => line.labels.iter().map(value).collect::<Vec<_>>().join(" "),
        _ => {
            let pairs = line.labels.iter().map(|(key, value)| format!("{key}={value}"));
            pairs.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A name, and what is taken of each bucket.
pub(crate) type Pick = (&'static str, fn(&Point) -> Option<f64>);

/// The three quantiles of a merged answer.
pub(crate) fn quantiles(answer: &Answer, now_ms: i64) -> Vec<Series> {
    let Some(line) = answer.series.first() else {
        return Vec::new();
    };
    let line = Line::new(answer, line, None, now_ms);
    let picks: [Pick; 3] = [
        ("p50", |point| point.p50),
        ("p95", |point| point.p95),
        ("p99", |point| point.p99),
    ];
    picks
        .into_iter()
        .map(|(name, pick)| Series {
            name: name.to_owned(),
            values: line.values(pick),
            ..Series::default()
        })
        .collect()
}

/// The classes of status, each with its colour.
const CLASSES: [(&str, &str, Option<Tone>); 5] = [
    ("5", "5xx", Some(Tone::Bad)),
    ("4", "4xx", Some(Tone::Warn)),
    ("3", "3xx", Some(Tone::Soft)),
    ("2", "2xx", Some(Tone::Main)),
    ("", "other", Some(Tone::Soft)),
];

/// Requests per second by class of status, on top of one another.
pub(crate) fn by_class(answer: &Answer, now_ms: i64) -> Vec<Series> {
    let mut classes: Vec<Option<Vec<Option<f64>>>> = vec![None; CLASSES.len()];
    for line in &answer.series {
        let status = line.labels.first().map_or("", |(_, status)| status);
        let class = CLASSES.iter().position(|(begin, ..)| status.starts_with(begin));
        let values = Line::new(answer, line, Some(Function::Rate), now_ms).values(|point| point.value);
        let Some(sum) = class.and_then(|class| classes.get_mut(class)) else {
            continue;
        };
        match sum {
            None => *sum = Some(values),
            Some(sum) => add(sum, &values),
        }
    }
    let series = CLASSES
        .iter()
        .zip(classes)
        .filter_map(|((_, name, tone), values)| {
            Some(Series {
                name: (*name).to_owned(),
                values: values?,
                tone: *tone,
                ..Series::default()
            })
        });
    series.collect()
}

/// The part of them that failed, over time.
pub(crate) fn failed_share(answer: &Answer, is_failure: impl Fn(&str) -> bool, now_ms: i64) -> Series {
    let (mut all, mut failed) = (Vec::new(), Vec::new());
    for line in &answer.series {
        let values = Line::new(answer, line, Some(Function::Rate), now_ms).values(|point| point.value);
        let status = line.labels.first().map_or("", |(_, status)| status);
        if is_failure(status) {
            add(&mut failed, &values);
        }
        add(&mut all, &values);
    }
    failed.resize(all.len(), None);
    let share = all.iter().zip(&failed).map(|(all, failed)| {
        let all = all.filter(|all| *all > 0.0)?;
        Some(failed.unwrap_or(0.0) / all)
    });
    Series {
        name: "errors".to_owned(),
        values: share.collect(),
        tone: Some(Tone::Bad),
        ..Series::default()
    }
}

fn add(sum: &mut Vec<Option<f64>>, values: &[Option<f64>]) {
    sum.resize(values.len().max(sum.len()), None);
    for (sum, value) in sum.iter_mut().zip(values) {
        *sum = match (*sum, value) {
            (Some(sum), Some(value)) => Some(sum + value),
            (None, value) => *value,
            (sum, None) => sum,
        };
    }
}

/// The same series of an earlier time on the grid of `chart`, dashed in their colours. Grids differ by whole steps.
pub(crate) fn before(
    chart: &Chart,
    earlier: Vec<Series>,
    earlier_from_ms: i64,
    shift_ms: i64,
) -> Vec<Series> {
    let offset = (earlier_from_ms + shift_ms - chart.from) / chart.step.max(1);
    let place = |i: usize| i64::try_from(i).unwrap_or(i64::MAX).checked_sub(offset);
    earlier
        .into_iter()
        .map(|series| Series {
            name: format!("{} before", series.name),
            values: (0..chart.times.len())
                .map(|i| {
                    series
                        .values
                        .get(usize::try_from(place(i)?).ok()?)
                        .copied()
                        .flatten()
                })
                .collect(),
            colour_of: chart.series.iter().position(|now| now.name == series.name),
            is_dashed: true,
            ..Series::default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::aggregate::Aggregate;
    use crate::domain::resolution::Tier;

    const STEP: i64 = 10_000;

    fn answer(lines: &[(&str, &[(i64, f64)])], function: Function) -> Answer {
        let line = |(status, points): &(&str, &[(i64, f64)])| SeriesResult {
            labels: vec![("status".to_owned(), (*status).to_owned())],
            project: None,
            points: points
                .iter()
                .map(|(place, value)| {
                    let mut bucket = Aggregate::default();
                    bucket.add(Kind::Counter, 0, *value, 1);
                    Point::of(place * STEP, Kind::Counter, &bucket, 0.0, Some(function), STEP)
                })
                .collect(),
        };
        Answer {
            kind: Some(Kind::Counter),
            tier: Tier::Raw,
            step_ms: STEP,
            from_ms: 0,
            to_ms: 5 * STEP,
            n_series: lines.len(),
            series: lines.iter().map(line).collect(),
        }
    }

    #[test]
    fn a_counter_counts_nothing_where_it_has_no_samples_and_the_running_bucket_is_made_whole() {
        let answer = answer(&[("200", &[(1, 10.0), (4, 10.0)])], Function::Rate);
        let at = |now_ms: i64| lines(&answer, Function::Rate, now_ms).0[0].values.clone();
        assert_eq!(at(99 * STEP), [None, Some(1.0), Some(0.0), Some(0.0), Some(1.0)]);
        assert_eq!(at(4 * STEP + STEP / 2)[4], Some(2.0));
        assert_eq!(at(4 * STEP + STEP / 10)[4], None);
    }

    #[test]
    fn requests_are_told_by_class_and_the_failed_part_of_them() {
        let answer = answer(
            &[
                ("200", &[(0, 60.0)]),
                ("204", &[(0, 30.0)]),
                ("503", &[(0, 10.0)]),
            ],
            Function::Rate,
        );
        let classes = by_class(&answer, 99 * STEP);
        let told: Vec<_> = classes
            .iter()
            .map(|it| (it.name.as_str(), it.values[0]))
            .collect();
        assert_eq!(told, [("5xx", Some(1.0)), ("2xx", Some(9.0))]);
        assert_eq!(
            failed_share(&answer, |status| status == "503", 99 * STEP).values[0],
            Some(0.1)
        );
    }

    #[test]
    fn the_greatest_lines_are_shown_and_the_others_counted() {
        let few = [(0, 1.0)];
        let names: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        let mut all: Vec<(&str, &[(i64, f64)])> =
            names.iter().map(|name| (name.as_str(), &few[..])).collect();
        let much = [(0, 100.0)];
        all.push(("much", &much));
        let (lines, n_left_out) = lines(&answer(&all, Function::Sum), Function::Sum, 99 * STEP);
        assert_eq!((lines[0].name.as_str(), lines.len(), n_left_out), ("much", 20, 6));
    }

    #[test]
    fn what_was_before_lies_on_the_same_grid() {
        let now = answer(&[("200", &[(0, 1.0)])], Function::Sum);
        let mut chart = chart("x", "x", Unit::Plain, &now);
        let earlier = lines(&now, Function::Sum, 99 * STEP).0;
        chart.series = [vec![Series::default()], earlier.clone()].concat();
        let moved = before(&chart, earlier, -5 * STEP, 5 * STEP + 2 * STEP);
        assert_eq!(moved[0].values, [None, None, Some(1.0), None, None]);
        assert!(moved[0].is_dashed && moved[0].name == "200 before");
        assert_eq!(moved[0].colour_of, Some(1));
    }
}
