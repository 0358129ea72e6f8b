//! `/openapi.json` says what is so: every operation is there, every reference leads somewhere, every example
//! is as the service takes and gives it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeSet;

use crate::support::{get_json, malti, now_ms, send, start};
use testkit::{Client, Value, json, openapi};

/// What is served as `/openapi.json`.
fn document() -> Value {
    include_str!("../openapi.json").parse().unwrap()
}

#[test]
fn every_reference_leads_somewhere_and_every_component_is_used() {
    openapi::check_references(&document(), env!("CARGO_PKG_VERSION"));
}

#[test]
fn every_operation_explains_itself() {
    openapi::check_operations(&document());
}

/// A sample to be asked for.
fn sample() -> Value {
    json!([{"name": "m", "type": "histogram", "value": 1, "timestamp": now_ms(), "labels": {"page": "/"}}])
}

/// A path of the document that leads to something: a channel or rule made anew.
async fn filled(client: &mut Client, path: &str) -> String {
    let (all, body) = match path {
        path if path.starts_with("/api/channels") => (
            "/api/channels",
            json!({"kind": "webhook", "target": "https://hooks.example.com/"}),
        ),
        path if path.starts_with("/api/rules") => (
            "/api/rules",
            json!({"name": "r", "query": "name=m", "condition": "absent"}),
        ),
        path if path.starts_with("/traces/") => {
            let ids = [("x-vantage-trace-id", "t"), ("x-vantage-span-id", "s")];
            let body = json!({"service_name": "orders", "metrics": [{"metric_name": "m", "value": 1}]});
            client
                .send("POST".parse().unwrap(), "/v1/metrics", &ids, body.to_string())
                .await;
            return path.replace("{id}", "t");
        }
        path => return path.to_owned(),
    };
    let added = client.post(all, body.to_string()).await.json();
    path.replace("{id}", &added["id"].to_string())
}

/// An example with its times around now, where it has any.
fn of_now(mut example: Value) -> Value {
    for (field, value) in example.as_object_mut().into_iter().flatten() {
        match field {
            field if field.ends_with("_start") => *value = json!(now_ms() - 60_000),
            field if field.ends_with("_end") => *value = json!(now_ms() + 60_000),
            _ => {}
        }
    }
    example
}

#[tokio::test]
async fn every_operation_answers_as_it_says() {
    let server = malti::launch().start().await;
    let mut client = server.client();
    send(&mut client, &sample()).await;
    let document = get_json(&mut client, "/openapi.json").await;
    let mut service = malti::service(&server);
    // What is compared must be there.
    let told = &document["paths"]["/v1/metrics"]["post"]["requestBody"]["content"]["application/json"];
    let rows = told["examples"]["full"]["value"].to_string();
    assert_eq!(client.post("/v1/metrics", rows).await.status, 202);
    for (path, method, operation) in openapi::operations(&document) {
        let example = &operation["requestBody"]["content"]["application/json"]["examples"]["full"]["value"];
        // tests/vantage.rs opens the socket.
        if operation["responses"]["101"].is_object() {
            continue;
        }
        let body = if example.is_null() {
            String::new()
        } else {
            of_now(example.clone()).to_string()
        };
        let path = format!("{}?name=m", filled(&mut client, path).await);
        let sender = match path.starts_with("/api/v1/ingest") {
            true => &mut service,
            false => &mut client,
        };
        let answer = sender.send(method.parse().unwrap(), &path, &[], body).await;
        let case = format!("{method} {path}");
        assert!(answer.status.is_success(), "{case}: {}", answer.text());
        openapi::check_answer(&case, operation, &answer);
    }
}

#[tokio::test]
async fn a_bucket_has_the_fields_that_are_told() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &sample()).await;
    let document = get_json(&mut client, "/openapi.json").await;
    let told = document["components"]["schemas"]["Bucket"]["properties"]
        .as_object()
        .unwrap();
    let body = get_json(&mut client, "/api/metrics?name=m&function=avg").await;
    let fields: BTreeSet<&String> = body["data"][0].as_object().unwrap().keys().collect();
    assert_eq!(fields, told.keys().collect());
}
