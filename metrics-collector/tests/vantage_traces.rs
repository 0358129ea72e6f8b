//! `/traces/…`: made of metrics with the ids of a trace, since spans of their own never come.

use testkit::{Client, Server, Value, json};

use crate::support::{get_json, launch, now_ms, start};
use crate::vantage::{batch, post, request};

/// Sends metrics as a part of a trace.
async fn send(server: &Server, (trace, span): (&str, &str), metrics: &[Value]) {
    let mut client = server.client().with_header("x-vantage-trace-id", trace);
    if !span.is_empty() {
        client = client.with_header("x-vantage-span-id", span);
    }
    assert_eq!(post(&mut client, &batch(metrics)).await.status, 202);
}

async fn ids(client: &mut Client, path: &str) -> Value {
    let traces = get_json(client, path).await;
    let traces = traces.as_array().cloned().unwrap_or_default();
    traces.iter().map(|trace| trace["trace_id"].clone()).collect()
}

#[tokio::test]
async fn both_headers_of_a_trace_count_or_none() {
    let server = start().await;
    let now = now_ms();
    send(
        &server,
        ("t1", "s1"),
        &[request("orders", now, 200, 1.5), request("orders", now, 200, 2.5)],
    )
    .await;
    send(&server, ("t2", ""), &[request("orders", now, 200, 3.5)]).await;
    let traces = get_json(&mut server.client(), "/traces/").await;
    assert_eq!(traces.as_array().map(Vec::len), Some(1), "{traces}");
    // The ids of the headers are those of each metric of the batch.
    assert_eq!(
        (&traces[0]["trace_id"], &traces[0]["span_count"]),
        (&json!("t1"), &json!(1))
    );
    let query =
        json!({"query": "SELECT count(*) AS n FROM metrics WHERE trace_id = 't1' AND span_id = 's1'"});
    let answer = server
        .client()
        .post("/vql/execute", query.to_string())
        .await
        .json();
    assert_eq!(answer["results"], json!([{"n": 2}]));
}

/// A request through two services: 100 ms in the shop, of which 40 in orders, which failed.
async fn shop(server: &Server, end: i64) {
    let mut inner = request("orders", end - 10, 503, 40.);
    inner["tags"] = json!({"parent_span_id": "a"});
    inner["error"] = json!("no stock");
    send(server, ("t1", "b"), &[inner]).await;
    let mut outer = request("shop", end, 200, 100.);
    outer["tags"] = json!({"parent_span_id": "root", "operation": "checkout"});
    send(server, ("t1", "a"), &[outer]).await;
}

#[tokio::test]
async fn a_trace_has_its_spans_with_their_depth() {
    let server = start().await;
    let end = now_ms() - 1000;
    shop(&server, end).await;
    let mut client = server.client();
    let found = get_json(&mut client, "/traces/t1").await;
    assert_eq!(
        found["trace"],
        json!({"trace_id": "t1", "service_name": "shop", "start_time": end - 100, "end_time": end, "duration_ms": 100.0,
            "status": "error", "error": "no stock", "span_count": 2})
    );
    assert_eq!(
        found["spans"],
        json!([
            {"span_id": "a", "trace_id": "t1", "parent_span_id": null, "service_name": "shop", "operation": "checkout",
                "start_time": end - 100, "end_time": end, "duration_ms": 100.0, "status": "ok", "error": null,
                "tags": {"parent_span_id": "root", "operation": "checkout", "environment": "dev"}, "depth": 0},
            {"span_id": "b", "trace_id": "t1", "parent_span_id": "a", "service_name": "orders", "operation": "GET /orders/{id}",
                "start_time": end - 50, "end_time": end - 10, "duration_ms": 40.0, "status": "error", "error": "no stock",
                "tags": {"parent_span_id": "a", "environment": "dev"}, "depth": 1},
        ])
    );
    let answer = client.get("/traces/t2").await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (404, "Trace not found")
    );
    // Without a slash it is an id, as there.
    let answer = client.get("/traces/search").await;
    assert_eq!(
        (answer.status.as_u16(), answer.detail().as_str()),
        (404, "Trace not found")
    );
}

#[tokio::test]
async fn traces_are_listed_and_searched() {
    let launch = launch();
    let server = launch.start().await;
    let end = now_ms() - 1000;
    shop(&server, end).await;
    send(&server, ("t2", "a"), &[request("shop", end + 500, 200, 20.)]).await;
    // A metric may say for itself; Vantage drops that.
    let mut own = request("mail", end - 5000, 200, 300.);
    (own["trace_id"], own["span_id"]) = (json!("t3"), json!("a"));
    assert_eq!(post(&mut server.client(), &batch(&[own])).await.status, 202);
    // As good after a start.
    server.kill().await;
    let server = launch.start().await;
    let mut client = server.client();
    for (path, expected) in [
        ("/traces/", json!(["t2", "t1", "t3"])),
        ("/traces/?limit=1", json!(["t2"])),
        ("/traces/?limit=2&offset=1", json!(["t1", "t3"])),
        ("/traces/?service=shop", json!(["t2", "t1"])),
        ("/traces/search/", json!(["t2", "t1", "t3"])),
        ("/traces/search/?error=true", json!(["t1"])),
        ("/traces/search/?error=false", json!(["t2", "t3"])),
        ("/traces/search/?min_duration=100", json!(["t1", "t3"])),
        ("/traces/search/?max_duration=99.5", json!(["t2"])),
        (
            "/traces/search/?service=mail&min_duration=100&limit=5",
            json!(["t3"]),
        ),
    ] {
        assert_eq!(ids(&mut client, path).await, expected, "{path}");
    }
    for (path, field) in [
        ("/traces/?limit=0", "limit"),
        ("/traces/?offset=x", "offset"),
        ("/traces/search/?error=perhaps", "error"),
        ("/traces/search/?min_duration=long", "min_duration"),
    ] {
        let answer = client.get(path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["detail"][0]["loc"]),
            (422, &json!(["query", field])),
            "{path}"
        );
    }
}
