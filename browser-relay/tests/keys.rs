//! `/api/dsn-keys` (contract §4.2, §4.3), and keys with limits.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::time::Duration;

use crate::support::{KEY, ORIGIN, database, get_json, hang_up, page, refusal, relay, report};
use testkit::{Value, json, until};

#[tokio::test]
async fn keys_are_made_listed_and_switched_off() {
    let server = relay().start().await;
    let mut admin = server.client();
    let made = admin.post("/api/dsn-keys", r#"{"project": "my app"}"#).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    let key = made["public_key"].as_str().unwrap().to_owned();
    assert!(
        key.len() == 32 && key.bytes().all(|b| b"0123456789abcdef".contains(&b)),
        "{key}"
    );
    assert_eq!(made["project"], "my app");

    let list = get_json(&mut admin, "/api/dsn-keys").await;
    let keys = list["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2, "{list}");
    assert_eq!(
        (&keys[0]["public_key"], &keys[0]["project"]),
        (&json!(KEY), &json!("web"))
    );
    assert_eq!(
        (&keys[1]["public_key"], &keys[1]["active"]),
        (&json!(key), &json!(true))
    );
    assert!(keys[1]["created_at"].as_str().unwrap().ends_with('Z'));

    let mut visitor = server.stranger().with_header("x-monlight-key", &key);
    assert_eq!(
        visitor
            .post("/api/browser/errors", report("m").to_string())
            .await
            .status,
        202
    );
    let id = keys[1]["id"].as_i64().unwrap();
    for _ in 0..2 {
        let answer = admin
            .send("DELETE".parse().unwrap(), &format!("/api/dsn-keys/{id}"), &[], "")
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()),
            (200, json!({"status": "deactivated"}))
        );
    }
    let answer = visitor.post("/api/browser/errors", report("m").to_string()).await;
    assert_eq!(refusal(&answer), (401, "Invalid DSN key".to_owned()));
    assert_eq!(
        get_json(&mut admin, "/api/dsn-keys").await["keys"][1]["active"],
        json!(false)
    );
    let patched = admin
        .send(
            "PATCH".parse().unwrap(),
            &format!("/api/dsn-keys/{id}"),
            &[],
            r#"{"active": true}"#,
        )
        .await;
    assert_eq!(patched.json()["active"], json!(true), "{}", patched.text());
    assert_eq!(
        visitor
            .post("/api/browser/errors", report("m").to_string())
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_new_key_is_said() {
    let server = relay().start().await;
    let mut admin = server.client();
    let long = json!({"project": "x".repeat(101)}).to_string();
    for (body, detail) in [
        ("", "Empty request body"),
        ("{", "Invalid JSON"),
        ("[]", "Request body must be a JSON object"),
        ("{}", "Missing required field: project"),
        (r#"{"project": 5}"#, "Missing required field: project"),
        (r#"{"project": ""}"#, "Field 'project' must be 1-100 characters"),
        (&long, "Field 'project' must be 1-100 characters"),
        (
            r#"{"project": "p", "origins": ["x"]}"#,
            "Field 'origins': 'x' is no origin: it must be like https://shop.example.com",
        ),
        (
            r#"{"project": "p", "expires_at": "soon"}"#,
            "Field 'expires_at' must be a time like 2027-01-31T00:00:00Z",
        ),
    ] {
        let answer = admin.post("/api/dsn-keys", body.to_owned()).await;
        assert_eq!(refusal(&answer), (400, detail.to_owned()), "{body}");
    }
    let delete = async |path: &str| {
        refusal(
            &server
                .client()
                .send("DELETE".parse().unwrap(), path, &[], "")
                .await,
        )
    };
    assert_eq!(
        delete("/api/dsn-keys/99").await,
        (404, "DSN key not found".to_owned())
    );
    assert_eq!(delete("/api/dsn-keys/x").await, (400, "Invalid ID".to_owned()));
    let put = admin
        .send("PUT".parse().unwrap(), "/api/dsn-keys", &[], "x")
        .await;
    assert_eq!(refusal(&put), (405, "Method not allowed".to_owned()));
    assert_eq!(
        refusal(&server.stranger().get("/api/dsn-keys").await),
        (401, "Invalid API key".to_owned())
    );
    let key = server.key();
    assert_eq!(
        server
            .stranger()
            .get(&format!("/api/dsn-keys?api_key={key}"))
            .await
            .status,
        200
    );
    assert_eq!(admin.get("/api/dsn-keysfoo").await.status, 404);
}

#[tokio::test]
async fn b13_names_with_quotes_and_long_lists_stay_json() {
    let server = relay().start().await;
    let mut admin = server.client();
    for number in 0..300 {
        let project = format!("pro\"ject\\ {number} é");
        let answer = admin
            .post("/api/dsn-keys", json!({"project": project}).to_string())
            .await;
        assert_eq!(answer.json()["project"], json!(project));
    }
    assert_eq!(
        get_json(&mut admin, "/api/dsn-keys").await["keys"]
            .as_array()
            .unwrap()
            .len(),
        301
    );
}

#[tokio::test]
async fn seeded_keys_stay_as_they_became() {
    let launch = relay().env("DSN_KEYS", format!("first:{KEY}, bad, :x, second : k2 "));
    let server = launch.start().await;
    let id = &get_json(&mut server.client(), "/api/dsn-keys").await["keys"][0]["id"].clone();
    let off = server
        .client()
        .send("DELETE".parse().unwrap(), &format!("/api/dsn-keys/{id}"), &[], "")
        .await;
    assert_eq!(off.status, 200);
    server.stop().await;
    let server = launch.env("DSN_KEYS", format!("other:{KEY}")).start().await;
    let list = get_json(&mut server.client(), "/api/dsn-keys").await;
    let shown: Vec<(&Value, &Value, &Value)> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (&key["public_key"], &key["project"], &key["active"]))
        .collect();
    assert_eq!(
        shown,
        [
            (&json!(KEY), &json!("first"), &json!(false)),
            (&json!("k2"), &json!("second"), &json!(true)),
        ]
    );
}

#[tokio::test]
async fn a_key_may_be_bound_to_pages_have_a_budget_and_end() {
    let server = relay().start().await;
    let mut admin = server.client();
    let make = async |body: Value| {
        server
            .client()
            .post("/api/dsn-keys", body.to_string())
            .await
            .json()
    };
    let body = report("m").to_string();
    let send = async |key: &Value, origin: &str| {
        let key = key["public_key"].as_str().unwrap();
        let mut page = server.stranger().with_header("x-monlight-key", key);
        let headers = [("origin", origin)];
        page.send(
            "POST".parse().unwrap(),
            "/api/browser/errors",
            &headers,
            body.clone(),
        )
        .await
    };

    let bound = make(json!({"project": "p", "origins": ["https://*.mine.example"]})).await;
    let answer = send(&bound, "https://a.mine.example").await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.header("access-control-allow-origin")
        ),
        (202, "https://a.mine.example")
    );
    let answer = send(&bound, ORIGIN).await;
    assert_eq!(
        refusal(&answer),
        (403, "this DSN key may not be used from this origin".to_owned())
    );
    assert_eq!(
        answer.header("access-control-allow-origin"),
        ORIGIN,
        "the page can read why"
    );

    let small = make(json!({"project": "p", "rate_limit": 2})).await;
    let statuses = [
        send(&small, ORIGIN).await,
        send(&small, ORIGIN).await,
        send(&small, ORIGIN).await,
    ];
    assert_eq!(
        statuses.each_ref().map(|answer| answer.status.as_u16()),
        [202, 202, 429]
    );
    assert!(statuses[2].header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(statuses[2].header("access-control-allow-origin"), ORIGIN);
    assert_eq!(
        page(&server)
            .post("/api/browser/errors", body.clone())
            .await
            .status,
        202,
        "others go on"
    );

    let over = make(json!({"project": "p", "expires_at": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(
        refusal(&send(&over, ORIGIN).await),
        (401, "Invalid DSN key".to_owned())
    );
    let id = over["id"].as_i64().unwrap();
    let lifted = admin
        .send(
            "PATCH".parse().unwrap(),
            &format!("/api/dsn-keys/{id}"),
            &[],
            r#"{"expires_at": null}"#,
        )
        .await;
    assert_eq!(lifted.json()["expires_at"], Value::Null);
    assert_eq!(send(&over, ORIGIN).await.status, 202);
}

#[tokio::test]
async fn a_key_is_off_though_nobody_waits_for_the_answer() {
    let launch = relay();
    let server = launch.start().await;
    let mut visitor = page(&server);
    let body = report("m").to_string();
    assert_eq!(
        visitor.post("/api/browser/errors", body.clone()).await.status,
        202
    );
    let hand = database(&launch);
    // Nothing can be written meanwhile, so the request is under way when its connection closes.
    hand.execute_batch("begin immediate").unwrap();
    hang_up(&server, "DELETE", "/api/dsn-keys/1", "").await;
    hand.execute_batch("commit").unwrap();
    until("the key is off", async || {
        hand.query_row("select not is_active from dsn_keys", [], |row| row.get(0))
            .unwrap()
    })
    .await;
    until("it is refused", async || {
        visitor.post("/api/browser/errors", body.clone()).await.status == 401
    })
    .await;
}

#[tokio::test]
async fn of_two_changes_at_once_none_is_lost() {
    let launch = relay();
    let server = launch.start().await;
    let hand = database(&launch);
    let change = async |change: &'static str| {
        let mut admin = server.client();
        let method = "PATCH".parse().unwrap();
        admin.send(method, "/api/dsn-keys/1", &[], change).await
    };
    // Nothing can be written until both are under way.
    hand.execute_batch("begin immediate").unwrap();
    let both = async {
        tokio::join!(
            change(r#"{"origins": ["https://a.example"]}"#),
            change(r#"{"rate_limit": 5}"#)
        )
    };
    let mut both = std::pin::pin!(both);
    assert!(
        tokio::time::timeout(Duration::from_millis(500), &mut both)
            .await
            .is_err()
    );
    hand.execute_batch("commit").unwrap();
    let (first, second) = both.await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (200, 200));
    let key = &get_json(&mut server.client(), "/api/dsn-keys").await["keys"][0];
    assert_eq!(
        (&key["origins"], &key["rate_limit"]),
        (&json!(["https://a.example"]), &json!(5))
    );
}
