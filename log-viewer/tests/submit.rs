//! `POST /api/logs`: what is taken, what is refused, and how it is found again.

use std::io::Write;

use crate::support::{found, get_json, send, start, viewer};
use testkit::json;
use web::Method;

#[tokio::test]
async fn a_list_and_lines_are_taken_and_are_there_when_it_is_answered() {
    let server = start().await;
    let mut client = server.client();
    let answer = send(
        &mut client,
        &json!([
            {"container": "web", "message": "one", "timestamp": "2026-11-20T10:00:01Z"},
            {"container": "web", "message": "two", "timestamp": "2026-11-20T10:00:02Z"},
        ]),
    )
    .await;
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(2), &json!(0)));
    assert_eq!(found(&mut client, "container=web").await, ["two", "one"]);
    let lines = "{\"message\": \"three\"}\n{\"msg\": \"four\", \"level\": \"fatal\"}\n";
    let answer = client.post("/api/logs?container=app", lines).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(found(&mut client, "container=app&level=CRITICAL").await, ["four"]);
    let first = answer.json()["first_id"].as_u64().unwrap_or_default();
    assert_eq!(
        get_json(&mut client, &format!("/api/logs/{first}")).await["message"],
        "three"
    );
}

#[tokio::test]
async fn a_bad_item_is_refused_by_itself() {
    let server = start().await;
    let mut client = server.client();
    let body = "{\"container\": \"web\", \"message\": \"good\"}\nno json\n{\"container\": \"web\"}\n";
    let answer = client.post("/api/logs", body).await;
    assert_eq!(answer.status, 207);
    assert_eq!(
        answer.json()["errors"],
        json!([
            {"index": 1, "detail": "Invalid JSON"},
            {"index": 2, "detail": "Missing required field: message"},
        ])
    );
    assert_eq!(answer.json()["accepted"], 1);
    assert_eq!(found(&mut client, "").await, ["good"]);
}

#[tokio::test]
async fn names_of_containers_come_to_an_end() {
    let server = start().await;
    let mut client = server.client();
    let item = |n: usize| format!("{{\"container\": \"c{n}\", \"message\": \"x\"}}\n");
    let answer = client
        .post("/api/logs", (1..10_000).map(item).collect::<String>())
        .await;
    assert_eq!(answer.json()["accepted"], 9_999, "{}", answer.text());
    let body: String = [10_000, 10_001, 5, 10_000].map(item).concat();
    let answer = client.post("/api/logs", body).await.json();
    assert_eq!(answer["accepted"], 3);
    let detail = "there are 10000 containers, no new one is taken";
    assert_eq!(answer["errors"], json!([{"index": 1, "detail": detail}]));
}

#[tokio::test]
async fn a_body_that_is_none_is_refused_as_a_whole() {
    let server = viewer().env("MAX_BATCH_BYTES", 2048).start().await;
    let mut client = server.client();
    for body in ["", "[{\"message\": \"x\"}", "\u{feff}"] {
        let answer = client.post("/api/logs", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (400, "Invalid JSON"),
            "{body:?}"
        );
    }
    let long = json!([{"container": "web", "message": "x".repeat(3000)}]);
    assert_eq!(client.post("/api/logs", long.to_string()).await.status, 413);
    assert_eq!(server.stranger().post("/api/logs", "[]").await.status, 401);
    assert_eq!(client.post("/api/logs", "[]").await.json()["accepted"], 0);
}

#[tokio::test]
async fn a_compressed_body_is_taken() {
    let server = start().await;
    let mut client = server.client();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let body = json!([{"container": "web", "message": "packed"}]).to_string();
    gzip.write_all(body.as_bytes()).expect("memory can be written");
    let body = gzip.finish().expect("memory can be written");
    let answer = client
        .send(Method::POST, "/api/logs", &[("content-encoding", "gzip")], body)
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(found(&mut client, "").await, ["packed"]);
}

#[tokio::test]
async fn fields_that_come_along_are_found_and_told() {
    let server = start().await;
    let mut client = server.client();
    let answer = send(
        &mut client,
        &json!([{"container": "shop", "message": "paid", "order": 7, "user": {"id": "u-1"}}]),
    )
    .await;
    assert_eq!(found(&mut client, "q=user.id:u-1+order:7").await.len(), 1);
    let id = answer["first_id"].as_u64().unwrap_or_default();
    let detail = get_json(&mut client, &format!("/api/logs/{id}")).await;
    assert_eq!(
        detail["fields"],
        json!([
            {"name": "message", "value": "paid"},
            {"name": "order", "value": "7"},
            {"name": "user.id", "value": "u-1"},
        ])
    );
}

/// What was acknowledged is there after a kill.
#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let launch = viewer();
    let server = launch.start().await;
    send(
        &mut server.client(),
        &json!([{"container": "web", "message": "kept"}]),
    )
    .await;
    server.kill().await;
    let server = launch.start().await;
    assert_eq!(found(&mut server.client(), "").await, ["kept"]);
}

#[tokio::test]
async fn a_key_that_cannot_be_kept_is_refused() {
    let server = start().await;
    let mut client = server.client();
    for key in ["two words", "", &"x".repeat(129)] {
        let headers = [("idempotency-key", key)];
        let body = json!([{"container": "web", "message": "one"}]).to_string();
        let answer = client.send(Method::POST, "/api/logs", &headers, body).await;
        assert_eq!(answer.status, 400, "{key}: {}", answer.text());
    }
    assert!(found(&mut client, "").await.is_empty());
}
