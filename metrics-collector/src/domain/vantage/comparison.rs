//! Whether a metric became better or worse: two sets of values by Welch's t, as Vantage compares services and times.

use serde::Serialize;

/// From so many values on, on each side, a difference can be significant.
const MIN_SAMPLES: usize = 10;
/// With more than so many a 95th percentile is told.
const MIN_FOR_P95: usize = 20;
/// |t| beyond which it is.
const SIGNIFICANT_T: f64 = 2.;
/// A smaller change is none, in percent.
const MIN_CHANGE_PERCENT: f64 = 5.;
/// Names of which less is better.
const LOWER_IS_BETTER: [&str; 5] = ["latency", "duration", "time", "delay", "error"];

/// What the comparison says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Of which metric.
    pub metric_name: String,
    /// Mean of the one side.
    pub baseline_avg: f64,
    /// Mean of the other.
    pub candidate_avg: f64,
    /// Of more than 20 values only.
    pub baseline_p95: Option<f64>,
    /// See `baseline_p95`.
    pub candidate_p95: Option<f64>,
    /// Of the mean; 0 where the baseline is 0.
    pub change_percent: f64,
    /// Whether it is more than chance.
    pub is_significant: bool,
    /// improvement, regression or neutral.
    pub verdict: &'static str,
    /// 0.9 if it is significant, 0.7 if it is not, 0.5 of too few values.
    pub confidence: f64,
}

/// Compares; `None` if either side is empty.
pub fn compare(metric: &str, mut baseline: Vec<f64>, mut candidate: Vec<f64>) -> Option<Comparison> {
    if baseline.is_empty() || candidate.is_empty() {
        return None;
    }
    let (before, after) = (mean(&baseline), mean(&candidate));
    let change_percent = match before {
        0. => 0.,
        before => (after - before) / before.abs() * 100.,
    };
    let has_enough = baseline.len().min(candidate.len()) >= MIN_SAMPLES;
    let is_significant = has_enough && t(&baseline, &candidate).abs() > SIGNIFICANT_T;
    let verdict = match is_significant && change_percent.abs() > MIN_CHANGE_PERCENT {
        false => "neutral",
        true if (change_percent < 0.) == is_lower_better(metric) => "improvement",
        true => "regression",
    };
    Some(Comparison {
        metric_name: metric.to_owned(),
        baseline_avg: before,
        candidate_avg: after,
        baseline_p95: p95(&mut baseline),
        candidate_p95: p95(&mut candidate),
        change_percent,
        is_significant,
        verdict,
        confidence: match (has_enough, is_significant) {
            (false, _) => 0.5,
            (true, false) => 0.7,
            (true, true) => 0.9,
        },
    })
}

fn is_lower_better(metric: &str) -> bool {
    let metric = metric.to_ascii_lowercase();
    LOWER_IS_BETTER.iter().any(|word| metric.contains(word))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Of two values on each side at least.
fn t(left: &[f64], right: &[f64]) -> f64 {
    let spread = |values: &[f64]| {
        let (mean, n) = (mean(values), values.len() as f64);
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.) / n
    };
    let (difference, error) = (mean(right) - mean(left), (spread(left) + spread(right)).sqrt());
    match (difference == 0., error == 0.) {
        (true, _) => 0.,
        (false, true) => f64::INFINITY,
        (false, false) => difference / error,
    }
}

fn p95(values: &mut [f64]) -> Option<f64> {
    if values.len() <= MIN_FOR_P95 {
        return None;
    }
    let place = ((values.len() as f64 * 0.95) as usize).min(values.len() - 1);
    let (_, value, _) = values.select_nth_unstable_by(place, f64::total_cmp);
    Some(*value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around(middle: f64, n: usize) -> Vec<f64> {
        (0..n).map(|i| middle + (i % 5) as f64 - 2.).collect()
    }

    #[test]
    fn less_of_a_duration_is_better_and_less_of_others_is_not() {
        let check = |metric: &str, before, after, verdict| {
            let found = compare(metric, around(before, 30), around(after, 30)).unwrap();
            assert_eq!(found.verdict, verdict, "{metric} {before} {after}: {found:?}");
        };
        check("http.request.duration", 100., 150., "regression");
        check("http.request.duration", 100., 50., "improvement");
        check("orders.created", 100., 50., "regression");
        check("ERRORS", 10., 100., "regression");
        check("http.request.duration", 100., 104., "neutral");
        check("http.request.duration", 100., 100., "neutral");
    }

    #[test]
    fn few_values_say_little() {
        let found = compare("duration", around(10., 9), around(1000., 9)).unwrap();
        assert_eq!(
            (found.is_significant, found.verdict, found.confidence),
            (false, "neutral", 0.5)
        );
        assert_eq!(found.baseline_p95, None);
        let found = compare("duration", around(10., 30), around(1000., 30)).unwrap();
        assert_eq!((found.is_significant, found.confidence), (true, 0.9));
        assert_eq!(
            (found.baseline_p95, found.candidate_p95),
            (Some(12.), Some(1002.))
        );
        assert_eq!(found.change_percent, 9900.);
        assert_eq!(compare("duration", vec![], vec![1.]), None);
    }

    #[test]
    fn values_all_alike_differ_for_sure_or_not_at_all() {
        let of = |before, after| compare("m", vec![before; 12], vec![after; 12]).unwrap();
        assert!(of(1., 2.).is_significant && !of(1., 1.).is_significant);
        assert_eq!(of(0., 1.).change_percent, 0.);
    }
}
