//! Faults of the service that this one replaces, each by its number: they must not come back.

use crate::support::{get_json, launch, now_ms, send, start};
use rusqlite::Connection;
use testkit::{Value, json};

const MINUTE_MS: i64 = 60_000;

fn counter(project: &str, value: i64) -> Value {
    json!({"name": "c", "type": "counter", "value": value, "project": project})
}

#[tokio::test]
async fn b4_a_project_is_a_value_and_never_sql() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &json!([counter("shop", 1), counter("it's", 1)])).await;
    for (project, n) in [("it's", 1), ("x' or '1'='1", 0), ("') union select 1,2--", 0)] {
        let project: String = project.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let names = get_json(&mut client, &format!("/api/metrics/names?project={project}")).await;
        assert_eq!(names["metrics"].as_array().unwrap().len(), n, "{project}");
        get_json(&mut client, &format!("/api/dashboard?project={project}")).await;
        get_json(&mut client, &format!("/api/sessions?project={project}")).await;
    }
}

#[tokio::test]
async fn b8_equal_names_of_two_projects_are_not_mixed() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &json!([counter("shop", 3), counter("blog", 40)])).await;
    for (project, sum) in [
        ("&project=shop", 3.),
        ("&project=blog", 40.),
        ("&project=none", 0.),
        ("", 43.),
    ] {
        let body = get_json(
            &mut client,
            &format!("/api/metrics?name=c&resolution=whole{project}"),
        )
        .await;
        assert_eq!(body["data"][0]["sum"].as_f64().unwrap_or(0.), sum, "{project}");
    }
}

#[tokio::test]
async fn b9_what_was_not_stored_is_not_accepted() {
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    send(&mut client, &json!([counter("shop", 1)])).await;
    let foreign = Connection::open(launch.database_path()).unwrap();
    foreign.execute_batch("begin immediate").unwrap();
    let answer = client
        .post("/api/metrics", json!([counter("shop", 10)]).to_string())
        .await;
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(!answer.header("retry-after").is_empty());
    foreign.execute_batch("rollback").unwrap();
    send(&mut client, &json!([counter("shop", 100)])).await;
    let told = |body: &Value| body["data"][0]["sum"].as_f64();
    let path = "/api/metrics?name=c&resolution=whole";
    assert_eq!(told(&get_json(&mut client, path).await), Some(101.));
    server.kill().await;
    let server = launch.start().await;
    assert_eq!(told(&get_json(&mut server.client(), path).await), Some(101.));
}

#[tokio::test]
async fn b18_a_name_with_two_types_is_two_metrics() {
    let server = start().await;
    let mut client = server.client();
    let of = |kind: &str, value: i64| json!({"name": "x", "type": kind, "value": value});
    send(&mut client, &json!([of("counter", 1), of("gauge", 10)])).await;
    for (kind, sum) in [("counter", 1.), ("gauge", 10.)] {
        let body = get_json(&mut client, &format!("/api/metrics?name=x&type={kind}")).await;
        let data = body["data"].as_array().unwrap();
        assert_eq!(
            (data.len(), &data[0]["count"], data[0]["sum"].as_f64()),
            (1, &json!(1), Some(sum)),
            "{body}"
        );
    }
    let names = get_json(&mut client, "/api/metrics/names").await;
    assert_eq!(names["metrics"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn b18_every_minute_holds_all_its_samples_however_late_and_each_bucket_is_there_once() {
    let launch = launch().env("RETENTION_RAW", "1d").env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    // Ten a second over two minutes that are long over, the second half of each ten seconds first.
    let start_ms = (now_ms() - 5 * 60 * MINUTE_MS) / MINUTE_MS * MINUTE_MS;
    for buffer in 0..12 {
        for half in [1, 0] {
            let first = start_ms + buffer * 10_000 + half * 5_000;
            let metrics: Vec<Value> = (0..50)
                .map(|n| json!({"name": "t", "type": "counter", "value": 1, "timestamp": first + n * 100}))
                .collect();
            send(&mut client, &metrics.into()).await;
        }
    }
    let from = ui::moment::rfc3339(start_ms);
    for step in ["60s", "300s"] {
        let path = format!("/api/metrics?name=t&from={from}&step={step}");
        let body = get_json(&mut client, &path).await;
        let counts: Vec<i64> = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["count"].as_i64().unwrap())
            .collect();
        let is_right = if step == "60s" {
            counts == [600, 600]
        } else {
            counts.iter().sum::<i64>() == 1200
        };
        assert!(is_right, "{step}: {counts:?}");
    }
}

#[tokio::test]
async fn b18_percentiles_of_an_hour_are_not_means_of_minutes() {
    let server = start().await;
    let mut client = server.client();
    let hour_ms = now_ms() - 50 * MINUTE_MS;
    let mut metrics =
        vec![json!({"name": "h", "type": "histogram", "value": 1000, "timestamp": hour_ms + 1_000})];
    metrics.extend(
        (0..9_000)
            .map(|_| json!({"name": "h", "type": "histogram", "value": 1, "timestamp": hour_ms + 61_000})),
    );
    send(&mut client, &metrics.into()).await;
    let body = get_json(&mut client, "/api/metrics?name=h&resolution=whole&period=3h").await;
    for field in ["p50", "p95", "p99"] {
        let told = body["data"][0][field].as_f64().unwrap();
        assert!((told - 1.).abs() < 0.011, "{field} is {told}");
    }
}

#[tokio::test]
async fn b18_small_and_large_values_keep_their_digits() {
    let server = start().await;
    let mut client = server.client();
    for (n, value) in [1e-9, 1e25, 1e300, 0.1 + 0.2, -123.456789012]
        .into_iter()
        .enumerate()
    {
        send(
            &mut client,
            &json!([{"name": format!("v{n}"), "type": "gauge", "value": value}]),
        )
        .await;
        let body = get_json(&mut client, &format!("/api/metrics?name=v{n}")).await;
        for field in ["min", "max", "last"] {
            assert_eq!(body["data"][0][field].as_f64(), Some(value), "{field}");
        }
    }
}

#[tokio::test]
async fn b19_a_long_period_shows_more_than_what_is_kept_raw() {
    let launch = launch().env("RETENTION_RAW", "2d").env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let at = |hours: i64| json!({"name": "c", "type": "counter", "value": 1, "timestamp": now_ms() - hours * 60 * MINUTE_MS});
    send(&mut server.client(), &json!([at(0), at(5), at(10), at(30)])).await;
    server.stop().await;
    let launch = launch.env("RETENTION_RAW", "1h");
    let server = launch.start().await;
    for (period, n) in [("1h", 1), ("24h", 3), ("7d", 4)] {
        let body = get_json(
            &mut server.client(),
            &format!("/api/metrics?name=c&period={period}"),
        )
        .await;
        let total: i64 = body["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["count"].as_i64().unwrap())
            .sum();
        assert_eq!(total, n, "{period}");
        let dashboard = get_json(&mut server.client(), &format!("/api/dashboard?period={period}")).await;
        assert_eq!(dashboard["summary"]["total_datapoints"], n, "{period}");
    }
}

#[tokio::test]
async fn b24_a_project_that_is_a_label_is_the_project() {
    let server = start().await;
    let mut client = server.client();
    let metric = json!({"name": "web_vitals_lcp", "type": "histogram", "value": 900,
                        "labels": {"source": "browser", "page": "/", "project": "shop"}});
    send(&mut client, &json!([metric])).await;
    let body = get_json(&mut client, "/api/metrics?name=web_vitals_lcp&project=shop").await;
    assert_eq!(body["data"][0]["count"], 1);
    let dashboard = get_json(&mut client, "/api/dashboard?project=shop").await;
    assert_eq!(
        dashboard["web_vitals"]["summary"]["lcp"]["count"], 1,
        "{dashboard}"
    );
}
