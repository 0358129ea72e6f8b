//! What fired, in Vantage's words: how bad it is by how far the value is beyond what is expected.

use serde::Serialize;

use crate::domain::alert_rule::Condition;

/// Beyond the bound by more than this part of it.
const CRITICAL_PART: f64 = 0.5;
const WARNING_PART: f64 = 0.3;

/// One that fires or fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    /// Unique; those by quartiles begin with `quartiles-`.
    pub alert_id: String,
    /// Whose metric; empty where the rule is about no single service.
    pub service_name: String,
    /// Which.
    pub metric_name: String,
    /// critical, warning or info.
    pub severity: &'static str,
    /// firing or resolved.
    pub status: &'static str,
    /// For people.
    pub message: String,
    /// None where nothing came.
    pub current_value: Option<f64>,
    /// The lower bound, if there is one.
    pub expected_min: Option<f64>,
    /// The upper one.
    pub expected_max: Option<f64>,
    /// How often it was told.
    pub threshold_breach_count: u64,
    /// Unix milliseconds.
    pub first_triggered: i64,
    /// See `first_triggered`.
    pub last_triggered: i64,
    /// None: it fires.
    pub resolved_at: Option<i64>,
}

/// What a rule found, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Its number.
    pub id: i64,
    /// Whose metric.
    pub service: String,
    /// Which.
    pub metric: String,
    /// What it was held against.
    pub condition: Condition,
    /// What it was.
    pub value: Option<f64>,
    /// Since when.
    pub since: i64,
    /// When it was well again.
    pub resolved_at: Option<i64>,
}

impl Alert {
    /// In Vantage's words. `now` is when one that still fires was last so.
    pub fn of(firing: Firing, now: i64) -> Self {
        let (expected_min, expected_max) = match firing.condition {
            Condition::Above(threshold) => (None, Some(threshold)),
            Condition::Below(threshold) => (Some(threshold), None),
            Condition::Absent => (None, None),
        };
        let breach = breach(&firing.metric, firing.condition, firing.value);
        Self {
            alert_id: firing.id.to_string(),
            status: match firing.resolved_at {
                Some(_) => "resolved",
                None => "firing",
            },
            severity: breach.severity,
            message: breach.message,
            service_name: firing.service,
            metric_name: firing.metric,
            current_value: firing.value,
            expected_min,
            expected_max,
            threshold_breach_count: 1,
            first_triggered: firing.since,
            last_triggered: firing.resolved_at.unwrap_or(now),
            resolved_at: firing.resolved_at,
        }
    }
}

/// How bad it is that a value is beyond a bound, and how it is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// critical, warning or info.
    pub severity: &'static str,
    /// For people.
    pub message: String,
}

/// What is to be told of a value that is beyond what it was held against.
pub fn breach(metric: &str, condition: Condition, value: Option<f64>) -> Breach {
    Breach {
        severity: severity(condition, value),
        message: message(metric, condition, value),
    }
}

fn severity(condition: Condition, value: Option<f64>) -> &'static str {
    let (Some(bound), Some(value)) = (condition.threshold(), value) else {
        return "critical";
    };
    match (value - bound).abs() / bound.abs() {
        // Beyond 0 every distance is far.
        part if part > CRITICAL_PART => "critical",
        part if part > WARNING_PART => "warning",
        _ => "info",
    }
}

fn message(metric: &str, condition: Condition, value: Option<f64>) -> String {
    match (condition, value) {
        (Condition::Above(bound), Some(value)) => {
            format!("{metric} is abnormally high: {value:.2} (expected max: {bound:.2})")
        }
        (Condition::Below(bound), Some(value)) => {
            format!("{metric} is abnormally low: {value:.2} (expected min: {bound:.2})")
        }
        _ => format!("{metric} is absent"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(condition: Condition, value: Option<f64>, resolved_at: Option<i64>) -> Alert {
        let firing = Firing {
            id: 7,
            service: "shop".into(),
            metric: "m".into(),
            condition,
            value,
            since: 100,
            resolved_at,
        };
        Alert::of(firing, 500)
    }

    #[test]
    fn severity_is_how_far_it_is_beyond() {
        let check = |condition, value, severity| {
            assert_eq!(
                alert(condition, value, None).severity,
                severity,
                "{condition:?} {value:?}"
            );
        };
        check(Condition::Above(10.), Some(12.), "info");
        check(Condition::Above(10.), Some(13.1), "warning");
        check(Condition::Above(10.), Some(15.1), "critical");
        check(Condition::Above(0.), Some(0.1), "critical");
        check(Condition::Below(10.), Some(6.9), "warning");
        check(Condition::Absent, None, "critical");
    }

    #[test]
    fn it_says_what_was_expected_and_since_when() {
        let firing = alert(Condition::Above(10.), Some(25.), None);
        assert_eq!(
            firing.message,
            "m is abnormally high: 25.00 (expected max: 10.00)"
        );
        assert_eq!(
            (firing.status, firing.expected_min, firing.expected_max),
            ("firing", None, Some(10.))
        );
        assert_eq!((firing.first_triggered, firing.last_triggered), (100, 500));
        let resolved = alert(Condition::Below(10.), Some(2.), Some(300));
        assert_eq!(
            (resolved.status, resolved.last_triggered, resolved.resolved_at),
            ("resolved", 300, Some(300))
        );
        assert_eq!(resolved.expected_min, Some(10.));
    }
}
