//! What all of Vantage's doors have in common: budgets, refusals, origins, slashes, and what programs ask first.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use testkit::{Answer, Client, json};

use crate::support::{get_json, launch, now_ms, start};
use crate::vantage::{batch, post, request, sent};

async fn ask(client: &mut Client, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    client.send(method.parse().unwrap(), path, headers, "").await
}

#[tokio::test]
async fn each_address_has_a_budget_and_is_told_of_it() {
    let server = start().await;
    let before = now_ms() / 1000;
    let answer = server.client().get("/api/services").await;
    assert_eq!(answer.header("x-ratelimit-limit"), "1000");
    assert_eq!(answer.header("x-ratelimit-remaining"), "999");
    let reset: i64 = answer.header("x-ratelimit-reset").parse().unwrap();
    assert!((before + 55..=now_ms() / 1000 + 61).contains(&reset), "{reset}");

    // A minute brings two more: none comes while this runs.
    let server = launch().env("VANTAGE_RATE_LIMIT", 2).start().await;
    let mut client = server.client();
    // A refusal costs as much, and is told as well.
    let refused = server.stranger().get("/api/services").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("x-ratelimit-remaining")),
        (401, "1")
    );
    assert_eq!(client.get("/v1/stats").await.header("x-ratelimit-remaining"), "0");
    let answer = post(&mut client, &batch(&[request("orders", now_ms(), 200, 1.5)])).await;
    assert_eq!(answer.status, 429);
    let seconds: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
    let body = answer.json();
    assert_eq!(
        (&body["error"], &body["retry_after_seconds"]),
        (&json!("Rate limit exceeded"), &json!(seconds))
    );
    assert_eq!(
        body["message"],
        format!("Too many requests. Please retry after {seconds} seconds.")
    );
    for path in ["/health", "/ready", "/live", "/metrics"] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-ratelimit-limit")),
            (200, ""),
            "{path}"
        );
    }
    // Our own doors have budgets of their own.
    assert_eq!(client.get("/api/metrics/names").await.status, 200);

    let server = launch().env("VANTAGE_RATE_LIMIT", 0).start().await;
    assert_eq!(
        server.client().get("/v1/stats").await.header("x-ratelimit-limit"),
        ""
    );
}

#[tokio::test]
async fn a_missing_key_and_a_wrong_one_are_told_apart() {
    let server = launch().env("VANTAGE_KEYS", "required").start().await;
    let mut client = server.stranger();
    for (headers, detail) in [
        (&[][..], "Missing API key. Include 'X-API-Key' header."),
        (&[("x-api-key", "wrong")], "Invalid API key"),
    ] {
        for (method, path) in [("POST", "/v1/metrics"), ("GET", "/v1/stats"), ("GET", "/traces/")] {
            let answer = ask(&mut client, method, path, headers).await;
            assert_eq!(
                (answer.status.as_u16(), answer.detail().as_str()),
                (401, detail),
                "{path}"
            );
            assert_eq!(answer.header("www-authenticate"), "ApiKey", "{path}");
        }
    }
    // Elsewhere they are ours.
    let answer = client.get("/api/metrics/names").await;
    assert!(answer.header("www-authenticate").starts_with("Bearer"));
}

#[tokio::test]
async fn pages_of_any_origin_may_call_where_no_key_is_wanted() {
    let origin = [("origin", "https://dashboard.example")];
    let asked = [
        origin[0],
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let open = launch().env("VANTAGE_KEYS", "optional").start().await;
    let mut client = open.stranger();
    for path in [
        "/api/services",
        "/health/scores",
        "/health/score/orders",
        "/alerts/",
        "/traces/",
        "/v1/stats",
    ] {
        let answer = ask(&mut client, "GET", path, &origin).await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("access-control-allow-origin")
            ),
            (200, "*"),
            "{path}"
        );
    }
    for path in ["/v1/metrics", "/compare/services", "/vql/execute", "/traces/t"] {
        let answer = ask(&mut client, "OPTIONS", path, &asked).await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert_eq!(
            answer.header("access-control-allow-headers"),
            "content-type",
            "{path}"
        );
        assert!(
            answer.header("access-control-allow-methods").contains("POST"),
            "{path}"
        );
    }
    // Not to our own doors, and never where a key is wanted.
    assert_eq!(
        ask(&mut client, "GET", "/api/metrics/names", &origin)
            .await
            .header("access-control-allow-origin"),
        ""
    );
    let closed = start().await;
    for method in ["GET", "OPTIONS"] {
        let answer = ask(&mut closed.client(), method, "/api/services", &asked).await;
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method}");
    }
}

#[tokio::test]
async fn what_programs_ask_first() {
    let server = start().await;
    let mut client = server.stranger();
    assert_eq!(client.get("/live").await.json(), json!({"status": "alive"}));
    assert_eq!(client.get("/ready").await.json(), json!({"status": "ready"}));
    let answer = client.get("/health").await;
    assert!(
        answer.text().starts_with("{\"status\": \"ok\""),
        "{}",
        answer.text()
    );
    let health = answer.json();
    assert_eq!(
        (&health["service"], &health["version"]),
        (&json!("metrics-collector"), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(health["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(health["checks"]["kafka"]["status"], "healthy");
    assert_eq!(health["checks"]["api"]["status"], "healthy");
    let metrics = server.client().get("/metrics").await;
    assert!(
        metrics
            .header("content-type")
            .starts_with("application/openmetrics-text")
    );

    let card = json!({"service": "metrics-collector", "version": env!("CARGO_PKG_VERSION")});
    let program = [("accept", "application/json, text/plain, */*")];
    let browser = [("accept", "text/html,application/xhtml+xml,application/json;q=0.9")];
    assert_eq!(ask(&mut server.client(), "GET", "/", &program).await.json(), card);
    assert!(
        ask(&mut server.client(), "GET", "/", &browser)
            .await
            .text()
            .contains("<!doctype html>")
    );
    // Who has no key gets a card where Vantage's doors want none, and the page never.
    assert_eq!(ask(&mut client, "GET", "/", &program).await.status, 303);
    let open = launch().env("VANTAGE_KEYS", "optional").start().await;
    let mut client = open.stranger();
    assert_eq!(ask(&mut client, "GET", "/", &program).await.json(), card);
    let answer = ask(&mut client, "GET", "/", &browser).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, "login")
    );
}

#[tokio::test]
async fn what_came_is_counted() {
    let server = start().await;
    let mut client = server.client();
    let good = request("orders", now_ms(), 200, 1.5);
    post(&mut client, &batch(&[good.clone(), json!({"metric_name": "m"})])).await;
    post(&mut client, &batch(&[good.clone(), good])).await;
    let stats = get_json(&mut client, "/v1/stats").await;
    assert_eq!(
        stats["ingestion"],
        json!({"batches_received": 2, "metrics_received": 4, "metrics_accepted": 3, "metrics_rejected": 1, "acceptance_rate": 0.75})
    );
    let queue = &stats["kafka"];
    assert_eq!(
        (
            &queue["connected"],
            &queue["messages_sent"],
            &queue["messages_failed"]
        ),
        (&json!(true), &json!(2), &json!(0))
    );
    assert!(queue["bytes_sent"].as_u64().unwrap() > 0);
    assert_eq!(queue["success_rate"], 1.0);
    assert!(stats["uptime_seconds"].as_f64().unwrap() >= 0.);
    assert_eq!(
        (&stats["service"], &stats["environment"]),
        (&json!("metrics-collector"), &json!("production"))
    );
}

#[tokio::test]
async fn long_answers_are_compressed_and_compressed_requests_are_taken() {
    let server = start().await;
    let mut client = server.client();
    let metrics: Vec<_> = (0..20)
        .map(|n| request("orders", now_ms(), 200, f64::from(n) + 0.5))
        .collect();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(batch(&metrics).to_string().as_bytes()).unwrap();
    let headers = [("content-encoding", "gzip"), ("content-type", "application/json")];
    let answer = client
        .send(
            "POST".parse().unwrap(),
            "/v1/metrics",
            &headers,
            gzip.finish().unwrap(),
        )
        .await;
    // There that is a 400.
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["metrics_accepted"]),
        (202, &json!(20))
    );
    let accepts = [("accept-encoding", "gzip")];
    let long = ask(&mut client, "GET", "/api/metrics/timeseries", &accepts).await;
    assert_eq!(long.header("content-encoding"), "gzip");
    let short = ask(&mut client, "GET", "/api/services", &accepts).await;
    assert_eq!(short.header("content-encoding"), "");
}

#[tokio::test]
async fn a_slash_too_many_or_too_few_leads_on() {
    let server = start().await;
    let mut client = server.client();
    for (path, to) in [
        ("/api/services/", "/api/services"),
        (
            "/api/metrics/timeseries/?range=60",
            "/api/metrics/timeseries?range=60",
        ),
        ("/traces?limit=1", "/traces/?limit=1"),
        ("/alerts/summary/", "/alerts/summary"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(answer.status, 307, "{path}");
        let location = answer.header("location").to_owned();
        assert!(
            location.ends_with(to) && location.starts_with("http://"),
            "{path}: {location}"
        );
    }
    assert_eq!(ask(&mut client, "POST", "/vql/execute/", &[]).await.status, 307);
    // The way in never leads on: a batch would get lost.
    let body = batch(&[request("orders", now_ms(), 200, 1.5)]).to_string();
    assert_eq!(client.post("/v1/metrics/", body).await.status, 202);
}

#[tokio::test]
async fn what_cannot_be_stored_is_a_503_that_the_agent_tries_again() {
    let launch = launch();
    launch.start().await.stop().await;
    // More names than the limit has room for, and nothing that could be dropped.
    {
        let connection = Connection::open(launch.database_path()).unwrap();
        let names = "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9000)
             insert into vantage_services select printf('%0250d', i) from n";
        connection.execute_batch(names).unwrap();
    }
    let server = launch.env("MAX_DATABASE_MB", 1).start().await;
    let mut client = server.client();
    testkit::eventually("the database is seen to be full", async || {
        let health = get_json(&mut server.stranger(), "/health").await;
        (health["checks"]["kafka"]["status"] == "unhealthy").then_some(())
    })
    .await;
    let answer = post(&mut client, &batch(&[request("orders", now_ms(), 200, 1.5)])).await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.detail().contains("nothing was stored"),
        "{}",
        answer.text()
    );
    assert!(!answer.header("retry-after").is_empty());
    assert_eq!(
        get_json(&mut client, "/v1/stats").await["kafka"]["messages_failed"],
        1
    );
}

#[tokio::test]
async fn health_of_services_is_under_the_budget_and_our_health_is_not() {
    let server = start().await;
    sent(&server, &[request("orders", now_ms(), 200, 1.5)]).await;
    let scores = server.client().get("/health/scores").await;
    assert_eq!(
        (scores.status.as_u16(), scores.header("x-ratelimit-limit")),
        (200, "1000")
    );
    assert_eq!(
        server.client().get("/health").await.header("x-ratelimit-limit"),
        ""
    );
}
