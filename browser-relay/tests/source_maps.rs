//! `/api/source-maps` (contract §4.3, §4.8): uploads, stacks with original places, and maps that come late.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use crate::support::{Stack, database, get_json, hang_up, page, refusal, relay};
use flate2::Compression;
use flate2::write::GzEncoder;
use rusqlite::Connection;
use testkit::{Answer, Client, Receiver, Reply, Value, eventually, json, until};

/// `a()` of one line of generated code: column 0 is line 2 of `src/pay.ts`, column 8 is `total` in line 4, column 16 no
/// source.
fn map() -> Value {
    json!({"version": 3, "file": "app.js", "sources": ["../src/pay.ts"], "names": ["total"],
        "sourcesContent": ["// pay\nexport function pay(cart) {\n  // the sum\n  return total(cart.items);\n}\n"],
        "mappings": "AACA,QAEEA,Q"})
}

fn upload(file_url: &str) -> Value {
    json!({"project": "web", "release": "1.0", "file_url": file_url, "map_content": map().to_string()})
}

fn event(stack: &str, release: Option<&str>) -> String {
    json!({"type": "TypeError", "message": "m", "stack": stack, "release": release}).to_string()
}

/// Sends an event; gives its group as the tracker has it.
async fn sent(stack: &Stack, event: String) -> Value {
    let answer = page(&stack.relay).post("/api/browser/errors", event).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    get_json(
        &mut stack.tracker.client(),
        &format!("/api/errors/{}", answer.json()["id"]),
    )
    .await
}

async fn put(client: &mut Client, query: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
    client
        .send(
            "PUT".parse().unwrap(),
            &format!("/api/source-maps?{query}"),
            headers,
            body,
        )
        .await
}

#[tokio::test]
async fn maps_are_uploaded_listed_replaced_and_deleted() {
    let server = relay().start().await;
    let mut admin = server.client();
    let answer = admin
        .post("/api/source-maps", upload("/js/app.js").to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let told = answer.json();
    for (field, value) in [
        ("status", "uploaded"),
        ("project", "web"),
        ("release", "1.0"),
        ("file_url", "/js/app.js"),
    ] {
        assert_eq!(told[field], json!(value));
    }
    assert_eq!(
        (&told["problems"], &told["tokens"], &told["sources"]),
        (&json!([]), &json!(3), &json!(1))
    );

    let raw = map().to_string().into_bytes();
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&raw).unwrap();
    let query = "project=my+app&release=2&file_url=/js/b.js&debug_id=85314830-023f-4cf1-a267-535f4e37bb17";
    let answer = put(
        &mut admin,
        query,
        &[("content-encoding", "gzip")],
        packed.finish().unwrap(),
    )
    .await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["project"]),
        (201, &json!("my app")),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.json()["debug_id"],
        json!("85314830023f4cf1a267535f4e37bb17")
    );

    let list = get_json(&mut admin, "/api/source-maps").await;
    assert_eq!(
        (&list["total"], list["source_maps"].as_array().unwrap().len()),
        (&json!(2), 2)
    );
    let first = list["source_maps"][0]["id"].as_i64().unwrap();
    assert!(
        list["source_maps"][0]["uploaded_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert_eq!(
        get_json(&mut admin, "/api/source-maps?project=my%20app").await["total"],
        json!(1)
    );
    assert_eq!(
        get_json(&mut admin, "/api/source-maps?project=").await["total"],
        json!(0)
    );

    assert_eq!(
        admin
            .post("/api/source-maps", upload("/js/app.js").to_string())
            .await
            .status,
        201
    );
    let list = get_json(&mut admin, "/api/source-maps?project=web").await;
    let second = list["source_maps"][0]["id"].as_i64().unwrap();
    assert_eq!((&list["total"], second != first), (&json!(1), true));
    let delete = async |path: String| {
        server
            .client()
            .send("DELETE".parse().unwrap(), &path, &[], "")
            .await
    };
    assert_eq!(
        delete(format!("/api/source-maps/{second}")).await.json(),
        json!({"status": "deleted"})
    );
    assert_eq!(
        refusal(&delete(format!("/api/source-maps/{second}")).await),
        (404, "Source map not found".to_owned())
    );
    assert_eq!(
        refusal(&delete("/api/source-maps/x".to_owned()).await),
        (400, "Invalid ID".to_owned())
    );
}

#[tokio::test]
async fn what_is_wrong_with_an_upload_is_said() {
    let server = relay().env("MAX_SOURCE_MAP_MB", 1).start().await;
    let mut admin = server.client();
    let with = |field: &str, value: Value| {
        let mut body = upload("/a.js");
        body[field] = value;
        body.to_string()
    };
    let format = "Invalid source map format";
    for (body, detail) in [
        (String::new(), "Empty request body"),
        ("{".to_owned(), "Invalid JSON"),
        ("[]".to_owned(), "Request body must be a JSON object"),
        ("{}".to_owned(), "Missing required field: project"),
        (with("release", Value::Null), "Missing required field: release"),
        (with("file_url", json!(1)), "Missing required field: file_url"),
        (
            with("map_content", json!({})),
            "Missing required field: map_content",
        ),
        (
            with("project", json!("")),
            "Field 'project' must be 1-100 characters",
        ),
        (
            with("release", json!("x".repeat(101))),
            "Field 'release' must be 1-100 characters",
        ),
        (
            with("file_url", json!("x".repeat(501))),
            "Field 'file_url' must be 1-500 characters",
        ),
        (with("map_content", json!("nonsense")), format),
        (with("map_content", json!("[]")), format),
        (
            with(
                "map_content",
                json!(r#"{"version": "3", "sources": [], "mappings": ""}"#),
            ),
            format,
        ),
        (
            with("map_content", json!(r#"{"version": 3, "mappings": ""}"#)),
            format,
        ),
        (
            with("map_content", json!(r#"{"version": 3, "sources": []}"#)),
            format,
        ),
    ] {
        let answer = admin.post("/api/source-maps", body.clone()).await;
        assert_eq!(refusal(&answer), (400, detail.to_owned()), "{body}");
    }
    let answer = put(&mut admin, "project=p&release=1", &[], b"{}".to_vec()).await;
    assert_eq!(
        refusal(&answer),
        (400, "Missing required parameter: file_url".to_owned())
    );
    let large = put(
        &mut admin,
        "project=p&release=1&file_url=/a.js",
        &[],
        vec![b' '; (1 << 20) + 1],
    )
    .await;
    assert_eq!(large.status, 413);
    let stranger = server
        .stranger()
        .post("/api/source-maps", upload("/a.js").to_string())
        .await;
    assert_eq!(refusal(&stranger), (401, "Invalid API key".to_owned()));
    // What can be used is used, and what is wrong with it is told.
    let odd = r#"{"version": 4, "sources": ["a"], "mappings": "AAAA,!"}"#;
    let answer = put(
        &mut admin,
        "project=p&release=1&file_url=/a.js",
        &[],
        odd.as_bytes().to_vec(),
    )
    .await;
    assert_eq!(answer.status, 201);
    assert_eq!(
        answer.json()["problems"],
        json!([
            "version: it must be 3",
            "mappings: line 0 has a character that is no base64 digit"
        ])
    );
}

#[tokio::test]
async fn stacks_have_their_original_places() {
    let stack = Stack::start().await;
    assert_eq!(
        stack
            .relay
            .client()
            .post("/api/source-maps", upload("/js/app.js").to_string())
            .await
            .status,
        201
    );
    let generated = "TypeError: m\n    at a (https://shop.example.com/js/app.js?v=1:1:10)\n    at https://shop.example.com/js/app.js:1:3\n  \
                     at b (https://shop.example.com/js/other.js:1:1)\n    at c (https://shop.example.com/js/app.js:9:1)";
    let group = sent(&stack, event(generated, Some("1.0"))).await;
    let kept = &group["occurrences"][0];
    assert_eq!(
        kept["traceback"],
        json!(
            "TypeError: m\n    at total (../src/pay.ts:4:3)\n    at ../src/pay.ts:2:1\n  \
               at b (https://shop.example.com/js/other.js:1:1)\n    at c (https://shop.example.com/js/app.js:9:1)"
        )
    );
    let shown = stack
        .tracker
        .client()
        .get(&format!("/errors/{}", group["id"]))
        .await
        .text();
    for part in [
        "return total(cart.items);",
        "export function pay(cart) {",
        "pay.ts",
        "No original: no source map of this file for this release",
        "No original: the source map has nothing at this line and column",
        "app.js:1:3",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let firefox = "a@https://shop.example.com/js/app.js:1:10\n@https://shop.example.com/js/app.js:1:17\n";
    let kept = &sent(&stack, event(firefox, Some("1.0"))).await["occurrences"][0];
    assert_eq!(
        kept["traceback"],
        json!("total@../src/pay.ts:4:3\n@https://shop.example.com/js/app.js:1:17\n")
    );
    // Without a release, or with another, it stays as it is.
    for release in [None, Some("2.0")] {
        let kept = &sent(&stack, event(generated, release)).await["occurrences"][0];
        assert_eq!(kept["traceback"], json!(generated));
    }
}

#[tokio::test]
async fn a_debug_id_needs_no_release() {
    let stack = Stack::start().await;
    let id = "85314830-023f-4cf1-a267-535f4e37bb17";
    let query = format!("project=web&release=1.0&file_url=whatever&debug_id={id}");
    assert_eq!(
        put(
            &mut stack.relay.client(),
            &query,
            &[],
            map().to_string().into_bytes()
        )
        .await
        .status,
        201
    );
    let event = json!({"type": "E", "message": "m", "stack": "at a (https://cdn/x.js:1:10)", "debug_ids": {"https://cdn/x.js": id}});
    let kept = &sent(&stack, event.to_string()).await["occurrences"][0];
    assert_eq!(kept["traceback"], json!("at total (../src/pay.ts:4:3)"));
}

#[tokio::test]
async fn b11_maps_of_all_sizes_are_used() {
    let stack = Stack::start().await;
    for n_bytes in [0, 200, 4_000, 60_000, 300_000, 3_000_000] {
        let mut map = map();
        map["sourcesContent"][0] = json!("x\n".repeat(n_bytes / 2));
        let file_url = format!("/{n_bytes}.js");
        let query = format!("project=web&release=1.0&file_url={file_url}");
        assert_eq!(
            put(
                &mut stack.relay.client(),
                &query,
                &[],
                map.to_string().into_bytes()
            )
            .await
            .status,
            201
        );
        let kept = &sent(
            &stack,
            event(&format!("at a (https://h{file_url}:1:10)"), Some("1.0")),
        )
        .await["occurrences"][0];
        assert_eq!(
            kept["traceback"],
            json!("at total (../src/pay.ts:4:3)"),
            "{n_bytes}"
        );
    }
}

#[tokio::test]
async fn an_error_whose_maps_cannot_be_read_goes_on_and_is_mapped_later() {
    let mut path = PathBuf::new();
    let stack = Stack::start_with(|launch| {
        path = launch.database_path().to_owned();
        launch
    })
    .await;
    let mut admin = stack.relay.client();
    let answer = admin
        .post("/api/source-maps", upload("/js/app.js").to_string())
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    let rename = |from: &str, to: &str| {
        let database = Connection::open(&path).unwrap();
        database.busy_timeout(Duration::from_secs(10)).unwrap();
        database
            .execute_batch(&format!("alter table {from} rename to {to}"))
            .unwrap();
    };
    rename("source_map_blocks", "gone");
    let group = sent(
        &stack,
        event("E: m\n    at f (http://h/js/app.js:1:9)", Some("1.0")),
    )
    .await;
    let generated = group.to_string();
    assert!(generated.contains("app.js:1:9"), "{generated}");
    assert!(!generated.contains("src/pay.ts"), "{generated}");
    rename("gone", "source_map_blocks");
    // A map of another release wakes the job, which would look again half a minute later.
    let mut other = upload("/js/app.js");
    other["release"] = json!("2.0");
    admin.post("/api/source-maps", other.to_string()).await;
    let group_path = format!("/api/errors/{}", group["id"]);
    eventually("the stored event has its source", async || {
        let group = get_json(&mut stack.tracker.client(), &group_path).await;
        group.to_string().contains("src/pay.ts").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_map_that_comes_late_reaches_the_events_that_were_first() {
    let stack = Stack::start().await;
    let minified = "TypeError: m\n    at a (https://h/js/app.js:1:10)";
    let group = sent(&stack, event(minified, Some("1.0"))).await;
    sent(&stack, event(minified, Some("1.0"))).await;
    let other = sent(
        &stack,
        event("TypeError: m\n    at q (https://h/js/app.js:1:1)", Some("0.9")),
    )
    .await;
    assert_eq!(
        stack
            .relay
            .client()
            .post("/api/source-maps", upload("/js/app.js").to_string())
            .await
            .status,
        201
    );
    let path = format!("/api/errors/{}", group["id"]);
    let mapped = eventually("the stored events are mapped", async || {
        let group = get_json(&mut stack.tracker.client(), &path).await;
        let kept = group["occurrences"].as_array().unwrap();
        kept.iter()
            .all(|it| it["traceback"] == "TypeError: m\n    at total (../src/pay.ts:4:3)")
            .then_some(group)
    })
    .await;
    assert_eq!(
        mapped["traceback"],
        json!("TypeError: m\n    at total (../src/pay.ts:4:3)")
    );
    let shown = stack
        .tracker
        .client()
        .get(&format!("/errors/{}", group["id"]))
        .await
        .text();
    assert!(shown.contains("return total(cart.items);"), "{shown}");
    // What comes now belongs to the same error, and other releases are left alone.
    let next = sent(&stack, event(minified, Some("1.0"))).await;
    assert_eq!((&next["id"], &next["count"]), (&group["id"], &json!(3)));
    let other = get_json(
        &mut stack.tracker.client(),
        &format!("/api/errors/{}", other["id"]),
    )
    .await;
    assert_eq!(
        other["traceback"],
        json!("TypeError: m\n    at q (https://h/js/app.js:1:1)")
    );
}

#[tokio::test]
async fn a_map_is_used_though_nobody_waited_for_the_answer() {
    let tracker = Receiver::start([]).await;
    let launch = relay()
        .env("ERROR_TRACKER_URL", tracker.url("/"))
        .env("ERROR_TRACKER_API_KEY", "k");
    let server = launch.start().await;
    let hand = database(&launch);
    hand.execute_batch("begin immediate").unwrap();
    let body = upload("/js/app.js").to_string();
    hang_up(&server, "POST", "/api/source-maps", &body).await;
    hand.execute_batch("commit").unwrap();
    until("the map is kept", async || {
        hand.query_row("select count(*) > 0 from source_maps", [], |row| row.get(0))
            .unwrap()
    })
    .await;
    until("events are mapped", async || {
        let event = event("TypeError: m\n    at a (https://h/js/app.js:1:10)", Some("1.0"));
        page(&server).post("/api/browser/errors", event).await;
        let all = tracker.all();
        all.iter()
            .any(|it| String::from_utf8_lossy(&it.body).contains("src/pay.ts"))
    })
    .await;
}

#[tokio::test]
async fn a_late_map_reaches_its_events_whatever_becomes_of_others() {
    let tracker = Receiver::start([
        Reply::Status(500, "this page cannot be read"),
        Reply::Status(
            200,
            r#"{"next": null, "occurrences": [
                {"id": 1, "exception_type": "E", "message": "m", "traceback": "E: m\n    at a (https://h/app.js:1:1)"},
                {"id": 2, "exception_type": "E", "message": "m", "traceback": "E: m\n    at b (https://h/app.js:1:1)"}]}"#,
        ),
        Reply::Status(400, r#"{"detail": "too long"}"#),
    ])
    .await;
    let launch = relay()
        .env("ERROR_TRACKER_URL", tracker.url("/"))
        .env("ERROR_TRACKER_API_KEY", "k");
    let server = launch.start().await;
    let hand = database(&launch);
    // It is first, and stays.
    hand.execute("insert into remaps values ('another', '0.1', 1)", [])
        .unwrap();
    let uploaded = server
        .client()
        .post("/api/source-maps", upload("/app.js").to_string())
        .await;
    assert_eq!(uploaded.status, 201);
    until("only the first is left", async || {
        let left = "select group_concat(release) = '0.1' from remaps";
        hand.query_row(left, [], |row| row.get(0)).unwrap()
    })
    .await;
    let asked: Vec<String> = tracker.all().into_iter().map(|it| it.path).collect();
    assert_eq!(
        asked,
        [
            "/api/occurrences?project=another&release=0.1&source=browser&after=0",
            "/api/occurrences?project=web&release=1.0&source=browser&after=0",
            "/api/occurrences/1/stack",
            "/api/occurrences/2/stack",
        ]
    );
}

#[tokio::test]
async fn a_later_map_leaves_what_an_earlier_one_gave() {
    let tracker = Receiver::start([Reply::Status(
        200,
        r#"{"next": null, "occurrences": [{"id": 1, "exception_type": "E", "message": "m",
            "traceback": "E: m\n    at total (../src/pay.ts:4:3)\n    at b (https://h/b.js:1:1)\n    at c (https://h/c.js:1:1)"}]}"#,
    )])
    .await;
    let launch = relay()
        .env("ERROR_TRACKER_URL", tracker.url("/"))
        .env("ERROR_TRACKER_API_KEY", "k");
    let server = launch.start().await;
    let uploaded = server
        .client()
        .post("/api/source-maps", upload("/b.js").to_string())
        .await;
    assert_eq!(uploaded.status, 201);
    let given = tracker.wait_for(2).await[1].json();
    let frames = given["exception"]["values"][0]["stacktrace"]["frames"]
        .as_array()
        .unwrap();
    let told: Vec<_> = frames
        .iter()
        .map(|frame| (&frame["lineno"], &frame["context_line"], &frame["generated"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!(1), &Value::Null, &Value::Null),
            (
                &json!(2),
                &json!("export function pay(cart) {"),
                &json!("https://h/b.js:1:1")
            ),
            (&json!(4), &json!("  return total(cart.items);"), &Value::Null),
        ]
    );
}
