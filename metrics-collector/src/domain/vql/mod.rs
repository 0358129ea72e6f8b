//! VQL, Vantage's words for questions about rows: `SELECT … FROM metrics WHERE … GROUP BY … ORDER BY … LIMIT …`. A text
//! becomes a typed query, which reads the rows itself: nothing of it ever is SQL.

pub mod cell;
pub mod column;
pub mod parse;
pub mod query;
pub mod run;
pub mod token;

/// Why a text is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// What Vantage blocks.
    Blocked(String),
    /// It is no query, or one that asks for too much.
    Faulty(String),
}

impl Refusal {
    /// A fault of the text.
    pub fn faulty(text: impl Into<String>) -> Self {
        Self::Faulty(text.into())
    }
}

/// Queries to begin with: what for, and the text.
pub const EXAMPLES: [(&str, &str); 7] = [
    (
        "Requests and their mean by service",
        "SELECT service_name, count(*) AS n, avg(duration_ms) AS avg_ms FROM metrics GROUP BY service_name ORDER BY n DESC",
    ),
    (
        "The slowest endpoints of the last hour",
        "SELECT endpoint, percentile(duration_ms, 95) AS p95 FROM metrics WHERE timestamp >= now() - 1h GROUP BY endpoint ORDER BY p95 DESC LIMIT 10",
    ),
    (
        "The latest errors",
        "SELECT timestamp, service_name, endpoint, status_code, error FROM metrics WHERE status_code >= 500 ORDER BY timestamp DESC LIMIT 20",
    ),
    (
        "Errors by endpoint",
        "SELECT endpoint, status_code, count(*) AS n FROM metrics WHERE status_code >= 400 GROUP BY endpoint, status_code ORDER BY n DESC",
    ),
    (
        "Calls that got no answer",
        "SELECT service_name, endpoint, error FROM metrics WHERE status_code = 0 AND error IS NOT NULL LIMIT 50",
    ),
    (
        "A counter by a tag",
        "SELECT tags.region, sum(value) AS total FROM metrics WHERE metric_type = 'counter' GROUP BY tags.region",
    ),
    (
        "Slow requests of an endpoint",
        "SELECT * FROM metrics WHERE endpoint LIKE '/orders%' AND duration_ms > 500 ORDER BY duration_ms DESC LIMIT 20",
    ),
];
