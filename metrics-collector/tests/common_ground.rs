//! What this service shares with the others, on its own binary.

use testkit::Launch;

fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_metrics-collector"))
}

#[tokio::test]
async fn it_is_healthy_and_ready_and_counts_its_work() {
    let server = launch().start().await;
    // As the first thing in it; what else there is, Vantage's clients read.
    let health = server.stranger().get("/health").await.text();
    assert!(health.starts_with("{\"status\": \"ok\""), "{health}");
    assert_eq!(server.stranger().get("/ready").await.status, 200);
    assert_eq!(server.stranger().get("/metrics").await.status, 401);
    let metrics = server.client().get("/metrics").await.text();
    assert!(metrics.contains("monlight_http_requests_total{"), "{metrics}");
    assert!(metrics.ends_with("# EOF\n"), "{metrics}");
}

#[tokio::test]
async fn its_page_is_behind_the_login_and_says_how_to_begin() {
    let server = launch().start().await;
    let stranger = server.stranger().get("/").await;
    assert_eq!(
        (stranger.status.as_u16(), stranger.header("location")),
        (303, "login")
    );
    let page = server.client().get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Send your first metric"), "{}", page.text());
}

#[tokio::test]
async fn it_ends_cleanly_when_asked_to() {
    let (status, log) = launch().start().await.stop().await;
    assert!(status.success(), "{log}");
    assert!(log.contains("stopped"), "{log}");
}
