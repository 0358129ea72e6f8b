//! What the tests of alerts share: channels and rules by the API, and what a receiver was told.
#![expect(clippy::unwrap_used, reason = "for tests, which may panic")]

use serde_json::{Value, json};

use crate::{Client, Receiver};

/// Adds a channel or a rule, which must be taken; the answer.
pub async fn add(client: &mut Client, path: &str, body: Value) -> Value {
    let answer = client.post(path, body.to_string()).await;
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    answer.json()
}

/// Adds a receiver as a channel; its number.
pub async fn channel(client: &mut Client, receiver: &Receiver) -> i64 {
    let body = json!({"kind": "webhook", "target": receiver.url("/")});
    add(client, "/api/channels", body).await["id"].as_i64().unwrap()
}

/// Titles of what a receiver got, in order.
pub fn titles(receiver: &Receiver) -> Vec<String> {
    let title = |got: &crate::Received| got.json()["title"].as_str().unwrap().to_owned();
    receiver.all().iter().map(title).collect()
}
