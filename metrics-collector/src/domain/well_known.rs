//! Metrics that clients send under known names, and what their values mean: requests of a web app, Web Vitals.

/// Names and labels of what one kind of client tells of its requests.
#[derive(Debug, PartialEq, Eq)]
pub struct HttpMetrics {
    /// Its word in URLs.
    pub key: &'static str,
    /// Who tells it.
    pub title: &'static str,
    /// Counts requests.
    pub requests: &'static str,
    /// Histogram of how long they took.
    pub durations: &'static str,
    /// The label that says what was asked for.
    pub endpoint: &'static str,
    /// The label with the status.
    pub status: &'static str,
}

impl HttpMetrics {
    /// Whether it is the services of this stack that tell.
    pub fn is_ours(&self) -> bool {
        self.key == "monlight"
    }
}

/// What is looked for, in this order: an app by the Python client, browsers by the JavaScript client, and the
/// services of this stack.
pub const HTTP: [HttpMetrics; 3] = [
    HttpMetrics {
        key: "app",
        title: "App",
        requests: "http_requests_total",
        durations: "http_request_duration_seconds",
        endpoint: "endpoint",
        status: "status",
    },
    HttpMetrics {
        key: "browser",
        title: "Requests of browsers",
        requests: "browser_http_requests_total",
        durations: "browser_http_request_duration_ms",
        endpoint: "host",
        status: "status",
    },
    HttpMetrics {
        key: "monlight",
        title: "Monlight itself",
        requests: "monlight_http_requests_total",
        durations: "monlight_http_request_duration_seconds",
        endpoint: "route",
        status: "status",
    },
];

/// A counter that is sent once for each release, and the label that says which: it becomes a mark in the charts.
pub const DEPLOYMENTS: (&str, &str) = ("deployments_total", "release");

/// Whether a request with this status went wrong: the server's errors, and in browsers the network's, which is 0.
pub fn is_failure(status: &str) -> bool {
    status.starts_with('5') || status == "0"
}

/// One of the Web Vitals.
#[derive(Debug, PartialEq)]
pub struct Vital {
    /// As answers of the API name it.
    pub key: &'static str,
    /// As people know it.
    pub title: &'static str,
    /// Its name in full.
    pub meaning: &'static str,
    /// The metric.
    pub metric: &'static str,
    /// Below this it is good.
    pub good: f64,
    /// From this on it is poor.
    pub poor: f64,
}

/// Bounds in ms, of CLS without unit, from web.dev/articles/vitals; p75 is compared with them.
pub const VITALS: [Vital; 5] = [
    Vital {
        key: "lcp",
        title: "LCP",
        meaning: "Largest Contentful Paint",
        metric: "web_vitals_lcp",
        good: 2500.0,
        poor: 4000.0,
    },
    Vital {
        key: "inp",
        title: "INP",
        meaning: "Interaction to Next Paint",
        metric: "web_vitals_inp",
        good: 200.0,
        poor: 500.0,
    },
    Vital {
        key: "cls",
        title: "CLS",
        meaning: "Cumulative Layout Shift",
        metric: "web_vitals_cls",
        good: 0.1,
        poor: 0.25,
    },
    Vital {
        key: "fcp",
        title: "FCP",
        meaning: "First Contentful Paint",
        metric: "web_vitals_fcp",
        good: 1800.0,
        poor: 3000.0,
    },
    Vital {
        key: "ttfb",
        title: "TTFB",
        meaning: "Time to First Byte",
        metric: "web_vitals_ttfb",
        good: 800.0,
        poor: 1800.0,
    },
];

/// Which quantile of its values rates a vital.
pub const RATED_QUANTILE: f64 = 0.75;

/// How a vital is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rating {
    /// As it should be.
    Good,
    /// In between.
    NeedsImprovement,
    /// So that visitors notice.
    Poor,
    /// There is no value.
    Unknown,
}

impl Rating {
    /// Its word in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NeedsImprovement => "needs-improvement",
            Self::Poor => "poor",
            Self::Unknown => "unknown",
        }
    }
}

impl Vital {
    /// The rating of a value (contract §3.6).
    pub fn rate(&self, value: Option<f64>) -> Rating {
        match value {
            None => Rating::Unknown,
            Some(value) if value < self.good => Rating::Good,
            Some(value) if value >= self.poor => Rating::Poor,
            Some(_) => Rating::NeedsImprovement,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vital_is_good_below_and_poor_from_its_bounds_on() {
        let lcp = &VITALS[0];
        let check = |value: Option<f64>, rating: Rating| assert_eq!(lcp.rate(value), rating, "{value:?}");
        check(None, Rating::Unknown);
        check(Some(2499.9), Rating::Good);
        check(Some(2500.0), Rating::NeedsImprovement);
        check(Some(3999.9), Rating::NeedsImprovement);
        check(Some(4000.0), Rating::Poor);
    }

    #[test]
    fn errors_of_servers_and_networks_are_failures() {
        for (status, expected) in [
            ("500", true),
            ("0", true),
            ("404", false),
            ("200", false),
            ("", false),
        ] {
            assert_eq!(is_failure(status), expected, "{status}");
        }
    }
}
