//! `/openapi.json` says what is so: every operation is there, every reference leads somewhere, every example
//! is as the service takes and gives it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeSet;

use crate::support::{filled, get_json, method_of, start};
use testkit::{Value, json, openapi};

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

#[tokio::test]
async fn every_operation_answers_as_it_says() {
    let server = start().await;
    let mut client = server.client();
    let document = get_json(&mut client, "/openapi.json").await;
    for (path, method, operation) in openapi::operations(&document) {
        let address = filled(&mut client, path).await;
        let example =
            &operation["requestBody"]["content"]["application/json"]["examples"]["minimal"]["value"];
        let body = if example.is_null() {
            String::new()
        } else {
            example.to_string()
        };
        let answer = client
            .send(method_of(path, &method).parse().unwrap(), &address, &[], body)
            .await;
        let case = format!("{method} {path}");
        openapi::check_answer(&case, operation, &answer);
    }
}

#[tokio::test]
async fn the_examples_of_reports_are_taken() {
    let server = start().await;
    let document = get_json(&mut server.client(), "/openapi.json").await;
    let examples =
        document["paths"]["/api/errors"]["post"]["requestBody"]["content"]["application/json"]["examples"]
            .clone();
    for (name, example) in examples.as_object().unwrap() {
        let answer = server
            .client()
            .post("/api/errors", example["value"].to_string())
            .await;
        assert_eq!(answer.status, 201, "{name}");
    }
    let list = get_json(&mut server.client(), "/api/errors?project=shop").await;
    let documented = &document["components"]["schemas"]["Group"];
    let fields: BTreeSet<&String> = documented["properties"].as_object().unwrap().keys().collect();
    assert_eq!(
        list["errors"][0]
            .as_object()
            .unwrap()
            .keys()
            .collect::<BTreeSet<_>>(),
        fields
    );
    let required = documented["required"].as_array().unwrap();
    assert_eq!(required.len(), fields.len());
    assert_eq!(list["total"], json!(2));
}
