//! Pages of other origins (contract §4.4), and beacons.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{KEY, ORIGIN, page, refusal, relay, report};
use testkit::Answer;

const PATHS: [&str; 4] = [
    "/api/browser/errors",
    "/api/browser/metrics",
    "/api/browser/logs",
    "/api/browser/anything",
];

async fn preflight(server: &testkit::Server, path: &str, origin: &str, headers: &str) -> Answer {
    let asked = [
        ("origin", origin),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", headers),
    ];
    server
        .stranger()
        .send("OPTIONS".parse().unwrap(), path, &asked, "")
        .await
}

#[tokio::test]
async fn an_allowed_origin_may_send() {
    let server = relay()
        .env("CORS_ORIGINS", format!("{ORIGIN}, https://*.example.org"))
        .start()
        .await;
    for origin in [ORIGIN, "https://a.b.example.org"] {
        for path in PATHS {
            let answer = preflight(&server, path, origin, "content-type,x-monlight-key").await;
            assert_eq!(answer.status, 204, "{path}");
            for (name, value) in [
                ("access-control-allow-origin", origin),
                ("access-control-allow-methods", "POST, OPTIONS"),
                ("access-control-allow-headers", "X-Monlight-Key, Content-Type"),
                ("access-control-allow-credentials", "true"),
                ("access-control-max-age", "86400"),
                ("vary", "Origin"),
            ] {
                assert_eq!(answer.header(name), value, "{path}: {name}");
            }
        }
    }
    let packs = preflight(&server, PATHS[0], ORIGIN, "content-encoding,content-type").await;
    assert_eq!(
        packs.header("access-control-allow-headers"),
        "X-Monlight-Key, Content-Type, Content-Encoding"
    );
}

#[tokio::test]
async fn other_origins_are_not_told_that_they_may() {
    let server = relay().env("CORS_ORIGINS", "https://*.example.org").start().await;
    for origin in [
        "https://example.org",
        "https://evil.example.com",
        "null",
        "https://x.example.org.evil.com",
    ] {
        let answer = preflight(&server, PATHS[0], origin, "content-type").await;
        assert_eq!(refusal(&answer), (401, "Invalid DSN key".to_owned()), "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
        assert_eq!(answer.header("vary"), "Origin");
    }
    // What such a page sends without asking is still taken, as ever; it may not read the answer.
    let headers = [("origin", "https://evil.example.com"), ("x-monlight-key", KEY)];
    let sent = report("m").to_string();
    let answer = server
        .stranger()
        .send("POST".parse().unwrap(), PATHS[0], &headers, sent)
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (202, "")
    );
}

#[tokio::test]
async fn a_page_can_read_why_it_was_refused() {
    let server = relay().env("MAX_BODY_SIZE", 1024).start().await;
    let large = report(&"x".repeat(2000)).to_string();
    let post = async |key: &str, path: &str, body: &str| {
        let headers = [("origin", ORIGIN), ("x-monlight-key", key)];
        server
            .stranger()
            .send("POST".parse().unwrap(), path, &headers, body.to_owned())
            .await
    };
    for (answer, expected) in [
        (post("wrong", PATHS[0], "{}").await, (401, "Invalid DSN key")),
        (
            post(KEY, PATHS[0], "{}").await,
            (400, "Missing required field: type"),
        ),
        (
            post(KEY, PATHS[0], &large).await,
            (413, "Request body exceeds maximum size"),
        ),
        (post(KEY, PATHS[3], "{}").await, (404, "Not found")),
        (post("wrong", PATHS[3], "{}").await, (401, "Invalid DSN key")),
    ] {
        assert_eq!(refusal(&answer), (expected.0, expected.1.to_owned()));
        assert_eq!(
            answer.header("access-control-allow-origin"),
            ORIGIN,
            "{expected:?}"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
    }
    let put = page(&server)
        .send("PUT".parse().unwrap(), PATHS[0], &[], "{}")
        .await;
    assert_eq!(
        (refusal(&put), put.header("access-control-allow-origin")),
        ((405, "Method not allowed".to_owned()), ORIGIN)
    );
}

#[tokio::test]
async fn b14_beacons_bring_their_key_in_the_url_and_plain_text_needs_no_preflight() {
    let server = relay().start().await;
    let metrics = r#"{"metrics": [{"name": "n", "type": "counter", "value": 1}]}"#;
    for content_type in ["application/json", "text/plain;charset=UTF-8"] {
        let headers = [
            ("origin", ORIGIN),
            ("content-type", content_type),
            ("cookie", "a=b"),
        ];
        let path = format!("/api/browser/metrics?key={KEY}");
        let answer = server
            .stranger()
            .send("POST".parse().unwrap(), &path, &headers, metrics)
            .await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
    }
    // A wrong header is not mended by the URL.
    let headers = [("x-monlight-key", "wrong")];
    let path = format!("/api/browser/metrics?key={KEY}");
    let answer = server
        .stranger()
        .send("POST".parse().unwrap(), &path, &headers, metrics)
        .await;
    assert_eq!(answer.status, 401);
}
