//! The SDK that the relay serves, and what it may say twice.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{Stack, get_json, page, relay};
use testkit::{eventually, json};

/// Without Node at build time there is no SDK: then it says how to get it.
fn is_there(answer: &testkit::Answer) -> bool {
    if answer.status == 404 {
        assert!(answer.detail().contains("npm ci"), "{}", answer.text());
        testkit::skip("the relay was built without the SDK");
    }
    answer.status == 200
}

#[tokio::test]
async fn any_page_may_load_the_script_and_keep_it() {
    let server = relay().start().await;
    let mut stranger = server
        .stranger()
        .with_header("origin", "https://anywhere.example");
    let script = stranger.get("/sdk/monlight.min.js").await;
    if !is_there(&script) {
        return;
    }
    assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(script.header("access-control-allow-origin"), "*");
    assert_eq!(script.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(script.header("cache-control"), "public, max-age=3600");
    assert!(script.text().contains("MonlightSDK"));
    let tag = script.header("etag").to_owned();
    let mut again = server.stranger().with_header("if-none-match", &tag);
    let fresh = again.get("/sdk/monlight.min.js").await;
    assert_eq!((fresh.status.as_u16(), fresh.text().len()), (304, 0));
    assert_eq!(fresh.header("access-control-allow-origin"), "*");
    let mut packing = server.stranger().with_header("accept-encoding", "gzip");
    let packed = packing.get("/sdk/monlight.min.js").await;
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert_eq!(stranger.get("/sdk/monlight-vitals.js").await.status, 200);
    let command = stranger.get("/sdk/monlight-sourcemaps.mjs").await.text();
    assert!(command.contains("usage: monlight-sourcemaps"), "{command}");
    let maps = server.client().get("/source-maps").await.text();
    assert!(
        maps.contains("/sdk/monlight-sourcemaps.mjs") && !maps.contains("npx"),
        "{maps}"
    );
    assert_eq!(stranger.get("/sdk/other.js").await.status, 404);
}

#[tokio::test]
async fn a_version_is_for_ever_and_the_page_of_keys_shows_its_hash() {
    let server = relay().start().await;
    let keys = server.client().get("/keys").await.text();
    let current = server.stranger().get("/sdk/monlight.min.js").await;
    if !is_there(&current) {
        return;
    }
    let version = current
        .header("etag")
        .trim_matches('"')
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    let pinned = server
        .stranger()
        .get(&format!("/sdk/{version}/monlight.min.js"))
        .await;
    assert_eq!(
        pinned.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(pinned.text(), current.text());
    assert!(
        keys.contains(&format!("/sdk/{version}/monlight.min.js")),
        "{keys}"
    );
    assert!(keys.contains("sha384-"));
    // A page that names the version of an older relay still works.
    let old = server
        .stranger()
        .get("/sdk/0123456789abcdef/monlight.min.js")
        .await;
    assert_eq!(old.header("cache-control"), "public, max-age=3600");
    assert_eq!(old.text(), current.text());
}

#[tokio::test]
async fn a_batch_with_an_id_counts_once_however_often_it_is_sent() {
    let stack = Stack::start().await;
    let mut browser = page(&stack.relay);
    let metrics =
        json!({"event_id": "a".repeat(32), "metrics": [{"name": "n", "type": "counter", "value": 1}]});
    let logs = json!({"event_id": "b".repeat(32), "logs": [{"level": "info", "message": "said once"}]});
    for _ in 0..3 {
        let answer = browser.post("/api/browser/metrics", metrics.to_string()).await;
        assert_eq!(answer.json(), json!({"status": "accepted", "count": 1}));
        assert_eq!(
            browser.post("/api/browser/logs", logs.to_string()).await.status,
            202
        );
    }
    let sum = eventually("the metric is there", async || {
        let told = get_json(&mut stack.collector.client(), "/api/metrics?name=n&period=1h").await;
        told["data"][0]["sum"].as_f64()
    })
    .await;
    assert!((sum - 1.).abs() < f64::EPSILON, "{sum}");
    let lines = get_json(&mut stack.viewer.client(), "/api/logs?search=said").await;
    assert_eq!(lines["total"], 1);
}
