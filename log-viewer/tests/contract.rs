//! The contract's §2, line by line, over HTTP.

use crate::support::{Tail, entry, found, get_json, send, start};
use testkit::{Value, json};

/// Three containers, all levels, ten seconds.
fn some() -> Value {
    json!([
        entry("web", "DEBUG", 1, "cache warmed"),
        entry("web", "INFO", 2, "request served"),
        entry("web", "WARNING", 3, "slow request"),
        entry("db", "ERROR", 4, "connection refused"),
        entry("db", "CRITICAL", 5, "out of disk"),
        entry("my worker", "INFO", 6, "job done"),
    ])
}

#[tokio::test]
async fn health_says_how_much_there_is_and_when_the_last_came() {
    let server = start().await;
    let health = get_json(&mut server.stranger(), "/health").await;
    assert_eq!(
        health,
        json!({"status": "ok", "logs_indexed": 0, "last_ingest": null})
    );
    send(&mut server.client(), &some()).await;
    let health = get_json(&mut server.stranger(), "/health").await;
    assert_eq!(
        health,
        json!({"status": "ok", "logs_indexed": 6, "last_ingest": "2026-11-20T10:00:06Z"})
    );
}

#[tokio::test]
async fn the_list_is_newest_first_with_the_fields_of_the_contract() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &some()).await;
    let list = get_json(&mut client, "/api/logs?limit=2").await;
    let first = &list["logs"][0];
    for (name, expected) in [
        ("timestamp", "2026-11-20T10:00:06Z"),
        ("container", "my worker"),
        ("stream", "stdout"),
        ("level", "INFO"),
        ("message", "job done"),
    ] {
        assert_eq!(first[name], expected, "{name}");
    }
    assert!(first["id"].is_u64());
    assert_eq!(
        (&list["total"], &list["limit"], &list["offset"]),
        (&json!(6), &json!(2), &json!(0))
    );
    assert_eq!(list["logs"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        found(&mut client, "limit=2&offset=2").await,
        ["connection refused", "slow request"]
    );
    assert_eq!(
        get_json(&mut client, "/api/logs?offset=9").await["logs"],
        json!([])
    );
}

#[tokio::test]
async fn limits_are_bounded_and_what_is_none_is_ignored() {
    let server = start().await;
    let mut client = server.client();
    for (query, limit) in [
        ("", 100),
        ("limit=0", 100),
        ("limit=x", 100),
        ("limit=9999", 500),
        ("limit=3", 3),
    ] {
        let list = get_json(&mut client, &format!("/api/logs?{query}")).await;
        assert_eq!(list["limit"], limit, "{query}");
    }
    assert_eq!(get_json(&mut client, "/api/logs?offset=x").await["offset"], 0);
}

#[tokio::test]
async fn a_container_is_an_exact_name() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &some()).await;
    assert_eq!(
        found(&mut client, "container=db").await,
        ["out of disk", "connection refused"]
    );
    assert_eq!(found(&mut client, "container=d").await, [""; 0]);
    assert_eq!(found(&mut client, "container=").await.len(), 6);
}

#[tokio::test]
async fn a_level_is_exact_or_a_least_one() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &some()).await;
    for (level, n) in [
        ("INFO", 2),
        ("info", 0),
        ("%3E=WARNING", 3),
        ("%3E=warn", 3),
        ("%3E%3Derr", 2),
        ("%3E=fatal", 1),
        ("%3E=crit", 1),
        ("%3E=DEBUG", 6),
        ("%3E=nonsense", 0),
        ("nonsense", 0),
    ] {
        assert_eq!(
            found(&mut client, &format!("level={level}")).await.len(),
            n,
            "{level}"
        );
    }
}

#[tokio::test]
async fn search_and_q_are_the_same() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &some()).await;
    for query in ["search=request", "q=request", "q=REQUEST"] {
        assert_eq!(
            found(&mut client, query).await,
            ["slow request", "request served"],
            "{query}"
        );
    }
}

#[tokio::test]
async fn since_and_until_are_both_within() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &some()).await;
    let range = "since=2026-11-20T10:00:02Z&until=2026-11-20T10:00:04Z";
    assert_eq!(
        found(&mut client, range).await,
        ["connection refused", "slow request", "request served"]
    );
    let refused = client.get("/api/logs?since=soon").await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.detail().starts_with("'since' is no time"),
        "{}",
        refused.detail()
    );
}

#[tokio::test]
async fn containers_and_stats_answer_under_both_spellings() {
    let server = start().await;
    let mut client = server.client();
    let empty = get_json(&mut client, "/api/stats").await;
    assert_eq!(
        empty,
        json!({"total_logs": 0, "oldest_log": null, "newest_log": null, "by_level": {}, "by_container": {}})
    );
    send(&mut client, &some()).await;
    for path in ["/api/containers", "/api/logs/containers"] {
        let list = get_json(&mut client, path).await;
        let containers = list["containers"].as_array().cloned().unwrap_or_default();
        let shown: Vec<(&Value, &Value)> = containers
            .iter()
            .map(|it| (&it["name"], &it["log_count"]))
            .collect();
        assert_eq!(
            shown,
            [
                (&json!("db"), &json!(2)),
                (&json!("my worker"), &json!(1)),
                (&json!("web"), &json!(3))
            ]
        );
    }
    for path in ["/api/stats", "/api/logs/stats"] {
        assert_eq!(
            get_json(&mut client, path).await,
            json!({
                "total_logs": 6,
                "oldest_log": "2026-11-20T10:00:01Z",
                "newest_log": "2026-11-20T10:00:06Z",
                "by_level": {"CRITICAL": 1, "DEBUG": 1, "ERROR": 1, "INFO": 2, "WARNING": 1},
                "by_container": {"db": 2, "my worker": 1, "web": 3},
            })
        );
    }
}

#[tokio::test]
async fn what_is_not_there_is_not_found_and_nothing_is_told_without_a_key() {
    let server = start().await;
    let mut stranger = server.stranger();
    for path in [
        "/api/logs",
        "/api/containers",
        "/api/stats",
        "/api/logs/tail",
        "/api/nothing",
    ] {
        let refused = stranger.get(path).await;
        assert_eq!(
            (refused.status.as_u16(), refused.detail().as_str()),
            (401, "Invalid API key"),
            "{path}"
        );
    }
    let mut client = server.client();
    assert_eq!(client.get("/api/logs/").await.status, 404);
    assert_eq!(client.get("/api/logs/1").await.status, 404);
    assert_eq!(client.get("/api/logs/x").await.status, 404);
    let by_query = format!("/api/logs?api_key={}", server.key());
    assert_eq!(stranger.get(&by_query).await.status, 200);
}

#[tokio::test]
async fn the_tail_frames_entries_as_the_contract_does() {
    let server = start().await;
    let mut client = server.client();
    send(&mut client, &json!([entry("web", "INFO", 1, "before")])).await;
    let mut tail = Tail::open(&server, "container=web&level=%3E%3DWARNING", "").await;
    assert!(tail.head.starts_with("HTTP/1.1 200 OK\r\n"), "{}", tail.head);
    assert!(
        tail.head.contains("content-type: text/event-stream\r\n"),
        "{}",
        tail.head
    );
    send(
        &mut client,
        &json!([
            entry("web", "INFO", 2, "not asked for"),
            entry("db", "ERROR", 3, "of another"),
            entry("web", "ERROR", 4, "line one\nline two"),
        ]),
    )
    .await;
    let event = tail.next().await;
    let stored = get_json(&mut client, "/api/logs?level=ERROR&container=web").await;
    let stored = &stored["logs"][0];
    assert_eq!((event.name.as_str(), event.id), ("log", stored["id"].as_u64()));
    assert_eq!(&event.data, stored);
}

#[tokio::test]
async fn a_tail_beyond_the_last_place_is_refused_and_a_closed_one_frees_its_own() {
    let server = crate::support::viewer().env("MAX_TAILS", 1).start().await;
    let tail = Tail::open(&server, "", "").await;
    let refused = server.client().get("/api/logs/tail").await;
    assert_eq!(
        (refused.status.as_u16(), refused.detail().as_str()),
        (503, "Too many SSE connections")
    );
    drop(tail);
    // The server learns of it when it looks at the socket; it does not wait for the next heartbeat.
    let again = async {
        loop {
            let tail = Tail::open(&server, "", "").await;
            if tail.head.starts_with("HTTP/1.1 200") {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    let freed = tokio::time::timeout(std::time::Duration::from_secs(10), again).await;
    assert!(freed.is_ok());
}

#[tokio::test]
async fn a_request_that_comes_again_with_its_key_is_stored_once() {
    let server = start().await;
    let mut client = server.client();
    let body = r#"[{"container": "web", "message": "again"}]"#;
    for (key, expected) in [("first", 1), ("first", 1), ("second", 2), ("first", 2)] {
        let headers = [("idempotency-key", key)];
        let answer = client
            .send("POST".parse().unwrap(), "/api/logs", &headers, body)
            .await;
        assert_eq!(
            (answer.status.as_u16(), &answer.json()["accepted"]),
            (200, &json!(1))
        );
        let list = client.get("/api/logs?search=again").await.json();
        assert_eq!(list["total"], json!(expected), "{list}");
    }
}
