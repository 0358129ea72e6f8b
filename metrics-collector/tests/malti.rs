//! Malti's API: each line of the contract's tables, captured requests, and what we do better.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::io::Write;

use crate::support::malti::{CONFIG, batch, launch, record, service, user, with_key};
use crate::support::{get_json, now_ms};
use testkit::{Answer, Client, Value, handbook, json, skip, until};

const INGEST: &str = "/api/v1/ingest";

async fn ingest(client: &mut Client, body: impl Into<String>) -> Answer {
    let headers = [("content-type", "application/json")];
    client
        .send("POST".parse().unwrap(), INGEST, &headers, body.into())
        .await
}

/// What the dashboard's first range shows, with more of the query.
async fn aggregate(client: &mut Client, query: &str) -> Value {
    get_json(client, &format!("/api/v1/metrics/aggregate?interval=1min{query}")).await
}

/// Status and body of a refusal.
fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status.as_u16(), answer.json())
}

#[tokio::test]
async fn each_case_of_ingest_is_answered_as_by_malti() {
    let server = launch().start().await;
    let (mut service, mut user) = (service(&server), user(&server));
    let good = batch(&[record(json!({}))]);
    let answer = ingest(&mut service, good.clone()).await;
    let stored =
        json!({"message": "Telemetry data ingested successfully", "count": 1, "service": "shop-api"});
    assert_eq!(refusal(&answer), (200, stored));

    let no_key = json!({"detail": "API key required"});
    let mut nobody = server.stranger();
    assert_eq!(
        refusal(&ingest(&mut nobody, good.clone()).await),
        (401, no_key.clone())
    );
    let mut empty = with_key(&server, "");
    assert_eq!(refusal(&ingest(&mut empty, good.clone()).await), (401, no_key));
    let mut unknown = with_key(&server, "nonsense");
    let invalid = json!({"detail": "Invalid API key"});
    assert_eq!(
        refusal(&ingest(&mut unknown, good.clone()).await),
        (401, invalid.clone())
    );
    // What Malti does not know: a key of our own, with which our own client sends, for any service.
    let both = batch(&[record(json!({})), record(json!({"service": "other"}))]);
    let own = ingest(&mut server.client(), both).await;
    assert_eq!((own.status.as_u16(), &own.json()["count"]), (200, &json!(2)));
    let of_user = ingest(&mut user, good.clone()).await;
    assert_eq!(
        refusal(&of_user),
        (
            403,
            json!({"detail": "Service API key required for ingest endpoint"})
        )
    );

    let mixed = batch(&[record(json!({})), record(json!({"service": "other"}))]);
    let mismatch = json!({"detail": "Service mismatch: expected shop-api, got other"});
    assert_eq!(refusal(&ingest(&mut service, mixed).await), (403, mismatch));
    let none = json!({"detail": "Empty requests array is not allowed"});
    assert_eq!(refusal(&ingest(&mut service, batch(&[])).await), (400, none));

    let missing = ingest(
        &mut service,
        json!({"requests": [{"service": "shop-api"}]}).to_string(),
    )
    .await;
    assert_eq!(missing.status, 422);
    let problem = &missing.json()["detail"][0];
    assert_eq!(problem["type"], "missing");
    assert_eq!(problem["loc"], json!(["body", "requests", 0, "method"]));
    assert_eq!(problem["input"], json!({"service": "shop-api"}));

    let mut get = service;
    assert_eq!(get.get(INGEST).await.status, 405);
    // Refused as a whole: only the first and those of our own key were stored.
    assert_eq!(
        aggregate(&mut user, "").await["metrics_summary"]["total_requests"],
        3
    );
}

#[tokio::test]
async fn checks_come_in_maltis_order() {
    let server = launch().start().await;
    let mut unknown = with_key(&server, "nonsense");
    // Broken JSON is told before the key, a wrong shape after it, and other services after that.
    let broken = ingest(&mut unknown, "{\"requests\": [").await;
    assert_eq!(
        (broken.status.as_u16(), &broken.json()["detail"][0]["type"]),
        (422, &json!("json_invalid"))
    );
    assert_eq!(ingest(&mut unknown, "{}").await.status, 401);
    let mut service = service(&server);
    let wrong = batch(&[record(json!({"service": "other", "status": "ok"}))]);
    assert_eq!(ingest(&mut service, wrong).await.status, 422);
    assert_eq!(
        ingest(&mut service, "").await.json()["detail"][0]["loc"],
        json!(["body"])
    );
    assert_eq!(ingest(&mut user(&server), "{}").await.status, 403);
}

#[tokio::test]
async fn slashes_at_the_end_lead_back_and_those_in_front_do_no_harm() {
    let server = launch().start().await;
    let mut service = service(&server);
    for path in [
        INGEST,
        "/api/v1/auth/test",
        "/api/v1/metrics/aggregate",
        "/api/v1/metrics/aggregate/realtime",
    ] {
        let answer = service.get(&format!("{path}/?a=1")).await;
        assert_eq!(answer.status, 307, "{path}");
        let expected = format!("http://{}{path}?a=1", server.address);
        assert_eq!(answer.header("location"), expected);
    }
    let posted = service.post("/api/v1/ingest/", batch(&[record(json!({}))])).await;
    assert_eq!(posted.status, 307);
    // MALTI_URL with a slash at its end.
    let answer = service.post("//api/v1/ingest", batch(&[record(json!({}))])).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn pages_of_any_origin_may_call() {
    let server = launch().start().await;
    let mut client = server.stranger();
    let origin = ("origin", "https://dashboard.example");
    for path in [
        INGEST,
        "/api/v1/auth/test",
        "/api/v1/metrics/aggregate",
        "/api/v1/metrics/aggregate/realtime",
    ] {
        let asked = [
            origin,
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", "x-api-key,x-other"),
        ];
        let answer = client.send("OPTIONS".parse().unwrap(), path, &asked, "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "https://dashboard.example"
        );
        assert_eq!(answer.header("access-control-allow-credentials"), "true");
        assert_eq!(answer.header("access-control-allow-headers"), "x-api-key,x-other");
        for method in ["GET", "POST", "PUT", "DELETE"] {
            assert!(answer.header("access-control-allow-methods").contains(method));
        }
    }
    let refused = client
        .send("GET".parse().unwrap(), "/api/v1/auth/test", &[origin], "")
        .await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.header("access-control-allow-origin"),
        "https://dashboard.example"
    );
}

#[tokio::test]
async fn a_users_key_can_be_tested_ten_times_a_minute() {
    let server = launch().start().await;
    let path = "/api/v1/auth/test";
    let mut unknown = with_key(&server, "nonsense");
    for _ in 0..15 {
        assert_eq!(unknown.get(path).await.status, 401, "wrong keys are not counted");
    }
    let of_service = service(&server).get(path).await;
    let expected = json!({"detail": "User API key required for metrics endpoints"});
    assert_eq!(refusal(&of_service), (403, expected));
    let mut user = user(&server);
    let body = get_json(&mut user, path).await;
    assert_eq!(body["authenticated"], true);
    assert_eq!(
        body["user"],
        json!({"name": "ann", "type": "user", "permissions": ["metrics"]})
    );
    let thresholds = json!({
        "error_rate_success": 0.5, "error_rate_warning": 1.0, "latency_success": 300.0, "latency_warning": 800.0,
    });
    assert_eq!(body["thresholds"], thresholds);
    assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(body["rate_limit_info"]["endpoint"], "auth_test");
    assert_eq!(body["rate_limit_info"]["limit"], "10/minute");
    let own = get_json(&mut server.client(), path).await;
    assert_eq!(own["authenticated"], true, "our own key may read");
    // Two are spent. However slow we are, more come here than a minute gives back.
    let mut answers = Vec::new();
    for _ in 0..200 {
        answers.push(user.get(path).await);
    }
    let refused = answers.iter().find(|answer| answer.status == 429).unwrap();
    let expected = json!({
        "error": "Rate limit exceeded", "detail": "Rate limit exceeded: 10 per 1 minute", "retry_after": 60,
    });
    assert_eq!(refused.json(), expected);
    assert_eq!(refused.header("retry-after"), "");
    assert_eq!(
        aggregate(&mut user, "").await["consumers"],
        json!([]),
        "nothing else is limited"
    );
}

#[tokio::test]
async fn keys_and_thresholds_follow_the_file_and_a_bad_one_changes_nothing() {
    let launch = launch();
    let path = launch.folder().join("malti.toml");
    let server = launch.start().await;
    let mut health = server.stranger();
    std::fs::write(&path, "[services.shop-api]\napi_key = \"half\n").unwrap();
    until("it says that the file is bad", async || {
        get_json(&mut health, "/health").await["malti_config"].is_string()
    })
    .await;
    let problem = get_json(&mut server.client(), "/api/ingest").await["malti_config_problem"].clone();
    assert!(problem.as_str().unwrap().contains("line 2"), "{problem}");
    let good = batch(&[record(json!({}))]);
    assert_eq!(
        ingest(&mut service(&server), good.clone()).await.status,
        200,
        "the old keys stay"
    );
    std::fs::write(
        &path,
        CONFIG.replace("svc-key-123", "new-key").replace("= 800", "= 900"),
    )
    .unwrap();
    until("the file is taken up", async || {
        get_json(&mut health, "/health").await["malti_config"].is_null()
    })
    .await;
    assert_eq!(ingest(&mut service(&server), good.clone()).await.status, 401);
    assert_eq!(ingest(&mut with_key(&server, "new-key"), good).await.status, 200);
    let told = get_json(&mut user(&server), "/api/v1/auth/test").await;
    assert_eq!(told["thresholds"]["latency_warning"], 900.0);
}

#[tokio::test]
async fn without_a_file_nobody_is_known_and_a_bad_one_ends_the_start() {
    let server = crate::support::start().await;
    let good = batch(&[record(json!({}))]);
    assert_eq!(ingest(&mut service(&server), good).await.status, 401);
    assert_eq!(aggregate(&mut server.client(), "").await["endpoints"], json!([]));
    let launch = launch();
    std::fs::write(launch.folder().join("malti.toml"), "[[[").unwrap();
    let Err((status, said)) = launch.try_start().await else {
        panic!("it started")
    };
    assert!(status.is_some_and(|status| !status.success()));
    assert!(said.contains("MALTI_CONFIG_PATH"), "{said}");
}

#[tokio::test]
async fn texts_stay_raw_and_packed_bodies_are_taken() {
    let server = launch().start().await;
    let mut service = with_key(&server, "svc-key-456");
    let endpoint = "/users/<int:id>?a=1&b=<b>x</b>";
    let record = record(json!({
        "service": "Café & <Söhne>", "endpoint": format!("  {endpoint}\u{0}\r"), "consumer": "two\nlines",
    }));
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(batch(&[record]).as_bytes()).unwrap();
    let headers = [("content-type", "application/json"), ("content-encoding", "gzip")];
    let answer = service
        .send(
            "POST".parse().unwrap(),
            INGEST,
            &headers,
            packer.finish().unwrap(),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["service"], "Café & <Söhne>");
    let filter =
        "&endpoint=/users/%3Cint:id%3E%3Fa%3D1%26b%3D%3Cb%3Ex%3C/b%3E&service=Caf%C3%A9+%26+%3CS%C3%B6hne%3E";
    let told = aggregate(&mut user(&server), filter).await;
    assert_eq!(told["endpoints"][0]["endpoint"], endpoint);
    assert_eq!(told["consumers"][0]["consumer"], "two lines");
    let garbage = service
        .send("POST".parse().unwrap(), INGEST, &headers, "no gzip")
        .await;
    let expected = json!({"detail": "There was an error parsing the body"});
    assert_eq!(refusal(&garbage), (400, expected));
}

#[tokio::test]
async fn a_record_that_cannot_be_is_left_out_alone() {
    let server = launch().start().await;
    let mut service = service(&server);
    let records = [
        record(json!({})),
        record(json!({"status": 70_000})),
        record(json!({"status": 42})),
        record(json!({"created_at": "2126-01-01T00:00:00Z"})),
        record(json!({"created_at": "1999-01-01"})),
        record(json!({"response_time": 99_999_999_999_i64})),
    ];
    let answer = ingest(&mut service, batch(&records)).await;
    let expected = json!({
        "message": "Telemetry data ingested successfully", "count": 1, "service": "shop-api", "refused": 5,
    });
    assert_eq!(refusal(&answer), (200, expected));
    let health = get_json(&mut server.client(), "/api/ingest").await;
    assert_eq!(
        (&health["requests"]["accepted"], &health["requests"]["refused"]),
        (&json!(1), &json!(5))
    );
}

#[tokio::test]
async fn a_batch_that_comes_again_counts_once_where_it_is_dated() {
    let server = launch().start().await;
    let mut service = service(&server);
    let dated = batch(&[
        record(json!({"created_at": now_ms()})),
        record(json!({"created_at": now_ms() - 5})),
    ]);
    let undated = batch(&[record(json!({"consumer": "by hand"}))]);
    for _ in 0..3 {
        for body in [&dated, &undated] {
            assert_eq!(ingest(&mut service, body.clone()).await.status, 200);
        }
    }
    let told = aggregate(&mut user(&server), "").await;
    let consumers = [("by hand", 3), ("mobile", 2)];
    for (place, (consumer, n)) in consumers.into_iter().enumerate() {
        assert_eq!(told["consumers"][place]["consumer"], consumer);
        assert_eq!(told["consumers"][place]["total_requests"], n, "{consumer}");
    }
}

#[tokio::test]
async fn too_many_consumers_become_other_and_are_counted() {
    let server = launch().env("MAX_LABEL_VALUES", 5).start().await;
    let records: Vec<Value> = (0..30)
        .map(|n| record(json!({"consumer": format!("user-{n}")})))
        .collect();
    assert_eq!(
        ingest(&mut service(&server), batch(&records)).await.json()["count"],
        30
    );
    let told = aggregate(&mut user(&server), "").await;
    assert_eq!(
        told["consumers"][0],
        json!({
            "consumer": "__other__", "total_requests": 25, "error_count": 0, "error_rate": 0.0,
        })
    );
    assert_eq!(told["consumers"].as_array().unwrap().len(), 6);
    let health = get_json(&mut server.client(), "/api/ingest").await;
    assert_eq!(
        health["requests"]["folded"],
        json!([{"dimension": "consumer", "count": 25}])
    );
}

#[tokio::test]
async fn questions_that_cannot_be_answered_say_why() {
    let server = launch().start().await;
    let mut user = user(&server);
    let aggregate = "/api/v1/metrics/aggregate";
    let realtime = "/api/v1/metrics/aggregate/realtime";
    for path in [aggregate, realtime] {
        let mut nobody = server.stranger();
        assert_eq!(
            refusal(&nobody.get(path).await),
            (401, json!({"detail": "API key required"}))
        );
        let mut unknown = with_key(&server, "nonsense");
        assert_eq!(
            refusal(&unknown.get(path).await),
            (401, json!({"detail": "Invalid API key"}))
        );
        let of_service = service(&server).get(path).await;
        let expected = json!({"detail": "User API key required for metrics endpoints"});
        assert_eq!(refusal(&of_service), (403, expected));
    }
    let check = |answer: Answer, detail: &str| {
        assert_eq!(refusal(&answer), (422, json!({ "detail": detail })));
    };
    check(
        user.get(&format!("{aggregate}?interval=2min")).await,
        "Invalid interval: it must be 1min, 5min or 1hour",
    );
    let span = "start_time=2026-11-20T10:00:00Z&end_time=2026-11-20T11:00:01";
    check(
        user.get(&format!("{realtime}?{span}")).await,
        "Time range cannot exceed 60 minutes for real-time metrics",
    );
    check(
        user.get(&format!("{aggregate}?start_time=0&interval=1min")).await,
        "Time range is too long for this interval",
    );
    let answer = user.get(&format!("{aggregate}?start_time=yesterday")).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["detail"][0]["loc"], json!(["query", "start_time"]));
    // With a zone and without one, and only one end: no error here.
    for query in [
        span.replace("11:00:01", "11:00:00"),
        "start_time=2026-11-20T10:00:00".to_owned(),
        "end_time=2026-11-20T10:00:00+00:00".to_owned(),
    ] {
        let answer = user.get(&format!("{aggregate}?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    }
}

#[tokio::test]
async fn an_empty_range_has_all_fields_and_every_bucket() {
    let server = launch().start().await;
    let mut user = user(&server);
    let path =
        "/api/v1/metrics/aggregate/realtime?start_time=2026-11-20T10:00:30Z&end_time=2026-11-20T10:02:30Z";
    let none = json!({"total_requests": 0, "min_latency": null, "avg_latency": null, "p95_latency": null, "max_latency": null});
    let buckets: Vec<Value> = (0..3)
        .map(|minute| {
            let mut bucket = none.clone();
            bucket["bucket"] = json!(format!("2026-11-20T10:0{minute}:00Z"));
            bucket
        })
        .collect();
    let expected = json!({
        "time_series": buckets, "metrics_summary": none, "endpoints": [], "status_distribution": [], "consumers": [],
        "system_overview": {"total_requests": 0, "total_errors": 0, "error_rate": 0.0, "avg_latency": null},
        "distinct_nodes": [], "distinct_contexts": [],
    });
    assert_eq!(get_json(&mut user, path).await, expected);
}

#[tokio::test]
async fn what_maltis_client_sent_is_taken_and_told() {
    let Some(folder) = handbook("captures") else {
        return skip("captured requests are not in this checkout");
    };
    // The capture is from November 2026 and is taken for ten years.
    let server = launch().env("RETENTION_REQUESTS_HOURLY", "3650d").start().await;
    let body = std::fs::read_to_string(folder.join("malti-ingest.body")).unwrap();
    let sent: Value = serde_json::from_str(&body).unwrap();
    let capture: Value = std::fs::read_to_string(folder.join("malti-ingest.json"))
        .unwrap()
        .parse()
        .unwrap();
    let headers = capture["headers"].as_array().unwrap().iter().map(|header| {
        let text = |place: usize| header[place].as_str().unwrap();
        (text(0), text(1))
    });
    let headers: Vec<(&str, &str)> = headers.filter(|(name, _)| *name != "Host").collect();
    let mut client = server.stranger();
    let path = capture["path"].as_str().unwrap();
    for _ in 0..2 {
        let answer = client
            .send("POST".parse().unwrap(), path, &headers, body.clone())
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["count"], 12);
    }
    let range = "start_time=2026-11-20T13:00:00Z&end_time=2026-11-20T13:30:00Z&interval=1hour";
    let told = get_json(&mut user(&server), &format!("/api/v1/metrics/aggregate?{range}")).await;
    assert_eq!(
        told["metrics_summary"]["total_requests"],
        sent["requests"].as_array().unwrap().len()
    );
    assert_eq!(told["endpoints"][0]["endpoint"], "/users/{user_id}");
    assert_eq!(told["endpoints"][0]["total_requests"], 6);
    assert_eq!(told["system_overview"]["total_errors"], 4);
    assert_eq!(
        told["status_distribution"][0]["status_breakdown"],
        json!({"200": 8, "405": 1, "418": 1, "422": 1, "500": 1})
    );
    assert_eq!(
        (&told["distinct_nodes"], &told["distinct_contexts"]),
        (&json!(["node-7"]), &json!(["ctx-A"]))
    );
    assert_eq!(told["metrics_summary"]["max_latency"], 11);
}
