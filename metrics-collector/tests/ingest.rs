//! `POST /api/metrics`: what is taken, what is refused, and that it can be read again.

use crate::support::{get_json, launch, now_ms, send, start};
use testkit::{Value, json};

const MINUTE_MS: i64 = 60_000;

/// The start of the minute before this one, as a time in JSON.
fn last_minute_ms() -> i64 {
    now_ms().div_euclid(MINUTE_MS) * MINUTE_MS - MINUTE_MS
}

#[tokio::test]
async fn what_is_sent_can_be_read_as_the_contract_says() {
    let server = start().await;
    let mut client = server.client();
    let at = last_minute_ms();
    let metrics: Vec<Value> = (1..=100)
        .map(|n| json!({"name": "h", "type": "histogram", "value": n, "timestamp": at + n, "labels": {"k": "v"}}))
        .collect();
    send(&mut client, &metrics.into()).await;
    let body = get_json(&mut client, "/api/metrics?name=h&period=1h").await;
    assert_eq!(
        (&body["name"], &body["resolution"], &body["period"]),
        (&json!("h"), &json!("minute"), &json!("1h"))
    );
    let bucket = &body["data"][0];
    for (field, expected) in [
        ("count", 100.),
        ("sum", 5050.),
        ("min", 1.),
        ("max", 100.),
        ("avg", 50.5),
    ] {
        assert_eq!(bucket[field].as_f64(), Some(expected), "{field}");
    }
    for (field, expected) in [("p50", 50.), ("p95", 95.), ("p99", 99.)] {
        let told = bucket[field].as_f64().unwrap();
        assert!((told - expected).abs() <= expected * 0.011, "{field} is {told}");
    }
    assert!(bucket["bucket"].as_str().unwrap().ends_with(":00Z"), "{bucket}");
    let none = get_json(&mut client, "/api/metrics?name=unknown").await;
    assert_eq!(none["data"], json!([]));
}

#[tokio::test]
async fn all_kinds_of_time_land_in_their_minute() {
    let server = start().await;
    let mut client = server.client();
    let at = last_minute_ms();
    let text = |ms: i64, offset_hours: i64| {
        let seconds = (ms + offset_hours * 3_600_000).div_euclid(1000);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let day = get_day(seconds);
        (day, format!("{hour:02}:{minute:02}:{second:02}"))
    };
    let (day, time) = text(at, 0);
    let (east_day, east_time) = text(at, 2);
    let stamps = [
        json!(at / 1000),
        json!(at),
        json!(at * 1_000_000),
        json!(format!("{day}T{time}Z")),
        json!(format!("{day}T{time}.500Z")),
        json!(format!("{day} {time}")),
        json!(format!("{east_day}T{east_time}+02:00")),
    ];
    let metrics: Vec<Value> = stamps
        .iter()
        .map(|stamp| json!({"name": "c", "type": "counter", "value": 1, "timestamp": stamp}))
        .collect();
    send(&mut client, &metrics.into()).await;
    let body = get_json(&mut client, "/api/metrics?name=c").await;
    assert_eq!(body["data"].as_array().unwrap().len(), 1, "{body}");
    assert_eq!(body["data"][0]["count"], 7);
}

/// `2026-11-28` of seconds since 1970.
fn get_day(seconds: i64) -> String {
    let mut days = seconds.div_euclid(86_400);
    let (mut year, mut month) = (1970, 1);
    let is_leap = |year: i64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(is_leap(year)) {
        days -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + i64::from(is_leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    for length in lengths {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    format!("{year}-{month:02}-{:02}", days + 1)
}

#[tokio::test]
async fn absurd_times_are_counted_out_with_a_reason() {
    let server = start().await;
    let at = |ms: i64| json!({"name": "c", "type": "counter", "value": 1, "timestamp": now_ms() + ms});
    let metrics = json!([at(0), at(-100 * 24 * 3_600_000), at(2 * 3_600_000)]);
    let answer = server.client().post("/api/metrics", metrics.to_string()).await;
    assert_eq!(answer.status, 202);
    let body = answer.json();
    assert_eq!((&body["status"], &body["count"]), (&json!("accepted"), &json!(1)));
    let refused = body["refused"].as_array().unwrap();
    assert!(
        refused.iter().all(|one| one["count"] == 1) && refused.len() == 2,
        "{body}"
    );
}

#[tokio::test]
async fn refusals_are_the_contracts() {
    let server = start().await;
    let mut client = server.client();
    for (body, detail) in [
        ("", "Invalid JSON"),
        ("{}", "Request body must be a JSON array"),
        ("[]", "Metrics array must not be empty"),
        ("[[]]", "Each metric must be a JSON object"),
        (r#"[{"type":"gauge","value":1}]"#, "Missing required field: name"),
        (
            r#"[{"name":"a","type":"meter","value":1}]"#,
            "Field 'type' must be 'counter', 'histogram', or 'gauge'",
        ),
    ] {
        let answer = client.post("/api/metrics", body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.detail().as_str()),
            (400, detail),
            "{body}"
        );
    }
    assert_eq!(server.stranger().post("/api/metrics", "[]").await.status, 401);
    assert_eq!(
        get_json(&mut client, "/api/metrics/names").await,
        json!({"metrics": []})
    );
}

#[tokio::test]
async fn three_thousand_metrics_of_one_flush_are_taken_plain_and_compressed() {
    let server = start().await;
    let mut client = server.client();
    let metrics: Vec<Value> = (0..3000)
        .map(|n| json!({"name": "n", "type": "counter", "value": 1, "labels": {"shard": n % 7}}))
        .collect();
    send(&mut client, &metrics.clone().into()).await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, json!({"metrics": metrics}).to_string().as_bytes()).unwrap();
    let body = encoder.finish().unwrap();
    let answer = client
        .send(
            "POST".parse().unwrap(),
            "/api/metrics",
            &[("content-encoding", "gzip")],
            body,
        )
        .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["count"]),
        (202, &json!(3000))
    );
    let body = get_json(&mut client, "/api/metrics?name=n&resolution=whole&period=1h").await;
    assert_eq!(
        (&body["data"][0]["count"], &body["n_series"]),
        (&json!(6000), &json!(7))
    );
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_a_kill() {
    let launch = launch();
    let server = launch.start().await;
    let at = last_minute_ms();
    let metrics = json!([
        {"name": "g", "type": "gauge", "value": 1.25, "timestamp": at, "labels": {"host": "a"}, "project": "shop"},
        {"name": "h", "type": "histogram", "value": 3, "timestamp": at},
        {"name": "c", "type": "counter", "value": 2, "timestamp": at},
    ]);
    send(&mut server.client(), &metrics).await;
    server.kill().await;
    for _ in 0..2 {
        let server = launch.start().await;
        for (name, sum) in [("g", 1.25), ("h", 3.), ("c", 2.)] {
            let body = get_json(&mut server.client(), &format!("/api/metrics?name={name}")).await;
            assert_eq!(
                (&body["data"][0]["count"], &body["data"][0]["sum"]),
                (&json!(1), &json!(sum)),
                "{name}"
            );
        }
        let names = get_json(&mut server.client(), "/api/metrics/names?project=shop").await;
        assert_eq!(
            names["metrics"],
            json!([{"name": "g", "type": "gauge", "series": 1}])
        );
        assert_eq!(
            get_json(&mut server.client(), "/api/projects").await,
            json!({"projects": ["shop"]})
        );
        server.kill().await;
    }
}

#[tokio::test]
async fn a_request_that_comes_again_with_its_key_is_stored_once() {
    let server = start().await;
    let mut client = server.client();
    let body =
        json!([{"name": "again", "type": "counter", "value": 1, "timestamp": last_minute_ms()}]).to_string();
    for (key, times) in [("first", 3), ("second", 2)] {
        for _ in 0..times {
            let headers = [("idempotency-key", key)];
            let answer = client
                .send("POST".parse().unwrap(), "/api/metrics", &headers, body.clone())
                .await;
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["count"]),
                (202, &json!(1))
            );
        }
    }
    let told = get_json(&mut client, "/api/metrics?name=again&period=1h").await;
    assert_eq!(told["data"][0]["count"], json!(2), "{told}");
}
