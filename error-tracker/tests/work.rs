//! What people do with groups, over HTTP: resolve, snooze, merge, write notes, walk, export, forget.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::BTreeSet;

use crate::support::{column, file, get_json, refusal, report, report_with, start, tracker, until};
use testkit::{Answer, Client, Launch, Server, Value, json};

/// `POST path` with JSON.
async fn post(client: &mut Client, path: &str, body: Value) -> Answer {
    client.post(path, body.to_string()).await
}

/// The same where it must be answered with 200; returns the answer.
async fn done(client: &mut Client, path: &str, body: Value) -> Value {
    let answer = post(client, path, body).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.json()
}

async fn delete(client: &mut Client, path: &str) -> Answer {
    client.send("DELETE".parse().unwrap(), path, &[], "").await
}

async fn group(client: &mut Client, id: i64) -> Value {
    get_json(client, &format!("/api/errors/{id}")).await
}

async fn state(client: &mut Client, id: i64) -> String {
    group(client, id).await["state"].as_str().unwrap().to_owned()
}

/// `kind` of each line of a group's history, newest first.
async fn history(client: &mut Client, id: i64) -> Vec<String> {
    let lines = group(client, id).await["activity"].clone();
    let kinds = lines.as_array().unwrap().iter();
    kinds
        .map(|line| line["kind"].as_str().unwrap().to_owned())
        .collect()
}

/// What became of a report of `release`.
async fn outcome(client: &mut Client, release: Option<&str>) -> String {
    let report = report_with(&json!({ "release": release }));
    let answer = post(client, "/api/errors", report).await.json();
    answer["status"].as_str().unwrap().to_owned()
}

async fn resolve_in_next(client: &mut Client, id: i64) {
    done(
        client,
        &format!("/api/errors/{id}/resolve"),
        json!({"in_next_release": true}),
    )
    .await;
}

/// Ends a server by `SIGTERM` and starts it again on the same database.
async fn restarted(launch: &Launch, server: Server) -> Server {
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");
    launch.start().await
}

#[tokio::test]
async fn resolved_in_the_next_release_only_a_newer_version_reopens_it() {
    let server = start().await;
    let mut client = server.client();
    let id = file(&mut client, &report_with(&json!({"release": "shop@1.2.0"}))).await;
    resolve_in_next(&mut client, id).await;
    let resolved = group(&mut client, id).await;
    assert_eq!(
        (&resolved["state"], &resolved["resolved_after"]),
        (&json!("resolved"), &json!("shop@1.2.0"))
    );
    for same_or_older in ["shop@1.2.0", "shop@1.1.9", "shop@1.2.0-rc.1"] {
        assert_eq!(
            outcome(&mut client, Some(same_or_older)).await,
            "incremented",
            "{same_or_older}"
        );
    }
    assert_eq!(state(&mut client, id).await, "resolved");
    assert_eq!(outcome(&mut client, Some("shop@1.10.0")).await, "reopened");
    let reopened = group(&mut client, id).await;
    assert_eq!(
        (
            &reopened["state"],
            &reopened["count"],
            &reopened["resolved_after"]
        ),
        (&json!("open"), &json!(5), &Value::Null)
    );
    assert_eq!(reopened["activity"][0]["kind"], "regressed");
    assert_eq!(reopened["activity"][0]["detail"], "shop@1.10.0");

    // The newest is the greatest version, not the one seen last.
    file(&mut client, &report_with(&json!({"release": "shop@1.3.0"}))).await;
    resolve_in_next(&mut client, id).await;
    assert_eq!(group(&mut client, id).await["resolved_after"], "shop@1.10.0");
    assert_eq!(outcome(&mut client, Some("shop@1.9.0")).await, "incremented");
    assert_eq!(
        outcome(&mut client, None).await,
        "reopened",
        "a report without a release may be of any"
    );
}

#[tokio::test]
async fn releases_that_are_hashes_are_ordered_by_first_sight_even_after_a_restart() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    let id = file(&mut client, &report_with(&json!({"release": "ffae4b1"}))).await;
    file(&mut client, &report_with(&json!({"release": "a81f00d"}))).await;
    resolve_in_next(&mut client, id).await;
    let server = restarted(&launch, server).await;
    let mut client = server.client();
    for known in ["ffae4b1", "a81f00d"] {
        assert_eq!(outcome(&mut client, Some(known)).await, "incremented", "{known}");
    }
    assert_eq!(outcome(&mut client, Some("0123abc")).await, "reopened");
}

#[tokio::test]
async fn without_any_release_there_is_no_next_one() {
    let server = start().await;
    let mut client = server.client();
    let id = file(&mut client, &report_with(&json!({}))).await;
    // Another project's releases are no help.
    file(
        &mut client,
        &report_with(&json!({"project": "blog", "release": "1.0.0"})),
    )
    .await;
    let answer = post(
        &mut client,
        &format!("/api/errors/{id}/resolve"),
        json!({"in_next_release": true}),
    )
    .await;
    assert_eq!(
        refusal(&answer),
        (409, "this project never named a release".to_owned())
    );
    assert_eq!(state(&mut client, id).await, "open");
    for path in ["resolve", "reopen", "snooze", "unmerge", "notes"] {
        let answer = post(
            &mut client,
            &format!("/api/errors/999/{path}"),
            json!({"hours": 1, "text": "x"}),
        )
        .await;
        assert_eq!(refusal(&answer), (404, "Error not found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn reopened_by_hand_it_is_open_and_the_history_says_who_did_it() {
    let launch = tracker();
    let keys = launch.folder().join("keys.toml");
    let text = "[[keys]]\nname = \"anna\"\nkey = \"mk_anna_0123456789abcdefghijklmnop\"\nscopes = [\"admin\", \"read\"]\n";
    std::fs::write(&keys, text).unwrap();
    let server = launch.env("API_KEYS_FILE", keys.display()).start().await;
    let mut client = server.client();
    let id = file(&mut client, &report_with(&json!({"release": "1.0.0"}))).await;
    let mut anna = server
        .stranger()
        .with_header("x-api-key", "mk_anna_0123456789abcdefghijklmnop");
    done(&mut client, &format!("/api/errors/{id}/resolve"), json!({})).await;
    let answer = done(&mut anna, &format!("/api/errors/{id}/reopen"), json!({})).await;
    assert_eq!(answer, json!({"status": "reopened", "id": id}));
    let opened = group(&mut client, id).await;
    assert_eq!(
        (&opened["state"], &opened["resolved_at"]),
        (&json!("open"), &Value::Null)
    );
    done(
        &mut anna,
        &format!("/api/errors/{id}/snooze"),
        json!({"hours": 1}),
    )
    .await;
    assert_eq!(state(&mut client, id).await, "snoozed");
    done(&mut anna, &format!("/api/errors/{id}/reopen"), json!({})).await;
    assert_eq!(state(&mut client, id).await, "open", "it takes a snooze back too");

    let lines = group(&mut client, id).await["activity"].clone();
    let lines: Vec<(&str, &str)> = lines
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["kind"].as_str().unwrap(), line["author"].as_str().unwrap()))
        .collect();
    assert_eq!(
        lines,
        [
            ("reopened", "anna"),
            ("snoozed", "anna"),
            ("reopened", "anna"),
            ("resolved", "API_KEY")
        ]
    );
    assert_eq!(
        outcome(&mut client, None).await,
        "incremented",
        "it came back to an open group"
    );
}

#[tokio::test]
async fn a_snooze_ends_by_itself_after_so_many_events_also_after_a_restart() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    let report = report_with(&json!({}));
    let id = file(&mut client, &report).await;
    file(&mut client, &report).await;
    let snooze = format!("/api/errors/{id}/snooze");
    done(&mut client, &snooze, json!({"events": 3})).await;
    let snoozed = group(&mut client, id).await;
    assert_eq!(
        snoozed["snoozed_until"],
        json!({"at": null, "count": 5, "users": null})
    );
    assert_eq!(get_json(&mut client, "/api/errors").await["total"], 0);
    assert_eq!(
        get_json(&mut client, "/api/errors?state=snoozed").await["total"],
        1
    );
    file(&mut client, &report).await;
    file(&mut client, &report).await;
    assert_eq!(state(&mut client, id).await, "snoozed");

    let server = restarted(&launch, server).await;
    let mut client = server.client();
    assert_eq!(state(&mut client, id).await, "snoozed");
    file(&mut client, &report).await;
    until("it woke", async || state(&mut client, id).await == "open").await;
    let woken = group(&mut client, id).await;
    assert_eq!(
        (&woken["snoozed_until"], &woken["count"]),
        (&Value::Null, &json!(5))
    );
    assert_eq!(
        (&woken["activity"][0]["kind"], &woken["activity"][0]["author"]),
        (&json!("woken"), &Value::Null)
    );
    assert_eq!(woken["activity"][1]["detail"], "until 3 events more");
}

#[tokio::test]
async fn a_snooze_ends_by_time_and_by_users() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    let user = |name: &str, user: &str| {
        report_with(&json!({"exception_type": name, "traceback": name, "user_id": user}))
    };
    let by_time = file(&mut client, &user("Time", "a")).await;
    let by_users = file(&mut client, &user("Users", "a")).await;
    let asleep = file(&mut client, &user("Asleep", "a")).await;
    // A second; the job looks once a second.
    let moment = json!({"hours": 1.0 / 3600.0, "events": 1_000_000});
    done(
        &mut client,
        &format!("/api/errors/{by_time}/snooze"),
        moment.clone(),
    )
    .await;
    let users = json!({"users": 3, "hours": 1000});
    done(&mut client, &format!("/api/errors/{by_users}/snooze"), users).await;
    until("its time came", async || {
        state(&mut client, by_time).await == "open"
    })
    .await;

    for _ in 0..5 {
        file(&mut client, &user("Users", "b")).await;
    }
    assert_eq!(
        state(&mut client, by_users).await,
        "snoozed",
        "two users, six events"
    );
    file(&mut client, &user("Users", "c")).await;
    until("a third user came", async || {
        state(&mut client, by_users).await == "open"
    })
    .await;

    done(&mut client, &format!("/api/errors/{asleep}/snooze"), moment).await;
    let server = restarted(&launch, server).await;
    let mut client = server.client();
    until("its time came while it was stopped", async || {
        state(&mut client, asleep).await == "open"
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_snoozed_is_refused_in_words() {
    let server = start().await;
    let mut client = server.client();
    let id = file(&mut client, &report_with(&json!({}))).await;
    let snooze = format!("/api/errors/{id}/snooze");
    for bad in [
        "",
        "{",
        "[]",
        "{}",
        "null",
        r#"{"hours": "1"}"#,
        r#"{"hours": 0}"#,
        r#"{"hours": -1}"#,
        r#"{"hours": 1e300}"#,
        r#"{"events": 0}"#,
        r#"{"events": 1.5}"#,
        r#"{"users": -3}"#,
        r#"{"users": 1e40}"#,
        r#"{"events": 5, "users": 0}"#,
        r#"{"hours": true}"#,
    ] {
        let answer = client.post(&snooze, bad.to_owned()).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
        assert!(!answer.detail().is_empty());
    }
    assert_eq!(state(&mut client, id).await, "open");
    done(&mut client, &format!("/api/errors/{id}/resolve"), json!({})).await;
    let answer = post(&mut client, &snooze, json!({"hours": 1})).await;
    assert_eq!(
        refusal(&answer),
        (409, "a resolved group cannot be snoozed".to_owned())
    );
}

/// Report of one of two bugs, by a user.
fn bug(name: &str, user: &str, region: &str) -> Value {
    report_with(&json!({
        "exception_type": name, "traceback": name, "user_id": user, "tags": {"region": region},
        "environment": "prod", "release": "1.0.0",
    }))
}

/// A group without what tells of the merge itself.
async fn stand(client: &mut Client, id: i64) -> Value {
    let mut group = group(client, id).await;
    for name in ["activity", "merged", "merged_into"] {
        group.as_object_mut().unwrap().remove(name);
    }
    group
}

#[tokio::test]
async fn merged_groups_are_shown_as_one_and_taken_apart_as_they_were() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    file(&mut client, &bug("A", "bert", "us")).await;
    let b = file(&mut client, &bug("B", "bert", "eu")).await;
    file(&mut client, &bug("B", "carl", "eu")).await;
    file(&mut client, &bug("B", "carl", "eu")).await;
    let before = (stand(&mut client, a).await, stand(&mut client, b).await);

    let answer = done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    assert_eq!(answer, json!({"status": "merged", "id": a}));
    let list = get_json(&mut client, "/api/errors").await;
    assert_eq!((column(&list, "id"), &list["total"]), (vec![json!(a)], &json!(1)));
    let whole = group(&mut client, a).await;
    assert_eq!(
        (&whole["count"], &whole["users"], &whole["merged"]),
        (&json!(5), &json!(3), &json!([b]))
    );
    assert_eq!(whole["tags"]["region"], json!({"eu": 4, "us": 1}));
    assert_eq!(whole["occurrences"].as_array().unwrap().len(), 5);
    assert_eq!(group(&mut client, b).await["merged_into"], a);
    for (query, n) in [
        ("user=carl", 1),
        ("search=B", 1),
        ("tag=region:eu", 1),
        ("user=nobody", 0),
    ] {
        let list = get_json(&mut client, &format!("/api/errors?{query}")).await;
        assert_eq!(list["total"], n, "{query}");
    }

    let answer = done(&mut client, &format!("/api/errors/{b}/unmerge"), json!({})).await;
    assert_eq!(answer, json!({"status": "unmerged", "id": b}));
    assert_eq!((stand(&mut client, a).await, stand(&mut client, b).await), before);
    assert_eq!(history(&mut client, a).await, ["unmerged", "merged"]);

    // Events that come meanwhile are shown by the one and belong to the other, also after a restart.
    done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    let answer = post(&mut client, "/api/errors", bug("B", "anna", "eu")).await;
    assert_eq!(
        answer.json(),
        json!({"status": "incremented", "id": a, "count": 6})
    );
    let server = restarted(&launch, server).await;
    let mut client = server.client();
    let answer = post(&mut client, "/api/errors", bug("B", "dora", "us")).await;
    assert_eq!(
        answer.json(),
        json!({"status": "incremented", "id": a, "count": 7})
    );
    let whole = group(&mut client, a).await;
    assert_eq!((&whole["count"], &whole["users"]), (&json!(7), &json!(4)));
    done(&mut client, &format!("/api/errors/{b}/unmerge"), json!({})).await;
    assert_eq!(stand(&mut client, a).await, before.0, "nothing of it was its own");
    let other = group(&mut client, b).await;
    assert_eq!((&other["count"], &other["users"]), (&json!(5), &json!(4)));
    assert_eq!(other["tags"]["region"], json!({"eu": 4, "us": 1}));
    assert_eq!(file(&mut client, &bug("B", "anna", "eu")).await, b);
}

#[tokio::test]
async fn a_group_taken_out_again_leaves_nothing_of_its_level_release_or_environment() {
    let server = start().await;
    let mut client = server.client();
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    let b = file(&mut client, &bug("B", "bert", "eu")).await;
    let before = stand(&mut client, a).await;
    done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    let mut worse = bug("B", "bert", "eu");
    for (name, value) in [
        ("level", "fatal"),
        ("release", "2.0.0"),
        ("environment", "staging"),
        ("request_method", "BROWSER"),
    ] {
        worse[name] = json!(value);
    }
    file(&mut client, &worse).await;
    let whole = group(&mut client, a).await;
    assert_eq!(
        (&whole["level"], &whole["release"], &whole["environment"]),
        (&json!("fatal"), &json!("2.0.0"), &json!("staging"))
    );
    done(&mut client, &format!("/api/errors/{b}/unmerge"), json!({})).await;
    assert_eq!(stand(&mut client, a).await, before);
    assert_eq!(group(&mut client, b).await["level"], "fatal");
}

#[tokio::test]
async fn a_snoozed_group_that_was_merged_and_taken_out_is_open() {
    let server = start().await;
    let mut client = server.client();
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    let b = file(&mut client, &bug("B", "bert", "eu")).await;
    done(
        &mut client,
        &format!("/api/errors/{b}/snooze"),
        json!({"events": 2}),
    )
    .await;
    done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    done(&mut client, &format!("/api/errors/{b}/unmerge"), json!({})).await;
    let taken_out = group(&mut client, b).await;
    // With no snooze that could end it would be out of sight for ever.
    assert_eq!(
        (&taken_out["snoozed_until"], &taken_out["state"]),
        (&Value::Null, &json!("open"))
    );
}

#[tokio::test]
async fn what_cannot_be_merged_is_refused_and_nothing_changes() {
    let server = start().await;
    let mut client = server.client();
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    let b = file(&mut client, &bug("B", "bert", "eu")).await;
    let elsewhere = file(&mut client, &report("blog", "A", "m", "t")).await;
    let merge = format!("/api/errors/{a}/merge");
    for (ids, expected) in [
        (
            json!([b, elsewhere]),
            (409, format!("group {elsewhere} is of another project")),
        ),
        (
            json!([a]),
            (409, format!("group {a} cannot be merged into itself")),
        ),
        (json!([b, 99]), (409, "no such group: 99".to_owned())),
    ] {
        let answer = post(&mut client, &merge, json!({ "ids": ids })).await;
        assert_eq!(refusal(&answer), expected, "{ids}");
    }
    for bad in [
        "",
        "[]",
        "{}",
        r#"{"ids": 2}"#,
        r#"{"ids": ["2"]}"#,
        r#"{"ids": [0]}"#,
    ] {
        let answer = client.post(&merge, bad.to_owned()).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
    let answer = post(&mut client, "/api/errors/99/merge", json!({"ids": [a]})).await;
    assert_eq!(answer.status, 404);
    let answer = post(&mut client, &format!("/api/errors/{b}/unmerge"), json!({})).await;
    assert_eq!(
        refusal(&answer),
        (409, format!("group {b} is not merged into another"))
    );
    assert_eq!(
        get_json(&mut client, "/api/errors").await["total"],
        3,
        "all are still there"
    );
    assert_eq!(group(&mut client, a).await["count"], 1);
}

#[tokio::test]
async fn a_resolved_whole_is_reopened_by_a_report_of_a_part_and_told_once() {
    // A channel whose name leads to a refused address: each alert leaves one line in the deliveries and nothing else.
    let server = start().await;
    let mut client = server.client();
    let hook = json!({"kind": "webhook", "target": "http://localhost:9/"});
    assert_eq!(post(&mut client, "/api/channels", hook).await.status, 201);
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    let b = file(&mut client, &bug("B", "bert", "eu")).await;
    done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    // By the number of the part: it is done to the whole.
    let answer = done(&mut client, &format!("/api/errors/{b}/resolve"), json!({})).await;
    assert_eq!(answer["id"], a);
    let answer = post(&mut client, "/api/errors", bug("B", "bert", "eu")).await;
    assert_eq!(answer.json(), json!({"status": "reopened", "id": a, "count": 3}));
    let answer = post(&mut client, "/api/errors", bug("A", "bert", "eu")).await;
    assert_eq!(answer.json()["status"], "incremented");
    // What is told after it comes after it: then there is no second one on its way.
    let last = file(&mut client, &report("later", "E", "m", "t")).await;
    let mut told: Vec<(String, i64)> = Vec::new();
    until("all is decided", async || {
        let deliveries = get_json(&mut client, "/api/deliveries").await;
        let rows = deliveries["deliveries"].as_array().unwrap().iter();
        told = rows
            .map(|row| {
                (
                    row["kind"].as_str().unwrap().to_owned(),
                    row["error_id"].as_i64().unwrap(),
                )
            })
            .collect();
        told.contains(&("created".to_owned(), last))
    })
    .await;
    let reopened: Vec<_> = told.iter().filter(|(kind, _)| kind == "reopened").collect();
    assert_eq!(reopened, [&("reopened".to_owned(), a)], "{told:?}");
}

#[tokio::test]
async fn several_groups_at_once() {
    let server = start().await;
    let mut client = server.client();
    let mut ids = Vec::new();
    for name in ["A", "B", "C", "D"] {
        ids.push(file(&mut client, &bug(name, "anna", "eu")).await);
    }
    let (a, b, c, d) = (ids[0], ids[1], ids[2], ids[3]);
    let changed = |n: usize, unknown: Value| json!({"changed": n, "unknown": unknown, "refused": {}});
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "resolve", "ids": [a, b, 99]}),
    )
    .await;
    assert_eq!(answer, changed(2, json!([99])));
    assert_eq!(
        get_json(&mut client, "/api/errors?state=resolved").await["total"],
        2
    );
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "snooze", "ids": [a, c], "hours": 2}),
    )
    .await;
    let refused = json!({a.to_string(): "a resolved group cannot be snoozed"});
    assert_eq!(answer, json!({"changed": 1, "unknown": [], "refused": refused}));
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "reopen", "ids": ids}),
    )
    .await;
    assert_eq!(answer, changed(4, json!([])));
    assert_eq!(get_json(&mut client, "/api/errors?state=open").await["total"], 4);
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "resolve_in_next_release", "ids": [d]}),
    )
    .await;
    assert_eq!(answer, changed(1, json!([])));
    assert_eq!(group(&mut client, d).await["resolved_after"], "1.0.0");
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "merge", "ids": [c, a, b, c]}),
    )
    .await;
    assert_eq!(answer["changed"], 1);
    assert_eq!(
        group(&mut client, a).await["merged"],
        json!([b, c]),
        "into the oldest"
    );
    assert_eq!(group(&mut client, a).await["count"], 3);
    let answer = done(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "delete", "ids": [a, d]}),
    )
    .await;
    assert_eq!(answer, changed(2, json!([])));
    assert_eq!(get_json(&mut client, "/api/errors?state=all").await["total"], 0);
    assert_eq!(client.get(&format!("/api/errors/{b}")).await.status, 404);

    for bad in [
        "",
        "{}",
        r#"{"action": "explode", "ids": []}"#,
        r#"{"action": "resolve", "ids": "all"}"#,
        r#"{"action": "resolve", "ids": [1.5]}"#,
        r#"{"action": "snooze", "ids": [1], "hours": 0}"#,
    ] {
        let answer = client.post("/api/errors/bulk", bad.to_owned()).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
    let many: Vec<i64> = (1..=1001).collect();
    let answer = post(
        &mut client,
        "/api/errors/bulk",
        json!({"action": "resolve", "ids": many}),
    )
    .await;
    assert_eq!(refusal(&answer), (400, "at most 1000 ids at once".to_owned()));
}

#[tokio::test]
async fn notes_are_kept_shown_and_deleted() {
    let server = start().await;
    let mut client = server.client();
    let id = file(&mut client, &bug("A", "anna", "eu")).await;
    let notes = format!("/api/errors/{id}/notes");
    let answer = post(
        &mut client,
        &notes,
        json!({"text": " <b>it</b> is the\r\ncache 🛒 "}),
    )
    .await;
    assert_eq!(answer.status, 201);
    let note = answer.json()["id"].as_i64().unwrap();
    let line = group(&mut client, id).await["activity"][0].clone();
    assert_eq!(
        (&line["id"], &line["kind"], &line["author"], &line["detail"]),
        (
            &json!(note),
            &json!("note"),
            &json!("API_KEY"),
            &json!("<b>it</b> is the\ncache 🛒")
        )
    );
    for bad in [
        json!({}),
        json!({"text": 7}),
        json!({"text": " \n"}),
        json!({"text": "x".repeat(10_001)}),
    ] {
        assert_eq!(post(&mut client, &notes, bad).await.status, 400);
    }
    assert_eq!(
        post(&mut client, &notes, json!({"text": "é".repeat(10_000)}))
            .await
            .status,
        201
    );

    done(&mut client, &format!("/api/errors/{id}/resolve"), json!({})).await;
    let resolved = group(&mut client, id).await["activity"][0]["id"].clone();
    let other = file(&mut client, &bug("B", "anna", "eu")).await;
    for wrong in [
        format!("{notes}/999"),
        format!("{notes}/x"),
        format!("/api/errors/{other}/notes/{note}"),
        format!("{notes}/{resolved}"),
    ] {
        let answer = delete(&mut client, &wrong).await;
        assert_eq!(refusal(&answer), (404, "Note not found".to_owned()), "{wrong}");
    }
    let answer = delete(&mut client, &format!("{notes}/{note}")).await;
    assert_eq!(answer.json(), json!({"status": "deleted", "id": note}));
    assert_eq!(delete(&mut client, &format!("{notes}/{note}")).await.status, 404);
    assert_eq!(history(&mut client, id).await, ["resolved", "note"]);
}

#[tokio::test]
async fn a_note_of_a_merged_group_can_be_deleted_where_it_is_shown() {
    let server = start().await;
    let mut client = server.client();
    let a = file(&mut client, &bug("A", "anna", "eu")).await;
    let b = file(&mut client, &bug("B", "anna", "eu")).await;
    done(
        &mut client,
        &format!("/api/errors/{a}/merge"),
        json!({"ids": [b]}),
    )
    .await;
    // By the number of the part; it is written where the whole is shown.
    let answer = post(
        &mut client,
        &format!("/api/errors/{b}/notes"),
        json!({"text": "n"}),
    )
    .await;
    let note = answer.json()["id"].clone();
    assert_eq!(group(&mut client, a).await["activity"][0]["id"], note);
    let answer = delete(&mut client, &format!("/api/errors/{b}/notes/{note}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn walking_by_cursor_misses_nothing_and_repeats_nothing_while_new_groups_arrive() {
    let server = start().await;
    let mut client = server.client();
    let batch: Vec<Value> = (0..120).map(|n| bug(&format!("E{n}"), "anna", "eu")).collect();
    let answer = done(&mut client, "/api/errors/batch", json!(batch)).await;
    let there: BTreeSet<i64> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_i64().unwrap())
        .collect();
    assert_eq!(there.len(), 120);
    for (round, sort) in ["last_seen", "first_seen", "count", "users"]
        .into_iter()
        .enumerate()
    {
        let mut seen: Vec<i64> = Vec::new();
        let mut cursor = String::new();
        for page in 0.. {
            let path = format!("/api/errors?limit=25&sort={sort}{cursor}");
            let list = get_json(&mut client, &path).await;
            seen.extend(column(&list, "id").iter().map(|id| id.as_i64().unwrap()));
            file(&mut client, &bug(&format!("New{round}-{page}"), "anna", "eu")).await;
            match list["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        let distinct: BTreeSet<i64> = seen.iter().copied().collect();
        assert_eq!(distinct.len(), seen.len(), "{sort}: one came twice");
        assert!(there.is_subset(&distinct), "{sort}: one is missing");
    }
    for bad in ["x", "1", "1.", ".1", "1.2.3", "99999999999999999999.1"] {
        let answer = client.get(&format!("/api/errors?cursor={bad}")).await;
        assert_eq!(answer.status, 400, "{bad}: {}", answer.text());
    }
}

/// Files the groups that the filters are tried on.
async fn file_some(client: &mut Client) {
    for more in [
        json!({"exception_type": "Old", "level": "warning", "release": "1.0", "user_id": "anna"}),
        json!({"exception_type": "Old", "level": "warning", "release": "2.0", "user_id": "bert"}),
        json!({"exception_type": "New", "level": "fatal", "release": "2.0", "user": {"id": 7}}),
        json!({"exception_type": "Tagged", "tags": {"region": "eu:west", "plan": "pro"}}),
        json!({"exception_type": "Done", "user_id": "anna"}),
        json!({"exception_type": "Away"}),
    ] {
        let mut report = report_with(&more);
        report["traceback"] = json!(format!(
            "Traceback (most recent call last):\n  File \"/srv/{}_module.py\", line 3, in pay_{0}\nE: m",
            more["exception_type"].as_str().unwrap().to_lowercase()
        ));
        file(client, &report).await;
    }
    for (name, action) in [("Done", "resolve"), ("Away", "snooze")] {
        let list = get_json(client, &format!("/api/errors?search={name}")).await;
        let ids = column(&list, "id");
        done(
            client,
            "/api/errors/bulk",
            json!({"action": action, "ids": ids, "hours": 1}),
        )
        .await;
    }
}

/// Queries, and the types of the groups they find.
const FILTERS: [(&str, &[&str]); 22] = [
    ("", &["New", "Old", "Tagged"]),
    ("new_in=1.0", &["Old"]),
    ("new_in=2.0", &["New"]),
    ("new_in=3.0", &[]),
    ("release=1.0", &["Old"]),
    ("release=2.0", &["New", "Old"]),
    ("state=open", &["New", "Old", "Tagged"]),
    ("state=snoozed", &["Away"]),
    ("state=resolved", &["Done"]),
    ("state=all", &["Away", "Done", "New", "Old", "Tagged"]),
    ("resolved=true", &["Done"]),
    ("level=fatal", &["New"]),
    ("level=warning", &["Old"]),
    ("user=anna", &["Old"]),
    ("user=anna&state=all", &["Done", "Old"]),
    ("user=7", &["New"]),
    ("tag=region:eu:west", &["Tagged"]),
    ("tag=region:eu%3Awest&tag=plan:free", &[]),
    ("search=tagged_module", &["Tagged"]),
    ("search=pay_new", &["New"]),
    ("search=plan:pro", &["Tagged"]),
    ("search=pay_old&release=2.0&user=bert&level=warning", &["Old"]),
];

#[tokio::test]
async fn filters_find_what_they_say_in_the_list_and_in_the_export() {
    let server = start().await;
    let mut client = server.client();
    file_some(&mut client).await;
    for (query, expected) in FILTERS {
        let list = get_json(&mut client, &format!("/api/errors?{query}")).await;
        let mut listed = column(&list, "exception_type");
        listed.sort_by_key(Value::to_string);
        assert_eq!(listed, expected, "{query}");
        let mut exported: Vec<Value> = export(&mut client, query)
            .await
            .iter()
            .map(|line| line["exception_type"].clone())
            .collect();
        exported.sort_by_key(Value::to_string);
        assert_eq!(exported, expected, "export of {query}");
    }
    for bad in ["tag=region", "state=odd", "sort=odd", "since=yesterday"] {
        for path in ["/api/errors", "/api/export"] {
            let answer = client.get(&format!("{path}?{bad}")).await;
            assert_eq!(answer.status, 400, "{path}?{bad}: {}", answer.text());
        }
    }
}

/// The lines of an export, each of which must be JSON.
async fn export(client: &mut Client, query: &str) -> Vec<Value> {
    let answer = client.get(&format!("/api/export?{query}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("content-type")),
        (200, "application/x-ndjson")
    );
    let text = answer.text();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|cause| panic!("{cause}: {line}")))
        .collect()
}

#[tokio::test]
async fn an_export_has_every_group_with_its_kept_events() {
    let server = start().await;
    let mut client = server.client();
    let batch: Vec<Value> = (0..173)
        .map(|n| {
            let mut report = bug(&format!("E{n}"), "anna", "eu");
            report["message"] = json!("two\nlines \u{2028} and \"quotes\"");
            report
        })
        .collect();
    done(&mut client, "/api/errors/batch", json!(batch)).await;
    done(&mut client, "/api/errors/batch", json!(batch[..100])).await;
    let lines = export(&mut client, "state=all").await;
    let ids: BTreeSet<i64> = lines.iter().map(|line| line["id"].as_i64().unwrap()).collect();
    assert_eq!((lines.len(), ids.len()), (173, 173));
    for line in &lines {
        let n_kept = line["occurrences"].as_array().unwrap().len();
        assert_eq!(json!(n_kept), line["count"]);
        assert_eq!(line["occurrences"][0]["message"], batch[0]["message"]);
    }
}

/// Files that hold these bytes, of all that lie beside the database.
fn holding(launch: &Launch, bytes: &[u8]) -> Vec<String> {
    let entries = std::fs::read_dir(launch.folder()).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let found = paths.filter(|path| {
        let content = std::fs::read(path).unwrap();
        content.windows(bytes.len()).any(|part| part == bytes)
    });
    found
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

#[tokio::test]
async fn a_forgotten_user_is_in_no_answer_and_in_no_byte_of_the_files() {
    const MARKER: &str = "marker-user-4711-zyx";
    let launch = tracker().env("KEEP_OCCURRENCES", 10);
    let server = launch.start().await;
    let mut client = server.client();
    let of = |name: &str, user: &str, n: usize| {
        let mut report = bug(name, user, "eu");
        report["message"] = json!(format!("message {n}"));
        report["tags"] = json!({"account": user});
        report
    };
    let mut ids = Vec::new();
    for name in ["A", "B"] {
        ids.push(file(&mut client, &of(name, "other", 0)).await);
        // More than are kept: those that were replaced must be gone as well.
        for n in 1..60 {
            file(&mut client, &of(name, MARKER, n)).await;
        }
        file(&mut client, &of(name, "other", 60)).await;
    }
    // Merged or not.
    done(
        &mut client,
        &format!("/api/errors/{}/merge", ids[0]),
        json!({"ids": [ids[1]]}),
    )
    .await;
    assert_eq!(group(&mut client, ids[0]).await["users"], 2);

    let answer = delete(&mut client, &format!("/api/users/{MARKER}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["errors"].clone()),
        (200, json!(2))
    );
    assert!(answer.json()["events"].as_i64().unwrap() > 0);
    let again = delete(&mut client, &format!("/api/users/{MARKER}")).await;
    assert_eq!(again.json(), json!({"errors": 0, "events": 0}));

    let whole = group(&mut client, ids[0]).await;
    assert_eq!((&whole["count"], &whole["users"]), (&json!(122), &json!(1)));
    for path in [
        "/api/errors?state=all".to_owned(),
        "/api/export?state=all".to_owned(),
        format!("/api/errors/{}?occurrences=100", ids[0]),
        format!("/api/errors/{}?occurrences=100", ids[1]),
        "/metrics".to_owned(),
    ] {
        let answer = client.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains(MARKER), "{path}");
    }
    let list = get_json(&mut client, &format!("/api/errors?user={MARKER}")).await;
    assert_eq!(list["total"], 0);
    let (_, log) = server.stop().await;
    assert!(!log.contains(MARKER));
    assert_eq!(
        holding(&launch, b"other").len(),
        1,
        "the search finds what is there"
    );
    assert_eq!(holding(&launch, MARKER.as_bytes()), Vec::<String>::new());
    let server = launch.start().await;
    assert_eq!(group(&mut server.client(), ids[0]).await["count"], 122);
}

#[tokio::test]
async fn of_many_events_the_first_the_newest_and_the_odd_one_are_kept() {
    let server = tracker().env("KEEP_OCCURRENCES", 10).start().await;
    let mut client = server.client();
    let mut id = 0;
    for n in 1..=200 {
        let release = if n == 100 { "odd" } else { "usual" };
        let report = report_with(&json!({
            "message": format!("message {n}"), "traceback": "T", "release": release,
        }));
        id = file(&mut client, &report).await;
    }
    let all = get_json(&mut client, &format!("/api/errors/{id}?occurrences=1000")).await;
    let kept = all["occurrences"].as_array().unwrap();
    let messages: Vec<&str> = kept.iter().map(|it| it["message"].as_str().unwrap()).collect();
    assert!(messages.len() <= 10, "{messages:?}");
    for wanted in ["message 1", "message 100", "message 200"] {
        assert!(messages.contains(&wanted), "{wanted}: {messages:?}");
    }
    assert_eq!(messages[0], "message 200", "newest first");
    assert_eq!(all["count"], 200);
    for (query, n) in [
        ("", 5),
        ("?occurrences=2", 2),
        ("?occurrences=0", 0),
        ("?occurrences=x", 5),
    ] {
        let some = get_json(&mut client, &format!("/api/errors/{id}{query}")).await;
        let shown = some["occurrences"].as_array().unwrap();
        assert_eq!(shown.len(), n, "{query}");
        assert_eq!(shown[..], kept[..n], "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tags_of_a_group_are_found_that_nobody_searched_for_at_once() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    let mut found = bug("Rare", "anna", "eu");
    found["tags"]["shelf"] = json!("zanzibar-17");
    let id = file(&mut client, &found).await;
    let connection = rusqlite::Connection::open(launch.database_path()).unwrap();
    let sql = "select searched_id from intake";
    while connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() < id {
        tokio::task::yield_now().await;
    }
    let list = get_json(&mut client, "/api/errors?search=zanzibar").await;
    assert_eq!(column(&list, "id"), [json!(id)]);
}
