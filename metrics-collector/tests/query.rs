//! `GET /api/metrics` and what is there to be asked for: filters, groups, functions, bad parameters.

use crate::support::{get_json, now_ms, send, start};
use testkit::{Client, Server, Value, json};

/// Requests of three endpoints in one minute, and a gauge of two hosts.
async fn filled() -> (Server, Client) {
    let server = start().await;
    let mut client = server.client();
    let at = now_ms() / 60_000 * 60_000 - 60_000;
    let request = |endpoint, status, n| {
        json!({"name": "http_requests_total", "type": "counter", "value": n, "timestamp": at,
               "labels": {"endpoint": endpoint, "status": status}, "project": "shop"})
    };
    let load = |host, value, second: i64| json!({"name": "load", "type": "gauge", "value": value, "timestamp": at + second * 1000, "labels": {"host": host}});
    let metrics = json!([
        request("/cart", "200", 5), request("/cart", "500", 1), request("/pay", "200", 3), request("/health", "200", 60),
        load("a", 1.5, 0), load("a", 2.5, 30), load("b", 4., 10),
        {"name": "http_requests_total", "type": "counter", "value": 100, "timestamp": at, "project": "blog"},
    ]);
    send(&mut client, &metrics).await;
    (server, client)
}

async fn value(client: &mut Client, parameters: &str) -> Value {
    let body = get_json(client, &format!("/api/metrics?{parameters}")).await;
    body["data"][0]["value"].clone()
}

#[tokio::test]
async fn series_are_filtered_by_labels_and_project() {
    let (_server, mut client) = filled().await;
    let of = "name=http_requests_total&function=sum&project=shop&labels=";
    for (labels, sum) in [
        ("", json!(69.)),
        ("endpoint:/cart", json!(6.)),
        ("endpoint:/cart,status:500", json!(1.)),
        ("status!%3D500", json!(68.)),
        ("endpoint%3D~/(cart|pay),status:200", json!(8.)),
        ("endpoint!~/h.*", json!(9.)),
        ("endpoint:/none", Value::Null),
    ] {
        assert_eq!(
            value(&mut client, &format!("{of}{labels}")).await,
            sum,
            "{labels}"
        );
    }
    assert_eq!(
        value(&mut client, "name=http_requests_total&function=sum").await,
        json!(169.)
    );
}

#[tokio::test]
async fn functions_tell_what_they_say() {
    let (_server, mut client) = filled().await;
    for (function, expected) in [
        ("avg", 8. / 3.),
        ("min", 1.5),
        ("max", 4.),
        ("count", 3.),
        ("last", 2.5),
        ("total", 6.),
        ("sum", 8.),
    ] {
        let told = value(&mut client, &format!("name=load&function={function}")).await;
        assert_eq!(told, json!(expected), "{function}");
    }
    let rate = value(&mut client, "name=http_requests_total&function=rate&project=blog").await;
    assert_eq!(rate, json!(100. / 60.));
    assert_eq!(
        value(&mut client, "name=load&function=rate").await,
        Value::Null,
        "a gauge has no rate"
    );
}

#[tokio::test]
async fn lines_are_apart_where_asked_for() {
    let (_server, mut client) = filled().await;
    let body = get_json(
        &mut client,
        "/api/metrics?name=http_requests_total&group_by=status&function=increase",
    )
    .await;
    let lines: Vec<(Value, Value)> = body["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["labels"].clone(), line["data"][0]["value"].clone()))
        .collect();
    assert_eq!(
        lines,
        [
            (json!({"status": ""}), json!(100.)),
            (json!({"status": "200"}), json!(68.)),
            (json!({"status": "500"}), json!(1.))
        ]
    );
    let body = get_json(&mut client, "/api/metrics?name=load&series=all").await;
    assert_eq!(
        (body["series"].as_array().unwrap().len(), &body["data"]),
        (2, &Value::Null)
    );
    assert_eq!(body["series"][1]["labels"], json!({"host": "b"}));
}

#[tokio::test]
async fn what_is_there_is_listed() {
    let (_server, mut client) = filled().await;
    let labels = get_json(
        &mut client,
        "/api/metrics/labels?name=http_requests_total&limit=2",
    )
    .await;
    assert_eq!(
        labels["labels"],
        json!([{"key": "endpoint", "count": 3, "values": ["/cart", "/health"]}, {"key": "status", "count": 2, "values": ["200", "500"]}])
    );
    let series = get_json(&mut client, "/api/metrics/series?name=load&labels=host:a").await;
    assert_eq!(
        series["series"],
        json!([{"labels": {"host": "a"}, "type": "gauge", "project": null}])
    );
    assert_eq!(
        get_json(&mut client, "/api/projects").await,
        json!({"projects": ["blog", "shop"]})
    );
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let (_server, mut client) = filled().await;
    for (parameters, named) in [
        ("", "name"),
        ("name=load&period=5", "period"),
        ("name=load&step=0s", "step"),
        ("name=load&from=x", "from"),
        ("name=load&labels=a%3D~(", "labels"),
        ("name=load&function=x", "function"),
        ("name=load&resolution=x", "resolution"),
    ] {
        let answer = client.get(&format!("/api/metrics?{parameters}")).await;
        assert_eq!(answer.status, 400, "{parameters}");
        assert!(
            answer.detail().contains(named),
            "{parameters}: {}",
            answer.detail()
        );
    }
}

#[tokio::test]
async fn a_range_of_histograms_has_the_minute_in_which_it_begins() {
    let server = start().await;
    let mut client = server.client();
    let minute = now_ms() / 60_000 * 60_000 - 600_000;
    let observed = json!([{"name": "took", "type": "histogram", "value": 5, "timestamp": minute + 40_000}]);
    send(&mut client, &observed).await;
    for step in ["resolution=whole", "step=10s", "step=90s"] {
        let path = format!(
            "/api/metrics?name=took&from={}&to={}&{step}",
            minute + 30_000,
            minute + 59_000
        );
        let body = get_json(&mut client, &path).await;
        assert_eq!(body["data"][0]["count"], 1, "{step}: {body}");
    }
}

#[tokio::test]
async fn an_answer_of_too_many_points_or_too_long_a_step_is_refused() {
    let server = start().await;
    let mut client = server.client();
    let samples: Vec<Value> = (0..40)
        .map(|host| json!({"name": "load", "type": "gauge", "value": 1, "labels": {"host": host}}))
        .collect();
    send(&mut client, &samples.into()).await;
    let refused = client.get("/api/metrics?name=load&series=all&period=24h").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("longer step"), "{}", refused.text());
    let fewer = "/api/metrics?name=load&series=all&period=24h&step=5m";
    assert_eq!(
        get_json(&mut client, fewer).await["series"]
            .as_array()
            .unwrap()
            .len(),
        40
    );
    let refused = client.get("/api/metrics?name=load&step=367d").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text().contains("step"), "{}", refused.text());
}
