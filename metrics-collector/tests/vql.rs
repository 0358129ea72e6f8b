//! `/vql/…`: what is answered, what is blocked, what is refused.

use testkit::{Answer, Client, Server, Value, json};

use crate::support::{get_json, now_ms, start};
use crate::vantage::{request, sent};

async fn ask(client: &mut Client, query: &str) -> Answer {
    client
        .post("/vql/execute", json!({ "query": query }).to_string())
        .await
}

async fn filled() -> (Server, i64) {
    let server = start().await;
    let now = now_ms();
    let mut metrics: Vec<Value> = (0..10)
        .map(|n| {
            request(
                "orders",
                now - 1000 * n,
                if n < 2 { 500 } else { 200 },
                10.5 + n as f64,
            )
        })
        .collect();
    metrics.extend((0..5).map(|n| request("shop", now - 7_200_000 - n, 200, 100.5)));
    metrics.push(json!({"timestamp": now, "metric_name": "sold", "metric_type": "counter", "value": 3, "tags": {"region": "eu"}}));
    sent(&server, &metrics).await;
    (server, now)
}

#[tokio::test]
async fn questions_about_rows_are_answered() {
    let (server, now) = filled().await;
    let mut client = server.client();
    for (query, expected) in [
        (
            "SELECT service_name, count(*) AS n FROM metrics GROUP BY service_name ORDER BY n DESC",
            json!([{"service_name": "orders", "n": 11}, {"service_name": "shop", "n": 5}]),
        ),
        // Broken there: `>=` is `>` with the literal "= 500".
        (
            "SELECT count(*) AS n FROM metrics WHERE status_code >= 500",
            json!([{"n": 2}]),
        ),
        (
            "SELECT count(*) AS n FROM metrics WHERE duration_ms <= 12.5",
            json!([{"n": 3}]),
        ),
        // Fails there on rows.
        (
            "SELECT percentile(duration_ms, 95) AS p FROM metrics WHERE service_name = 'orders'",
            json!([{"p": 19.5}]),
        ),
        (
            "SELECT sum(value), avg(value), min(value), max(value) FROM metrics WHERE metric_name = 'sold'",
            json!([{"sum(value)": 3, "avg(value)": 3, "min(value)": 3, "max(value)": 3}]),
        ),
        (
            "SELECT duration_ms FROM whatever WHERE endpoint LIKE '/orders%' AND service_name != 'shop' ORDER BY duration_ms DESC LIMIT 2",
            json!([{"duration_ms": 19.5}, {"duration_ms": 18.5}]),
        ),
        (
            "SELECT count(*) AS n FROM metrics WHERE timestamp < now() - 1h",
            json!([{"n": 5}]),
        ),
        (
            "SELECT tags.region, environment, metric_type, timestamp FROM metrics WHERE endpoint IS NULL",
            json!([{"tags.region": "eu", "environment": "dev", "metric_type": "counter", "timestamp": now}]),
        ),
        (
            "SELECT value FROM metrics WHERE service_name = 'nobody'",
            json!([]),
        ),
    ] {
        let answer = ask(&mut client, query).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let body = answer.json();
        assert_eq!(body["results"], expected, "{query}");
        assert_eq!(
            body["row_count"],
            expected.as_array().map_or(0, Vec::len),
            "{query}"
        );
        assert_eq!(body["query"], query);
        assert!(body["execution_time_ms"].is_number(), "{query}");
    }
    let all = ask(&mut client, "SELECT * FROM metrics LIMIT 1").await.json();
    let fields: Vec<&String> = all["results"][0]
        .as_object()
        .map_or(vec![], |row| row.keys().collect());
    assert_eq!(
        fields,
        [
            "duration_ms",
            "endpoint",
            "error",
            "method",
            "metric_name",
            "metric_type",
            "service_name",
            "span_id",
            "status_code",
            "tags",
            "timestamp",
            "trace_id",
            "value"
        ]
    );
}

#[tokio::test]
async fn examples_can_be_asked() {
    let (server, _) = filled().await;
    let mut client = server.client();
    let examples = get_json(&mut client, "/vql/examples").await;
    let examples = examples["examples"].as_array().cloned().unwrap_or_default();
    assert!(examples.len() > 3);
    for example in examples {
        let query = example["query"].as_str().unwrap_or_default();
        assert_eq!(ask(&mut client, query).await.status, 200, "{query}");
    }
}

#[tokio::test]
async fn what_is_blocked_has_an_object_and_what_is_wrong_a_sentence() {
    let (server, _) = filled().await;
    let mut client = server.client();
    let long = format!("SELECT * FROM metrics WHERE error = '{}'", "x".repeat(5000));
    for query in [
        &long,
        "SELECT * FROM metrics; SELECT * FROM metrics",
        "SELECT * FROM metrics -- all",
        "SELECT /* all */ * FROM metrics",
        "DROP TABLE metrics",
        "DELETE FROM metrics",
        "INSERT INTO metrics VALUES (1)",
        "UPDATE metrics SET value = 1",
        "SELECT * FROM sqlite_master",
    ] {
        let answer = ask(&mut client, query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        let detail = &answer.json()["detail"];
        assert_eq!(detail["error"], "Query blocked", "{query}: {detail}");
        assert!(detail["message"].is_string(), "{query}");
    }
    // Errors of SQL are a 500 there; no table but the rows can be named in any way.
    for (query, problem) in [
        ("SELECT", "a name is expected"),
        ("SELECT password FROM keys", "there is no column 'password'"),
        (
            "SELECT value FROM metrics LIMIT 10001",
            "LIMIT is from 0 to 10000",
        ),
        (
            "SELECT value FROM metrics WHERE (SELECT 1) = 1",
            "a name is expected",
        ),
        (
            "SELECT value, count(*) FROM metrics",
            "'value' is neither in GROUP BY",
        ),
    ] {
        let answer = ask(&mut client, query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.detail().starts_with(problem), "{query}: {}", answer.text());
    }
    // Words in texts are texts.
    let query = "SELECT count(*) AS n FROM metrics WHERE error = 'DROP TABLE; -- it''s'";
    assert_eq!(ask(&mut client, query).await.json()["results"], json!([{"n": 0}]));
    let answer = client.post("/vql/execute", "{}").await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["detail"][0]["loc"]),
        (422, &json!(["body", "query"]))
    );
    assert_eq!(server.stranger().get("/vql/examples").await.status, 401);
}
