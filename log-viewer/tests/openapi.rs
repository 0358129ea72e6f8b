//! `/openapi.json` says what is so: every operation is there, every reference leads somewhere, every example
//! is as the service takes and gives it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeSet;

use crate::support::{entry, get_json, send, start};
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

/// A path of the document that leads to something: the first entry, or a channel or rule made anew.
async fn filled(client: &mut Client, path: &str) -> String {
    let (all, body) = match path {
        path if path.starts_with("/api/channels") => (
            "/api/channels",
            json!({"kind": "webhook", "target": "https://hooks.example.com/"}),
        ),
        path if path.starts_with("/api/rules") => (
            "/api/rules",
            json!({"name": "r", "matches": 1, "within_minutes": 1}),
        ),
        path => return path.replace("{id}", "1"),
    };
    let added = client.post(all, body.to_string()).await.json();
    path.replace("{id}", &added["id"].to_string())
}

#[tokio::test]
async fn every_operation_answers_as_it_says() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &json!([entry("web", "INFO", 1, "one")])).await;
    let document = get_json(&mut client, "/openapi.json").await;
    for (path, method, operation) in openapi::operations(&document) {
        if path.ends_with("/tail") {
            continue;
        }
        let example = &operation["requestBody"]["content"]["application/json"]["examples"]["full"]["value"];
        let body = if example.is_null() {
            String::new()
        } else {
            example.to_string()
        };
        let address = filled(&mut client, path).await;
        let answer = client.send(method.parse().unwrap(), &address, &[], body).await;
        let case = format!("{method} {path}");
        assert!(answer.status.is_success(), "{case}: {}", answer.text());
        openapi::check_answer(&case, operation, &answer);
    }
}

#[tokio::test]
async fn an_entry_has_the_fields_that_are_told() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &json!([entry("web", "INFO", 1, "one")])).await;
    let document = get_json(&mut client, "/openapi.json").await;
    let required: BTreeSet<&str> = document["components"]["schemas"]["Entry"]["required"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let list = get_json(&mut client, "/api/logs").await;
    let row: BTreeSet<&str> = list["logs"][0]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(row, required);
}
