//! Vantage's agent and pages: what its collector and its query API answer, row by row of the contract.
//!
//! | line of the contract | test |
//! |---|---|
//! | agent: path, headers, body, fields, endpoint, deltas; no key | `the_captured_batch_is_taken_and_told_as_rows` |
//! | validation, reply, 202 even for rejected, OTLP told apart | `vantage_validation::*`, `one_bad_metric_does_not_lose_the_batch`, `what_is_no_batch_is_refused_as_there_and_otlp_with_a_word` |
//! | headers of a trace | `vantage_traces::both_headers_of_a_trace_count_or_none` |
//! | 503 when nothing can be stored | `vantage_doors::what_cannot_be_stored_is_a_503_that_the_agent_tries_again` |
//! | key optional, 401 texts and challenge | `keys_are_as_optional_as_they_are_told_to_be`, `vantage_doors::a_missing_key_and_a_wrong_one_are_told_apart` |
//! | budget, its headers, its 429, who is skipped | `vantage_doors::each_address_has_a_budget_and_is_told_of_it` |
//! | gzip of replies and requests | `vantage_doors::long_answers_are_compressed_and_compressed_requests_are_taken` |
//! | any origin | `vantage_doors::pages_of_any_origin_may_call_where_no_key_is_wanted` |
//! | stats, health, ready, live, card, metrics | `vantage_doors::what_programs_ask_first`, `vantage_doors::what_came_is_counted` |
//! | slashes at the end | `vantage_doors::a_slash_too_many_or_too_few_leads_on` |
//! | worker: alerts | `vantage_alerts::*`, `what_our_rules_told_of_are_vantages_alerts` |
//! | timeseries, aggregated, services | `rows_are_summed_up_and_services_listed` |
//! | WS /ws/metrics | `a_socket_…` |
//! | health/score, health/scores | `health_is_scored_by_errors_latency_and_traffic`, `domain::vantage::health` |
//! | alerts | `what_our_rules_told_of_are_vantages_alerts`, `vantage_alerts::*` |
//! | traces | `vantage_traces::*` |
//! | vql | `vql::*`, `domain::vql` |
//! | compare | `services_and_times_are_compared`, `domain::vantage::comparison` |
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use testkit::{Client, Server, Value, eventually, handbook, json, skip};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{get_json, launch, now_ms, send, start};

const AGENT: [(&str, &str); 2] = [
    ("user-agent", "vantage-agent/0.1.0"),
    ("content-type", "application/json"),
];

pub(crate) async fn post(client: &mut Client, body: &Value) -> testkit::Answer {
    client
        .send("POST".parse().unwrap(), "/v1/metrics", &AGENT, body.to_string())
        .await
}

/// A request that a service answered.
pub(crate) fn request(service: &str, at_ms: i64, status: u16, ms: f64) -> Value {
    json!({"timestamp": at_ms, "service_name": service, "metric_name": "http.request.duration",
        "metric_type": "histogram", "value": ms, "tags": {"framework": "fastapi"}, "endpoint": "/orders/{id}",
        "method": "GET", "status_code": status, "duration_ms": ms})
}

pub(crate) fn batch(metrics: &[Value]) -> Value {
    json!({"metrics": metrics, "service_name": "orders", "environment": "dev", "agent_version": "0.1.0",
        "batch_size": metrics.len()})
}

pub(crate) async fn sent(server: &Server, metrics: &[Value]) {
    let answer = post(&mut server.client(), &batch(metrics)).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    assert_eq!(
        answer.json()["metrics_accepted"],
        metrics.len(),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn the_captured_batch_is_taken_and_told_as_rows() {
    let Some(folder) = handbook("captures") else {
        return skip("captured requests are not in this checkout");
    };
    let server = start().await;
    let text = std::fs::read(folder.join("vantage-v1-metrics.body")).unwrap();
    let mut body: Value = serde_json::from_slice(&text).unwrap();
    let now = now_ms();
    for (n, metric) in body["metrics"].as_array_mut().unwrap().iter_mut().enumerate() {
        metric["timestamp"] = json!(now - 1000 + n as i64);
    }
    let metrics = body["metrics"].as_array().unwrap().clone();
    // The agent has no key to send, and is on this machine.
    let answer = post(&mut server.stranger(), &body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(
        (&answer["status"], &answer["metrics_rejected"]),
        (&json!("accepted"), &json!(0))
    );
    assert_eq!(answer["metrics_received"], metrics.len());

    let rows = get_json(
        &mut server.client(),
        "/api/metrics/timeseries?range=3600&service=orders-api",
    )
    .await;
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), metrics.len());
    for (row, metric) in rows.iter().zip(&metrics) {
        for field in [
            "timestamp",
            "service_name",
            "metric_name",
            "value",
            "duration_ms",
            "status_code",
            "endpoint",
            "method",
        ] {
            let sent = metric.get(field).cloned().unwrap_or_default();
            match sent.as_f64() {
                Some(number) => assert_eq!(row[field].as_f64(), Some(number), "{field} of {metric}"),
                None => assert_eq!(row[field], sent, "{field} of {metric}"),
            }
        }
    }
    // As metrics of ours, too.
    let path = "/api/metrics?name=http.request.duration&labels=endpoint:/boom,status:500&resolution=whole&project=orders-api";
    let found = get_json(&mut server.client(), path).await;
    assert_eq!(
        (&found["type"], &found["data"][0]["count"]),
        (&json!("histogram"), &json!(1))
    );
    let path = "/api/metrics?name=orders.created&labels=region:eu,service_name:orders-api&resolution=whole";
    assert_eq!(get_json(&mut server.client(), path).await["data"][0]["sum"], 2.0);
}

#[tokio::test]
async fn one_bad_metric_does_not_lose_the_batch() {
    let server = start().await;
    let mut client = server.client();
    let good = request("orders", now_ms(), 200, 1.5);
    let mut bad = good.clone();
    bad["value"] = json!("fast");
    let mut long = good.clone();
    long["error"] = json!("x".repeat(5000));
    let answer = post(&mut client, &batch(&[good, bad, long])).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!(body["status"], "partial");
    assert_eq!(
        (
            &body["metrics_received"],
            &body["metrics_accepted"],
            &body["metrics_rejected"]
        ),
        (&json!(3), &json!(2), &json!(1))
    );
    assert_eq!(body["errors"], json!(["metrics[1]: value must be a number"]));
    let answer = post(&mut client, &batch(&[json!({"metric_name": "m"})])).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["status"]),
        (202, &json!("rejected"))
    );
    // Vantage's own example: no type, no time.
    let sample = json!({"service_name": "orders", "metrics": [
        {"metric_name": "http.request.duration", "value": 42.5, "endpoint": "/users", "method": "GET", "status_code": 200}]});
    assert_eq!(post(&mut client, &sample).await.json()["status"], "accepted");
}

#[tokio::test]
async fn what_is_no_batch_is_refused_as_there_and_otlp_with_a_word() {
    let server = start().await;
    let mut client = server.client();
    let many = vec![json!({"metric_name": "m", "value": 1}); 1001];
    for (body, place) in [
        (json!({"service_name": "s"}), json!(["body", "metrics"])),
        (
            json!({"service_name": "s", "metrics": []}),
            json!(["body", "metrics"]),
        ),
        (
            json!({"service_name": "s", "metrics": many}),
            json!(["body", "metrics"]),
        ),
        (json!({"metrics": [1]}), json!(["body", "service_name"])),
    ] {
        let answer = post(&mut client, &body).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        assert_eq!(answer.json()["detail"][0]["loc"], place);
    }
    let answer = client
        .send("POST".parse().unwrap(), "/v1/metrics", &AGENT, "{")
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["detail"][0]["loc"]),
        (422, &json!(["body"]))
    );
    let proto = [("content-type", "application/x-protobuf")];
    let answer = client
        .send("POST".parse().unwrap(), "/v1/metrics", &proto, "\u{a}")
        .await;
    assert_eq!(answer.status, 415);
    assert!(
        answer.detail().starts_with("OTLP is not taken here"),
        "{}",
        answer.text()
    );
    let answer = post(&mut client, &json!({"resourceMetrics": []})).await;
    assert_eq!(answer.status, 501);
    assert_eq!(client.get("/v1/metrics").await.status, 405);
}

#[tokio::test]
async fn a_batch_that_comes_again_counts_once_and_two_that_are_alike_by_chance_twice() {
    let server = start().await;
    let now = now_ms();
    let with_duration = [request("orders", now, 200, 1.25)];
    let without = [json!({"timestamp": now, "metric_name": "n", "metric_type": "counter", "value": 1})];
    for _ in 0..2 {
        sent(&server, &with_duration).await;
        sent(&server, &without).await;
    }
    let count = async |name: &str| {
        let path = format!("/api/metrics?name={name}&resolution=whole");
        get_json(&mut server.client(), &path).await["data"][0]["count"].clone()
    };
    assert_eq!(
        (count("http.request.duration").await, count("n").await),
        (json!(1), json!(2))
    );
    let rows = get_json(&mut server.client(), "/api/metrics/timeseries").await;
    assert_eq!(rows.as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn metrics_as_old_as_a_week_are_taken() {
    const DAY_MS: i64 = 86_400_000;
    let server = start().await;
    let now = now_ms();
    let metrics = [
        now - 6 * DAY_MS,
        now - 8 * DAY_MS,
        now + 3_000_000,
        now + 4_000_000,
    ]
    .map(|at| request("orders", at, 200, 5.5));
    let answer = post(&mut server.client(), &batch(&metrics)).await.json();
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2, "{answer}");
    let week = json!({"service_name": "orders", "metric_name": "http.request.duration",
        "baseline_start": now - 7 * DAY_MS, "baseline_end": now - 5 * DAY_MS,
        "candidate_start": now, "candidate_end": now + 3_600_000});
    let answer = server
        .client()
        .post("/compare/time-periods", week.to_string())
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["baseline_avg"], 5.5);
}

#[tokio::test]
async fn keys_are_as_optional_as_they_are_told_to_be() {
    let body = batch(&[request("orders", now_ms(), 200, 1.5)]).to_string();
    let through_proxy: &[(&str, &str)] = &[("x-forwarded-for", "203.0.113.9")];
    let of_a_page: &[(&str, &str)] = &[("origin", "https://evil.example")];
    let wrong: &[(&str, &str)] = &[("x-api-key", "wrong")];
    for (setting, expected) in [
        ("required", [401, 401, 401, 401, 401]),
        ("local", [202, 401, 401, 401, 401]),
        ("optional", [202, 202, 202, 401, 200]),
    ] {
        let server = launch().env("VANTAGE_KEYS", setting).start().await;
        let mut client = server.stranger();
        let mut found = Vec::new();
        for headers in [&[], through_proxy, of_a_page, wrong] {
            found.push(
                client
                    .send("POST".parse().unwrap(), "/v1/metrics", headers, body.clone())
                    .await
                    .status
                    .as_u16(),
            );
        }
        found.push(client.get("/api/services").await.status.as_u16());
        assert_eq!(found, expected, "{setting}");
        // Our own doors never are.
        assert_eq!(client.get("/api/metrics/names").await.status, 401);
        assert_eq!(
            get_json(&mut server.client(), "/v1/stats").await["service"],
            "metrics-collector"
        );
    }
}

#[tokio::test]
async fn rows_are_summed_up_and_services_listed() {
    let server = start().await;
    let mut client = server.client();
    let nothing = get_json(&mut client, "/api/metrics/aggregated").await;
    assert_eq!(
        nothing,
        json!({"total_requests": 0, "avg_duration": null, "min_duration": null, "max_duration": null, "error_count": null})
    );
    let now = now_ms();
    sent(&server, &[
        request("b", now - 1000, 200, 10.5),
        request("b", now - 2000, 503, 30.5),
        request("a", now - 3000, 404, 1.5),
        request("b", now - 7_200_000, 500, 99.5),
        json!({"timestamp": now, "service_name": "b", "metric_name": "queue", "metric_type": "gauge", "value": 7}),
        json!({"timestamp": now, "service_name": "b", "metric_name": "job", "metric_type": "counter", "value": 1, "duration_ms": 20.5}),
    ]).await;
    let found = get_json(&mut client, "/api/metrics/aggregated?service=b&range=3600").await;
    assert_eq!(
        found,
        json!({"total_requests": 3, "avg_duration": 20.5, "min_duration": 10.5, "max_duration": 30.5, "error_count": 1})
    );
    assert_eq!(
        get_json(&mut client, "/api/metrics/aggregated?range=86400").await["total_requests"],
        5
    );
    assert_eq!(get_json(&mut client, "/api/services").await, json!(["a", "b"]));
    let rows = get_json(&mut client, "/api/metrics/timeseries").await;
    let times: Vec<i64> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["timestamp"].as_i64().unwrap() - now)
        .collect();
    assert_eq!(times, [-3000, -2000, -1000, 0, 0]);
    let durations = get_json(&mut client, "/api/metrics?name=job.duration_ms&resolution=whole").await;
    assert_eq!(durations["data"][0]["max"], 20.5);
    for bad in ["range=59", "range=86401", "range=x"] {
        for door in ["timeseries", "aggregated"] {
            let answer = client.get(&format!("/api/metrics/{door}?{bad}")).await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["detail"][0]["loc"]),
                (422, &json!(["query", "range"]))
            );
        }
    }
}

#[tokio::test]
async fn health_is_scored_by_errors_latency_and_traffic() {
    let server = start().await;
    let mut client = server.client();
    let unknown = get_json(&mut client, "/health/score/nobody").await;
    assert_eq!(
        (&unknown["overall_score"], &unknown["status"]),
        (&json!(85), &json!("healthy"))
    );
    let now = now_ms();
    let bad = (0..20).map(|n| request("bad", now - 1000 - n, if n < 2 { 500 } else { 200 }, 600.5));
    let good = (0..20).map(|n| request("good", now - 1000 - n, 200, 50.5));
    let before = (0..20).map(|n| request("good", now - 90_000 - n, 200, 50.5));
    sent(&server, &bad.chain(good).chain(before).collect::<Vec<_>>()).await;
    let scores = get_json(&mut client, "/health/scores?time_window_seconds=60").await;
    assert_eq!(
        scores[0],
        json!({"service_name": "bad", "overall_score": 20, "error_score": 0, "latency_score": 0,
        "traffic_score": 100, "status": "critical", "details": {"error_rate": 0.1, "p95_latency_ms": 600.5,
        "traffic_change_percent": 0.0, "time_window_seconds": 60}})
    );
    assert_eq!(
        (&scores[1]["service_name"], &scores[1]["overall_score"]),
        (&json!("good"), &json!(100))
    );
    assert_eq!(scores.as_array().unwrap().len(), 2);
    assert_eq!(
        client.get("/health/scores?time_window_seconds=0").await.status,
        422
    );
    assert_eq!(client.get("/health").await.json()["status"], "ok");
}

#[tokio::test]
async fn services_and_times_are_compared() {
    let server = start().await;
    let mut client = server.client();
    let now = now_ms();
    let of = |service: &'static str, at: i64, ms: f64| {
        (0..30).map(move |n| request(service, at + n, 200, ms + (n % 3) as f64 + 0.5))
    };
    sent(
        &server,
        &of("old", now - 5000, 100.)
            .chain(of("new", now - 5000, 300.))
            .chain(of("old", now - 500_000, 400.))
            .collect::<Vec<_>>(),
    )
    .await;
    let body = json!({"baseline_service": "old", "candidate_service": "new", "metric_name": "http.request.duration",
        "time_start": now - 60_000, "time_end": now});
    let found = client.post("/compare/services", body.to_string()).await.json();
    assert_eq!(
        (&found["baseline_avg"], &found["candidate_avg"]),
        (&json!(101.5), &json!(301.5))
    );
    assert_eq!(
        (&found["verdict"], &found["is_significant"]),
        (&json!("regression"), &json!(true))
    );
    assert_eq!(
        (&found["baseline_p95"], &found["candidate_p95"]),
        (&json!(102.5), &json!(302.5))
    );
    let body = json!({"service_name": "old", "metric_name": "http.request.duration", "baseline_start": now - 600_000,
        "baseline_end": now - 400_000, "candidate_start": now - 60_000, "candidate_end": now});
    assert_eq!(
        client
            .post("/compare/time-periods", body.to_string())
            .await
            .json()["verdict"],
        "improvement"
    );
    let mut nobody = body;
    nobody["service_name"] = json!("nobody");
    assert_eq!(
        client
            .post("/compare/time-periods", nobody.to_string())
            .await
            .status,
        400
    );
    assert_eq!(client.post("/compare/services", "{}").await.status, 422);
}

#[tokio::test]
async fn what_our_rules_told_of_are_vantages_alerts() {
    let server = launch().env("ALERT_INTERVAL", "1s").start().await;
    let mut client = server.client();
    assert_eq!(get_json(&mut client, "/alerts/").await, json!([]));
    let rule = json!({"name": "Slow", "query": "name=depth&project=orders&function=max", "condition": "above", "threshold": 10,
        "window": "5m", "hold": "0s"});
    assert_eq!(client.post("/api/rules", rule.to_string()).await.status, 201);
    send(
        &mut client,
        &json!([{"name": "depth", "type": "gauge", "value": 25, "project": "orders"}]),
    )
    .await;
    eventually("the rule fires", async || {
        let alerts = get_json(&mut server.client(), "/alerts/active?service=orders").await;
        (alerts.as_array().unwrap().len() == 1).then_some(())
    })
    .await;
    let alerts = get_json(&mut client, "/alerts/?status=firing&severity=critical&limit=5").await;
    let alert = &alerts[0];
    assert_eq!(
        alert["message"],
        "depth is abnormally high: 25.00 (expected max: 10.00)"
    );
    assert_eq!(
        (
            &alert["metric_name"],
            &alert["expected_max"],
            &alert["resolved_at"]
        ),
        (&json!("depth"), &json!(10.0), &json!(null))
    );
    assert!(alert["first_triggered"].as_i64().unwrap() <= now_ms());
    let summary = get_json(&mut client, "/alerts/summary").await;
    assert_eq!(
        summary,
        json!({"status_counts": {"firing": 1}, "severity_counts": {"critical": 1},
        "top_services": [{"service": "orders", "count": 1}], "total_firing": 1, "total_resolved": 0})
    );
    assert_eq!(get_json(&mut client, "/alerts/?severity=info").await, json!([]));
    assert_eq!(client.get("/alerts/?limit=1001").await.status, 422);
    // The page of ours with nearly the same path.
    let page = client
        .send("GET".parse().unwrap(), "/alerts", &[("accept", "text/html")], "")
        .await;
    assert!(page.text().contains("<!doctype html>"));
}

/// The payload of a server's text frame.
async fn text_frame(stream: &mut TcpStream) -> String {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[0], 0x81, "one whole text");
    let length = match head[1] {
        126 => usize::from(stream.read_u16().await.unwrap()),
        127 => stream.read_u64().await.unwrap() as usize,
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.unwrap();
    String::from_utf8(payload).unwrap()
}

async fn handshake(server: &Server, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let request = format!(
        "GET /ws/metrics HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        server.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    (stream, String::from_utf8(head).unwrap())
}

#[tokio::test]
async fn a_socket_tells_the_rows_of_the_last_minute_and_ends_with_the_server() {
    let server = start().await;
    sent(&server, &[request("orders", now_ms(), 200, 12.5)]).await;
    let key = format!("X-API-Key: {}\r\n", server.key());
    let (mut stream, head) = handshake(&server, &key).await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    // RFC 6455 §1.3 has this key and its answer.
    assert!(
        head.to_lowercase()
            .contains("sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="),
        "{head}"
    );
    let message: Value = serde_json::from_str(&text_frame(&mut stream).await).unwrap();
    assert_eq!(message["type"], "metrics");
    assert_eq!(
        (&message["data"][0]["value"], &message["data"][0]["endpoint"]),
        (&json!(12.5), &json!("/orders/{id}"))
    );
    let stopped = tokio::spawn(server.stop());
    let mut close = [0; 2];
    stream.read_exact(&mut close).await.unwrap();
    assert_eq!(close[0], 0x88, "a close");
    drop(stream);
    stopped.await.unwrap();
}

#[tokio::test]
async fn a_socket_wants_a_key_and_an_origin_of_ours() {
    let server = start().await;
    assert!(handshake(&server, "").await.1.starts_with("HTTP/1.1 401"));
    let foreign = format!("X-API-Key: {}\r\nOrigin: https://evil.example\r\n", server.key());
    assert!(handshake(&server, &foreign).await.1.starts_with("HTTP/1.1 403"));
    assert_eq!(server.client().get("/ws/metrics").await.status, 400);
}
