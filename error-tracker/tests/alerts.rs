//! Alerts by HTTP: real receivers on this machine, which answer as they are told. What is sent, to whom, how often.
//!
//! The first wait between two tries is half a minute. No test waits for it: the tracker is stopped, the time of the next
//! try is set back in its database, as if the wait had passed, and it is started again.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{
    browser, file, get_json, refusal, report, report_with, sign_in, submit, tracker, until,
};
use rusqlite::Connection;
use sha2::{Digest, Sha256};
use testkit::alerting::{add, titles};
use testkit::{Answer, Client, Launch, Receiver, Reply, Server, Value, json, skip};

/// RFC 2104, by hand: what the tracker signs with is not asked.
fn hmac_sha256(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    match key.len() > block.len() {
        true => block[..32].copy_from_slice(&Sha256::digest(key)),
        false => block[..key.len()].copy_from_slice(key),
    }
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new()
        .chain_update(padded(0x36))
        .chain_update(message)
        .finalize();
    let outer = Sha256::new()
        .chain_update(padded(0x5c))
        .chain_update(inner)
        .finalize();
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tracker whose alerts may go to receivers on 127.0.0.1.
fn launch() -> Launch {
    tracker().env("ALERT_ALLOWED_HOSTS", "127.0.0.1")
}

async fn post(client: &mut Client, path: &str, body: Value) -> Answer {
    client.post(path, body.to_string()).await
}

async fn delete(client: &mut Client, path: &str) -> Answer {
    client.send("DELETE".parse().unwrap(), path, &[], "").await
}

/// Adds a channel; returns its number.
async fn channel(client: &mut Client, kind: &str, target: &str) -> i64 {
    let body = json!({"kind": kind, "target": target});
    add(client, "/api/channels", body).await["id"].as_i64().unwrap()
}

/// Queues a test of a channel; returns the number of its delivery. It leaves at once, other than what happens.
async fn send_test(client: &mut Client, id: i64) -> i64 {
    let answer = post(client, &format!("/api/channels/{id}/test"), json!({})).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    answer.json()["deliveries"][0].as_i64().unwrap()
}

async fn deliveries(client: &mut Client) -> Vec<Value> {
    let all = get_json(client, "/api/deliveries").await;
    all["deliveries"].as_array().unwrap().clone()
}

async fn delivery(client: &mut Client, id: i64) -> Value {
    let all = deliveries(client).await;
    all.into_iter().find(|row| row["id"] == id).unwrap()
}

/// The delivery once it is in this state.
async fn delivery_that_is(client: &mut Client, id: i64, state: &str) -> Value {
    until(state, async || delivery(client, id).await["state"] == state).await;
    delivery(client, id).await
}

/// Stops it, lets all waits pass, and starts it again.
async fn later(launch: &Launch, server: Server) -> Server {
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");
    change(
        launch,
        "update deliveries set next_attempt_at = 1 where next_attempt_at is not null",
    );
    launch.start().await
}

/// Of a tracker that is stopped.
fn change(launch: &Launch, sql: &str) {
    let database = Connection::open(launch.database_path()).unwrap();
    assert!(database.execute(sql, []).unwrap() > 0, "{sql}");
}

#[tokio::test]
async fn a_webhook_is_signed_and_says_what_happened() {
    let receiver = Receiver::start([]).await;
    let server = launch().env("BASE_URL", "https://mon.example.com/").start().await;
    let mut client = server.client();
    let body = json!({"kind": "webhook", "name": "ops", "target": receiver.url("/hook?token=t0k")});
    let added = add(&mut client, "/api/channels", body).await;
    let secret = added["secret"].as_str().unwrap();
    assert!(secret.len() >= 32, "{secret}");
    let listed = get_json(&mut client, "/api/channels").await["channels"].clone();
    assert_eq!(
        listed,
        json!([{"id": added["id"], "name": "ops", "kind": "webhook", "to": "127.0.0.1"}])
    );
    let id = file(
        &mut client,
        &report_with(&json!({
            "message": "bad \"amount\" <12> 🛒", "environment": "prod", "release": "shop@1.2.0", "user_id": "anna",
            "level": "fatal", "traceback": "  File \"/srv/cart.py\", line 7, in pay",
        })),
    )
    .await;
    let received = receiver.wait_for(1).await;
    let [alert] = &received[..] else {
        panic!("{received:?}")
    };
    assert_eq!(alert.path, "/hook?token=t0k");
    assert_eq!(alert.headers["content-type"], "application/json");
    assert!(alert.headers["user-agent"].starts_with("Monlight/"));
    let timestamp = &alert.headers["x-monlight-timestamp"];
    let signed = [timestamp.as_bytes(), b".", &alert.body].concat();
    let signature = format!("sha256={}", hmac_sha256(secret.as_bytes(), &signed));
    assert_eq!(alert.headers["x-monlight-signature"], signature);
    let mut said = alert.json();
    assert_eq!(said["delivery"], alert.headers["x-monlight-delivery"]);
    assert!(said["time"].as_str().unwrap().ends_with('Z'));
    for name in ["delivery", "time"] {
        said.as_object_mut().unwrap().remove(name);
    }
    let expected = json!({
        "kind": "created",
        "title": "ValueError",
        "text": "bad \"amount\" <12> 🛒",
        "project": "shop",
        "environment": "prod",
        "url": format!("https://mon.example.com/errors/{id}"),
        "count": 1,
        "facts": [
            {"name": "Level", "value": "fatal"},
            {"name": "Release", "value": "shop@1.2.0"},
            {"name": "Where", "value": "cart.py in pay"},
            {"name": "Users", "value": "1"},
        ],
    });
    assert_eq!(said, expected);
    let row = deliveries(&mut client).await.remove(0);
    let row = delivery_that_is(&mut client, row["id"].as_i64().unwrap(), "delivered").await;
    assert_eq!(
        (
            &row["kind"],
            &row["error_id"],
            &row["attempts"],
            &row["last_error"]
        ),
        (&json!("created"), &json!(id), &json!(1), &Value::Null)
    );
}

#[tokio::test]
async fn a_template_is_filled_and_a_bad_one_is_refused_at_once() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let template = r#"{"summary": "{{kind}}: {{title}} in {{project}}", "n": 1.50, "text": "{{text}}", "release": "{{fact.Release}}"}"#;
    let body = json!({
        "kind": "webhook", "target": receiver.url("/"), "template": template, "secret": "of our own",
    });
    assert_eq!(
        add(&mut client, "/api/channels", body).await["secret"],
        "of our own"
    );
    file(
        &mut client,
        &report_with(&json!({"message": "a \"quote\"\nand {{kind}}"})),
    )
    .await;
    let alert = receiver.wait_for(1).await.remove(0);
    assert_eq!(
        String::from_utf8(alert.body.clone()).unwrap(),
        r#"{"summary": "created: ValueError in shop", "n": 1.50, "text": "a \"quote\"\nand {{kind}}", "release": ""}"#
    );
    let signed = [
        alert.headers["x-monlight-timestamp"].as_bytes(),
        b".",
        &alert.body,
    ]
    .concat();
    assert_eq!(
        alert.headers["x-monlight-signature"],
        format!("sha256={}", hmac_sha256(b"of our own", &signed))
    );

    let refused = [
        (json!({"template": "{"}), "the template is not JSON"),
        (
            json!({"template": r#"{"a": "{{titel}}"}"#}),
            "no placeholder {{titel}}",
        ),
        (json!({"target": "ftp://example.com/"}), "http:// or https://"),
        (
            json!({"target": "http://a:b@example.com/"}),
            "user name or password",
        ),
        (json!({"target": ""}), "target must have"),
        (json!({"kind": "pigeon"}), "kind must be one of webhook, slack"),
        (
            json!({"kind": "mail", "target": "ops@example.com, nobody"}),
            "'nobody' is no mail address",
        ),
    ];
    for (wrong, expected) in refused {
        let mut body = json!({"kind": "webhook", "target": receiver.url("/")});
        for (name, value) in wrong.as_object().unwrap() {
            body[name] = value.clone();
        }
        let answer = post(&mut client, "/api/channels", body).await;
        let (status, detail) = refusal(&answer);
        assert!(
            status == 400 && detail.contains(expected),
            "{wrong}: {status} {detail}"
        );
    }
    assert_eq!(
        refusal(&delete(&mut client, "/api/channels/99").await),
        (404, "Channel not found".to_owned())
    );
}

#[tokio::test]
async fn after_refusals_and_restarts_it_is_delivered_once_under_the_same_name() {
    let receiver = Receiver::start([
        Reply::Status(500, r#"{"error": "out of order"}"#),
        Reply::Status(503, ""),
    ])
    .await;
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    channel(&mut client, "webhook", &receiver.url("/")).await;
    file(&mut client, &report("shop", "E", "m", "t")).await;
    receiver.wait_for(1).await;
    let id = deliveries(&mut client).await[0]["id"].as_i64().unwrap();
    until("it is noted", async || {
        delivery(&mut client, id).await["attempts"] == 1
    })
    .await;
    let row = delivery(&mut client, id).await;
    assert_eq!(
        (&row["state"], &row["last_error"]),
        (&json!("waiting"), &json!("127.0.0.1 answered 500: out of order"))
    );
    assert!(row["next_attempt_at"].is_string());

    let server = later(&launch, server).await;
    let mut client = server.client();
    until("it is noted again", async || {
        delivery(&mut client, id).await["attempts"] == 2
    })
    .await;
    // A crash between two tries loses nothing either.
    server.kill().await;
    change(
        &launch,
        "update deliveries set next_attempt_at = 1 where next_attempt_at is not null",
    );
    let server = launch.start().await;
    let mut client = server.client();
    let row = delivery_that_is(&mut client, id, "delivered").await;
    assert_eq!((&row["attempts"], &row["last_error"]), (&json!(3), &Value::Null));
    // It does not come again with the next start.
    server.stop().await;
    let server = launch.start().await;
    let mut client = server.client();
    let test = send_test(&mut client, 1).await;
    delivery_that_is(&mut client, test, "delivered").await;

    let received = receiver.all();
    let kinds: Vec<Value> = received.iter().map(|it| it.json()["kind"].clone()).collect();
    assert_eq!(kinds, ["created", "created", "created", "test"]);
    let names: Vec<&str> = received
        .iter()
        .map(|it| it.headers["x-monlight-delivery"].as_str())
        .collect();
    assert!(
        names[0] == names[1] && names[1] == names[2] && names[2] != names[3],
        "{names:?}"
    );
    let metrics = client.get("/metrics").await.text();
    assert!(
        metrics.contains("monlight_alerts_sent_total 1\n"),
        "of this process"
    );
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_given_up_on_and_tried_again_and_holds_up_no_other() {
    let silent = Receiver::start([Reply::Silence]).await;
    let quick = Receiver::start([]).await;
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    channel(&mut client, "webhook", &silent.url("/")).await;
    channel(&mut client, "webhook", &quick.url("/")).await;
    file(&mut client, &report("shop", "E", "m", "t")).await;
    silent.wait_for(1).await;
    quick.wait_for(1).await;
    let of = async |client: &mut Client, channel: i64| {
        let all = deliveries(client).await;
        all.into_iter().find(|row| row["channel_id"] == channel).unwrap()
    };
    until("it is noted", async || of(&mut client, 1).await["attempts"] == 1).await;
    let row = of(&mut client, 1).await;
    assert_eq!(
        (&row["state"], &row["last_error"]),
        (&json!("waiting"), &json!("127.0.0.1 did not answer within 10s"))
    );
    assert_eq!(of(&mut client, 2).await["state"], "delivered");

    let server = later(&launch, server).await;
    let mut client = server.client();
    delivery_that_is(&mut client, row["id"].as_i64().unwrap(), "delivered").await;
    let received = silent.all();
    assert_eq!(
        received[0].headers["x-monlight-delivery"],
        received[1].headers["x-monlight-delivery"]
    );
    assert_eq!((received.len(), quick.all().len()), (2, 1));
}

#[tokio::test]
async fn an_answer_that_no_time_mends_is_not_asked_for_again() {
    let receiver = Receiver::start([Reply::Status(410, "no_service")]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &receiver.url("/")).await;
    let gone = send_test(&mut client, id).await;
    let row = delivery_that_is(&mut client, gone, "failed").await;
    assert_eq!(
        (&row["next_attempt_at"], &row["last_error"]),
        (&Value::Null, &json!("127.0.0.1 answered 410: no_service"))
    );
    let metrics = async |client: &mut Client, line: &str| client.get("/metrics").await.text().contains(line);
    assert!(metrics(&mut client, "monlight_alerts_failed_total 1\n").await);
}

/// A name of this machine other than localhost, from /etc/hosts.
fn other_name() -> Option<String> {
    let hosts = std::fs::read_to_string("/etc/hosts").ok()?;
    hosts
        .lines()
        .filter(|line| line.starts_with("127."))
        .flat_map(|line| line.split_whitespace().skip(1))
        .find(|name| *name != "localhost")
        .map(str::to_owned)
}

#[tokio::test]
async fn what_only_this_machine_can_reach_is_refused_or_not_reached_and_both_say_why() {
    let receiver = Receiver::start([]).await;
    let server = tracker().start().await;
    let mut client = server.client();
    let port = receiver.port;
    let allowed = "; ALERT_ALLOWED_HOSTS can allow it";
    for (target, expected) in [
        (
            "http://169.254.169.254/latest/".to_owned(),
            "169.254.169.254 is not connected to: its address is link-local, which cannot be allowed"
                .to_owned(),
        ),
        (
            format!("http://127.0.0.1:{port}/"),
            format!("127.0.0.1 is not connected to: its address is loopback{allowed}"),
        ),
        (
            format!("http://2130706433:{port}/"),
            format!("127.0.0.1 is not connected to: its address is loopback{allowed}"),
        ),
        (
            format!("http://[::ffff:127.0.0.1]:{port}/"),
            format!("::ffff:127.0.0.1 is not connected to: its address is loopback{allowed}"),
        ),
        (
            "http://10.0.0.1/".to_owned(),
            format!("10.0.0.1 is not connected to: its address is private{allowed}"),
        ),
        (
            format!("http://0.0.0.0:{port}/"),
            "0.0.0.0 is not connected to: its address is unspecified, which cannot be allowed".to_owned(),
        ),
    ] {
        for kind in ["webhook", "slack"] {
            let body = json!({"kind": kind, "target": target});
            let answer = post(&mut client, "/api/channels", body).await;
            assert_eq!(refusal(&answer), (400, expected.clone()), "{target}");
        }
    }
    // What a name means may change: it is looked up when something is sent.
    let mut names = vec!["localhost".to_owned()];
    match other_name() {
        Some(name) => names.push(name),
        None => skip("/etc/hosts has no other name for 127.0.0.1"),
    }
    for name in names {
        let id = channel(&mut client, "webhook", &format!("http://{name}:{port}/")).await;
        let test = send_test(&mut client, id).await;
        let row = delivery_that_is(&mut client, test, "failed").await;
        let why = row["last_error"].as_str().unwrap();
        assert!(
            why.starts_with(&format!("{name} (")) && why.ends_with(&format!("loopback{allowed}")),
            "{name}: {why}"
        );
        assert_eq!(row["next_attempt_at"], Value::Null);
    }
    assert!(receiver.all().is_empty());
}

#[tokio::test]
async fn allowed_hosts_are_reached_and_nothing_else_is() {
    let receiver = Receiver::start([]).await;
    let name = other_name();
    let allowed = [
        "localhost",
        name.as_deref().unwrap_or("localhost"),
        "169.254.169.254",
    ]
    .join(",");
    let server = tracker().env("ALERT_ALLOWED_HOSTS", allowed).start().await;
    let mut client = server.client();
    let port = receiver.port;
    for host in ["localhost"].into_iter().chain(name.as_deref()) {
        let id = channel(&mut client, "webhook", &format!("http://{host}:{port}/{host}")).await;
        let test = send_test(&mut client, id).await;
        delivery_that_is(&mut client, test, "delivered").await;
        assert_eq!(receiver.all().last().unwrap().path, format!("/{host}"));
    }
    // A host is allowed by its name, not its address; and where clouds hand out credentials, never.
    for target in [
        format!("http://127.0.0.1:{port}/"),
        "http://169.254.169.254/".to_owned(),
    ] {
        let body = json!({"kind": "webhook", "target": target});
        let answer = post(&mut client, "/api/channels", body).await;
        assert_eq!(answer.status, 400, "{target}: {}", answer.text());
    }
    let n_before = receiver.all().len();

    let server = tracker().env("ALERT_ALLOW_PRIVATE", "yes").start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &receiver.url("/")).await;
    let test = send_test(&mut client, id).await;
    delivery_that_is(&mut client, test, "delivered").await;
    assert_eq!(receiver.all().len(), n_before + 1);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let inner = Receiver::start([]).await;
    let to = format!("http://localhost:{}/secret", inner.port);
    let outer = Receiver::start([Reply::Redirect(to)]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &outer.url("/")).await;
    let test = send_test(&mut client, id).await;
    let row = delivery_that_is(&mut client, test, "failed").await;
    assert_eq!(
        row["last_error"],
        "127.0.0.1 answered with a redirect to localhost (302), which is not followed"
    );
    assert!(inner.all().is_empty());
}

#[tokio::test]
async fn without_another_rule_new_and_reopened_errors_are_told_to_all_channels() {
    let [one, other] = [Receiver::start([]).await, Receiver::start([]).await];
    let server = launch().start().await;
    let mut client = server.client();
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(
        rules,
        json!([{
            "id": 1, "project": null, "environment": null, "on_created": true, "on_reopened": true,
            "on_spike": true, "every_n": null, "quiet_hours": null, "channel_id": null, "is_paused": false,
        }])
    );
    channel(&mut client, "webhook", &one.url("/")).await;
    channel(&mut client, "webhook", &other.url("/")).await;
    let frame = "  File \"/srv/cart.py\", line 7, in pay";
    let id = file(&mut client, &report("shop", "E", "m", frame)).await;
    file(&mut client, &report("shop", "E", "m", frame)).await;
    one.wait_for(1).await;
    other.wait_for(1).await;
    post(&mut client, &format!("/api/errors/{id}/resolve"), json!({})).await;
    file(&mut client, &report("shop", "E", "again", frame)).await;
    for receiver in [&one, &other] {
        receiver.wait_for(2).await;
        let told = receiver.all();
        assert_eq!(
            (&told[0].json()["kind"], &told[1].json()["kind"]),
            (&json!("created"), &json!("reopened"))
        );
        assert_eq!(told[1].json()["title"], "Reopened: E");
        assert_eq!(
            (&told[1].json()["text"], &told[1].json()["count"]),
            (&json!("again"), &json!(3))
        );
    }
    // Without any rule nobody is told.
    assert_eq!(delete(&mut client, "/api/rules/1").await.status, 200);
    assert_eq!(delete(&mut client, "/api/rules/1").await.status, 404);
    file(&mut client, &report("shop", "Untold", "m", "t")).await;
    let rule = json!({"on_created": true, "project": "blog"});
    add(&mut client, "/api/rules", rule).await;
    file(&mut client, &report("blog", "Told", "m", "t")).await;
    one.wait_for(3).await;
    assert_eq!(titles(&one), ["E", "Reopened: E", "Told"]);
}

#[tokio::test]
async fn a_rule_is_changed_and_nobody_is_told_of_what_happens_while_it_is_paused() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, "webhook", &receiver.url("/")).await;
    let change = async |client: &mut Client, rule: Value| {
        let answer = client.send("PUT".parse().unwrap(), "/api/rules/1", &[], rule.to_string());
        answer.await.status.as_u16()
    };
    let paused = json!({"on_created": true, "every_n": 2, "is_paused": true});
    assert_eq!(change(&mut client, paused).await, 200);
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(
        rules,
        json!([{
            "id": 1, "project": null, "environment": null, "on_created": true, "on_reopened": false,
            "on_spike": false, "every_n": 2, "quiet_hours": null, "channel_id": null, "is_paused": true,
        }])
    );
    for message in ["one", "two"] {
        file(&mut client, &report("shop", "Untold", message, "t")).await;
    }
    assert_eq!(
        change(&mut client, json!({"on_created": true, "project": "blog"})).await,
        200
    );
    file(&mut client, &report("shop", "Other", "m", "t")).await;
    file(&mut client, &report("blog", "Told", "m", "t")).await;
    receiver.wait_for(1).await;
    assert_eq!(titles(&receiver), ["Told"]);
    assert_eq!(change(&mut client, json!({})).await, 400);
    delete(&mut client, "/api/rules/1").await;
    assert_eq!(change(&mut client, json!({"on_created": true})).await, 404);
}

#[tokio::test]
async fn a_rule_is_for_a_project_an_environment_and_a_channel() {
    let [shop, prod, all] = [
        Receiver::start([]).await,
        Receiver::start([]).await,
        Receiver::start([]).await,
    ];
    let server = launch().start().await;
    let mut client = server.client();
    delete(&mut client, "/api/rules/1").await;
    for (receiver, rule) in [
        (&shop, json!({"project": "shop", "on_created": true})),
        (&prod, json!({"environment": "prod", "on_created": true})),
        (&all, json!({"on_created": true})),
    ] {
        let id = channel(&mut client, "webhook", &receiver.url("/")).await;
        let mut rule = rule;
        rule["channel_id"] = json!(id);
        add(&mut client, "/api/rules", rule.clone()).await;
        if receiver.port == all.port {
            // Asked for twice, told once.
            add(&mut client, "/api/rules", rule).await;
        }
    }
    for (project, environment, name) in [
        ("shop", "prod", "ShopProd"),
        ("shop", "dev", "ShopDev"),
        ("blog", "prod", "BlogProd"),
    ] {
        let mut report = report(project, name, "m", name);
        report["environment"] = json!(environment);
        file(&mut client, &report).await;
    }
    shop.wait_for(2).await;
    prod.wait_for(2).await;
    all.wait_for(3).await;
    // They left in order: if the test is the last one, nothing was between.
    assert_eq!(client.post("/api/test-alert", "").await.status, 202);
    for (receiver, expected) in [
        (&shop, &["ShopProd", "ShopDev", "Test of alerts"][..]),
        (&prod, &["ShopProd", "BlogProd", "Test of alerts"]),
        (&all, &["ShopProd", "ShopDev", "BlogProd", "Test of alerts"]),
    ] {
        receiver.wait_for(expected.len()).await;
        assert_eq!(titles(receiver), expected);
    }
    for (bad, words) in [
        (json!({}), "a rule needs one of"),
        (json!({"project": "shop"}), "a rule needs one of"),
        (json!({"every_n": 0}), "every_n must be"),
        (json!({"every_n": 1.5}), "every_n must be"),
        (json!({"on_created": true, "channel_id": 99}), "no such channel"),
        (
            json!({"on_created": true, "quiet_hours": "at night"}),
            "quiet_hours: quiet hours must look like",
        ),
        (json!({"on_created": "yes"}), "the body must be"),
    ] {
        let answer = post(&mut client, "/api/rules", bad.clone()).await;
        let (status, detail) = refusal(&answer);
        assert!(
            status == 400 && detail.contains(words),
            "{bad}: {status} {detail}"
        );
    }
}

#[tokio::test]
async fn every_nth_report_of_a_group_is_told() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, "webhook", &receiver.url("/")).await;
    delete(&mut client, "/api/rules/1").await;
    add(
        &mut client,
        "/api/rules",
        json!({"every_n": 5, "project": "shop"}),
    )
    .await;
    let batch = |project: &str, n: usize| json!(vec![report(project, "E", "m", "t"); n]).to_string();
    for (n, n_told) in [(4, 0), (1, 1), (4, 1), (1, 2)] {
        client.post("/api/errors/batch", batch("blog", 5)).await;
        client.post("/api/errors/batch", batch("shop", n)).await;
        receiver.wait_for(n_told).await;
    }
    let told: Vec<(Value, Value)> = receiver
        .all()
        .iter()
        .map(|it| (it.json()["kind"].clone(), it.json()["count"].clone()))
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|(kind, _)| kind == "every_n"), "{told:?}");
    assert_eq!(told[1].1, 10);
    assert!(told[0].1 == 5, "{told:?}");
}

/// Quiet hours from so many hours before now to so many after.
fn hours(from: i64, to: i64) -> String {
    let now = time::OffsetDateTime::now_utc();
    let hour = |offset: i64| (i64::from(now.hour()) + offset).rem_euclid(24);
    format!("{:02}:00-{:02}:00", hour(from), hour(to))
}

#[tokio::test]
async fn in_quiet_hours_alerts_are_held_until_they_end() {
    let [quiet, loud] = [Receiver::start([]).await, Receiver::start([]).await];
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    delete(&mut client, "/api/rules/1").await;
    for (receiver, hours) in [(&quiet, hours(-1, 3)), (&loud, hours(4, 6))] {
        let id = channel(&mut client, "webhook", &receiver.url("/")).await;
        let rule = json!({"on_created": true, "channel_id": id, "quiet_hours": hours});
        add(&mut client, "/api/rules", rule).await;
    }
    file(&mut client, &report("shop", "E", "m", "t")).await;
    loud.wait_for(1).await;
    let state_of = async |client: &mut Client, channel: i64| {
        let all = deliveries(client).await;
        let mut rows = all.into_iter();
        let row = rows.find(|row| row["channel_id"] == channel && row["kind"] == "created");
        row.unwrap()["state"].clone()
    };
    assert_eq!(state_of(&mut client, 1).await, "held");
    // A test says whether the way is open, at any hour.
    let test = send_test(&mut client, 1).await;
    delivery_that_is(&mut client, test, "delivered").await;
    assert_eq!(titles(&quiet), ["Test of alerts"]);

    server.stop().await;
    let server = launch.start().await;
    let mut client = server.client();
    assert_eq!(state_of(&mut client, 1).await, "held");
    server.stop().await;
    // The hours pass.
    change(
        &launch,
        "update deliveries set hold_until = created_at where is_held = 1",
    );
    let server = launch.start().await;
    quiet.wait_for(2).await;
    assert_eq!(titles(&quiet), ["Test of alerts", "E"]);
    let mut client = server.client();
    until("it is noted", async || {
        state_of(&mut client, 1).await == "delivered"
    })
    .await;
    assert_eq!(titles(&loud), ["E"]);
}

#[tokio::test]
async fn a_deleted_channel_gives_up_what_waits_and_takes_its_rules_along() {
    let receiver = Receiver::start([Reply::Status(500, "")]).await;
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &receiver.url("/")).await;
    let rule = json!({"on_created": true, "channel_id": id, "quiet_hours": hours(-1, 3), "project": "held"});
    add(&mut client, "/api/rules", rule).await;
    let refused = send_test(&mut client, id).await;
    until("it was tried", async || {
        delivery(&mut client, refused).await["attempts"] == 1
    })
    .await;
    delete(&mut client, "/api/rules/1").await;
    file(&mut client, &report("held", "E", "m", "t")).await;
    until("it is held", async || {
        deliveries(&mut client)
            .await
            .iter()
            .any(|row| row["state"] == "held")
    })
    .await;
    let answer = delete(&mut client, &format!("/api/channels/{id}")).await;
    assert_eq!(answer.json(), json!({"status": "deleted", "id": id}));
    for row in deliveries(&mut client).await {
        assert_eq!(
            (&row["state"], &row["last_error"]),
            (&json!("failed"), &json!("its channel was deleted"))
        );
    }
    assert_eq!(get_json(&mut client, "/api/rules").await["rules"], json!([]));
    assert_eq!(
        delete(&mut client, &format!("/api/channels/{id}")).await.status,
        404
    );
    // Another one does not get what was meant for it, whatever its number.
    let other = Receiver::start([]).await;
    let id = channel(&mut client, "webhook", &other.url("/")).await;
    server.stop().await;
    let server = launch.start().await;
    let mut client = server.client();
    let test = send_test(&mut client, id).await;
    delivery_that_is(&mut client, test, "delivered").await;
    assert_eq!(titles(&other), ["Test of alerts"]);
    assert_eq!(receiver.all().len(), 1);
}

#[tokio::test]
async fn no_path_query_or_secret_is_in_any_answer_line_or_figure() {
    let reply = || Reply::Status(500, r#"{"error": "no such hook: /s3cr3t-path?k=s3cr3t-query"}"#);
    let receiver = Receiver::start([reply(), reply(), reply(), reply(), reply(), reply()]).await;
    let launch = launch().env("LOG_LEVEL", "debug");
    let server = launch.start().await;
    let mut client = server.client();
    let target = receiver.url("/s3cr3t-path?k=s3cr3t-query");
    for kind in ["webhook", "slack", "discord", "teams", "ntfy"] {
        let body = json!({"kind": kind, "target": target, "secret": "s3cr3t-key", "name": kind});
        let added = add(&mut client, "/api/channels", body).await;
        let shown = if kind == "webhook" {
            json!("s3cr3t-key")
        } else {
            Value::Null
        };
        assert_eq!(
            added["secret"], shown,
            "{kind}: shown this once, to who must check with it"
        );
        send_test(&mut client, added["id"].as_i64().unwrap()).await;
    }
    until("all were tried", async || {
        let all = deliveries(&mut client).await;
        all.iter().all(|row| row["attempts"].as_i64() >= Some(1))
    })
    .await;
    // Hosts that cannot be reached or looked up, and what is not taken at all.
    for target in [
        "http://127.0.0.1:1/s3cr3t-path",
        "http://nowhere.invalid/s3cr3t-path",
    ] {
        let id = channel(&mut client, "webhook", target).await;
        let test = send_test(&mut client, id).await;
        until("it was tried", async || {
            delivery(&mut client, test).await["attempts"] == 1
        })
        .await;
    }
    for bad in [
        "http://127.0.0.1:0/s3cr3t-path",
        "http://10.0.0.1/s3cr3t-path",
        "ftp://h/s3cr3t-path",
        "http://u:s3cr3t-pw@h/",
    ] {
        let answer = post(
            &mut client,
            "/api/channels",
            json!({"kind": "slack", "target": bad}),
        )
        .await;
        assert_eq!(answer.status, 400);
        assert!(!answer.text().contains("s3cr3t"), "{}", answer.text());
    }
    let cookie = sign_in(&server, server.key()).await;
    let mut visitor = browser(&server, &cookie);
    for path in ["/api/channels", "/api/deliveries", "/api/rules", "/metrics"] {
        let answer = client.get(path).await;
        assert!(!answer.text().contains("s3cr3t"), "{path}: {}", answer.text());
    }
    for path in ["/alerts", "/"] {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text().contains("s3cr3t"), "{path}");
    }
    let (_, log) = server.stop().await;
    assert!(!log.contains("s3cr3t"), "{log}");
    assert!(log.contains("was not delivered: 127.0.0.1 answered 500"), "{log}");
}

#[tokio::test]
async fn each_product_gets_its_own_shape() {
    let receiver = Receiver::start([]).await;
    let server = launch().env("BASE_URL", "https://mon.example.com").start().await;
    let mut client = server.client();
    for kind in ["slack", "discord", "teams", "ntfy"] {
        channel(&mut client, kind, &receiver.url(&format!("/{kind}/topic"))).await;
    }
    let id = file(&mut client, &report("shop", "ValueError", "bad <amount>", "t")).await;
    let all = receiver.wait_for(4).await;
    let of = |kind: &str| {
        let found = all.iter().find(|it| it.path.contains(kind));
        found.unwrap_or_else(|| panic!("{kind}: {all:?}")).clone()
    };
    let link = format!("https://mon.example.com/errors/{id}");
    for kind in ["slack", "discord", "teams", "ntfy"] {
        let alert = of(kind);
        let text = format!("{:?} {}", alert.headers, String::from_utf8_lossy(&alert.body));
        for words in ["ValueError", &link, "amount"] {
            assert!(text.contains(words), "{kind} has no {words}: {text}");
        }
    }
    assert!(of("slack").json()["text"].is_string() || of("slack").json()["blocks"].is_array());
    let discord = of("discord").json();
    assert!(discord["embeds"].is_array(), "{discord}");
    assert_eq!(discord["allowed_mentions"], json!({"parse": []}));
    let teams = of("teams").json();
    assert_eq!(
        (&teams["type"], &teams["attachments"][0]["contentType"]),
        (
            &json!("message"),
            &json!("application/vnd.microsoft.card.adaptive")
        )
    );
    until("all are delivered", async || {
        let all = deliveries(&mut client).await;
        all.len() == 4 && all.iter().all(|row| row["state"] == "delivered")
    })
    .await;
}

#[tokio::test]
async fn who_did_not_take_one_alert_is_not_asked_for_the_next_but_what_a_person_tries_goes_at_once() {
    let receiver = Receiver::start([Reply::Status(503, "")]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &receiver.url("/")).await;
    for name in ["A", "B", "C"] {
        file(&mut client, &report("shop", name, name, "t")).await;
    }
    until("one was refused", async || {
        let all = deliveries(&mut client).await;
        all.iter().any(|row| row["attempts"] == 1)
    })
    .await;
    // It works again, which lets the others go; the one that was refused waits its own time.
    let test = send_test(&mut client, id).await;
    delivery_that_is(&mut client, test, "delivered").await;
    let received = receiver.wait_for(4).await;
    let kinds: Vec<Value> = received.iter().map(|it| it.json()["kind"].clone()).collect();
    assert_eq!(kinds, ["created", "test", "created", "created"]);
    let refused = received[0].json()["title"].clone();
    assert!(received[2..].iter().all(|it| it.json()["title"] != refused));
}

#[tokio::test]
async fn the_history_has_pages() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let id = channel(&mut client, "webhook", &receiver.url("/")).await;
    for _ in 0..60 {
        send_test(&mut client, id).await;
    }
    let mut seen = Vec::new();
    let mut path = "/api/deliveries?limit=25".to_owned();
    loop {
        let page = get_json(&mut client, &path).await;
        let ids = page["deliveries"].as_array().unwrap().iter();
        seen.push(ids.map(|row| row["id"].as_i64().unwrap()).collect::<Vec<_>>());
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/deliveries?limit=25&cursor={cursor}"),
            None => break,
        }
    }
    let sizes: Vec<usize> = seen.iter().map(Vec::len).collect();
    assert_eq!(sizes, [25, 25, 10]);
    assert_eq!(seen.concat(), (1..=60).rev().collect::<Vec<i64>>());
    let answer = client.get("/api/deliveries?cursor=x").await;
    let why = "cursor must be the next_cursor of a page before";
    assert_eq!(refusal(&answer), (400, why.to_owned()));

    let cookie = sign_in(&server, server.key()).await;
    let mut visitor = browser(&server, &cookie);
    let page = visitor.get("/alerts").await.text();
    assert!(page.contains("href=\"alerts?before=11#history-title\""), "{page}");
    let older = visitor.get("/alerts?before=11").await.text();
    assert_eq!(older.matches("<td>Test</td>").count(), 10);
    assert!(!older.contains("?before="));
    let none = visitor.get("/alerts?before=1").await.text();
    assert!(none.contains("Nothing was sent before."));
}

#[tokio::test]
async fn a_webhook_is_added_once_and_shows_its_secret_once_however_often_the_page_is_loaded_again() {
    let server = launch().start().await;
    let cookie = sign_in(&server, server.key()).await;
    let form = "kind=webhook&name=Till&target=https%3A%2F%2Fhooks.example.com%2F";
    let answer = submit(&server, "/alerts/channels", Some(&cookie), form).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    assert_eq!(answer.header("location"), "../alerts?said=added&channel=1");
    let mut visitor = browser(&server, &cookie);
    let page = visitor.get("/alerts?said=added&channel=1").await.text();
    assert_eq!(page.matches("<code id=\"secret\">").count(), 1, "{page}");
    let again = visitor.get("/alerts?said=added&channel=1").await.text();
    assert!(
        !again.contains("id=\"secret\"") && again.contains("Added."),
        "{again}"
    );
    let channels = get_json(&mut server.client(), "/api/channels").await;
    assert_eq!(channels["channels"].as_array().unwrap().len(), 1);

    let form = "kind=slack&target=https%3A%2F%2Fhooks.example.com%2F&secret=s3cr3t";
    let answer = submit(&server, "/alerts/channels", Some(&cookie), form).await;
    assert_eq!(answer.header("location"), "../alerts?said=added");
    let other = visitor.get("/alerts?said=added&channel=2").await.text();
    assert!(
        !other.contains("s3cr3t") && !other.contains("id=\"secret\""),
        "{other}"
    );
}

#[tokio::test]
async fn a_form_that_is_refused_comes_back_filled_but_for_its_secret() {
    let server = launch().start().await;
    let mut client = server.client();
    file(&mut client, &report_with(&json!({"environment": "prod"}))).await;
    channel(&mut client, "webhook", "https://hooks.example.com/").await;
    let cookie = sign_in(&server, server.key()).await;
    let form = "kind=slack&name=Team+%22chat%22&target=not+a+URL&secret=s3cr3t&template=%7B%3C";
    let answer = submit(&server, "/alerts/channels", Some(&cookie), form).await;
    assert_eq!(answer.status, 400);
    let page = answer.text();
    for part in [
        "<details class=\"add\" open>",
        "<option value=\"slack\" selected>",
        "value=\"Team &#34;chat&#34;\"",
        "value=\"not a URL\"",
        ">{&#60;</textarea>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(page.matches("<details class=\"add\" open>").count(), 1);
    assert!(!page.contains("s3cr3t"), "{page}");

    let form = "on_spike=1&every_n=500&project=shop&environment=prod&channel_id=1&quiet_hours=at+night";
    let answer = submit(&server, "/alerts/rules", Some(&cookie), form).await;
    assert_eq!(answer.status, 400);
    let page = answer.text();
    for part in [
        "name=\"on_created\" value=\"1\"> ",
        "name=\"on_spike\" value=\"1\" checked> ",
        "value=\"500\"",
        "<option value=\"shop\" selected>",
        "<option value=\"prod\" selected>",
        "<option value=\"1\" selected>webhook</option>",
        "value=\"at night\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!page.contains("<details class=\"add\" open>"), "{page}");
    assert!(
        page.contains("<details class=\"add\" id=\"rule\" open>"),
        "{page}"
    );
}

#[tokio::test]
async fn a_rule_is_changed_and_paused_on_the_page() {
    let server = launch().start().await;
    let cookie = sign_in(&server, server.key()).await;
    let mut client = server.client();
    let rule = json!({
        "project": "shop", "environment": "prod", "on_spike": true, "every_n": 500, "quiet_hours": "22:00-07:00",
        "channel_id": 0, "is_paused": true,
    });
    file(
        &mut client,
        &report_with(&json!({"project": "shop", "environment": "prod"})),
    )
    .await;
    let id = add(&mut client, "/api/rules", rule).await["id"].clone();
    let page = client.get(&format!("/alerts?rule={id}")).await.text();
    for part in [
        "Change the rule</summary>",
        &format!("alerts/rules/{id}\" class=\"grid-form\""),
        "name=\"on_created\" value=\"1\"> ",
        "name=\"on_spike\" value=\"1\" checked> ",
        "value=\"500\"",
        "<option value=\"shop\" selected>",
        "<option value=\"prod\" selected>",
        "<option value=\"0\" selected>",
        "value=\"22:00-07:00\"",
        "<span class=\"badge\">paused</span>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let post = async |path: &str, form: &str| {
        let path = format!("/alerts/rules/{id}{path}");
        let answer = submit(&server, &path, Some(&cookie), form).await;
        (answer.status.as_u16(), answer.header("location").to_owned())
    };
    assert_eq!(
        post("", "on_created=1&project=blog").await,
        (303, "../../alerts?said=changed".to_owned())
    );
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(
        rules[1],
        json!({
            "id": id, "project": "blog", "environment": null, "on_created": true, "on_reopened": false,
            "on_spike": false, "every_n": null, "quiet_hours": null, "channel_id": null, "is_paused": true,
        })
    );
    assert_eq!(
        post("/resume", "").await,
        (303, "../../../alerts?said=resumed".to_owned())
    );
    assert_eq!(post("", "every_n=many").await.0, 400);
    assert_eq!(
        get_json(&mut client, "/api/rules").await["rules"][1]["is_paused"],
        false
    );
    assert_eq!(
        post("/pause", "").await,
        (303, "../../../alerts?said=paused".to_owned())
    );
    assert_eq!(
        get_json(&mut client, "/api/rules").await["rules"][1]["is_paused"],
        true
    );
}
