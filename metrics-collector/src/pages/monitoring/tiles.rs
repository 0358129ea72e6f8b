//! Numbers with what they were before, and the line of how they went; and which are well by the thresholds.

use ui::{Count, Unit};

use crate::domain::malti::config::Thresholds;
use crate::domain::requests::overview::{Latencies, Point, Stats};
use crate::monitoring::Found;
use crate::pages::overview_view::{FEWEST_COMPARED, change, was_of_few};

/// From apdex.org: good, and where users begin to be frustrated.
const APDEX_GOOD: f64 = 0.85;
const APDEX_FAIR: f64 = 0.7;
/// Width and height of a line of how it went; a point at most for each.
const TREND_WIDTH: f64 = 100.;
const TREND_HEIGHT: f64 = 24.;

pub(crate) struct Tile {
    pub(crate) title: &'static str,
    pub(crate) value: String,
    pub(crate) tone: Tone,
    pub(crate) change: String,
    /// `points` of a polyline; empty where there is nothing to draw.
    pub(crate) trend: String,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Tone {
    /// Nothing is said.
    #[default]
    None,
    Good,
    Warn,
    Bad,
}

impl Tone {
    /// A class of the stylesheet.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Good => "good",
            Self::Warn => "warn",
            Self::Bad => "bad",
        }
    }

    /// For whom the colour says nothing.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Good => "good",
            Self::Warn => "raised",
            Self::Bad => "bad",
        }
    }

    /// Whether somebody should look.
    pub(crate) fn is_off(self) -> bool {
        matches!(self, Self::Warn | Self::Bad)
    }

    /// Up to the one it is well, up to the other it is not too bad.
    fn up_to(value: f64, success: f64, warning: f64) -> Self {
        match value {
            value if value <= success => Self::Good,
            value if value <= warning => Self::Warn,
            _ => Self::Bad,
        }
    }
}

/// Of a part of failed requests.
pub(crate) fn error_tone(stats: &Stats, limits: &Thresholds) -> Tone {
    match stats.total {
        0 => Tone::None,
        _ => Tone::up_to(
            stats.error_rate(),
            limits.error_rate_success,
            limits.error_rate_warning,
        ),
    }
}

/// Of a latency in ms.
pub(crate) fn latency_tone(ms: Option<f64>, limits: &Thresholds) -> Tone {
    ms.map_or(Tone::None, |ms| {
        Tone::up_to(ms, limits.latency_success, limits.latency_warning)
    })
}

fn apdex_tone(apdex: Option<f64>) -> Tone {
    match apdex {
        None => Tone::None,
        Some(apdex) if apdex >= APDEX_GOOD => Tone::Good,
        Some(apdex) if apdex >= APDEX_FAIR => Tone::Warn,
        Some(_) => Tone::Bad,
    }
}

/// A latency for people.
pub(crate) fn ms(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |ms| Unit::Milliseconds.show(ms))
}

/// A part of failed requests for people.
pub(crate) fn percent(stats: &Stats) -> String {
    match stats.total {
        0 => "–".to_owned(),
        _ => Unit::Ratio.show(stats.error_rate() / 100.),
    }
}

/// The tiles of a range.
pub(crate) fn tiles(found: &Found) -> Vec<Tile> {
    let (now, before, limits) = (&found.now.total, &found.before.total, &found.thresholds);
    let is_enough = now.total.min(before.total) >= FEWEST_COMPARED;
    let trend = |of: fn(&Stats) -> Option<f64>| trend(&found.now.series, of);
    let latency = |title, of: fn(&Latencies) -> f64, trend: String| {
        let (value, was) = (now.latency.as_ref().map(of), before.latency.as_ref().map(of));
        Tile {
            title,
            value: ms(value),
            tone: latency_tone(value, limits),
            change: match was.filter(|_| !is_enough) {
                None => change(value, was, |ms| Unit::Milliseconds.show(ms)),
                Some(was) => was_of_few(&ms(Some(was)), before.total),
            },
            trend,
        }
    };
    let (apdex, was) = (now.latency.map(|it| it.apdex), before.latency.map(|it| it.apdex));
    vec![
        Tile {
            title: "Requests",
            value: Count::new(now.total).exact,
            tone: Tone::None,
            change: format!(
                "{}; {}",
                Unit::PerSecond.show(now.total as f64 / found.seconds),
                change(Some(now.total as f64), Some(before.total as f64), |n| Count::new(
                    n as u64
                )
                .short)
            ),
            trend: trend(|stats| Some(stats.total as f64)),
        },
        Tile {
            title: "Error rate",
            value: percent(now),
            tone: error_tone(now, limits),
            change: match before.total {
                0 => "nothing before".to_owned(),
                _ => format!("was {}", percent(before)),
            },
            trend: trend(|stats| (stats.total > 0).then(|| stats.error_rate())),
        },
        latency(
            "Latency p50",
            |it| it.p50,
            trend(|stats| stats.latency.map(|it| it.p50)),
        ),
        latency(
            "Latency p95",
            |it| it.p95,
            trend(|stats| stats.latency.map(|it| it.p95)),
        ),
        latency(
            "Latency p99",
            |it| it.p99,
            trend(|stats| stats.latency.map(|it| it.p99)),
        ),
        Tile {
            title: "Apdex",
            value: apdex.map_or_else(|| "–".to_owned(), |apdex| format!("{apdex:.2}")),
            tone: apdex_tone(apdex),
            change: was.map_or_else(|| "nothing before".to_owned(), |was| format!("was {was:.2}")),
            trend: trend(|stats| stats.latency.map(|it| it.apdex)),
        },
    ]
}

/// Points of a polyline from the left to the right; what is missing is passed over.
fn trend(series: &[Point], of: impl Fn(&Stats) -> Option<f64>) -> String {
    let values: Vec<Option<f64>> = series.iter().map(|point| of(&point.stats)).collect();
    // Several to a point where there are more than can be told apart.
    let group = values.len().div_ceil(TREND_WIDTH as usize).max(1);
    let means: Vec<Option<f64>> = values
        .chunks(group)
        .map(|group| {
            let there: Vec<f64> = group.iter().copied().flatten().collect();
            (!there.is_empty()).then(|| there.iter().sum::<f64>() / there.len() as f64)
        })
        .collect();
    let top = means.iter().flatten().fold(0_f64, |top, value| top.max(*value));
    let last = means.len().saturating_sub(1).max(1) as f64;
    let points: Vec<String> = means
        .iter()
        .enumerate()
        .filter_map(|(place, value)| {
            let x = place as f64 / last * TREND_WIDTH;
            let y = TREND_HEIGHT - (*value)? / top.max(f64::MIN_POSITIVE) * (TREND_HEIGHT - 1.);
            Some(format!("{x:.1},{y:.1}"))
        })
        .collect();
    match points.len() {
        0 | 1 => String::new(),
        _ => points.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_colour_what_is_above_them() {
        let limits = Thresholds::default();
        let stats = |errors| Stats {
            total: 100,
            errors,
            ..Stats::default()
        };
        assert_eq!(
            [1, 2, 3].map(|n| error_tone(&stats(n), &limits)),
            [Tone::Good, Tone::Warn, Tone::Bad]
        );
        assert_eq!(error_tone(&Stats::default(), &limits), Tone::None);
        let latencies = [Some(300.), Some(600.), Some(601.), None];
        assert_eq!(
            latencies.map(|ms| latency_tone(ms, &limits)),
            [Tone::Good, Tone::Warn, Tone::Bad, Tone::None]
        );
        assert_eq!(
            [Some(0.9), Some(0.7), Some(0.5)].map(apdex_tone),
            [Tone::Good, Tone::Warn, Tone::Bad]
        );
    }

    #[test]
    fn a_trend_goes_from_left_to_right_below_its_greatest() {
        let of = |totals: &[u64]| {
            let point = |total: &u64| Point {
                at_ms: 0,
                stats: Stats {
                    total: *total,
                    ..Stats::default()
                },
            };
            let series: Vec<Point> = totals.iter().map(point).collect();
            trend(&series, |stats| (stats.total > 0).then_some(stats.total as f64))
        };
        assert_eq!(of(&[1, 0, 2]), "0.0,12.5 100.0,1.0");
        assert_eq!((of(&[5]).as_str(), of(&[]).as_str()), ("", ""));
        assert_eq!(of(&[7; 1000]).split(' ').count(), 100);
    }
}
