//! The health score of a service, as Vantage reckons it: errors, latency and traffic, 0 to 100 each.

use serde::Serialize;

/// Good and bad of each, in between in proportion.
const ERROR_RATE: (f64, f64) = (0.01, 0.05);
const LATENCY_MS: (f64, f64) = (100., 500.);
const TRAFFIC_CHANGE: (f64, f64) = (0.1, 0.5);
/// Without any duration nobody knows.
const UNKNOWN_LATENCY: f64 = 50.;
/// The least that traffic can score.
const LEAST_TRAFFIC: f64 = 50.;
const HEALTHY: i64 = 80;
const DEGRADED: i64 = 50;

/// What is known of a service in one window.
#[derive(Debug, Clone, Default)]
pub struct Window {
    /// Rows of metrics whose name says that they are requests.
    pub n_requests: u64,
    /// Those with a status of 400 or more.
    pub n_failed: u64,
    /// The same in the window of equal length before.
    pub n_before: u64,
    /// All durations, in ms, in any order.
    pub durations_ms: Vec<f64>,
}

/// How a service is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Which.
    pub service_name: String,
    /// 0.5 errors + 0.3 latency + 0.2 traffic.
    pub overall_score: i64,
    /// 0 to 100.
    pub error_score: i64,
    /// 0 to 100.
    pub latency_score: i64,
    /// 50 to 100.
    pub traffic_score: i64,
    /// healthy, degraded or critical.
    pub status: &'static str,
    /// What it was made of.
    pub details: Details,
}

/// See [`Score::details`].
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Details {
    /// 0 to 1.
    pub error_rate: f64,
    /// None without durations.
    pub p95_latency_ms: Option<f64>,
    /// −100 to 100.
    pub traffic_change_percent: f64,
    /// Length of the window.
    pub time_window_seconds: i64,
}

/// The score of a window.
pub fn score(service: &str, mut window: Window, seconds: i64) -> Score {
    let error_rate = match window.n_requests {
        0 => 0.,
        n => window.n_failed as f64 / n as f64,
    };
    let p95 = p95(&mut window.durations_ms);
    let change = traffic_change(window.n_requests, window.n_before);
    let error_score = between(error_rate, ERROR_RATE, 0.);
    let latency_score = p95.map_or(UNKNOWN_LATENCY, |ms| between(ms, LATENCY_MS, 0.));
    let traffic_score = between(change.abs(), TRAFFIC_CHANGE, LEAST_TRAFFIC);
    let (errors, latency, traffic) = (error_score.trunc(), latency_score.trunc(), traffic_score.trunc());
    // A hair more: 0.3 of 50 is a hair less than 15.
    let overall = (0.5 * errors + 0.3 * latency + 0.2 * traffic + 1e-9) as i64;
    Score {
        service_name: service.to_owned(),
        overall_score: overall,
        error_score: errors as i64,
        latency_score: latency as i64,
        traffic_score: traffic as i64,
        status: match overall {
            HEALTHY.. => "healthy",
            DEGRADED.. => "degraded",
            _ => "critical",
        },
        details: Details {
            error_rate,
            p95_latency_ms: p95,
            traffic_change_percent: change * 100.,
            time_window_seconds: seconds,
        },
    }
}

/// The value at ⌊0.95 n⌋ of all in order.
fn p95(values: &mut [f64]) -> Option<f64> {
    let place = (values.len() as f64 * 0.95) as usize;
    let place = place.min(values.len().checked_sub(1)?);
    let (_, value, _) = values.select_nth_unstable_by(place, f64::total_cmp);
    Some(*value)
}

fn traffic_change(now: u64, before: u64) -> f64 {
    match before {
        0 => 0.,
        before => (now as f64 / before as f64 - 1.).clamp(-1., 1.),
    }
}

/// 100 up to the good one, `least` from the bad one on.
fn between(value: f64, (good, bad): (f64, f64), least: f64) -> f64 {
    let part = ((value - good) / (bad - good)).clamp(0., 1.);
    100. - part * (100. - least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_known_scores_85() {
        let score = score("x", Window::default(), 3600);
        assert_eq!((score.overall_score, score.status), (85, "healthy"));
        assert_eq!(
            (score.error_score, score.latency_score, score.traffic_score),
            (100, 50, 100)
        );
        assert_eq!(score.details.p95_latency_ms, None);
    }

    #[test]
    fn the_score_is_made_of_errors_latency_and_traffic() {
        let check = |n_failed, ms: f64, n_before, expected: (i64, i64, i64, i64, &str)| {
            let window = Window {
                n_requests: 100,
                n_failed,
                n_before,
                durations_ms: vec![ms; 100],
            };
            let score = score("x", window, 60);
            let found = (
                score.error_score,
                score.latency_score,
                score.traffic_score,
                score.overall_score,
            );
            assert_eq!(
                (found, score.status),
                ((expected.0, expected.1, expected.2, expected.3), expected.4)
            );
        };
        check(1, 100., 100, (100, 100, 100, 100, "healthy"));
        check(3, 300., 100, (50, 50, 100, 60, "degraded"));
        check(5, 500., 400, (0, 0, 50, 10, "critical"));
        check(0, 400., 0, (100, 25, 100, 77, "degraded"));
        // 30 % more is half-way from 10 to 50 %.
        check(0, 10., 77, (100, 100, 75, 95, "healthy"));
    }

    #[test]
    fn the_95th_of_a_hundred_is_the_one_at_place_95() {
        let mut values: Vec<f64> = (0..100).rev().map(f64::from).collect();
        assert_eq!(p95(&mut values), Some(95.));
        assert_eq!(p95(&mut [7.]), Some(7.));
        assert_eq!(p95(&mut []), None);
    }
}
