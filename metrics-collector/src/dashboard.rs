//! What overview page and `/api/dashboard` tell of well-known metrics, asked of the query engine over any range.
//! What belongs together is asked for in one go.

use ui::chart::Mark;
use web::Result;

use crate::app::App;
use crate::catalogue;
use crate::domain::resolution::Step;
use crate::domain::select::{Function, Select, Split};
use crate::domain::well_known::DEPLOYMENTS;

pub(crate) mod http;
pub(crate) mod vitals;

/// Endpoints and pages listed.
pub(crate) const MAX_ROWS: usize = 20;

/// Which metrics are meant: whose, and when.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    pub(crate) project: Option<String>,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

impl Scope {
    /// The range of the same length just before.
    pub(crate) fn before(&self) -> Self {
        Self {
            from_ms: 2 * self.from_ms - self.to_ms,
            to_ms: self.from_ms,
            project: self.project.clone(),
        }
    }

    /// The part of it that is over: what is told by time is told of this one. Where nothing is over yet, all of it.
    pub(crate) fn over(&self, now_ms: i64) -> Self {
        let to_ms = match self.from_ms < now_ms {
            true => self.to_ms.min(now_ms),
            false => self.to_ms,
        };
        Self {
            to_ms,
            ..self.clone()
        }
    }

    /// Everything of a metric in it, merged.
    pub(crate) fn select(&self, name: &str, step: Step) -> Select {
        Select {
            project: self.project.clone(),
            step,
            ..Select::new(name, self.from_ms, self.to_ms)
        }
    }

    /// The same, a line for each value of the labels.
    fn by(&self, name: &str, labels: &[&str], step: Step) -> Select {
        Select {
            split: Split::By(labels.iter().map(|label| (*label).to_owned()).collect()),
            ..self.select(name, step)
        }
    }
}

/// Releases marked in one chart: the latest of more.
const MAX_MARKS: usize = 50;

/// The releases within a range, as `deployments_total` tells them, the first one first.
pub(crate) async fn marks(app: &App, scope: &Scope) -> Result<Vec<Mark>> {
    let (name, label) = DEPLOYMENTS;
    if catalogue::series(&app.ingest.registry(), name, None, &[])
        .next()
        .is_none()
    {
        return Ok(Vec::new());
    }
    let step = Step::Ms(chart_step_ms(scope.to_ms - scope.from_ms, MARK_STEP_MS));
    let select = Select {
        function: Some(Function::Increase),
        ..scope.by(name, &[label], step)
    };
    let answer = app.select(select).await?;
    let mut marks: Vec<Mark> = answer
        .series
        .iter()
        .flat_map(|line| line.points.iter().map(move |point| (line, point)))
        .filter(|(_, point)| point.value.is_some_and(|added| added > 0.0))
        .map(|(line, point)| Mark {
            at: point.at_ms,
            label: line
                .labels
                .first()
                .map_or_else(String::new, |(_, release)| release.clone()),
        })
        .collect();
    marks.sort_by_key(|mark| mark.at);
    marks.drain(..marks.len().saturating_sub(MAX_MARKS));
    Ok(marks)
}

const MARK_STEP_MS: i64 = 10_000;

/// Steps of charts in milliseconds: lengths of time that people count in, each in whole buckets of a tier.
const STEPS_MS: [i64; 15] = [
    10_000,
    30_000,
    60_000,
    120_000,
    300_000,
    600_000,
    900_000,
    1_800_000,
    3_600_000,
    7_200_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
];
/// Points of a chart, about: a line of pixels has no more to tell.
const CHART_POINTS: i64 = 150;

/// The step of a chart over a range, not below `finest_ms`.
pub(crate) fn chart_step_ms(range_ms: i64, finest_ms: i64) -> i64 {
    let wanted = (range_ms / CHART_POINTS).max(finest_ms);
    let fitting = STEPS_MS.into_iter().find(|step| *step >= wanted);
    fitting.unwrap_or(STEPS_MS[STEPS_MS.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_still_to_come_counts_neither_now_nor_before() {
        let scope = |from_ms, to_ms| Scope {
            project: None,
            from_ms,
            to_ms,
        };
        let check = |asked: Scope, over: (i64, i64), before: (i64, i64)| {
            let over_now = asked.over(1000);
            assert_eq!((over_now.from_ms, over_now.to_ms), over, "{asked:?}");
            let earlier = over_now.before();
            assert_eq!((earlier.from_ms, earlier.to_ms), before, "{asked:?}");
        };
        check(scope(400, 1600), (400, 1000), (-200, 400));
        check(scope(400, 900), (400, 900), (-100, 400));
        check(scope(1000, 1500), (1000, 1500), (500, 1000));
    }

    #[test]
    fn charts_have_about_as_many_points_as_are_seen() {
        let check = |range_ms: i64, finest_ms: i64, step_ms: i64| {
            assert_eq!(chart_step_ms(range_ms, finest_ms), step_ms, "{range_ms}");
        };
        check(15 * 60_000, 10_000, 10_000);
        check(15 * 60_000, 60_000, 60_000);
        check(6 * 3_600_000, 60_000, 300_000);
        check(24 * 3_600_000, 60_000, 600_000);
        check(30 * 86_400_000, 60_000, 21_600_000);
        check(3_650 * 86_400_000, 60_000, 604_800_000);
    }
}
