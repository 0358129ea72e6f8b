//! What Vantage's collector takes and refuses, a row for each limit of the contract; where ours takes more, the row says so.

use testkit::{Value, json};

use crate::support::{now_ms, start};
use crate::vantage::{batch, post, request};

fn text(n: usize) -> Value {
    json!("x".repeat(n))
}

/// A batch with one field of another value; `Null` takes it out.
fn with(field: &str, value: Value) -> Value {
    let mut body = batch(&[request("orders", now_ms(), 200, 1.5)]);
    match value {
        Value::Null => drop(body.as_object_mut().map(|fields| fields.remove(field))),
        value => body[field] = value,
    }
    body
}

#[tokio::test]
async fn limits_of_a_batch() {
    let server = start().await;
    let mut client = server.client();
    let one = json!({"metric_name": "m", "value": 1});
    for (row, field, value, is_taken) in [
        ("1 metric", "metrics", json!([one]), true),
        ("1000 metrics", "metrics", json!(vec![one.clone(); 1000]), true),
        ("no metric", "metrics", json!([]), false),
        ("1001 metrics", "metrics", json!(vec![one; 1001]), false),
        ("metrics are missing", "metrics", Value::Null, false),
        ("service_name is required", "service_name", Value::Null, false),
        ("service_name of 1", "service_name", text(1), true),
        ("service_name of 0", "service_name", text(0), false),
        ("service_name of 255", "service_name", text(255), true),
        ("service_name of 256", "service_name", text(256), false),
        ("environment of 50", "environment", text(50), true),
        ("environment of 51", "environment", text(51), false),
        ("agent_version of 50", "agent_version", text(50), true),
        ("agent_version of 51", "agent_version", text(51), false),
        ("batch_size is ignored", "batch_size", json!("many"), true),
        ("unknown fields are dropped", "colour", json!({"red": 1}), true),
    ] {
        let answer = post(&mut client, &with(field, value)).await;
        let expected = if is_taken { 202 } else { 422 };
        assert_eq!(answer.status, expected, "{row}: {}", answer.text());
        if !is_taken {
            let problem = &answer.json()["detail"][0];
            assert_eq!(problem["loc"], json!(["body", field]), "{row}");
            assert!(problem["msg"].is_string() && problem["type"].is_string(), "{row}");
        }
    }
}

#[tokio::test]
async fn limits_of_a_metric() {
    let server = start().await;
    let mut client = server.client();
    let now = now_ms();
    const DAY_MS: i64 = 86_400_000;
    let missing = Value::Null;
    for (row, field, value, reason) in [
        (
            "metric_name is required",
            "metric_name",
            missing.clone(),
            Some("metric_name is missing"),
        ),
        ("metric_name of 255", "metric_name", text(255), None),
        (
            "metric_name of 256",
            "metric_name",
            text(256),
            Some("metric_name is longer"),
        ),
        (
            "service_name of 256",
            "service_name",
            text(256),
            Some("service_name is longer"),
        ),
        ("counter", "metric_type", json!("counter"), None),
        ("gauge", "metric_type", json!("gauge"), None),
        ("histogram", "metric_type", json!("histogram"), None),
        (
            "no other type",
            "metric_type",
            json!("summary"),
            Some("metric_type must be"),
        ),
        (
            "nor that of spans",
            "metric_type",
            json!("trace.span"),
            Some("metric_type must be"),
        ),
        (
            "metric_type is required there, not here",
            "metric_type",
            missing.clone(),
            None,
        ),
        ("a number in a text", "value", json!("12.5"), None),
        (
            "no number",
            "value",
            json!("fast"),
            Some("value must be a number"),
        ),
        ("an hour ahead", "timestamp", json!(now + 3_500_000), None),
        (
            "more than that",
            "timestamp",
            json!(now + 3_700_000),
            Some("timestamp is more than an hour ahead"),
        ),
        (
            "seven days old",
            "timestamp",
            json!(now - 7 * DAY_MS + 60_000),
            None,
        ),
        (
            "older than that",
            "timestamp",
            json!(now - 7 * DAY_MS - 1000),
            Some("timestamp is older than seven days"),
        ),
        (
            "seconds",
            "timestamp",
            json!(now / 1000),
            Some("timestamp is older than seven days"),
        ),
        ("tags may be empty", "tags", json!({}), None),
        (
            "tags: null is refused there, left out here",
            "tags",
            json!({"a": null}),
            None,
        ),
        (
            "tags: a number is refused there, a text here",
            "tags",
            json!({"a": 5}),
            None,
        ),
        (
            "tags: no objects",
            "tags",
            json!({"a": {}}),
            Some("tags: 'a' must be a string"),
        ),
        ("endpoint of 500", "endpoint", text(500), None),
        (
            "endpoint of 501 is refused there, cut here",
            "endpoint",
            text(501),
            None,
        ),
        (
            "method of 11 is refused there, cut here",
            "method",
            text(11),
            None,
        ),
        ("status_code 0", "status_code", json!(0), None),
        ("status_code 999", "status_code", json!(999), None),
        (
            "status_code 1000",
            "status_code",
            json!(1000),
            Some("status_code must be from 0 to 999"),
        ),
        (
            "status_code -1",
            "status_code",
            json!(-1),
            Some("status_code must be from 0 to 999"),
        ),
        ("duration_ms 0", "duration_ms", json!(0), None),
        (
            "duration_ms below 0",
            "duration_ms",
            json!(-0.1),
            Some("duration_ms is negative"),
        ),
        ("error of 1000", "error", text(1000), None),
        (
            "error of 1001 loses the batch there, is cut here",
            "error",
            text(1001),
            None,
        ),
        ("what is null is not given", "endpoint", json!(null), None),
    ] {
        let mut metric = request("orders", now, 200, 1.5);
        metric[field] = value.clone();
        if value.is_null() && row.ends_with("required") {
            metric.as_object_mut().map(|fields| fields.remove(field));
        }
        // The other one is kept whatever becomes of this.
        let answer = post(&mut client, &batch(&[request("orders", now, 200, 2.5), metric])).await;
        assert_eq!(answer.status, 202, "{row}: {}", answer.text());
        let body = answer.json();
        match reason {
            None => assert_eq!(body["status"], "accepted", "{row}: {body}"),
            Some(reason) => {
                assert_eq!(
                    (&body["status"], &body["metrics_rejected"]),
                    (&json!("partial"), &json!(1)),
                    "{row}"
                );
                let told = body["errors"][0].as_str().unwrap_or_default();
                assert!(
                    told.starts_with(&format!("metrics[1]: {reason}")),
                    "{row}: {told}"
                );
            }
        }
    }
}
