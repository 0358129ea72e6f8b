//! `POST /api/browser/errors` (contract §4.5, §4.6), against a real tracker.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::io::Write;

use crate::support::{KEY, PROJECT, Stack, get_json, page, refusal, relay, report};
use flate2::Compression;
use flate2::write::GzEncoder;
use testkit::{Value, json};

#[tokio::test]
async fn the_trackers_own_answer_comes_back() {
    let stack = Stack::start().await;
    let mut page = page(&stack.relay);
    let created = page.post("/api/browser/errors", report("m").to_string()).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let created = created.json();
    assert_eq!(
        (&created["status"], created["fingerprint"].as_str().unwrap().len()),
        (&json!("created"), 32)
    );
    let again = page.post("/api/browser/errors", report("m").to_string()).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["status"]),
        (200, &json!("incremented"))
    );
    assert_eq!(again.json()["count"], json!(2));
    let resolve = format!("/api/errors/{}/resolve", created["id"]);
    assert_eq!(stack.tracker.client().post(&resolve, "").await.status, 200);
    let back = page.post("/api/browser/errors", report("m").to_string()).await;
    assert_eq!(
        (back.status.as_u16(), &back.json()["status"]),
        (201, &json!("reopened"))
    );
}

#[tokio::test]
async fn all_that_a_browser_says_reaches_the_tracker() {
    let stack = Stack::start().await;
    let sent = json!({
        "type": "RangeError", "message": "too \"far\" \u{1f600}", "stack": "RangeError: x\n    at go (https://h/a.js:1:2)",
        "url": "https://h/cart?q=1#x", "user_agent": "Mozilla/5.0 (X11) Chrome/156.0 Safari/537.36", "session_id": "s-1",
        "context": {"user_id": "u-1", "deep": {"a": [1, null]}}, "release": "1.2.3", "timestamp": "2026-11-20T13:43:22.123Z",
    });
    let answer = page(&stack.relay)
        .post("/api/browser/errors?x=y", sent.to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let group = get_json(
        &mut stack.tracker.client(),
        &format!("/api/errors/{}", answer.json()["id"]),
    )
    .await;
    let kept = &group["occurrences"][0];
    assert_eq!(
        (&group["project"], &group["exception_type"]),
        (&json!(PROJECT), &json!("RangeError"))
    );
    assert_eq!(
        (&group["message"], &group["traceback"]),
        (&sent["message"], &sent["stack"])
    );
    assert_eq!(
        (&kept["request_method"], &kept["request_url"]),
        (&json!("BROWSER"), &sent["url"])
    );
    assert_eq!(kept["user_id"], Value::Null);
    let extra = &kept["extra"];
    for field in ["user_agent", "session_id", "release", "timestamp", "context"] {
        assert_eq!(extra[field], sent[field], "{field}");
    }
    assert_eq!(
        extra.as_object().unwrap().len(),
        5,
        "nothing more, no address: {extra}"
    );
    let mut client = stack.tracker.client();
    let by_session = get_json(&mut client, "/api/errors?source=browser&session_id=s-1").await;
    assert_eq!(by_session["total"], json!(1));
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_contracts_words() {
    let stack = Stack::start().await;
    let mut page = page(&stack.relay);
    for (body, detail) in [
        ("", "Empty request body"),
        ("nonsense", "Invalid JSON"),
        ("[]", "Request body must be a JSON object"),
        (r#"{"message": "m", "stack": ""}"#, "Missing required field: type"),
        (r#"{"type": "E", "stack": ""}"#, "Missing required field: message"),
        (
            r#"{"type": "E", "message": "m", "stack": 1}"#,
            "Missing required field: stack",
        ),
    ] {
        let answer = page.post("/api/browser/errors", body).await;
        assert_eq!(refusal(&answer), (400, detail.to_owned()), "{body}");
    }
    let empty = r#"{"type": "", "message": "", "stack": "", "context": 5, "url": [1]}"#;
    assert_eq!(page.post("/api/browser/errors", empty).await.status, 201);
    let long = json!({"type": "x".repeat(201), "message": "m", "stack": ""}).to_string();
    let answer = page.post("/api/browser/errors", long).await;
    assert_eq!(refusal(&answer), (502, "Upstream error".to_owned()));
    let wrong = [("x-monlight-key", "wrong")];
    let answer = stack
        .relay
        .stranger()
        .send("POST".parse().unwrap(), "/api/browser/errors", &wrong, "{")
        .await;
    assert_eq!(
        refusal(&answer),
        (401, "Invalid DSN key".to_owned()),
        "the key comes before the body"
    );
}

#[tokio::test]
async fn b2_it_goes_on_after_each_forwarded_error_and_odd_methods() {
    let stack = Stack::start().await;
    let mut client = page(&stack.relay);
    for number in 0..50 {
        let answer = client
            .post("/api/browser/errors", report("same").to_string())
            .await;
        assert!(answer.status.is_success(), "{number}");
        let get = client.get("/api/browser/errors").await;
        assert_eq!(refusal(&get), (405, "Method not allowed".to_owned()));
        let headers = [("expect", "100-continue")];
        let body = report("same").to_string();
        let answer = client
            .send("POST".parse().unwrap(), "/api/browser/errors", &headers, body)
            .await;
        assert!(answer.status.is_success(), "{number}");
    }
    let list = get_json(&mut stack.tracker.client(), "/api/errors").await;
    assert_eq!(list["errors"][0]["count"], json!(100));
}

#[tokio::test]
async fn packed_bodies_are_taken() {
    let stack = Stack::start().await;
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(report("packed").to_string().as_bytes()).unwrap();
    let body = packed.finish().unwrap();
    let headers = [("content-encoding", "gzip"), ("content-type", "text/plain")];
    let answer = page(&stack.relay)
        .send("POST".parse().unwrap(), "/api/browser/errors", &headers, body)
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    bomb.write_all(&vec![b' '; 20 << 20]).unwrap();
    let bomb = bomb.finish().unwrap();
    let answer = page(&stack.relay)
        .send("POST".parse().unwrap(), "/api/browser/errors", &headers, bomb)
        .await;
    assert_eq!(answer.status, 413);
}

#[tokio::test]
async fn an_event_sent_twice_with_its_id_counts_once() {
    let stack = Stack::start().await;
    let mut once = report("once");
    once["event_id"] = json!("85314830-023f-4cf1-a267-535f4e37bb17");
    for _ in 0..3 {
        assert!(
            page(&stack.relay)
                .post("/api/browser/errors", once.to_string())
                .await
                .status
                .is_success()
        );
    }
    let list = get_json(&mut stack.tracker.client(), "/api/errors").await;
    assert_eq!(list["errors"][0]["count"], json!(1));
}

#[tokio::test]
async fn who_asks_not_to_be_tracked_is_nobody_and_an_address_is_kept_only_when_asked_for() {
    let stack = Stack::start_with(|launch| launch.env("STORE_IP", "yes")).await;
    let mut sent = report("m");
    sent["session_id"] = json!("s");
    sent["url"] = json!("https://h/p?mail=a@b.c");
    sent["context"] = json!({"user_id": "u", "tenant": "t"});
    let send = async |header: &str| {
        let headers = [(header, "1")];
        let mut page = page(&stack.relay);
        let answer = page
            .send(
                "POST".parse().unwrap(),
                "/api/browser/errors",
                &headers,
                sent.to_string(),
            )
            .await;
        let group = get_json(
            &mut stack.tracker.client(),
            &format!("/api/errors/{}", answer.json()["id"]),
        )
        .await;
        group["occurrences"][0].clone()
    };
    for header in ["dnt", "sec-gpc"] {
        let kept = send(header).await;
        assert_eq!(
            (&kept["request_url"], &kept["extra"]),
            (&json!("https://h/p"), &json!({"context": {"tenant": "t"}}))
        );
    }
    let kept = send("x-other").await;
    assert_eq!(kept["extra"]["ip_address"], json!("127.0.0.1"));
    assert_eq!(kept["extra"]["session_id"], json!("s"));
}

#[tokio::test]
async fn a_service_that_does_not_run_is_a_setting_and_no_error() {
    let server = relay().start().await;
    let mut page = page(&server);
    assert_eq!(
        page.post("/api/browser/errors", report("m").to_string())
            .await
            .status,
        202
    );
    let metrics = r#"{"metrics": [{"name": "n", "type": "counter", "value": 1}]}"#;
    let answer = page.post("/api/browser/metrics", metrics).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({"status": "accepted", "count": 0}))
    );
    let shown = server.client().get("/").await.text();
    assert!(shown.contains("no service is set for it"), "{shown}");
    assert!(!shown.contains(KEY));
}

#[tokio::test]
async fn noise_is_counted_by_its_reason() {
    let stack = Stack::start().await;
    let mut sent = report("m");
    sent["stack"] = json!("TypeError: x\n    at f (chrome-extension://abcdef/content.js:1:2)");
    sent["user_agent"] =
        json!("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36");
    let answer = page(&stack.relay)
        .post("/api/browser/errors", sent.to_string())
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]),
        (200, &json!("filtered")),
        "{}",
        answer.text()
    );
    let shown = stack.relay.client().get("/").await.text();
    assert!(shown.contains("noise: "), "{shown}");
}
