//! A request of an agent: told apart from OTLP, which has the same path, and read metric by metric, so that one that is
//! wrong does not take the others along.

use serde_json::{Map, Value};

use super::context::Context;
use super::metric::{self, Metric};

/// Metrics in one request.
pub const MAX_METRICS: usize = 1000;
/// Reasons told of one request.
const MAX_REASONS: usize = 20;
const MAX_SHORT_CHARS: usize = 50;

/// Why nothing of a request is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadBatch {
    /// No JSON.
    Json,
    /// OTLP in JSON.
    Otlp,
    /// A field of the whole is wrong: its name, and what is wrong with it.
    Field(&'static str, String),
}

/// What is taken.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Those that are right.
    pub metrics: Vec<Metric>,
    /// How many are not.
    pub n_refused: usize,
    /// Why, of the first of them.
    pub reasons: Vec<String>,
    /// Whether each said when it was.
    pub has_all_times: bool,
}

impl Batch {
    /// How many were sent.
    pub fn n_received(&self) -> usize {
        self.metrics.len() + self.n_refused
    }
}

/// Reads a body. `trace` are the ids of the headers; empty ones are none.
pub fn read(body: &[u8], trace: Option<(&str, &str)>, now_ms: i64) -> Result<Batch, BadBatch> {
    let trace = trace.filter(|(trace, span)| !trace.is_empty() && !span.is_empty());
    let body: Value = serde_json::from_slice(body).map_err(|_| BadBatch::Json)?;
    let Value::Object(fields) = body else {
        return Err(BadBatch::Field("body", "must be an object with metrics".into()));
    };
    if fields.contains_key("resourceMetrics") {
        return Err(BadBatch::Otlp);
    }
    let metrics = fields.get("metrics").and_then(Value::as_array);
    let metrics = metrics.ok_or_else(|| BadBatch::Field("metrics", "must be an array".into()))?;
    if !(1..=MAX_METRICS).contains(&metrics.len()) {
        let problem = format!("must hold 1 to {MAX_METRICS} metrics, not {}", metrics.len());
        return Err(BadBatch::Field("metrics", problem));
    }
    let (service, environment) = (service(&fields)?, short(&fields, "environment")?);
    short(&fields, "agent_version")?;
    let context = Context {
        service: &service,
        environment: environment.as_deref(),
        trace,
    };
    let mut batch = Batch {
        has_all_times: metrics.iter().all(|value| value.get("timestamp").is_some()),
        ..Batch::default()
    };
    for (place, value) in metrics.iter().enumerate() {
        match Metric::read(value, &context, now_ms) {
            Ok(metric) => batch.metrics.push(metric),
            Err(reason) => {
                batch.n_refused += 1;
                if batch.reasons.len() < MAX_REASONS {
                    batch.reasons.push(format!("metrics[{place}]: {reason}"));
                }
            }
        }
    }
    Ok(batch)
}

fn service(fields: &Map<String, Value>) -> Result<String, BadBatch> {
    const FIELD: &str = "service_name";
    match metric::name(fields, FIELD) {
        Ok(Some(name)) => Ok(name),
        Ok(None) => Err(BadBatch::Field(FIELD, "is missing".into())),
        Err(problem) => Err(BadBatch::Field(FIELD, problem)),
    }
}

fn short(fields: &Map<String, Value>, field: &'static str) -> Result<Option<String>, BadBatch> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() <= MAX_SHORT_CHARS => {
            Ok(Some(text.clone()).filter(|text| !text.is_empty()))
        }
        Some(_) => Err(BadBatch::Field(
            field,
            format!("must be a string of up to {MAX_SHORT_CHARS} characters"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_168_800_000;

    fn check(body: &str) -> Result<Batch, BadBatch> {
        read(body.as_bytes(), None, NOW)
    }

    #[test]
    fn one_bad_metric_does_not_lose_the_others() {
        let body = r#"{"service_name": "s", "metrics": [{"metric_name": "a", "value": 1}, {"metric_name": "b"}, 7]}"#;
        let batch = check(body).unwrap();
        assert_eq!(
            (batch.n_received(), batch.metrics.len(), batch.n_refused),
            (3, 1, 2)
        );
        assert_eq!(
            batch.reasons,
            ["metrics[1]: value is missing", "metrics[2]: is no object"]
        );
    }

    #[test]
    fn a_body_that_is_none_is_told_from_otlp() {
        assert_eq!(check("{"), Err(BadBatch::Json));
        assert_eq!(check(r#"{"resourceMetrics": []}"#), Err(BadBatch::Otlp));
        let field = |body: &str| match check(body) {
            Err(BadBatch::Field(name, _)) => name,
            other => panic!("{body}: {other:?}"),
        };
        assert_eq!(field("[]"), "body");
        assert_eq!(field(r#"{"service_name": "s"}"#), "metrics");
        assert_eq!(field(r#"{"service_name": "s", "metrics": []}"#), "metrics");
        assert_eq!(field(r#"{"metrics": [1]}"#), "service_name");
        assert_eq!(
            field(r#"{"service_name": "s", "metrics": [1], "environment": 5}"#),
            "environment"
        );
        let many = format!(
            r#"{{"service_name": "s", "metrics": [{}1]}}"#,
            "1,".repeat(MAX_METRICS)
        );
        assert_eq!(field(&many), "metrics");
    }

    #[test]
    fn ids_of_the_headers_win() {
        let body =
            br#"{"service_name": "s", "metrics": [{"metric_name": "a", "value": 1, "trace_id": "own"}]}"#;
        let batch = read(body, Some(("t", "s")), NOW).unwrap();
        assert_eq!(batch.metrics[0].trace_id.as_deref(), Some("t"));
        for none in [None, Some(("", "s")), Some(("t", ""))] {
            let batch = read(body, none, NOW).unwrap();
            assert_eq!(batch.metrics[0].trace_id.as_deref(), Some("own"));
        }
    }
}
