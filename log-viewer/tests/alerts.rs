//! Log alerts: saved searches that are told of, to a real receiver on this machine.

use crate::support::{get_json, send, viewer};
use testkit::alerting::{add, channel, titles};
use testkit::{Client, Launch, Receiver, Value, json, until};

/// A log viewer whose alerts may go to receivers on 127.0.0.1.
fn launch() -> Launch {
    viewer().env("ALERT_ALLOWED_HOSTS", "127.0.0.1")
}

/// An entry of this moment.
fn entry(container: &str, level: &str, message: &str) -> Value {
    json!({"container": container, "level": level, "message": message})
}

async fn send_many(client: &mut Client, n: usize, entry: &Value) {
    send(client, &Value::from(vec![entry.clone(); n])).await;
}

/// Something else that is told, to know that all before it was looked at.
async fn mark(client: &mut Client, receiver: &Receiver, n_before: usize) {
    send(client, &json!([entry("mark", "INFO", "mark")])).await;
    receiver.wait_for(n_before + 1).await;
}

/// A rule for [`mark`].
fn mark_rule() -> Value {
    json!({"name": "mark", "query": "container=mark", "matches": 1, "within_minutes": 1, "pause_minutes": 0})
}

#[tokio::test]
async fn a_search_that_matches_often_enough_is_told_with_a_link_to_what_matched() {
    let receiver = Receiver::start([]).await;
    let server = launch()
        .env("BASE_URL", "https://mon.example.com/logs/")
        .start()
        .await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let rule = json!({
        "name": "Payments time out", "query": "?search=timeout+payment&level=%3E%3DERROR&container=web&range=1h",
        "matches": 3, "within_minutes": 5,
    });
    let id = add(&mut client, "/api/rules", rule).await["id"].as_i64().unwrap();
    send_many(&mut client, 2, &entry("web", "ERROR", "payment timeout")).await;
    // What fits not in all, or is of long ago, does not count.
    send(
        &mut client,
        &json!([
            entry("db", "ERROR", "payment timeout"), entry("web", "INFO", "payment timeout"),
            entry("web", "ERROR", "payment done"),
            {"container": "web", "level": "ERROR", "message": "payment timeout", "timestamp": "2026-01-01T00:00:00Z"},
        ]),
    )
    .await;
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(
        rules,
        json!([{
            "id": id, "name": "Payments time out", "query": "search=timeout%20payment&level=%3E%3DERROR&container=web",
            "matches": 3, "within_minutes": 5, "pause_minutes": 60, "quiet_hours": null, "channel_id": null,
            "is_paused": false, "told_at": null,
        }])
    );
    send(
        &mut client,
        &json!([entry("web", "CRITICAL", "payment\ntimeout \u{1b}[31mred")]),
    )
    .await;
    let told = receiver.wait_for(1).await.remove(0).json();
    assert_eq!(told["kind"], "matched");
    assert_eq!(told["title"], "Payments time out");
    assert_eq!(told["count"], 3);
    assert_eq!(
        told["text"],
        "3 matches within 5 minutes; told from 3.\n\n\
         web ERROR payment timeout\nweb ERROR payment timeout\nweb CRITICAL payment timeout red"
    );
    assert_eq!(
        told["facts"],
        json!([
            {"name": "Search", "value": "timeout payment"}, {"name": "Level", "value": ">=ERROR"},
            {"name": "Containers", "value": "web"},
        ])
    );
    // The link finds what matched: here and from the history.
    let url = told["url"].as_str().unwrap();
    let query = url.strip_prefix("https://mon.example.com/logs/?").unwrap();
    let found = get_json(&mut client, &format!("/api/logs?{query}")).await;
    assert_eq!(found["total"], 3, "{query}");
    let deliveries = get_json(&mut client, "/api/deliveries").await["deliveries"].clone();
    let firing = deliveries[0]["firing_id"].as_i64().unwrap();
    let answer = client.get(&format!("/alerts/firings/{firing}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, format!("../../?{query}").as_str())
    );
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert!(rules[0]["told_at"].is_string());
}

#[tokio::test]
async fn after_an_alert_there_is_a_pause_and_without_one_each_match_counts_once() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    for (name, pause) in [("paused", 60), ("again", 0)] {
        let rule = json!({
            "name": name, "query": "search=boom", "matches": 2, "within_minutes": 1440, "pause_minutes": pause,
        });
        add(&mut client, "/api/rules", rule).await;
    }
    add(&mut client, "/api/rules", mark_rule()).await;
    let boom = entry("web", "ERROR", "boom");
    send_many(&mut client, 2, &boom).await;
    receiver.wait_for(2).await;
    send_many(&mut client, 1, &boom).await;
    mark(&mut client, &receiver, 2).await;
    assert_eq!(titles(&receiver), ["paused", "again", "mark"]);
    send_many(&mut client, 1, &boom).await;
    receiver.wait_for(4).await;
    assert_eq!(titles(&receiver)[3], "again");
}

#[tokio::test]
async fn what_matched_before_a_restart_counts_and_what_was_told_does_not_again() {
    let receiver = Receiver::start([]).await;
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    for (name, search) in [("told", "boom"), ("not yet", "bang")] {
        let rule = json!({
            "name": name, "query": format!("search={search}"), "matches": 2, "within_minutes": 60,
            "pause_minutes": 0,
        });
        add(&mut client, "/api/rules", rule).await;
    }
    send_many(&mut client, 2, &entry("web", "ERROR", "boom")).await;
    receiver.wait_for(1).await;
    send_many(&mut client, 1, &entry("web", "ERROR", "bang")).await;
    server.kill().await;
    let server = launch.start().await;
    let mut client = server.client();
    send_many(&mut client, 1, &entry("web", "ERROR", "bang")).await;
    receiver.wait_for(2).await;
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    add(&mut client, "/api/rules", mark_rule()).await;
    mark(&mut client, &receiver, 2).await;
    assert_eq!(titles(&receiver), ["told", "not yet", "mark"]);
}

#[tokio::test]
async fn what_is_ahead_of_the_clock_or_late_is_told_once() {
    let receiver = Receiver::start([]).await;
    let launch = launch();
    let server = launch.start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let rule = json!({
        "name": "once", "query": "search=boom", "matches": 1, "within_minutes": 60, "pause_minutes": 0,
    });
    add(&mut client, "/api/rules", rule).await;
    let unix = std::time::UNIX_EPOCH.elapsed().expect("the clock is set");
    let at = |seconds: u64| json!({"container": "web", "message": "boom", "timestamp": seconds * 1000});
    send_many(&mut client, 1, &at(unix.as_secs() + 600)).await;
    receiver.wait_for(1).await;
    send_many(&mut client, 1, &at(unix.as_secs() - 600)).await;
    receiver.wait_for(2).await;
    server.stop().await;
    let server = launch.start().await;
    let mut client = server.client();
    add(&mut client, "/api/rules", mark_rule()).await;
    mark(&mut client, &receiver, 2).await;
    assert_eq!(titles(&receiver), ["once", "once", "mark"]);
}

#[tokio::test]
async fn in_quiet_hours_it_is_held_and_a_rule_may_mean_one_channel() {
    let [one, other] = [Receiver::start([]).await, Receiver::start([]).await];
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &one).await;
    let other_id = channel(&mut client, &other).await;
    let rule = |name: &str, more: Value| {
        let mut rule = json!({"name": name, "query": "search=boom", "matches": 1, "within_minutes": 1});
        for (name, value) in more.as_object().unwrap() {
            rule[name] = value.clone();
        }
        rule
    };
    // Quiet but for one minute that is twelve hours away.
    let hour = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs()
        / 3600
        % 24;
    let quiet = format!("{0:02}:01-{0:02}:00", (hour + 12) % 24);
    add(
        &mut client,
        "/api/rules",
        rule("quiet", json!({"quiet_hours": quiet})),
    )
    .await;
    add(
        &mut client,
        "/api/rules",
        rule("other", json!({"channel_id": other_id})),
    )
    .await;
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    other.wait_for(1).await;
    assert_eq!((titles(&one), titles(&other)), (vec![], vec!["other".to_owned()]));
    let deliveries = get_json(&mut client, "/api/deliveries?limit=500").await["deliveries"].clone();
    let held = deliveries
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["state"] == "held");
    assert_eq!(held.count(), 2, "{deliveries}");

    // Its rules go with the channel.
    let answer = client
        .send(
            "DELETE".parse().unwrap(),
            &format!("/api/channels/{other_id}"),
            &[],
            "",
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(rules.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn many_at_once_become_one_digest() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    for n in 0..4 {
        let rule =
            json!({"name": format!("rule {n}"), "query": "search=boom", "matches": 1, "within_minutes": 1});
        add(&mut client, "/api/rules", rule).await;
    }
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    let told = receiver.wait_for(1).await.remove(0).json();
    assert_eq!(told["kind"], "digest");
    assert_eq!(told["title"], "[Monlight] 4 log alerts");
    // Rules that came while entries were taken in are asked after the others.
    let mut lines: Vec<&str> = told["text"].as_str().unwrap().lines().collect();
    lines.sort_unstable();
    let expected: Vec<String> = (0..4)
        .map(|n| format!("rule {n}: 1 match within a minute"))
        .collect();
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn a_rule_is_changed_and_paused_and_what_comes_in_a_pause_never_counts() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let rule = json!({
        "name": "boom", "query": "search=boom", "matches": 2, "within_minutes": 1440, "pause_minutes": 0,
    });
    let id = add(&mut client, "/api/rules", rule.clone()).await["id"].clone();
    add(&mut client, "/api/rules", mark_rule()).await;
    let path = format!("/api/rules/{id}");
    let change = async |client: &mut Client, more: Value| {
        let mut rule = rule.clone();
        for (name, value) in more.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let answer = client
            .send("PUT".parse().unwrap(), &path, &[], rule.to_string())
            .await;
        answer.status.as_u16()
    };
    let boom = entry("web", "ERROR", "boom");
    send_many(&mut client, 1, &boom).await;
    assert_eq!(change(&mut client, json!({"is_paused": true})).await, 200);
    let listed = get_json(&mut client, "/api/rules").await["rules"][0].clone();
    assert_eq!(
        (&listed["name"], &listed["is_paused"]),
        (&json!("boom"), &json!(true))
    );
    send_many(&mut client, 3, &boom).await;
    mark(&mut client, &receiver, 0).await;
    assert_eq!(change(&mut client, json!({"name": "louder"})).await, 200);
    send_many(&mut client, 1, &boom).await;
    mark(&mut client, &receiver, 1).await;
    assert_eq!(titles(&receiver), ["mark", "mark"]);
    send_many(&mut client, 1, &boom).await;
    let told = receiver.wait_for(3).await.remove(2).json();
    assert_eq!((&told["title"], &told["count"]), (&json!("louder"), &json!(2)));
    // Another search finds what there is in its window.
    let other = json!({"query": "container=mark", "name": "marks"});
    assert_eq!(change(&mut client, json!({"matches": 0})).await, 400);
    send(
        &mut client,
        &json!([entry("mark", "INFO", "mark"), entry("mark", "INFO", "mark")]),
    )
    .await;
    receiver.wait_for(4).await;
    assert_eq!(change(&mut client, other).await, 200);
    let told = receiver.wait_for(5).await.remove(4).json();
    assert_eq!((&told["title"], &told["count"]), (&json!("marks"), &json!(2)));
    let answer = client.send("DELETE".parse().unwrap(), &path, &[], "").await;
    assert_eq!(answer.status, 200);
    assert_eq!(change(&mut client, json!({})).await, 404);
}

#[tokio::test]
async fn a_rule_is_changed_and_paused_on_the_page() {
    let server = launch().start().await;
    let mut client = server.client();
    let rule = json!({
        "name": "Payments time out", "query": "search=timeout&level=%3E%3DERROR&container=web", "matches": 3,
        "within_minutes": 5, "pause_minutes": 7, "quiet_hours": "22:00-07:00", "channel_id": 0,
    });
    let id = add(&mut client, "/api/rules", rule).await["id"].clone();
    let page = client.get(&format!("/alerts?rule={id}")).await.text();
    for part in [
        "Change the rule</summary>".to_owned(),
        format!("alerts/rules/{id}\" class=\"grid-form\""),
        "value=\"Payments time out\"".to_owned(),
        "value=\"timeout\"".to_owned(),
        "name=\"containers\" maxlength=\"500\" value=\"web\"".to_owned(),
        "name=\"matches\" required inputmode=\"numeric\" pattern=\"[0-9]*\" value=\"3\"".to_owned(),
        "pattern=\"[0-9]*\" value=\"5\"".to_owned(),
        "pattern=\"[0-9]*\" value=\"7\"".to_owned(),
        "value=\"22:00-07:00\"".to_owned(),
        "<option value=\"0\" selected>".to_owned(),
    ] {
        assert!(page.contains(&part), "{part}: {page}");
    }
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let mut post = async |path: &str, form: &str| {
        let path = format!("/alerts/rules/{id}{path}");
        let answer = client
            .send("POST".parse().unwrap(), &path, &own, form.to_owned())
            .await;
        (answer.status.as_u16(), answer.header("location").to_owned())
    };
    assert_eq!(
        post("/pause", "").await,
        (303, "../../../alerts?said=paused".to_owned())
    );
    let form = "name=Slower&search=slow&matches=4&within_minutes=6&pause_minutes=0";
    assert_eq!(
        post("", form).await,
        (303, "../../alerts?said=changed".to_owned())
    );
    let rules = get_json(&mut server.client(), "/api/rules").await["rules"].clone();
    assert_eq!(
        rules,
        json!([{
            "id": id, "name": "Slower", "query": "search=slow", "matches": 4, "within_minutes": 6,
            "pause_minutes": 0, "quiet_hours": null, "channel_id": null, "is_paused": true, "told_at": null,
        }])
    );
    let page = server.client().get("/alerts").await.text();
    assert!(page.contains("<span class=\"badge\">paused</span>"), "{page}");
    assert_eq!(
        post("/resume", "").await,
        (303, "../../../alerts?said=resumed".to_owned())
    );
    assert_eq!(post("", &form.replace('4', "many")).await.0, 400);
    let rules = get_json(&mut server.client(), "/api/rules").await["rules"].clone();
    assert_eq!(rules[0]["is_paused"], false);
}

#[tokio::test]
async fn what_is_no_rule_is_refused_with_the_name_of_what_is_wrong() {
    let server = launch().start().await;
    let mut client = server.client();
    let check = async |client: &mut Client, more: Value, why: &str| {
        let mut rule = json!({"name": "r", "query": "search=x", "matches": 1, "within_minutes": 1});
        for (name, value) in more.as_object().unwrap() {
            rule[name] = value.clone();
        }
        let answer = client.post("/api/rules", rule.to_string()).await;
        assert_eq!(answer.status, 400, "{why}");
        assert!(answer.detail().contains(why), "{}", answer.detail());
    };
    for (more, why) in [
        (json!({"name": " "}), "name must have 1 to 100 characters"),
        (
            json!({"matches": 0}),
            "matches must be a whole number from 1 to 10000",
        ),
        (json!({"matches": 1.5}), "matches must be a whole number"),
        (json!({"matches": null}), "matches must be a whole number"),
        (
            json!({"within_minutes": 1441}),
            "within_minutes must be a whole number from 1 to 1440",
        ),
        (
            json!({"pause_minutes": -1}),
            "pause_minutes must be a whole number from 0 to 10080",
        ),
        (
            json!({"query": "level=loud"}),
            "level in query must be one of DEBUG",
        ),
        (json!({"query": "stream=both"}), "'stream' is stdout or stderr"),
        (json!({"query": "x".repeat(2001)}), "query has at most 2000 bytes"),
        (
            json!({"quiet_hours": "at night"}),
            "quiet_hours: quiet hours must look like",
        ),
        (json!({"channel_id": 7}), "there is no such channel"),
        (json!({"name": 7}), "the body must be"),
    ] {
        check(&mut client, more, why).await;
    }
    assert_eq!(get_json(&mut client, "/api/rules").await, json!({"rules": []}));
    let gone = client
        .send("DELETE".parse().unwrap(), "/api/rules/1", &[], "")
        .await;
    assert_eq!(
        (gone.status.as_u16(), gone.detail()),
        (404, "Rule not found".to_owned())
    );
}

#[tokio::test]
async fn the_page_makes_a_rule_of_a_search_and_gives_a_refused_form_back() {
    let server = launch().start().await;
    let mut client = server.client();
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    let page = client.get("/?search=a%26b&level=ERROR&range=1h").await.text();
    assert!(
        page.contains("href=\"alerts?search=a%26b&#38;level=ERROR"),
        "{page}"
    );
    let page = client
        .get("/alerts?search=a%26b&level=ERROR&container=web&container=db")
        .await
        .text();
    for part in [
        "<details class=\"add\" id=\"rule\" open>",
        "value=\"a&#38;b\"",
        "<option value=\"ERROR\" selected>",
        "name=\"containers\" maxlength=\"500\" value=\"db, web\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let form = "name=Too+loud&search=a%26b&level=ERROR&containers=db%2C+web&stream=&matches=many&within_minutes=5&pause_minutes=7&channel_id=&quiet_hours=";
    let refused = client
        .send("POST".parse().unwrap(), "/alerts/rules", &own, form.to_owned())
        .await;
    assert_eq!(refused.status, 400);
    let page = refused.text();
    for part in [
        "matches must be a whole number",
        "value=\"Too loud\"",
        "value=\"many\"",
        "value=\"7\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let form = form.replace("many", "10");
    let done = client
        .send("POST".parse().unwrap(), "/alerts/rules", &own, form)
        .await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, "../alerts?said=added")
    );
    let rules = get_json(&mut client, "/api/rules").await["rules"].clone();
    assert_eq!(
        rules[0]["query"],
        "search=a%26b&level=ERROR&container=db&container=web"
    );
    let page = client.get("/alerts").await.text();
    for part in [
        "Too loud",
        "10 matches within 5 minutes",
        "a&#38;b, ERROR, of db, web",
        "pause of 7 minutes",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let done = client
        .send("POST".parse().unwrap(), "/alerts/rules/1/delete", &own, "")
        .await;
    assert_eq!(done.header("location"), "../../../alerts?said=deleted");
    assert_eq!(get_json(&mut client, "/api/rules").await, json!({"rules": []}));
}

#[tokio::test]
async fn without_a_channel_a_match_is_told_nobody_and_the_next_one_with_one_is() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    let rule =
        json!({"name": "r", "query": "search=boom", "matches": 1, "within_minutes": 1, "pause_minutes": 0});
    add(&mut client, "/api/rules", rule).await;
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    until("it fired", async || {
        get_json(&mut client, "/api/rules").await["rules"][0]["told_at"].is_string()
    })
    .await;
    channel(&mut client, &receiver).await;
    send_many(&mut client, 1, &entry("web", "ERROR", "boom")).await;
    receiver.wait_for(1).await;
    assert_eq!(titles(&receiver), ["r"]);
}
