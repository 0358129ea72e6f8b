//! `/openapi.json` says what is so: every operation is there, every reference leads somewhere, every example
//! is as the service takes and gives it.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

mod support;

use std::collections::BTreeSet;

use support::{get_json, now_ms, send, start};
use testkit::{Client, Value, json};

/// Every operation: path, method, and what the document says of it.
fn operations(document: &Value) -> Vec<(&str, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let entries = paths.flat_map(|(path, item)| item.as_object().unwrap().iter().map(move |it| (path, it)));
    entries
        .filter(|(_, (name, _))| *name != "parameters")
        .map(|(path, (method, operation))| (path.as_str(), method.to_uppercase(), operation))
        .collect()
}

/// Every value of `name`, however deep.
fn all<'v>(value: &'v Value, name: &str, found: &mut Vec<&'v Value>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get(name));
            fields.values().for_each(|field| all(field, name, found));
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, name, found)),
        _ => {}
    }
}

#[tokio::test]
async fn every_reference_leads_somewhere_and_every_component_is_used() {
    let server = start().await;
    let document = get_json(&mut server.stranger(), "/openapi.json").await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut found = Vec::new();
    all(&document, "$ref", &mut found);
    let used: BTreeSet<&str> = found.iter().map(|target| target.as_str().unwrap()).collect();
    for target in &used {
        assert!(
            document.pointer(target.strip_prefix('#').unwrap()).is_some(),
            "{target}"
        );
    }
    for (kind, components) in document["components"].as_object().unwrap() {
        for name in components
            .as_object()
            .unwrap()
            .keys()
            .filter(|_| kind != "securitySchemes")
        {
            assert!(
                used.contains(format!("#/components/{kind}/{name}").as_str()),
                "{kind}/{name} is not used"
            );
        }
    }
}

#[tokio::test]
async fn every_operation_explains_itself() {
    let server = start().await;
    let document = get_json(&mut server.stranger(), "/openapi.json").await;
    let tags: Vec<&Value> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| &tag["name"])
        .collect();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let case = format!("{method} {path}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{case}");
        assert!(tags.contains(&&operation["tags"][0]), "{case}");
        for text in ["summary", "description"] {
            assert!(
                operation[text].as_str().is_some_and(|text| !text.is_empty()),
                "{case}: {text}"
            );
        }
        let needs_key = operation["security"].as_array().unwrap().len() == 3;
        let answers = operation["responses"].as_object().unwrap();
        assert_eq!(
            needs_key,
            answers.contains_key("401") && answers.contains_key("403"),
            "{case}"
        );
        assert_eq!(path.contains("{id}"), answers.contains_key("404"), "{case}");
    }
    let mut links = Vec::new();
    all(&document["components"]["links"], "operationId", &mut links);
    assert!(links.iter().all(|id| ids.contains(id.as_str().unwrap())));
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
        path => return path.to_owned(),
    };
    let added = client.post(all, body.to_string()).await.json();
    path.replace("{id}", &added["id"].to_string())
}

#[tokio::test]
async fn every_operation_answers_as_it_says() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &sample()).await;
    let document = get_json(&mut client, "/openapi.json").await;
    for (path, method, operation) in operations(&document) {
        let example = &operation["requestBody"]["content"]["application/json"]["examples"]["full"]["value"];
        let body = if example.is_null() {
            String::new()
        } else {
            example.to_string()
        };
        let path = format!("{}?name=m", filled(&mut client, path).await);
        let answer = client.send(method.parse().unwrap(), &path, &[], body).await;
        let case = format!("{method} {path}: {}", answer.text());
        let told = &operation["responses"][answer.status.as_str()];
        assert!(answer.status.is_success() && told.is_object(), "{case}");
        let media: Vec<&String> = told["content"].as_object().unwrap().keys().collect();
        assert!(
            answer.header("content-type").starts_with(media[0].as_str()),
            "{case}"
        );
        let required = told["content"][media[0]]["schema"]["required"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for field in required.iter().filter_map(Value::as_str) {
            assert!(answer.json().get(field).is_some(), "{case}: {field} is missing");
        }
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
