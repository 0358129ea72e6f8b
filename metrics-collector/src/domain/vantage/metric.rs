//! One metric of an agent, checked. What is only too long is cut; what makes no sense is left out with a reason.

use serde_json::{Map, Value};

use super::context::Context;
use crate::domain::kind::Kind;
use crate::domain::requests::record::Record;
use crate::domain::timestamp::{DAY_MS, HOUR_MS};

/// Who called, where nobody says: as Malti's clients have it.
const NOBODY: &str = "anonymous";
/// The name under which agents tell of HTTP requests; its value is the duration in ms.
pub const REQUESTS: &str = "http.request.duration";
/// Longest name of a service or metric, in characters. Longer ones are refused: cut, they would be others.
pub const MAX_NAME_CHARS: usize = 255;
/// What is longer is cut, in characters.
const MAX_ENDPOINT_CHARS: usize = 500;
const MAX_METHOD_CHARS: usize = 10;
const MAX_ERROR_CHARS: usize = 1000;
const MAX_ID_CHARS: usize = 64;
/// How old a metric may be, and how far ahead.
pub const MAX_AGE_MS: i64 = 7 * DAY_MS;
/// How long rows are kept: what is usual is seen from a week that ended a day ago.
pub const ROWS_KEPT_MS: i64 = 8 * DAY_MS;
const MAX_AHEAD_MS: i64 = HOUR_MS;
/// An outgoing call that got no answer.
pub const NO_STATUS: u16 = 0;
const MAX_STATUS: f64 = 999.;

/// A metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Unix milliseconds.
    pub at_ms: i64,
    /// Whose it is.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind; a counter is an increment.
    pub kind: Kind,
    /// Of [`REQUESTS`], the duration in ms.
    pub value: f64,
    /// Further labels.
    pub tags: Vec<(String, String)>,
    /// The route, or the path of an outgoing call.
    pub endpoint: Option<String>,
    /// HTTP method.
    pub method: Option<String>,
    /// HTTP status; [`NO_STATUS`] where there was no answer.
    pub status: Option<u16>,
    /// In ms.
    pub duration_ms: Option<f64>,
    /// What went wrong.
    pub error: Option<String>,
    /// Of the request, where the sender knows it.
    pub trace_id: Option<String>,
    /// See `trace_id`.
    pub span_id: Option<String>,
}

impl Metric {
    /// Whether it tells of a request that the service answered, rather than of a call that it made.
    pub fn is_served_request(&self) -> bool {
        let is_call = self.tags.iter().any(|(key, _)| key == "library");
        self.name == REQUESTS && !is_call && self.status.is_some_and(|status| (100..600).contains(&status))
    }

    /// Whether it says to which part of which request it belongs: Vantage counts both ids or none.
    pub fn is_traced(&self) -> bool {
        self.trace_id.is_some() && self.span_id.is_some()
    }

    /// The request that it tells of, if it does. Vantage knows no nodes and no callers; environments are contexts.
    pub fn as_record(&self) -> Option<Record> {
        let status = self.status.filter(|_| self.is_served_request())?;
        let environment = self.tags.iter().find(|(key, _)| key == "environment");
        Some(Record {
            service: self.service.clone(),
            method: self.method.clone().unwrap_or_default(),
            endpoint: self.endpoint.clone().unwrap_or_default(),
            node: None,
            consumer: NOBODY.to_owned(),
            context: environment.map(|(_, environment)| environment.clone()),
            status,
            response_time_us: (self.duration_ms? * 1000.).round() as u64,
            at_ms: self.at_ms,
        })
    }

    /// Reads one. The error is a sentence that names the field.
    pub fn read(value: &Value, context: &Context<'_>, now_ms: i64) -> Result<Self, String> {
        let fields = value.as_object().ok_or("is no object")?;
        let duration_ms = number(fields, "duration_ms")?;
        if duration_ms.is_some_and(|ms| ms < 0.) {
            return Err("duration_ms is negative".into());
        }
        let name = name(fields, "metric_name")?.ok_or("metric_name is missing")?;
        let (endpoint, method) = (text(fields, "endpoint")?, text(fields, "method")?);
        let kind = match text(fields, "metric_type")? {
            Some(given) => kind(&given)?,
            // Vantage's own example has none.
            None if duration_ms.is_some() || name == REQUESTS => Kind::Histogram,
            None => Kind::Gauge,
        };
        let given = number(fields, "value")?
            .or(duration_ms)
            .ok_or("value is missing")?;
        // What the name says wins, so that each such row has one duration.
        let is_request = name == REQUESTS;
        if is_request && duration_ms.unwrap_or(given) < 0. {
            return Err("value is a duration, and negative".into());
        }
        let id = |field, known: Option<&str>| {
            Ok::<_, String>(match known {
                Some(known) => Some(cut(known, MAX_ID_CHARS)),
                None => text(fields, field)?.map(|id| cut(&id, MAX_ID_CHARS)),
            })
        };
        Ok(Self {
            at_ms: at_ms(fields, now_ms)?,
            service: self::name(fields, "service_name")?.unwrap_or_else(|| context.service.to_owned()),
            value: if is_request {
                duration_ms.unwrap_or(given)
            } else {
                given
            },
            duration_ms: duration_ms.or(is_request.then_some(given)),
            name,
            kind,
            tags: tags(fields, context)?,
            endpoint: endpoint.map(|text| cut(&text, MAX_ENDPOINT_CHARS)),
            method: method.map(|text| cut(&text, MAX_METHOD_CHARS).to_ascii_uppercase()),
            status: status(fields)?,
            error: text(fields, "error")?.map(|text| cut(&text, MAX_ERROR_CHARS)),
            trace_id: id("trace_id", context.trace.map(|(trace, _)| trace))?,
            span_id: id("span_id", context.trace.map(|(_, span)| span))?,
        })
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let known = [Kind::Counter, Kind::Gauge, Kind::Histogram];
    let found = Kind::read(name).filter(|kind| known.contains(kind));
    found.ok_or_else(|| "metric_type must be counter, gauge or histogram".into())
}

/// A text that is there and not empty; numbers are taken as their digits.
fn text(fields: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => Err(format!("{field} must be a string")),
    }
}

/// The name of a service or metric.
pub fn name(fields: &Map<String, Value>, field: &str) -> Result<Option<String>, String> {
    let name = text(fields, field)?;
    match &name {
        Some(name) if name.chars().count() > MAX_NAME_CHARS => {
            Err(format!("{field} is longer than {MAX_NAME_CHARS} characters"))
        }
        _ => Ok(name),
    }
}

fn number(fields: &Map<String, Value>, field: &str) -> Result<Option<f64>, String> {
    let number = match fields.get(field) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    match number.filter(|number| number.is_finite()) {
        Some(number) => Ok(Some(number)),
        None => Err(format!("{field} must be a number")),
    }
}

fn status(fields: &Map<String, Value>) -> Result<Option<u16>, String> {
    match number(fields, "status_code")? {
        None => Ok(None),
        Some(code) if (0. ..=MAX_STATUS).contains(&code) && code.fract() == 0. => Ok(Some(code as u16)),
        Some(_) => Err("status_code must be from 0 to 999".into()),
    }
}

fn at_ms(fields: &Map<String, Value>, now_ms: i64) -> Result<i64, String> {
    let Some(given) = number(fields, "timestamp")? else {
        return Ok(now_ms);
    };
    let at_ms = given as i64;
    if at_ms > now_ms + MAX_AHEAD_MS {
        return Err("timestamp is more than an hour ahead; it must be Unix milliseconds".into());
    }
    if at_ms < now_ms - MAX_AGE_MS {
        return Err("timestamp is older than seven days; it must be Unix milliseconds".into());
    }
    Ok(at_ms)
}

fn tags(fields: &Map<String, Value>, context: &Context<'_>) -> Result<Vec<(String, String)>, String> {
    let given = match fields.get("tags") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Object(tags)) => tags.iter().collect(),
        Some(_) => return Err("tags must be an object of strings".into()),
    };
    let mut tags: Vec<(String, String)> = Vec::with_capacity(given.len() + 1);
    for (key, value) in given {
        match value {
            Value::String(value) => tags.push((key.clone(), value.clone())),
            Value::Number(_) | Value::Bool(_) => tags.push((key.clone(), value.to_string())),
            Value::Null => {}
            _ => return Err(format!("tags: '{}' must be a string", cut(key, 40))),
        }
    }
    if let Some(environment) = context.environment
        && !tags.iter().any(|(key, _)| key == "environment")
    {
        tags.push(("environment".to_owned(), environment.to_owned()));
    }
    Ok(tags)
}

/// The first `max` characters.
pub fn cut(text: &str, max: usize) -> String {
    text.chars().take(max).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_795_168_800_000;

    fn read(value: Value) -> Result<Metric, String> {
        let context = Context {
            service: "orders",
            environment: Some("prod"),
            trace: None,
        };
        Metric::read(&value, &context, NOW)
    }

    #[test]
    fn what_the_agent_sends_is_taken_as_it_is() {
        let metric = read(json!({
            "timestamp": NOW - 5, "service_name": "shop", "metric_name": "http.request.duration",
            "metric_type": "histogram", "value": 2.5, "tags": {"framework": "fastapi", "environment": "dev"},
            "endpoint": "/orders/{id}", "method": "GET", "status_code": 200, "duration_ms": 2.5,
        }));
        let metric = metric.unwrap();
        assert_eq!((metric.at_ms, metric.service.as_str()), (NOW - 5, "shop"));
        assert_eq!((metric.kind, metric.status), (Kind::Histogram, Some(200)));
        assert_eq!(metric.tags.len(), 2);
        let record = metric.as_record().unwrap();
        assert_eq!((record.status, record.response_time_us), (200, 2500));
        assert_eq!((record.node, record.context.as_deref()), (None, Some("dev")));
    }

    #[test]
    fn what_is_missing_is_made_up_where_that_is_sound() {
        let metric =
            read(json!({"metric_name": "queue", "value": "7.5", "tags": {"n": 1, "x": null}})).unwrap();
        assert_eq!((metric.kind, metric.value, metric.at_ms), (Kind::Gauge, 7.5, NOW));
        assert_eq!(metric.service, "orders");
        assert_eq!(
            metric.tags,
            [("n".into(), "1".into()), ("environment".into(), "prod".into())]
        );
        let metric = read(json!({"metric_name": "http.request.duration", "duration_ms": 12, "value": 3}));
        let metric = metric.unwrap();
        assert_eq!(
            (metric.kind, metric.value, metric.duration_ms),
            (Kind::Histogram, 12., Some(12.))
        );
    }

    #[test]
    fn a_call_that_failed_has_no_status_and_is_no_request_of_ours() {
        let call = json!({"metric_name": "http.request.duration", "value": 1, "status_code": 0,
            "tags": {"library": "requests"}, "error": "refused".repeat(400)});
        let metric = read(call).unwrap();
        assert_eq!(metric.status, Some(NO_STATUS));
        assert_eq!(metric.error.as_deref().map(str::len), Some(1000));
        assert_eq!(metric.as_record(), None);
    }

    #[test]
    fn what_makes_no_sense_says_why() {
        let check = |value: Value, reason: &str| {
            let found = read(value.clone()).unwrap_err();
            assert!(found.starts_with(reason), "{value}: {found}");
        };
        check(json!(1), "is no object");
        check(json!({"value": 1}), "metric_name is missing");
        check(json!({"metric_name": "m"}), "value is missing");
        check(
            json!({"metric_name": "m", "value": "x"}),
            "value must be a number",
        );
        check(
            json!({"metric_name": "m", "value": true}),
            "value must be a number",
        );
        check(
            json!({"metric_name": "m", "value": 1, "metric_type": "cumulative"}),
            "metric_type must be",
        );
        check(
            json!({"metric_name": "m", "value": 1, "timestamp": NOW + 3_600_001}),
            "timestamp is more than",
        );
        check(
            json!({"metric_name": "m", "value": 1, "timestamp": NOW / 1000}),
            "timestamp is older than",
        );
        check(
            json!({"metric_name": "m", "value": 1, "status_code": 1000}),
            "status_code must be",
        );
        check(
            json!({"metric_name": "m", "value": 1, "duration_ms": -1}),
            "duration_ms is negative",
        );
        check(
            json!({"metric_name": "http.request.duration", "value": -0.5}),
            "value is a duration",
        );
        check(
            json!({"metric_name": "m", "value": 1, "tags": {"a": {}}}),
            "tags: 'a' must be",
        );
        check(
            json!({"metric_name": "m".repeat(256), "value": 1}),
            "metric_name is longer",
        );
    }
}
