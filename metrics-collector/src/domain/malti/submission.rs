//! The body of `POST /api/v1/ingest`: what Malti's client sends is read at once; anything else with its server's
//! leniency, field by field, so that what is wrong can be named.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::schema::{MAX_PROBLEMS, Problem};
use crate::domain::requests::record::{Record, clean};
use crate::domain::timestamp;

/// What a body holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission {
    /// All of its requests; some may be such as cannot be kept.
    pub records: Vec<Record>,
    /// Whether each says when it was. Then the same body can only be the same requests.
    pub is_dated: bool,
}

/// As the client sends it.
#[derive(Deserialize)]
struct Exact<'a> {
    #[serde(borrow)]
    requests: Vec<ExactRecord<'a>>,
}

#[derive(Deserialize)]
struct ExactRecord<'a> {
    #[serde(borrow)]
    service: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    endpoint: Cow<'a, str>,
    #[serde(borrow)]
    consumer: Cow<'a, str>,
    #[serde(borrow, default)]
    node: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    context: Option<Cow<'a, str>>,
    status: i64,
    response_time: i64,
    #[serde(default)]
    response_time_us: Option<i64>,
    #[serde(borrow, default)]
    created_at: Option<Cow<'a, str>>,
}

/// Reads a body. Who says no time means now. A problem for each field that is wrong.
pub fn read(body: &[u8], now_ms: i64) -> Result<Submission, Vec<Problem>> {
    if let Some(submission) = read_exact(body, now_ms) {
        return Ok(submission);
    }
    let body = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value,
        Err(_) if body.is_empty() => return Err(vec![Problem::missing(vec![json!("body")], &Value::Null)]),
        Err(error) => return Err(vec![Problem::json(&error, body)]),
    };
    read_value(&body, now_ms)
}

fn read_exact(body: &[u8], now_ms: i64) -> Option<Submission> {
    let exact: Exact<'_> = serde_json::from_slice(body).ok()?;
    let is_dated = exact.requests.iter().all(|record| record.created_at.is_some());
    let text = |text: &str| clean(text).into_owned();
    let records = exact.requests.into_iter().map(|exact| {
        let at_ms = match exact.created_at {
            Some(text) => time(&text)?,
            None => now_ms,
        };
        Some(Record {
            service: text(&exact.service),
            method: text(&exact.method),
            endpoint: text(&exact.endpoint),
            node: exact.node.as_deref().map(text),
            consumer: text(&exact.consumer),
            context: exact.context.as_deref().map(text),
            status: status(exact.status),
            response_time_us: time_us(exact.response_time, exact.response_time_us),
            at_ms,
        })
    });
    Some(Submission {
        records: records.collect::<Option<Vec<Record>>>()?,
        is_dated,
    })
}

/// 0, which cannot be, for what is none.
fn status(number: i64) -> u16 {
    u16::try_from(number).unwrap_or(0)
}

/// Of milliseconds, or of the microseconds that only our own client tells, too. A clock that was set back while a
/// request ran says less than 0: it took no time then.
fn time_us(ms: i64, exact_us: Option<i64>) -> u64 {
    let us = exact_us.unwrap_or_else(|| ms.saturating_mul(1000));
    u64::try_from(us).unwrap_or(0)
}

/// A time; without a zone it is UTC.
pub fn time(text: &str) -> Option<i64> {
    timestamp::parse(text)
}

fn read_value(body: &Value, now_ms: i64) -> Result<Submission, Vec<Problem>> {
    let loc = || vec![json!("body")];
    let Some(object) = body.as_object() else {
        return Err(vec![no_object(loc(), body)]);
    };
    let at = |place: &str| [loc(), vec![json!(place)]].concat();
    let requests = match object.get("requests") {
        None => return Err(vec![Problem::missing(at("requests"), body)]),
        Some(Value::Array(requests)) => requests,
        Some(other) => {
            let msg = "Input should be a valid list";
            return Err(vec![Problem::new("list_type", at("requests"), msg, other)]);
        }
    };
    let mut fields = Fields {
        problems: Vec::new(),
        place: 0,
    };
    let mut submission = Submission {
        records: Vec::with_capacity(requests.len()),
        is_dated: true,
    };
    for (place, value) in requests.iter().enumerate() {
        fields.place = place;
        match value.as_object() {
            Some(object) => {
                let (record, is_dated) = fields.record(value, object, now_ms);
                submission.records.push(record);
                submission.is_dated &= is_dated;
            }
            None => fields.problems.push(no_object(fields.loc(None), value)),
        }
        if fields.problems.len() >= MAX_PROBLEMS {
            fields.problems.truncate(MAX_PROBLEMS);
            break;
        }
    }
    match fields.problems.is_empty() {
        true => Ok(submission),
        false => Err(fields.problems),
    }
}

fn no_object(loc: Vec<Value>, input: &Value) -> Problem {
    Problem::new(
        "model_attributes_type",
        loc,
        "Input should be a valid dictionary or object to extract fields from",
        input,
    )
}

/// Reads the fields of one record after the other, and notes what is wrong.
struct Fields {
    problems: Vec<Problem>,
    place: usize,
}

impl Fields {
    fn loc(&self, field: Option<&str>) -> Vec<Value> {
        let mut loc = vec![json!("body"), json!("requests"), json!(self.place)];
        loc.extend(field.map(|field| json!(field)));
        loc
    }

    fn wrong(&mut self, kind: &'static str, field: &str, msg: &str, input: &Value) {
        let problem = Problem::new(kind, self.loc(Some(field)), msg, input);
        self.problems.push(problem);
    }

    /// The record, and whether it says when it was.
    fn record(&mut self, value: &Value, object: &Map<String, Value>, now_ms: i64) -> (Record, bool) {
        let service = self.text(value, object, "service");
        let method = self.text(value, object, "method");
        let endpoint = self.text(value, object, "endpoint");
        let status_code = self.number(value, object, "status");
        let ms = self.number(value, object, "response_time");
        // To Malti it is a field like any unknown one: nothing that stands there is wrong.
        let exact_us = object.get("response_time_us").and_then(Value::as_i64);
        let consumer = self.text(value, object, "consumer");
        let node = self.optional_text(object, "node");
        let context = self.optional_text(object, "context");
        let at_ms = self.time(object);
        let record = Record {
            service,
            method,
            endpoint,
            node,
            consumer,
            context,
            status: status(status_code),
            response_time_us: time_us(ms, exact_us),
            at_ms: at_ms.unwrap_or(now_ms),
        };
        (record, at_ms.is_some())
    }

    fn text(&mut self, value: &Value, object: &Map<String, Value>, field: &str) -> String {
        match object.get(field) {
            None => {
                let problem = Problem::missing(self.loc(Some(field)), value);
                self.problems.push(problem);
                String::new()
            }
            Some(given) => self.scalar(given, field),
        }
    }

    fn optional_text(&mut self, object: &Map<String, Value>, field: &str) -> Option<String> {
        match object.get(field) {
            None | Some(Value::Null) => None,
            Some(given) => Some(self.scalar(given, field)),
        }
    }

    /// Any scalar is a text, as Python writes it.
    fn scalar(&mut self, given: &Value, field: &str) -> String {
        let text = match given {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            Value::Number(number) => Cow::Owned(number.to_string()),
            Value::Bool(true) => Cow::Borrowed("True"),
            Value::Bool(false) => Cow::Borrowed("False"),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                self.wrong("string_type", field, "Input should be a valid string", given);
                Cow::Borrowed("")
            }
        };
        clean(&text).into_owned()
    }

    /// Whole numbers, also as a text, with a fraction of 0, and as a boolean.
    fn number(&mut self, value: &Value, object: &Map<String, Value>, field: &str) -> i64 {
        let Some(given) = object.get(field) else {
            let problem = Problem::missing(self.loc(Some(field)), value);
            self.problems.push(problem);
            return 0;
        };
        let (kind, msg) = match given {
            Value::Bool(is_true) => return i64::from(*is_true),
            Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(number), _) => return number,
                (None, Some(number)) if number.fract() == 0. => return number as i64,
                _ => (
                    "int_from_float",
                    "Input should be a valid integer, got a number with a fractional part",
                ),
            },
            Value::String(text) => match whole(text) {
                Some(number) => return number,
                None => (
                    "int_parsing",
                    "Input should be a valid integer, unable to parse string as an integer",
                ),
            },
            _ => ("int_type", "Input should be a valid integer"),
        };
        self.wrong(kind, field, msg, given);
        0
    }

    fn time(&mut self, object: &Map<String, Value>) -> Option<i64> {
        let given = object.get("created_at").unwrap_or(&Value::Null);
        let at_ms = match given {
            Value::Null => return None,
            Value::String(text) => time(text),
            Value::Number(number) => number.as_f64().and_then(timestamp::of_number),
            _ => {
                let msg = "Input should be a valid datetime";
                self.wrong("datetime_type", "created_at", msg, given);
                return None;
            }
        };
        if at_ms.is_none() {
            let problem = Problem::time(self.loc(Some("created_at")), given);
            self.problems.push(problem);
        }
        at_ms
    }
}

/// A whole number in a text: ` 200 `, `200.00`.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => digits,
        _ => text,
    };
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_MS: i64 = 1_795_168_800_000;

    fn record(changes: &Value) -> Value {
        let mut record = json!({"service": "s", "method": "GET", "endpoint": "/", "status": 200, "response_time": 3, "consumer": "c"});
        for (field, value) in changes.as_object().unwrap() {
            record[field] = value.clone();
        }
        record
    }

    fn read_one(changes: &Value) -> Result<Record, Vec<Problem>> {
        let body = json!({ "requests": [record(changes)] }).to_string();
        read(body.as_bytes(), NOW_MS).map(|mut submission| submission.records.remove(0))
    }

    #[test]
    fn what_the_client_sends_is_read_alike_both_ways() {
        let bodies = [
            r#"{"requests":[]}"#,
            r#"{"requests":[{"service":" shop\n api","method":"GET","endpoint":"/u/<int:id>","status":200,"response_time":11,"consumer":"m","node":"n","context":null,"created_at":"2026-11-20T10:00:00.581222+00:00"}],"more":1}"#,
            r#"{"requests":[{"service":"s","method":"","endpoint":"","status":200,"response_time":0,"response_time_us":412,"consumer":""}]}"#,
            r#"{"requests":[{"service":"s","method":"","endpoint":"","status":404,"response_time":-5,"consumer":"","extra":[1]}]}"#,
        ];
        for body in bodies {
            let exact = read_exact(body.as_bytes(), NOW_MS).unwrap();
            assert_eq!(
                exact,
                read_value(&body.parse().unwrap(), NOW_MS).unwrap(),
                "{body}"
            );
        }
        let first = read(bodies[1].as_bytes(), NOW_MS).unwrap();
        assert!(first.is_dated);
        assert_eq!(first.records[0].service, "shop  api");
        assert_eq!(first.records[0].at_ms, NOW_MS + 581);
        let second = read(bodies[3].as_bytes(), NOW_MS).unwrap();
        assert!(!second.is_dated);
        assert_eq!(
            (second.records[0].response_time_us, second.records[0].at_ms),
            (0, NOW_MS)
        );
    }

    #[test]
    fn values_are_taken_as_leniently_as_by_malti() {
        let is = |changes: Value, expected: fn(&Record) -> bool| {
            let record = read_one(&changes).unwrap();
            assert!(expected(&record), "{changes}: {record:?}");
        };
        is(json!({"service": 12}), |it| it.service == "12");
        is(json!({"method": true}), |it| it.method == "True");
        is(json!({"consumer": 1.5, "node": 7}), |it| {
            it.consumer == "1.5" && it.node.as_deref() == Some("7")
        });
        is(json!({"endpoint": ""}), |it| it.endpoint.is_empty());
        is(json!({"node": null, "context": null, "created_at": null}), |it| {
            it.node.is_none() && it.at_ms == NOW_MS
        });
        is(json!({"status": "404", "response_time": " 12 "}), |it| {
            it.status == 404 && it.response_time_us == 12_000
        });
        is(json!({"status": 500.0, "response_time": true}), |it| {
            it.status == 500 && it.response_time_us == 1_000
        });
        is(json!({"response_time": 0, "response_time_us": 412}), |it| {
            it.response_time_us == 412
        });
        is(json!({"response_time": 3, "response_time_us": "?"}), |it| {
            it.response_time_us == 3_000
        });
        is(json!({"status": "200.0"}), |it| it.status == 200);
        is(json!({"status": 99_999_999_999_i64}), |it| it.status == 0);
        is(json!({"created_at": NOW_MS / 1000}), |it| it.at_ms == NOW_MS);
        is(json!({"created_at": (NOW_MS + 5).to_string()}), |it| {
            it.at_ms == NOW_MS + 5
        });
        is(json!({"created_at": "2026-11-20"}), |it| {
            it.at_ms == NOW_MS - 10 * 3_600_000
        });
        is(json!({"created_at": "2026-11-20 10:00:00"}), |it| {
            it.at_ms == NOW_MS
        });
    }

    #[test]
    fn each_wrong_field_is_named_as_by_malti() {
        let check = |changes: Value, kind: &str, field: &str| {
            let problems = read_one(&changes).unwrap_err();
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(
                (problems[0].kind, &problems[0].loc[1..]),
                (kind, &[json!("requests"), json!(0), json!(field)][..])
            );
            assert_eq!(problems[0].input, changes[field]);
        };
        check(json!({"service": null}), "string_type", "service");
        check(json!({"consumer": ["x"]}), "string_type", "consumer");
        check(json!({"node": {}}), "string_type", "node");
        check(json!({"status": "ok"}), "int_parsing", "status");
        check(json!({"status": 200.5}), "int_from_float", "status");
        check(json!({"response_time": null}), "int_type", "response_time");
        check(
            json!({"created_at": "yesterday"}),
            "datetime_from_date_parsing",
            "created_at",
        );
        check(json!({"created_at": true}), "datetime_type", "created_at");
    }

    #[test]
    fn what_is_no_submission_says_why() {
        let check = |body: &str, kind: &str, loc: Value| {
            let problems = read(body.as_bytes(), NOW_MS).unwrap_err();
            assert_eq!((problems[0].kind, json!(problems[0].loc)), (kind, loc), "{body}");
        };
        check("", "missing", json!(["body"]));
        check("{\"requests\": [", "json_invalid", json!(["body", 13]));
        check("[]", "model_attributes_type", json!(["body"]));
        check("{}", "missing", json!(["body", "requests"]));
        check("{\"requests\": 5}", "list_type", json!(["body", "requests"]));
        check(
            "{\"requests\": [5]}",
            "model_attributes_type",
            json!(["body", "requests", 0]),
        );
        let many = json!({ "requests": vec![json!({}); 500] }).to_string();
        assert_eq!(read(many.as_bytes(), NOW_MS).unwrap_err().len(), MAX_PROBLEMS);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in ".{0,60}", field in "[a-z_]{0,14}", value in ".{0,20}") {
            let _ = read(body.as_bytes(), NOW_MS);
            let _ = read_one(&json!({ field: value }));
        }
    }
}
