//! `/api/errors`: reports in, one group out, resolved and opened again.

use crate::support::{chunked, file, get_json, raw, refusal, report, report_with, start, tracker};
use testkit::{Value, json};
use tokio::task::JoinSet;

#[tokio::test]
async fn a_report_creates_a_group_the_next_counts_and_one_after_resolving_reopens() {
    let server = start().await;
    let mut client = server.client();
    let body = report(
        "shop",
        "ValueError",
        "bad value",
        "  File \"/srv/cart.py\", line 7, in pay",
    )
    .to_string();

    let first = client.post("/api/errors", body.clone()).await;
    assert_eq!(first.status, 201);
    // printf 'shop:ValueError:/srv/cart.py:7' | md5sum
    let fingerprint = "563bc28a3f8d14e2988ad5ded42190d9";
    assert_eq!(
        first.json(),
        json!({"status": "created", "id": 1, "fingerprint": fingerprint})
    );

    let second = client.post("/api/errors", body.clone()).await;
    assert_eq!(second.status, 200);
    assert_eq!(
        second.json(),
        json!({"status": "incremented", "id": 1, "count": 2})
    );

    let resolved = client.post("/api/errors/1/resolve", "").await;
    assert_eq!(
        (resolved.status.as_u16(), resolved.json()),
        (200, json!({"status": "resolved", "id": 1}))
    );
    let third = client.post("/api/errors", body).await;
    assert_eq!(third.status, 201);
    assert_eq!(third.json(), json!({"status": "reopened", "id": 1, "count": 3}));

    let group = get_json(&mut client, "/api/errors/1").await;
    assert_eq!(
        (&group["resolved"], &group["resolved_at"]),
        (&json!(false), &Value::Null)
    );
}

#[tokio::test]
async fn refusals_use_the_words_of_the_contract() {
    let server = start().await;
    let mut client = server.client();
    let minimal = report("p", "E", "m", "t");
    let without = |name: &str, value: Option<Value>| {
        let mut report = minimal.clone();
        match value {
            Some(value) => report[name] = value,
            None => drop(report.as_object_mut().unwrap().remove(name)),
        }
        report.to_string()
    };
    let mut cases = vec![
        (String::new(), "Invalid JSON".to_owned()),
        ("{".to_owned(), "Invalid JSON".to_owned()),
        ("\u{feff}{}".to_owned(), "Invalid JSON".to_owned()),
        (format!("{minimal} {{}}"), "Invalid JSON".to_owned()),
        (
            r#"{"project":"a","project":"b"}"#.to_owned(),
            "Invalid JSON".to_owned(),
        ),
        (r#"{"project":NaN}"#.to_owned(), "Invalid JSON".to_owned()),
        ("[]".to_owned(), "Request body must be a JSON object".to_owned()),
        (
            "\"text\"".to_owned(),
            "Request body must be a JSON object".to_owned(),
        ),
        ("null".to_owned(), "Request body must be a JSON object".to_owned()),
        ("{}".to_owned(), "Missing required field: project".to_owned()),
    ];
    for name in ["project", "exception_type", "message", "traceback"] {
        let missing = format!("Missing required field: {name}");
        for value in [
            None,
            Some(json!(null)),
            Some(json!(7)),
            Some(json!(["x"])),
            Some(json!({"a": 1})),
        ] {
            cases.push((without(name, value), missing.clone()));
        }
    }
    // The order counts: fields first, then limits.
    let long = "x".repeat(101);
    cases.push((
        json!({"project": long}).to_string(),
        "Missing required field: exception_type".to_owned(),
    ));
    for (body, expected) in cases {
        let answer = client.post("/api/errors", body.clone()).await;
        assert_eq!(refusal(&answer), (400, expected), "{body}");
        assert_eq!(answer.header("content-type"), "application/json");
    }
    assert_eq!(get_json(&mut client, "/api/errors").await["total"], 0);
}

#[tokio::test]
async fn limits_count_characters_and_empty_texts_are_welcome() {
    let server = start().await;
    let mut client = server.client();
    file(&mut client, &report("", "", "", "")).await;
    file(
        &mut client,
        &report(&"é".repeat(100), &"語".repeat(200), "m", "t"),
    )
    .await;

    let refused = [
        (
            "é".repeat(101),
            "E".to_owned(),
            "Field 'project' exceeds maximum length of 100 characters",
        ),
        (
            "p".to_owned(),
            "語".repeat(201),
            "Field 'exception_type' exceeds maximum length of 200 characters",
        ),
    ];
    for (project, exception_type, expected) in refused {
        let answer = client
            .post(
                "/api/errors",
                report(&project, &exception_type, "m", "t").to_string(),
            )
            .await;
        assert_eq!(refusal(&answer), (400, expected.to_owned()));
    }
    // Message and traceback have no limit but that of the body.
    file(
        &mut client,
        &report("p", "E", &"m".repeat(100_000), &"t".repeat(100_000)),
    )
    .await;
}

#[tokio::test]
async fn optional_fields_of_a_wrong_type_are_ignored_and_unknown_ones_too() {
    let server = start().await;
    let mut client = server.client();
    let odd = json!({
        "request_url": 7, "request_method": ["GET"], "user_id": {"a": 1}, "environment": true,
        "request_headers": null, "extra": null, "level": "fatal", "nested": {"project": "x"},
    });
    let id = file(&mut client, &report_with(&odd)).await;
    let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
    let kept = &group["occurrences"][0];
    for name in [
        "request_url",
        "request_method",
        "user_id",
        "environment",
        "request_headers",
        "extra",
    ] {
        assert_eq!(kept[name], Value::Null, "{name}");
    }
}

#[tokio::test]
async fn any_json_in_headers_and_extra_is_kept_as_sent() {
    let server = start().await;
    let mut client = server.client();
    for (json, expected) in [
        (r#"{"a b" : [1 , "x  y"]}"#, r#"{"a b":[1,"x  y"]}"#),
        ("[1.50, 1.0, 1e-7, -0.0]", "[1.50,1.0,1e-7,-0.0]"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        (r#""just \"text\" \u00e9""#, r#""just \"text\" \u00e9""#),
        ("false", "false"),
        (r#"{"k":1,"k":2}"#, r#"{"k":1,"k":2}"#),
    ] {
        let body = format!(
            r#"{{"project":"p","exception_type":"E","message":"m","traceback":"t","request_headers":{json},"extra":{json}}}"#
        );
        let answer = client.post("/api/errors", body).await;
        assert!(answer.status.is_success(), "{json}: {}", answer.text());
        let newest = client.get("/api/errors/1").await.text();
        assert!(
            newest.contains(&format!(r#""request_headers":{expected},"#)),
            "{newest}"
        );
        assert!(newest.contains(&format!(r#""extra":{expected},"#)), "{newest}");
    }
}

#[tokio::test]
async fn half_surrogates_and_foreign_bytes_are_mended() {
    let server = start().await;
    let mut client = server.client();
    let escaped =
        r#"{"project":"p","exception_type":"E","message":"a\ud83d b\udc00 \ud83d\ude00","traceback":"t"}"#;
    let mut foreign = report("p", "E", "LATIN", "u").to_string().into_bytes();
    let at = foreign.windows(5).position(|part| part == b"LATIN").unwrap();
    foreign.splice(at..at + 5, *b"caf\xe9");

    for (body, expected) in [
        (escaped.as_bytes().to_vec(), "a\u{fffd} b\u{fffd} 😀"),
        (foreign, "caf\u{fffd}"),
    ] {
        let id = client.post("/api/errors", body).await.json()["id"].clone();
        let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
        assert_eq!(group["message"], expected);
    }

    let within = r#"{"project":"p","exception_type":"E","message":"m","traceback":"v","extra":{"a\ud83d":["\udc00"]}}"#;
    let id = client.post("/api/errors", within).await.json()["id"].clone();
    let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
    assert_eq!(
        group["occurrences"][0]["extra"],
        json!({"a\u{fffd}": ["\u{fffd}"]})
    );
}

#[tokio::test]
async fn nul_and_other_control_characters_come_back_as_they_were() {
    let server = start().await;
    let mut client = server.client();
    let text = "a\0b\u{1b}[31m\u{7f}\u{202e}\r\n\t\u{2028}";
    let id = file(&mut client, &report(text, text, text, text)).await;
    let group = get_json(&mut client, &format!("/api/errors/{id}")).await;
    for name in ["project", "exception_type", "message", "traceback"] {
        assert_eq!(group[name], text, "{name}");
    }
    assert_eq!(
        get_json(&mut client, "/api/projects").await,
        json!({"projects": [text]})
    );
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    let server = start().await;
    let mut client = server.client();
    let nested = |field: &str, depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!(
            r#"{{"project":"p","exception_type":"E","message":"m","traceback":"t","{field}":{open}1{close}}}"#
        )
    };
    for field in ["extra", "request_headers"] {
        assert!(
            client
                .post("/api/errors", nested(field, 100))
                .await
                .status
                .is_success()
        );
        for depth in [101, 257, 100_000] {
            let answer = client.post("/api/errors", nested(field, depth)).await;
            let expected = format!("Field '{field}' is nested deeper than 100 levels");
            assert_eq!(refusal(&answer), (400, expected), "{depth}");
        }
    }
    // Elsewhere it is no text, and so is ignored or missing like anything that is no text.
    for field in ["user_id", "unknown"] {
        let answer = client.post("/api/errors", nested(field, 100_000)).await;
        assert_eq!(answer.status, 200, "{field}: {}", answer.text());
    }
    let only_deep = format!(r#"{{"project":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let answer = client.post("/api/errors", only_deep).await;
    assert_eq!(
        refusal(&answer),
        (400, "Missing required field: project".to_owned())
    );
    // What is kept can be read by readers that stop at 128 levels.
    get_json(&mut client, "/api/errors/1").await;
}

#[tokio::test]
async fn bodies_may_be_packed_in_four_ways() {
    let server = start().await;
    let mut client = server.client();
    let packed: [(&str, &[u8]); 5] = [
        ("identity", include_bytes!("fixtures/report.json")),
        ("gzip", include_bytes!("fixtures/report.gz")),
        ("deflate", include_bytes!("fixtures/report.deflate")),
        ("br", include_bytes!("fixtures/report.br")),
        ("ZSTD", include_bytes!("fixtures/report.zst")),
    ];
    for (encoding, body) in packed {
        let headers = [("content-encoding", encoding)];
        let answer = client
            .send("POST".parse().unwrap(), "/api/errors", &headers, body)
            .await;
        assert!(answer.status.is_success(), "{encoding}: {}", answer.text());
    }
    let group = get_json(&mut client, "/api/errors/1").await;
    assert_eq!(
        (&group["message"], &group["count"]),
        (&json!("déjà vu"), &json!(5))
    );

    // Raw deflate, which some clients send under the same name.
    let raw_deflate = &include_bytes!("fixtures/report.deflate")[2..];
    let headers = [("content-encoding", "deflate")];
    let answer = client
        .send("POST".parse().unwrap(), "/api/errors", &headers, raw_deflate)
        .await;
    assert_eq!(answer.json()["count"], 6);

    for encoding in ["gzip", "deflate", "br", "zstd"] {
        let headers = [("content-encoding", encoding)];
        let answer = client
            .send("POST".parse().unwrap(), "/api/errors", &headers, "no such thing")
            .await;
        assert_eq!(
            refusal(&answer),
            (400, "Failed to decode request body".to_owned()),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn chunked_bodies_are_read() {
    let server = start().await;
    let body = report("p", "E", "chunked", "t").to_string();
    let (head, tail) = body.as_bytes().split_at(10);
    let answer = raw(server.address, chunked(server.key(), &[head, tail])).await;
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
    let group = get_json(&mut server.client(), "/api/errors/1").await;
    assert_eq!(group["message"], "chunked");
}

#[tokio::test]
async fn no_body_at_all_is_refused_and_nothing_falls_over() {
    let server = start().await;
    for path in ["/api/errors", "/api/errors/1/resolve", "/health", "/", "/x"] {
        for method in ["POST", "PUT", "PATCH"] {
            let head = format!(
                "{method} {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {}\r\n",
                server.key()
            );
            let answer = raw(server.address, format!("{head}connection: close\r\n\r\n")).await;
            assert!(
                answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 303"),
                "{answer}"
            );
            assert!(!answer.starts_with("HTTP/1.1 408"), "{answer}");
        }
    }
    let key = server.key();
    let head =
        format!("POST /api/errors HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\nconnection: close\r\n\r\n");
    let answer = raw(server.address, head).await;
    assert!(
        answer.starts_with("HTTP/1.1 400 ") && answer.contains("Invalid JSON"),
        "{answer}"
    );
    crate::support::assert_alive(&server).await;
}

#[tokio::test]
async fn a_query_and_any_content_type_are_fine_but_not_a_longer_path() {
    let server = start().await;
    let mut client = server.client();
    let body = report("p", "E", "m", "t").to_string();
    assert_eq!(
        client.post("/api/errors?source=sdk&x", body.clone()).await.status,
        201
    );
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "nonsense", ""] {
        let headers = [("content-type", content_type)];
        let answer = client
            .send("POST".parse().unwrap(), "/api/errors", &headers, body.clone())
            .await;
        assert_eq!(answer.status, 200, "{content_type}");
    }
    for path in ["/api/errors/", "/api/error", "/api/errors//1"] {
        assert_eq!(
            refusal(&client.post(path, body.clone()).await),
            (404, "Not found".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_group_keeps_its_first_words_each_report_its_own_and_the_newest_five_stay() {
    let server = start().await;
    let mut client = server.client();
    for n in 1..=8 {
        let traceback = format!("call {n}\n  File \"a.py\", line 1, in f");
        let mut report = report("p", "E", &format!("message {n}"), &traceback);
        report["user_id"] = json!(format!("user {n}"));
        file(&mut client, &report).await;
    }
    let group = get_json(&mut client, "/api/errors/1").await;
    assert_eq!(group["count"], 8);
    assert_eq!(group["message"], "message 1");
    assert_eq!(group["traceback"], "call 1\n  File \"a.py\", line 1, in f");
    let kept = group["occurrences"].as_array().unwrap();
    let texts = |name: &str| {
        kept.iter()
            .map(|it| it[name].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        texts("message"),
        ["message 8", "message 7", "message 6", "message 5", "message 4"]
    );
    assert_eq!(
        texts("user_id"),
        ["user 8", "user 7", "user 6", "user 5", "user 4"]
    );
    assert!(texts("traceback")[4].starts_with("call 4\n"));
    let ids: Vec<i64> = kept.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert!(ids.is_sorted_by(|a, b| a > b), "{ids:?}");
    assert_eq!(kept[0]["timestamp"], group["last_seen"]);
}

#[tokio::test]
async fn reports_at_once_are_all_counted() {
    let server = tracker().env("KEEP_OCCURRENCES", 3).start().await;
    let mut senders = JoinSet::new();
    for sender in 0..8 {
        let mut client = server.client();
        senders.spawn(async move {
            for n in 0..25 {
                file(&mut client, &report("p", "E", &format!("{sender}/{n}"), "t")).await;
            }
        });
    }
    senders.join_all().await;
    let group = get_json(&mut server.client(), "/api/errors/1").await;
    assert_eq!(group["count"], 200);
    assert_eq!(group["occurrences"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_group_is_shown_flat_with_all_its_fields() {
    let server = start().await;
    let mut client = server.client();
    let more = json!({
        "environment": "prod", "request_url": "https://shop.example/pay", "request_method": "POST",
        "request_headers": {"user-agent": "x"}, "user_id": "4711", "extra": {"cart": [1, 2]},
        "traceback": "Traceback (most recent call last):\n  File \"/srv/cart.py\", line 7, in pay\nValueError: bad value",
    });
    let id = file(&mut client, &report_with(&more)).await;
    let mut group = get_json(&mut client, &format!("/api/errors/{id}?any=query")).await;
    let time = group["first_seen"].take();
    assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
    assert_eq!(group["last_seen"].take(), time);
    assert_eq!(group["occurrences"][0]["timestamp"].take(), time);
    let expected = json!({
        "id": 1,
        "fingerprint": "563bc28a3f8d14e2988ad5ded42190d9",
        "project": "shop",
        "environment": "prod",
        "exception_type": "ValueError",
        "message": "bad value",
        "culprit": "cart.py in pay",
        "count": 1,
        "first_seen": null,
        "last_seen": null,
        "resolved": false,
        "state": "open",
        "source": "server",
        "level": "error",
        "release": null,
        "first_release": null,
        "users": 1,
        "traceback": more["traceback"],
        "resolved_at": null,
        "resolved_after": null,
        "snoozed_until": null,
        "merged_into": null,
        "merged": [],
        "activity": [],
        "grouping": {"rule": 1, "by": "app", "parts": ["ValueError", "cart.py pay"]},
        "tags": {"environment": {"prod": 1}},
        "occurrences": [{
            // The group's id << 28, and 1 for its first report.
            "id": (1 << 28) + 1,
            "timestamp": null,
            "environment": "prod",
            "request_url": "https://shop.example/pay",
            "request_method": "POST",
            "request_headers": {"user-agent": "x"},
            "user_id": "4711",
            "extra": {"cart": [1, 2]},
            "message": "bad value",
            "traceback": more["traceback"],
        }],
    });
    assert_eq!(group, expected);
}

#[tokio::test]
async fn what_is_no_group_is_not_found() {
    let server = start().await;
    let mut client = server.client();
    for id in [
        "1",
        "0",
        "-1",
        "abc",
        "1x",
        "99999999999999999999",
        "9223372036854775807",
        "%31%00",
        "é",
    ] {
        let id = id.replace('é', "%C3%A9");
        let shown = client.get(&format!("/api/errors/{id}")).await;
        assert_eq!(refusal(&shown), (404, "Error not found".to_owned()), "{id}");
        for verb in ["resolve", "reopen"] {
            let changed = client.post(&format!("/api/errors/{id}/{verb}"), "").await;
            assert_eq!(
                refusal(&changed),
                (404, "Error not found".to_owned()),
                "{id} {verb}"
            );
        }
    }
    let broken = client.get("/api/errors/%ff").await;
    assert_eq!(
        refusal(&broken),
        (400, "path is not percent-encoded UTF-8".to_owned())
    );
    for path in ["/api/errors/1/resolve/", "/api/errors/1/close", "/api/errors/1/"] {
        assert_eq!(
            refusal(&client.post(path, "").await),
            (404, "Not found".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn resolving_twice_keeps_the_first_time_and_reopening_takes_it_back() {
    let launch = tracker();
    let server = launch.start().await;
    file(&mut server.client(), &report("p", "E", "m", "t")).await;
    assert_eq!(
        server
            .client()
            .post("/api/errors/1/resolve?x=1", "ignored")
            .await
            .status,
        200
    );
    server.stop().await;

    // Not so long ago that retention would take the group away.
    let yesterday = "update groups set resolved_at = resolved_at - 86400000";
    rusqlite::Connection::open(launch.database_path())
        .unwrap()
        .execute(yesterday, [])
        .unwrap();
    let server = launch.start().await;
    let mut client = server.client();
    let again = client.post("/api/errors/1/resolve", "").await;
    assert_eq!(again.json(), json!({"status": "resolved", "id": 1}));
    let group = get_json(&mut client, "/api/errors/1").await;
    let resolved_at = group["resolved_at"].as_str().unwrap();
    assert!(
        resolved_at < group["first_seen"].as_str().unwrap(),
        "{resolved_at}"
    );

    for _ in 0..2 {
        let reopened = client.post("/api/errors/1/reopen", "").await;
        assert_eq!(
            (reopened.status.as_u16(), reopened.json()),
            (200, json!({"status": "reopened", "id": 1}))
        );
        let group = get_json(&mut client, "/api/errors/1").await;
        assert_eq!(
            (&group["resolved"], &group["resolved_at"], &group["count"]),
            (&json!(false), &Value::Null, &json!(1))
        );
    }
}

#[tokio::test]
async fn groups_with_the_same_fingerprint_but_other_names_stay_apart() {
    let server = start().await;
    let mut client = server.client();
    let one = client
        .post("/api/errors", report("a:b", "c", "m", "t").to_string())
        .await
        .json();
    let other = client
        .post("/api/errors", report("a", "b:c", "m", "t").to_string())
        .await
        .json();
    assert_eq!(one["fingerprint"], other["fingerprint"]);
    assert_ne!(one["id"], other["id"]);
    assert_eq!(other["status"], "created");
}

#[tokio::test]
async fn a_test_mail_needs_a_mail_server_and_somebody_to_mail() {
    let detail = |name: &str| (503, format!("SMTP not configured: {name} is not set"));
    let server = start().await;
    assert_eq!(
        refusal(&server.client().post("/api/test-alert", "").await),
        detail("SMTP_HOST")
    );
    let server = tracker().env("SMTP_HOST", "127.0.0.1").start().await;
    assert_eq!(
        refusal(&server.client().post("/api/test-alert", "").await),
        detail("ALERT_EMAILS")
    );

    // Nobody listens on port 1: that is for the log, not for the caller.
    let launch = tracker().env("SMTP_HOST", "127.0.0.1").env("SMTP_PORT", 1);
    let server = launch.env("ALERT_EMAILS", "ops@example.com").start().await;
    let queued = server.client().post("/api/test-alert", "").await;
    assert_eq!(queued.status, 202);
    assert_eq!(queued.json()["status"], "test alert dispatched");
}
