//! Events in pieces: real ones of many languages, what they are grouped by, batches, and an old database.
#![expect(clippy::unwrap_used, reason = "helpers of tests: they may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use testkit::{Launch, Server, Value, json};
use web::{Method, StatusCode};

fn launch() -> Launch {
    Launch::new(env!("CARGO_BIN_EXE_error-tracker")).env("RATE_LIMIT_KEY", 0)
}

async fn group_of(server: &Server, body: &Value) -> i64 {
    let answer = server.client().post("/api/errors", body.to_string()).await;
    assert!(answer.status.is_success(), "{}: {body}", answer.text());
    answer.json()["id"].as_i64().unwrap()
}

/// Files of the handbook's folder with the events, by name; none where it is absent.
fn samples() -> Option<BTreeMap<String, PathBuf>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/error-events");
    let folders = fs::read_dir(&folder).ok()?;
    let files = folders
        .flatten()
        .filter_map(|folder| fs::read_dir(folder.path()).ok())
        .flat_map(|files| files.flatten())
        .map(|file| file.path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .map(|path| (path.file_stem().unwrap().to_string_lossy().into_owned(), path));
    Some(files.collect())
}

#[tokio::test]
async fn real_events_of_many_languages_are_taken_as_they_are_and_none_is_merged_wrongly() {
    let Some(samples) = samples() else {
        return testkit::skip("the handbook's error events are not there");
    };
    // One of them happened on localhost, which is noise by default.
    let server = launch().env("NOISE_FILTERS", "none").start().await;
    let mut client = server.client();
    let mut groups: BTreeMap<String, i64> = BTreeMap::new();
    for (name, path) in &samples {
        let answer = client
            .post("/api/errors?project=samples", fs::read(path).unwrap())
            .await;
        assert!(answer.status.is_success(), "{name}: {}", answer.text());
        groups.insert(name.clone(), answer.json()["id"].as_i64().unwrap());
    }
    assert!(groups.len() > 80, "{}", groups.len());
    let browsers: BTreeSet<i64> = ["chrome", "edge", "firefox", "safari"]
        .map(|browser| groups[&format!("javascript-xbrowser-{browser}")])
        .into();
    assert_eq!(browsers.len(), 1, "one bug in four browsers");
    // group_N_event_M: another N is another crash.
    let labelled = groups.iter().filter_map(|(name, id)| {
        let label = name.strip_prefix("group_")?.split('_').next()?;
        Some((*id, label))
    });
    let mut labels: BTreeMap<i64, &str> = BTreeMap::new();
    for (id, label) in labelled {
        assert_eq!(
            *labels.entry(id).or_insert(label),
            label,
            "two crashes in group {id}"
        );
    }
    for (name, id) in &groups {
        let page = client.get(&format!("/api/errors/{id}")).await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
    }
}

fn event(message: &str, line: u32) -> Value {
    json!({
        "project": "shop", "platform": "python", "level": "fatal", "release": "shop@1.2.0",
        "tags": {"region": "eu", "tries": 3}, "user": {"id": 7, "email": "a@example.com"},
        "exception": {"values": [{"type": "KeyError", "value": message, "stacktrace": {"frames": [
            {"function": "view", "module": "shop.cart", "filename": "shop/cart.py", "lineno": line, "in_app": true},
            {"function": "get", "module": "lib.dict", "filename": "lib/dict.py", "lineno": line, "in_app": false},
        ]}}]},
        "breadcrumbs": [{"message": "clicked", "category": "ui"}],
    })
}

#[tokio::test]
async fn an_event_in_pieces_is_read_whole() {
    let server = launch().start().await;
    let id = group_of(&server, &event("a", 10)).await;
    assert_eq!(
        group_of(&server, &event("b", 99)).await,
        id,
        "neither lines nor words split it"
    );
    let group = server.client().get(&format!("/api/errors/{id}")).await.json();
    assert_eq!(group["exception_type"], "KeyError");
    assert_eq!(group["message"], "a");
    assert_eq!(group["culprit"], "cart.py in view");
    assert_eq!(group["occurrences"][0]["user_id"], "7");
    let traceback = group["traceback"].as_str().unwrap();
    assert!(
        traceback.contains("File \"shop/cart.py\", line 10, in view"),
        "{traceback}"
    );
}

#[tokio::test]
async fn the_same_event_sent_twice_counts_once() {
    let server = launch().start().await;
    let mut event = event("a", 10);
    event["event_id"] = "FC6D8C0C-43FC-4630-AD85-0EE518F1B9D0".into();
    let id = group_of(&server, &event).await;
    event["event_id"] = "fc6d8c0c43fc4630ad850ee518f1b9d0".into();
    assert_eq!(group_of(&server, &event).await, id);
    assert_eq!(
        server.client().get(&format!("/api/errors/{id}")).await.json()["count"],
        1
    );
    let mut elsewhere = event.clone();
    elsewhere["project"] = "blog".into();
    assert_ne!(
        group_of(&server, &elsewhere).await,
        id,
        "another project may use the same id"
    );
    event["event_id"] = "0c6d8c0c43fc4630ad850ee518f1b9d0".into();
    assert_eq!(group_of(&server, &event).await, id);
    assert_eq!(
        server.client().get(&format!("/api/errors/{id}")).await.json()["count"],
        2
    );
}

#[tokio::test]
async fn a_clients_own_fingerprint_decides() {
    let server = launch().start().await;
    let with = |message: &str, fingerprint: Value| {
        let mut event = event(message, 1);
        event["fingerprint"] = fingerprint;
        event
    };
    let plain = group_of(&server, &event("a", 1)).await;
    for same in [
        json!([]),
        json!(["{{ default }}"]),
        json!(["{{default}}"]),
        json!(null),
    ] {
        assert_eq!(group_of(&server, &with("a", same)).await, plain);
    }
    let own = group_of(&server, &with("a", json!(["payments"]))).await;
    assert_ne!(own, plain);
    let mut other = with("b", json!(["payments"]));
    other["exception"]["values"][0]["type"] = "OtherError".into();
    assert_eq!(group_of(&server, &other).await, own, "whatever else is in it");
    let both = group_of(&server, &with("a", json!(["{{ default }}", "tenant-1"]))).await;
    assert!(both != own && both != plain);
}

#[tokio::test]
async fn a_batch_is_answered_item_by_item() {
    let server = launch().start().await;
    let plain = json!({"project": "p", "exception_type": "E", "message": "m", "traceback": "t"});
    let batch = json!([plain, {"project": "p"}, plain, 7, event("a", 1)]);
    let mut client = server.client();
    let answer = client.post("/api/errors/batch", batch.to_string()).await;
    assert_eq!(answer.status, StatusCode::MULTI_STATUS, "{}", answer.text());
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(3), &json!(2)));
    let statuses: Vec<_> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].clone())
        .collect();
    assert_eq!(
        statuses,
        ["created", "refused", "incremented", "refused", "created"]
    );
    assert_eq!(
        answer["results"][1]["detail"],
        "Missing required field: exception_type"
    );
    assert_eq!(client.get("/api/errors").await.json()["total"], 2);

    let whole = client
        .post("/api/errors/batch", json!({"errors": [plain]}).to_string())
        .await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.text());
    for wrong in ["{}", "7", "[", ""] {
        let answer = client.post("/api/errors/batch", wrong).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert!(!answer.detail().is_empty());
    }
}

#[tokio::test]
async fn a_database_from_before_events_opens_and_its_groups_go_on() {
    let launch = launch();
    fs::copy(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/house.db"),
        launch.database_path(),
    )
    .unwrap();
    let server = launch.start().await;
    let mut client = server.client();
    let list = client.get("/api/errors?resolved=all").await.json();
    let rows = list["errors"].as_array().unwrap().clone();
    let row = |id: i64| rows.iter().find(|row| row["id"] == id).unwrap();
    let shown = [1, 2, 3, 4].map(|id| (row(id)["exception_type"].clone(), row(id)["count"].clone()));
    let expected = [
        ("KeyError", 7),
        ("TimeoutError", 1),
        ("TypeError", 1),
        ("OldError", 1),
    ];
    assert_eq!(shown, expected.map(|(kind, count)| (json!(kind), json!(count))));
    let kept = client.get("/api/errors/1").await.json();
    assert_eq!(kept["occurrences"].as_array().unwrap().len(), 5);
    assert_eq!(
        client.get("/api/errors?environment=prod").await.json()["total"],
        1
    );

    // The same bug again, and then on another line: by the old key first, and by the new one from then on.
    let report = |line: u32| {
        let traceback = format!(
            "Traceback (most recent call last):\n  File \"/srv/shop/cart.py\", line 40, in view\n    total(cart)\n  \
             File \"/srv/shop/prices.py\", line {line}, in total\n    return PRICES[key]\nKeyError: 1"
        );
        json!({"project": "shop", "exception_type": "KeyError", "message": "again", "traceback": traceback})
    };
    assert_eq!(group_of(&server, &report(12)).await, 1);
    assert_eq!(group_of(&server, &report(13)).await, 1);
    assert_eq!(client.get("/api/errors/1").await.json()["count"], 9);
}

#[tokio::test]
async fn groups_are_found_by_release_level_user_and_tags_and_sorted() {
    let server = launch().start().await;
    let mut client = server.client();
    for (kind, release, user, n) in [("A", "1.0", "u1", 1), ("B", "2.0", "u2", 3)] {
        for number in 0..n {
            let mut event = event("m", 1);
            event["exception"]["values"][0]["type"] = kind.into();
            event["release"] = release.into();
            event["level"] = if kind == "A" { "warning" } else { "error" }.into();
            event["user"] =
                json!({"id": if number == 0 { user.to_owned() } else { format!("{user}-{number}") }});
            event["tags"] = json!([["region", kind]]);
            group_of(&server, &event).await;
        }
    }
    for (query, expected) in [
        ("release=1.0", vec!["A"]),
        ("release=3.0", vec![]),
        ("level=warning", vec!["A"]),
        ("user=u2", vec!["B"]),
        ("tag=region:B", vec!["B"]),
        ("tag=region:B&release=1.0", vec![]),
        ("sort=count", vec!["B", "A"]),
        ("sort=users", vec!["B", "A"]),
        ("sort=first_seen", vec!["B", "A"]),
    ] {
        let list = client.get(&format!("/api/errors?{query}")).await.json();
        let kinds: Vec<_> = list["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["exception_type"].clone())
            .collect();
        assert_eq!(kinds, expected, "{query}");
    }
    for wrong in ["sort=luck", "tag=region"] {
        let answer = client.get(&format!("/api/errors?{wrong}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let id = client.get("/api/errors?sort=count").await.json()["errors"][0]["id"].clone();
    let group = client.get(&format!("/api/errors/{id}")).await.json();
    assert_eq!((&group["users"], &group["count"]), (&json!(3), &json!(3)));
    assert_eq!(group["tags"]["release"], json!({"2.0": 3}));
    assert_eq!(group["tags"]["region"], json!({"B": 3}));
    assert_eq!(group["grouping"]["parts"], json!(["B", "shop.cart view"]));
    let kept = &group["occurrences"][0];
    assert_eq!(kept["breadcrumbs"][0]["message"], "clicked");
    assert_eq!(kept["exceptions"][0]["frames"][0]["line"], 1);
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    let launch = launch().env("SCRUB_FIELDS", "iban,!csrf_token");
    let server = launch.start().await;
    let mut event = event(
        "login with password=hunter2secret at postgres://u:hunter2secret@db/x",
        1,
    );
    event["request"] = json!({"url": "https://x.example/?api_key=hunter2secret", "headers": [["Cookie", "a=hunter2secret"]]});
    event["extra"] =
        json!({"password": "hunter2secret", "deep": [{"x_iban": "hunter2secret"}], "csrf_token": "kept-1"});
    event["exception"]["values"][0]["stacktrace"]["frames"][0]["vars"] = json!({"api_key": "hunter2secret"});
    let id = group_of(&server, &event).await;
    let batch = json!([event]).to_string();
    assert_eq!(
        server.client().post("/api/errors/batch", batch).await.status,
        StatusCode::OK
    );
    let group = server.client().get(&format!("/api/errors/{id}")).await;
    assert!(
        group.text().contains("kept-1") && group.text().contains("[Filtered]"),
        "{}",
        group.text()
    );
    assert!(!group.text().contains("hunter2secret"), "{}", group.text());
    server.stop().await;
    for file in fs::read_dir(launch.folder()).unwrap().flatten() {
        let bytes = fs::read(file.path()).unwrap();
        assert!(
            !bytes.windows(13).any(|it| it == b"hunter2secret"),
            "{:?}",
            file.path()
        );
    }
}

#[tokio::test]
async fn a_group_can_be_had_as_markdown() {
    let server = launch().start().await;
    let id = group_of(&server, &event("boom `x`", 10)).await;
    let accept = [("accept", "text/markdown")];
    let path = format!("/api/errors/{id}");
    let answer = server.client().send(Method::GET, &path, &accept, "").await;
    assert_eq!(answer.header("content-type"), "text/markdown; charset=utf-8");
    let text = answer.text();
    for part in [
        "# `KeyError`",
        "boom `x`",
        "- Release: `shop@1.2.0`",
        "at view (shop/cart.py:10)",
        &format!("/errors/{id}>"),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let missing = server
        .client()
        .send(Method::GET, "/api/errors/99", &accept, "")
        .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn groups_are_deleted_and_changed_many_at_once() {
    let server = launch().start().await;
    let mut client = server.client();
    let mut ids = Vec::new();
    for kind in ["A", "B", "C"] {
        let mut event = event("m", 1);
        event["exception"]["values"][0]["type"] = kind.into();
        event["event_id"] = format!("{kind:0>32}").to_lowercase().into();
        ids.push(group_of(&server, &event).await);
    }
    let bulk = async |action: &str, ids: &[i64]| {
        let body = json!({"action": action, "ids": ids}).to_string();
        server.client().post("/api/errors/bulk", body).await.json()
    };
    assert_eq!(
        bulk("resolve", &[ids[0], ids[1], 99]).await,
        json!({"changed": 2, "unknown": [99], "refused": {}})
    );
    assert_eq!(client.get("/api/errors").await.json()["total"], 1);
    assert_eq!(bulk("reopen", &ids[..1]).await["changed"], 1);
    let path = format!("/api/errors/{}", ids[2]);
    let gone = client.send(Method::DELETE, &path, &[], "").await;
    assert_eq!(
        (gone.status, gone.json()),
        (StatusCode::OK, json!({"status": "deleted", "id": ids[2]}))
    );
    assert_eq!(
        client.send(Method::DELETE, &path, &[], "").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bulk("delete", &ids[..2]).await["changed"], 2);
    assert_eq!(client.get("/api/errors?resolved=all").await.json()["total"], 0);

    // Its event may come again, and its number never does.
    let mut again = event("m", 1);
    again["exception"]["values"][0]["type"] = "C".into();
    again["event_id"] = format!("{:0>32}", "c").into();
    let new = group_of(&server, &again).await;
    assert!(!ids.contains(&new), "{new}");
    for wrong in [
        "{}",
        "7",
        r#"{"action":"burn","ids":[1]}"#,
        r#"{"action":"delete","ids":["x"]}"#,
    ] {
        assert_eq!(
            client.post("/api/errors/bulk", wrong).await.status,
            StatusCode::BAD_REQUEST,
            "{wrong}"
        );
    }
}
