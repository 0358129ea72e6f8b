//! `POST /api/browser/metrics` (contract §4.7), against a real collector; and `/api/browser/logs`, against a real log
//! viewer.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{Stack, get_json, page, refusal};
use testkit::json;

#[tokio::test]
async fn metrics_reach_the_collector_with_the_labels_of_their_page() {
    let stack = Stack::start().await;
    let batch = json!({"url": "https://h/cart?x=1", "metrics": [
        {"name": "taps", "type": "counter", "value": 2, "labels": {"kind": "a"}},
        {"name": "taps", "type": "counter", "value": 3},
    ]});
    let answer = page(&stack.relay)
        .post("/api/browser/metrics", batch.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({"status": "accepted", "count": 2}))
    );
    let mut collector = stack.collector.client();
    let told = get_json(
        &mut collector,
        "/api/metrics?name=taps&period=1h&labels=page:/cart,source:browser",
    )
    .await;
    assert_eq!(told["data"][0]["sum"].as_f64(), Some(5.), "{told}");
    let projects = get_json(&mut collector, "/api/projects").await;
    assert_eq!(
        projects,
        json!({"projects": ["web"]}),
        "the project is a field, not only a label"
    );
}

#[tokio::test]
async fn b15_own_labels_of_the_relays_names_lose_no_batch() {
    let stack = Stack::start().await;
    let labels = json!({"project": "x", "source": "y", "session_id": "s", "page": "/own"});
    let batch = json!({"url": "https://h/", "session_id": "t", "metrics": [{"name": "n", "type": "gauge", "value": 1, "labels": labels}]});
    let answer = page(&stack.relay)
        .post("/api/browser/metrics", batch.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["count"]),
        (202, &json!(1)),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_large_batch_is_not_too_large_with_its_labels() {
    let stack = Stack::start().await;
    let items: Vec<_> = (0..1000)
        .map(|_| json!({"name": "n", "type": "counter", "value": 1}))
        .collect();
    let batch = json!({"url": "https://h/a/long/path/of/a/page", "metrics": items}).to_string();
    assert!(batch.len() < 65_536);
    let answer = page(&stack.relay).post("/api/browser/metrics", batch).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["count"]),
        (202, &json!(1000))
    );
    let answer = page(&stack.relay)
        .post("/api/browser/metrics", r#"{"metrics": {}}"#)
        .await;
    assert_eq!(
        refusal(&answer),
        (400, "Field 'metrics' must be an array".to_owned())
    );
}

#[tokio::test]
async fn lines_of_the_console_reach_the_log_viewer() {
    let stack = Stack::start().await;
    let batch = json!({"url": "https://h/cart", "session_id": "s-9", "logs": [
        {"level": "warn", "message": "payment is slow"}, {"level": "error", "message": "payment failed", "timestamp": "nonsense"},
    ]});
    let answer = page(&stack.relay)
        .post("/api/browser/logs", batch.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({"status": "accepted", "count": 2}))
    );
    let found = get_json(&mut stack.viewer.client(), "/api/logs?search=payment").await;
    assert_eq!(found["total"], json!(2), "{found}");
    let line = found["logs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["level"] == "WARNING")
        .unwrap();
    assert_eq!(line["container"], json!("browser/web"));
    assert_eq!(
        line["message"],
        json!("payment is slow page=/cart session_id=s-9")
    );
    let answer = page(&stack.relay).post("/api/browser/logs", "{}").await;
    assert_eq!(refusal(&answer), (400, "Missing required field: logs".to_owned()));
}
