//! The admin pages, and what this service shares with the others.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{KEY, page, relay, report};
use testkit::json;

#[tokio::test]
async fn it_is_healthy_and_ready_and_counts_its_work() {
    let server = relay().start().await;
    assert_eq!(
        server.stranger().get("/health").await.json(),
        json!({"status": "ok"})
    );
    assert_eq!(server.stranger().get("/ready").await.status, 200);
    assert_eq!(server.stranger().get("/metrics").await.status, 401);
    page(&server)
        .post("/api/browser/errors", report("m").to_string())
        .await;
    server.stranger().post("/api/browser/errors", "").await;
    let metrics = server.client().get("/metrics").await.text();
    for line in [
        "monlight_browser_received_total{kind=\"errors\",outcome=\"no_backend\"} 1",
        "monlight_browser_received_total{kind=\"errors\",outcome=\"wrong_key\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[tokio::test]
async fn pages_are_behind_the_login_and_forms_need_a_page_of_ours() {
    let server = relay().start().await;
    for path in ["/", "/keys", "/source-maps"] {
        let stranger = server.stranger().get(path).await;
        assert_eq!(stranger.status, 303, "{path}");
        assert!(stranger.header("location").contains("login"));
        assert_eq!(server.client().get(path).await.status, 200, "{path}");
    }
    assert_eq!(server.stranger().post("/keys", "project=x").await.status, 303);
}

#[tokio::test]
async fn a_key_is_made_and_switched_off_on_its_page_with_a_snippet_that_has_it() {
    let server = relay().start().await;
    let mut admin = server.client();
    let made = admin
        .post(
            "/keys",
            "project=my+%3Cshop%3E&origins=https%3A%2F%2Fa.example&rate_limit=&expires=",
        )
        .await;
    assert_eq!((made.status.as_u16(), made.header("location")), (303, "keys"));
    let shown = admin.get("/keys").await.text();
    let keys = admin.get("/api/dsn-keys").await.json();
    let key = keys["keys"][1]["public_key"].as_str().unwrap();
    assert!(
        shown.contains(key) && shown.contains("https://a.example") && shown.contains("data-dsn="),
        "{shown}"
    );
    assert!(
        shown.contains("my &#60;shop&#62;") || shown.contains("my &lt;shop&gt;"),
        "{shown}"
    );
    let off = admin.post("/keys/1/off", "").await;
    assert_eq!((off.status.as_u16(), off.header("location")), (303, "../../keys"));
    assert_eq!(
        page(&server)
            .post("/api/browser/errors", report("m").to_string())
            .await
            .status,
        401
    );
    admin.post("/keys/1/on", "").await;
    assert_eq!(
        page(&server)
            .post("/api/browser/errors", report("m").to_string())
            .await
            .status,
        202
    );
    let wrong = admin.post("/keys", "project=x&origins=nonsense").await;
    assert_eq!(wrong.status, 400);
    assert!(wrong.text().contains("is no origin"), "{}", wrong.text());
}

#[tokio::test]
async fn the_first_page_says_what_came_and_why_it_was_refused() {
    let server = relay().start().await;
    server
        .stranger()
        .post(&format!("/api/browser/errors?key={KEY}"), "{")
        .await;
    server.stranger().post("/api/browser/logs?key=wrong", "{").await;
    let shown = server.client().get("/").await.text();
    for words in [
        "the body was malformed",
        "the key is unknown, off or expired",
        "not set",
    ] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
}

#[tokio::test]
async fn it_ends_cleanly_when_asked_to() {
    let (status, log) = relay().start().await.stop().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("stopped"), "{log}");
}

#[tokio::test]
async fn settings_that_cannot_work_are_told_by_name() {
    let launch = relay()
        .env("ERROR_TRACKER_URL", "localhost:5010")
        .env("METRICS_COLLECTOR_URL", "http://localhost:5012")
        .env("CORS_ORIGINS", "shop.example.com");
    let (_, log) = launch.try_start().await.err().expect("it does not start");
    for told in ["ERROR_TRACKER_URL", "METRICS_COLLECTOR_API_KEY", "CORS_ORIGINS"] {
        assert!(log.contains(told), "{told} is not in\n{log}");
    }
}
