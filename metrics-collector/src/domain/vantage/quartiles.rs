//! What is usual of a metric, as Vantage reckons it: without what is far outside its quartiles, a mean and a distance
//! from it.

use super::alert::{self, Breach};
use crate::domain::alert_rule::Condition;

/// Values that there must be, and those that must be left without the outliers.
const MIN_VALUES: usize = 10;
const MIN_LEFT: usize = 5;
/// So many interquartile ranges beyond a quartile is an outlier: Tukey's fences.
const FENCE: f64 = 1.5;

/// How far from the mean is unusual, in standard deviations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensitivity(pub f64);

impl Sensitivity {
    /// Vantage's, as the next three.
    pub const LOW: Self = Self(3.);
    /// What it takes where nobody says.
    pub const MEDIUM: Self = Self(2.5);
    /// See `LOW`.
    pub const HIGH: Self = Self(2.);
    /// See `LOW`.
    pub const VERY_HIGH: Self = Self(1.5);
}

/// What is usual.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Not below 0.
    pub min: f64,
    /// See `min`.
    pub max: f64,
}

/// What is usual by values of the past; `None` of too few.
pub fn bounds(mut values: Vec<f64>, sensitivity: Sensitivity) -> Option<Bounds> {
    if values.len() < MIN_VALUES {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let (first, third) = (quantile(&values, 0.25), quantile(&values, 0.75));
    let fence = FENCE * (third - first);
    values.retain(|value| (first - fence..=third + fence).contains(value));
    if values.len() < MIN_LEFT {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / n).sqrt();
    let distance = sensitivity.0 * deviation;
    let bounds = Bounds {
        min: (mean - distance).max(0.),
        max: mean + distance,
    };
    (bounds.min.is_finite() && bounds.max.is_finite()).then_some(bounds)
}

/// Of values in order, between two of them in proportion.
fn quantile(values: &[f64], part: f64) -> f64 {
    let place = part * (values.len() - 1) as f64;
    let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

impl Bounds {
    /// What is to be told of a value of a metric, if it is outside.
    pub fn breach(&self, metric: &str, value: f64) -> Option<Breach> {
        let condition = match value {
            value if value > self.max => Condition::Above(self.max),
            value if value < self.min => Condition::Below(self.min),
            _ => return None,
        };
        Some(alert::breach(metric, condition, Some(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_the_mean_and_its_distance_without_what_is_far_outside() {
        // 1 to 10 and one that is beyond the fence: mean 5.5, population deviation √8.25.
        let values: Vec<f64> = (1..=10).map(f64::from).chain([1_000.]).collect();
        let found = bounds(values, Sensitivity(2.5)).unwrap();
        let distance = 2.5 * 8.25_f64.sqrt();
        assert_eq!(found.min, 0.);
        assert!((found.max - (5.5 + distance)).abs() < 1e-9, "{found:?}");
        let narrow = bounds(
            vec![10., 10., 10., 10., 10., 12., 12., 12., 12., 12.],
            Sensitivity(2.),
        )
        .unwrap();
        assert_eq!(narrow, Bounds { min: 9., max: 13. });
    }

    #[test]
    fn of_too_few_nobody_knows() {
        assert_eq!(bounds(vec![1.; 9], Sensitivity(2.5)), None);
        assert_eq!(
            bounds(vec![1.; 10], Sensitivity(2.5)),
            Some(Bounds { min: 1., max: 1. })
        );
    }

    #[test]
    fn what_is_outside_is_told_with_how_far() {
        let bounds = Bounds { min: 10., max: 20. };
        let check = |value, expected: Option<(&str, &str)>| {
            let found = bounds.breach("queue", value);
            assert_eq!(
                found.as_ref().map(|it| (it.severity, it.message.as_str())),
                expected
            );
        };
        check(15., None);
        check(20., None);
        check(
            22.,
            Some(("info", "queue is abnormally high: 22.00 (expected max: 20.00)")),
        );
        check(
            27.,
            Some(("warning", "queue is abnormally high: 27.00 (expected max: 20.00)")),
        );
        check(
            31.,
            Some((
                "critical",
                "queue is abnormally high: 31.00 (expected max: 20.00)",
            )),
        );
        check(
            4.,
            Some(("critical", "queue is abnormally low: 4.00 (expected min: 10.00)")),
        );
    }
}
