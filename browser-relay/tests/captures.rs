//! Requests that the original SDK made, sent again as they were, with what its browser asks first.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{Stack, get_json};
use testkit::{Answer, Server, Value, handbook, json, skip};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Headers that the test's own connection has to set.
const OWN: &[&str] = &["host", "connection", "content-length", "accept-encoding"];

/// Now, as the SDK writes it, without the fraction.
fn now() -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    now.format(&Rfc3339).unwrap().trim_end_matches('Z').to_owned()
}

async fn replay(relay: &Server, folder: &std::path::Path, name: &str) -> Answer {
    let request: Value =
        serde_json::from_slice(&std::fs::read(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let body = match request["method"].as_str() {
        Some("OPTIONS") => String::new(),
        _ => std::fs::read_to_string(folder.join(format!("{name}.body"))).unwrap(),
    };
    // What is older than the collector keeps would not be taken.
    let body = body.replace("2026-11-20T13:43:22", &now());
    let headers: Vec<(&str, &str)> = request["headers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
        .filter(|(name, _)| !OWN.contains(&name.to_ascii_lowercase().as_str()))
        .collect();
    let method = request["method"].as_str().unwrap().parse().unwrap();
    relay
        .stranger()
        .send(method, request["path"].as_str().unwrap(), &headers, body)
        .await
}

#[tokio::test]
async fn the_original_sdk_delivers_everything() {
    let Some(folder) = handbook("captures") else {
        return skip("captured requests are not in this checkout");
    };
    let origin = "http://127.0.0.1:19001";
    let stack = Stack::start_with(|launch| launch.env("CORS_ORIGINS", origin)).await;
    for name in ["monlightjs-preflight", "monlightjs-beacon-preflight"] {
        let answer = replay(&stack.relay, &folder, name).await;
        assert_eq!(answer.status, 204, "{name}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        let allowed = answer.header("access-control-allow-headers").to_ascii_lowercase();
        assert!(allowed.contains("x-monlight-key") && allowed.contains("content-type"));
    }

    let answer = replay(&stack.relay, &folder, "monlightjs-error").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (200, origin),
        "{}",
        answer.text()
    );
    // HeadlessChrome is a crawler to the tracker: counted, not kept.
    assert_eq!(answer.json()["status"], json!("filtered"));

    let answer = replay(&stack.relay, &folder, "monlightjs-metrics").await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()),
        (202, json!({"status": "accepted", "count": 7}))
    );
    let names = get_json(&mut stack.collector.client(), "/api/metrics/names?project=web").await;
    let names = names["metrics"].to_string();
    for name in [
        "web_vitals_ttfb",
        "web_vitals_fcp",
        "page_load_time",
        "browser_http_requests_total",
    ] {
        assert!(names.contains(name), "{name}: {names}");
    }
}

#[tokio::test]
async fn an_error_of_the_original_sdk_is_kept_whole() {
    let Some(folder) = handbook("captures") else {
        return skip("captured requests are not in this checkout");
    };
    let stack = Stack::start().await;
    let body = std::fs::read_to_string(folder.join("monlightjs-error.body")).unwrap();
    // The tracker counts crawlers and pages on the developer's own machine, and keeps neither.
    let body = body
        .replace("HeadlessChrome", "Chrome")
        .replace("127.0.0.1:19001", "shop.example.com");
    let answer = crate::support::page(&stack.relay)
        .post("/api/browser/errors", body.clone())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let sent: Value = serde_json::from_str(&body).unwrap();
    let group = get_json(
        &mut stack.tracker.client(),
        &format!("/api/errors/{}", answer.json()["id"]),
    )
    .await;
    let kept = &group["occurrences"][0];
    assert_eq!(
        (&group["exception_type"], &group["message"], &kept["traceback"]),
        (&sent["type"], &sent["message"], &sent["stack"])
    );
    for field in ["user_agent", "session_id", "release", "timestamp", "context"] {
        assert_eq!(kept["extra"][field], sent[field], "{field}");
    }
}
