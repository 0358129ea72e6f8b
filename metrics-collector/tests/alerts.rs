//! Metric alerts: what is beyond a threshold or absent is told to a real receiver, and so is that it is well again.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{get_json, send};
use testkit::alerting::{add, channel, titles};
use testkit::{Client, Launch, Receiver, Value, json, openapi, until};

/// A collector whose alerts may go to receivers on 127.0.0.1, and which looks at its rules each second.
fn launch() -> Launch {
    crate::support::launch()
        .env("ALERT_ALLOWED_HOSTS", "127.0.0.1")
        .env("ALERT_INTERVAL", 1)
}

/// A gauge now.
async fn gauge(client: &mut Client, name: &str, value: f64, labels: Value) {
    send(
        client,
        &json!([{"name": name, "type": "gauge", "value": value, "labels": labels}]),
    )
    .await;
}

fn rule(more: &Value) -> Value {
    let mut rule = json!({
        "name": "Disk is full", "query": "name=disk_used_ratio&function=last", "condition": "above", "threshold": 0.9,
        "window": "1h",
    });
    for (name, value) in more.as_object().unwrap() {
        rule[name] = value.clone();
    }
    rule
}

async fn rules(client: &mut Client) -> Vec<Value> {
    let rules = get_json(client, "/api/rules").await["rules"].clone();
    rules.as_array().unwrap().clone()
}

/// How the lines of the first rule stand: labels and state.
async fn states(client: &mut Client) -> Value {
    let rules = rules(client).await;
    let states = rules[0]["states"].as_array().unwrap().iter();
    states.map(|it| json!([it["labels"], it["state"]])).collect()
}

#[tokio::test]
async fn a_line_beyond_its_threshold_is_told_and_so_is_that_it_is_well_again() {
    let receiver = Receiver::start([]).await;
    let launch = launch().env("BASE_URL", "https://mon.example.com/metrics/");
    let server = launch.start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let query = "?name=disk_used_ratio&labels=kind%3Dssd&group_by=host&function=last&range=1h";
    let id = add(&mut client, "/api/rules", rule(&json!({"query": query}))).await["id"].clone();
    assert_eq!(
        rules(&mut client).await,
        [json!({
            "id": id, "name": "Disk is full",
            "query": "name=disk_used_ratio&function=last&group_by=host&labels=kind%3Dssd",
            "condition": "above", "threshold": 0.9, "window": "1h", "hold": "0s", "quiet_hours": null,
            "channel_id": null, "is_paused": false, "states": [],
        })]
    );
    gauge(
        &mut client,
        "disk_used_ratio",
        0.95,
        json!({"host": "a", "kind": "ssd"}),
    )
    .await;
    gauge(
        &mut client,
        "disk_used_ratio",
        0.5,
        json!({"host": "b", "kind": "ssd"}),
    )
    .await;
    gauge(
        &mut client,
        "disk_used_ratio",
        0.99,
        json!({"host": "c", "kind": "tape"}),
    )
    .await;
    let told = receiver.wait_for(1).await.remove(0).json();
    assert_eq!(
        (&told["kind"], &told["title"], &told["text"]),
        (
            &json!("firing"),
            &json!("Disk is full (host=a)"),
            &json!("last of disk_used_ratio over 1h is 95 %, above 90 %.")
        )
    );
    assert_eq!(told["facts"][0], json!({"name": "host", "value": "a"}));
    let url = told["url"].as_str().unwrap();
    let path = url.strip_prefix("https://mon.example.com/metrics/").unwrap();
    assert!(
        path.starts_with("explore?name=disk_used_ratio&function=last&group_by=host&labels=kind%3Dssd&from="),
        "{path}"
    );
    assert_eq!(states(&mut client).await, json!([[{"host": "a"}, "firing"]]));
    let deliveries = get_json(&mut client, "/api/deliveries").await["deliveries"].clone();
    let event = deliveries[0]["event_id"].as_i64().unwrap();
    let answer = client.get(&format!("/alerts/events/{event}")).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (303, format!("../../{path}").as_str())
    );

    // A restart tells nothing twice, and forgets nothing.
    server.kill().await;
    let server = launch.start().await;
    let mut client = server.client();
    gauge(
        &mut client,
        "disk_used_ratio",
        0.4,
        json!({"host": "a", "kind": "ssd"}),
    )
    .await;
    let told = receiver.wait_for(2).await.remove(1).json();
    assert_eq!(
        (&told["kind"], &told["title"]),
        (&json!("resolved"), &json!("Resolved: Disk is full (host=a)"))
    );
    let text = told["text"].as_str().unwrap();
    assert!(
        text.starts_with("last of disk_used_ratio over 1h is 40 %; it was above 90 % for "),
        "{text}"
    );
    assert_eq!(states(&mut client).await, json!([]));
    assert_eq!(titles(&receiver).len(), 2);
}

#[tokio::test]
async fn it_must_be_so_for_the_hold_time() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    add(
        &mut client,
        "/api/rules",
        rule(&json!({"name": "long", "hold": "1h"})),
    )
    .await;
    add(
        &mut client,
        "/api/rules",
        rule(&json!({"name": "short", "hold": "2s"})),
    )
    .await;
    gauge(&mut client, "disk_used_ratio", 0.95, json!({})).await;
    receiver.wait_for(1).await;
    assert_eq!(states(&mut client).await, json!([[{}, "pending"]]));
    // What ends before its time is told nobody.
    gauge(&mut client, "disk_used_ratio", 0.1, json!({})).await;
    receiver.wait_for(2).await;
    assert_eq!(states(&mut client).await, json!([]));
    assert_eq!(titles(&receiver), ["short", "Resolved: short"]);
}

#[tokio::test]
async fn a_metric_that_is_absent_is_told_until_it_is_back() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let absent =
        json!({"name": "No backup", "query": "name=backup_done", "condition": "absent", "threshold": null});
    add(&mut client, "/api/rules", rule(&absent)).await;
    let told = receiver.wait_for(1).await.remove(0).json();
    assert_eq!(
        (&told["title"], &told["text"]),
        (
            &json!("No backup"),
            &json!("backup_done has had no samples for 1h.")
        )
    );
    gauge(&mut client, "backup_done", 1., json!({})).await;
    let told = receiver.wait_for(2).await.remove(1).json();
    assert_eq!(
        (&told["title"], &told["text"]),
        (
            &json!("Resolved: No backup"),
            &json!("backup_done has samples again.")
        )
    );
}

#[tokio::test]
async fn rates_sums_and_quantiles_are_told_by_their_own_units() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let slow = json!({
        "name": "slow", "query": "name=request_ms&function=p95&project=shop", "threshold": 800, "window": "1h",
    });
    add(&mut client, "/api/rules", rule(&slow)).await;
    let few = json!({
        "name": "few", "query": "name=orders&function=increase", "condition": "below", "threshold": 10,
    });
    add(&mut client, "/api/rules", rule(&few)).await;
    // That nothing was ever ordered is few, too.
    receiver.wait_for(1).await;
    let observed = |project: &str, value: u32| json!({"name": "request_ms", "type": "histogram", "value": value, "project": project});
    let mut metrics = vec![observed("shop", 1240); 20];
    metrics.extend(vec![observed("blog", 1); 100]);
    send(&mut client, &Value::from(metrics)).await;
    let mut told: Vec<Value> = receiver.wait_for(2).await.iter().map(|it| it.json()).collect();
    told.sort_by_key(|it| it["title"].to_string());
    assert_eq!(told[0]["text"], "increase of orders over 1h is 0, below 10.");
    let text = told[1]["text"].as_str().unwrap();
    assert!(
        text.starts_with("p95 of request_ms over 1h is 1.2") && text.ends_with(" s, above 800 ms."),
        "{text}"
    );
    assert_eq!(told[1]["project"], "shop");
}

#[tokio::test]
async fn many_lines_at_once_become_one_digest() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    let each = json!({"query": "name=disk_used_ratio&function=last&group_by=*"});
    let metrics: Vec<Value> = (0..5)
        .map(|n| json!({"name": "disk_used_ratio", "type": "gauge", "value": 1, "labels": {"host": format!("h{n}")}}))
        .collect();
    send(&mut client, &Value::from(metrics)).await;
    add(&mut client, "/api/rules", rule(&each)).await;
    let told = receiver.wait_for(1).await.remove(0).json();
    assert_eq!(told["title"], "[Monlight] Metric alerts: 5 firing");
    let text = told["text"].as_str().unwrap();
    assert_eq!(text.lines().count(), 5);
    assert!(
        text.ends_with("Disk is full (host=h0): last of disk_used_ratio over 1h is 100 %, above 90 %"),
        "{text}"
    );
}

#[tokio::test]
async fn a_rule_goes_with_its_channel_and_one_that_is_deleted_tells_nothing_more() {
    let [one, other] = [Receiver::start([]).await, Receiver::start([]).await];
    let server = launch().start().await;
    let mut client = server.client();
    let first = channel(&mut client, &one).await;
    let second = channel(&mut client, &other).await;
    add(&mut client, "/api/rules", rule(&json!({"channel_id": first}))).await;
    let gone = add(&mut client, "/api/rules", rule(&json!({"name": "gone"}))).await;
    let delete =
        async |client: &mut Client, path: &str| client.send("DELETE".parse().unwrap(), path, &[], "").await;
    let path = format!("/api/rules/{}", gone["id"]);
    let answer = delete(&mut client, &path).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    add(
        &mut client,
        "/api/rules",
        rule(&json!({"name": "other", "channel_id": second})),
    )
    .await;
    let answer = delete(&mut client, &format!("/api/channels/{second}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let left: Vec<Value> = rules(&mut client)
        .await
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert_eq!(left, ["Disk is full"]);
    gauge(&mut client, "disk_used_ratio", 0.95, json!({})).await;
    one.wait_for(1).await;
    assert_eq!(
        (titles(&one), titles(&other)),
        (vec!["Disk is full".to_owned()], vec![])
    );
}

#[tokio::test]
async fn whoever_was_told_that_it_fires_is_told_when_nobody_looks_any_more() {
    let receiver = Receiver::start([]).await;
    let server = launch().start().await;
    let mut client = server.client();
    channel(&mut client, &receiver).await;
    gauge(&mut client, "disk_used_ratio", 0.95, json!({})).await;
    let id = add(&mut client, "/api/rules", rule(&json!({}))).await["id"].clone();
    let path = format!("/api/rules/{id}");
    let change = async |client: &mut Client, more: Value| {
        let body = rule(&more).to_string();
        client.send("PUT".parse().unwrap(), &path, &[], body).await
    };
    receiver.wait_for(1).await;
    // Another name changes nothing of how it stands; another threshold begins anew.
    assert_eq!(change(&mut client, json!({"name": "Full"})).await.status, 200);
    assert_eq!(states(&mut client).await, json!([[{}, "firing"]]));
    assert_eq!(
        change(&mut client, json!({"name": "Full", "threshold": 0.8}))
            .await
            .status,
        200
    );
    let told = receiver.wait_for(2).await.remove(1).json();
    assert_eq!(
        (&told["kind"], &told["title"]),
        (&json!("resolved"), &json!("No longer watched: Full"))
    );
    receiver.wait_for(3).await;
    let paused = json!({"threshold": 0.8, "is_paused": true});
    assert_eq!(change(&mut client, paused).await.status, 200);
    receiver.wait_for(4).await;
    let rules = rules(&mut client).await;
    assert_eq!(
        (&rules[0]["is_paused"], &rules[0]["states"]),
        (&json!(true), &json!([]))
    );
    assert_eq!(change(&mut client, json!({"threshold": 0.8})).await.status, 200);
    receiver.wait_for(5).await;
    let answer = client.send("DELETE".parse().unwrap(), &path, &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    receiver.wait_for(6).await;
    assert_eq!(
        titles(&receiver),
        [
            "Disk is full",
            "No longer watched: Full",
            "Full",
            "No longer watched: Full",
            "Disk is full",
            "No longer watched: Disk is full"
        ]
    );
    assert_eq!(change(&mut client, json!({})).await.status, 404);
    let sent = get_json(&mut client, "/api/deliveries").await;
    let document = get_json(&mut client, "/openapi.json").await;
    assert!(sent["deliveries"].as_array().is_some_and(|all| all.len() == 6));
    openapi::check_values(&document, "/api/deliveries", &sent);
}

#[tokio::test]
async fn a_rule_is_changed_and_paused_on_the_page() {
    let server = launch().start().await;
    let mut client = server.client();
    let quiet = json!({"quiet_hours": "22:00-07:00", "channel_id": 0, "hold": "2m"});
    let id = add(&mut client, "/api/rules", rule(&quiet)).await["id"].clone();
    let page = client.get(&format!("/alerts?rule={id}")).await.text();
    for part in [
        "Change the rule</summary>".to_owned(),
        format!("alerts/rules/{id}\" class=\"grid-form\""),
        "value=\"Disk is full\"".to_owned(),
        "value=\"disk_used_ratio\"".to_owned(),
        "value=\"0.9\"".to_owned(),
        "value=\"2m\"".to_owned(),
        "value=\"22:00-07:00\"".to_owned(),
        "<option value=\"0\" selected>".to_owned(),
        "<option value=\"last\" selected>".to_owned(),
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
    let form = "rule_name=Fuller&metric=disk_used_ratio&function=max&condition=below&threshold=0.5&window=10m&hold=0s";
    assert_eq!(
        post("/pause", "").await,
        (303, "../../../alerts?said=paused".to_owned())
    );
    assert_eq!(
        post("", form).await,
        (303, "../../alerts?said=changed".to_owned())
    );
    let changed = rules(&mut server.client()).await.remove(0);
    assert_eq!(
        (
            &changed["name"],
            &changed["condition"],
            &changed["window"],
            &changed["is_paused"],
            &changed["quiet_hours"]
        ),
        (
            &json!("Fuller"),
            &json!("below"),
            &json!("10m"),
            &json!(true),
            &json!(null)
        )
    );
    assert_eq!(
        post("/resume", "").await,
        (303, "../../../alerts?said=resumed".to_owned())
    );
    assert_eq!(post("", &form.replace("0.5", "much")).await.0, 400);
    assert_eq!(rules(&mut server.client()).await[0]["is_paused"], false);
}

#[tokio::test]
async fn what_is_no_rule_is_refused_with_the_name_of_what_is_wrong() {
    let server = launch().start().await;
    let mut client = server.client();
    gauge(&mut client, "load", 1., json!({})).await;
    for (more, why) in [
        (json!({"name": " "}), "name must have 1 to 100 characters"),
        (
            json!({"query": "function=avg"}),
            "Missing required parameter: name",
        ),
        (
            json!({"query": "name=x&function=most"}),
            "function must be one of avg",
        ),
        (json!({"query": "name=x&labels=a=~("}), "labels"),
        (
            json!({"query": "name=load&function=p95"}),
            "metrics of this kind have no such function",
        ),
        (
            json!({"query": format!("name={}", "x".repeat(2000))}),
            "query has at most 2000 bytes",
        ),
        (json!({"condition": "beyond"}), "condition must be above or below"),
        (json!({"threshold": null}), "with a number as threshold"),
        (json!({"window": "9s"}), "window must be a time from 10s to 24h"),
        (json!({"window": "25h"}), "window must be a time from 10s to 24h"),
        (json!({"hold": "soon"}), "hold must be a time from 0s to 24h"),
        (
            json!({"quiet_hours": "at night"}),
            "quiet_hours: quiet hours must look like",
        ),
        (json!({"channel_id": 7}), "there is no such channel"),
        (json!({"name": 7}), "the body must be"),
    ] {
        let answer = client.post("/api/rules", rule(&more).to_string()).await;
        assert_eq!(answer.status, 400, "{why}: {}", answer.text());
        assert!(answer.detail().contains(why), "{why}: {}", answer.detail());
    }
    assert_eq!(rules(&mut client).await, [] as [Value; 0]);
}

#[tokio::test]
async fn the_page_makes_a_rule_of_a_query_shows_how_it_stands_and_gives_a_refused_form_back() {
    let server = launch().start().await;
    let mut client = server.client();
    gauge(&mut client, "disk_used_ratio", 0.95, json!({"host": "<a>"})).await;
    let page = client
        .get("/alerts?name=disk_used_ratio&function=max&labels=host%21%3Db&group_by=host&range=6h")
        .await
        .text();
    for part in [
        "<details class=\"add\" id=\"rule\" open>",
        "value=\"disk_used_ratio\"",
        "<option value=\"max\" selected>",
        "value=\"host!=b\"",
        "placeholder=\"path\" value=\"host\"",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    let form = "rule_name=Full&metric=disk_used_ratio&project=&labels=host%21%3Db&group_by=host&function=max&condition=above&threshold=much&window=5m&hold=&channel_id=&quiet_hours=22%3A00-07%3A00";
    let refused = client
        .send("POST".parse().unwrap(), "/alerts/rules", &own, form.to_owned())
        .await;
    assert_eq!(refused.status, 400);
    let page = refused.text();
    for part in [
        "threshold must be a number",
        "value=\"Full\"",
        "value=\"much\"",
        "value=\"22:00-07:00\"",
        "<option value=\"max\" selected>",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let form = form.replace("much", "0.9").replace("22%3A00-07%3A00", "");
    let done = client
        .send("POST".parse().unwrap(), "/alerts/rules", &own, form)
        .await;
    assert_eq!(
        (done.status.as_u16(), done.header("location")),
        (303, "../alerts?said=added")
    );
    until("it fires", async || {
        states(&mut server.client()).await == json!([[{"host": "<a>"}, "firing"]])
    })
    .await;
    let page = client.get("/alerts").await.text();
    for part in [
        "max of disk_used_ratio",
        "above 90 % over 5m",
        "where host!=b, by host",
        "<span class=\"badge firing\">firing</span> host=&#60;a&#62;",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[tokio::test]
async fn a_counter_is_alerted_on_by_its_rate_unless_something_else_is_asked() {
    let server = launch().start().await;
    let mut client = server.client();
    let counted = json!([
        {"name": "orders_total", "type": "counter", "value": 5},
        {"name": "took_seconds", "type": "histogram", "value": 5},
    ]);
    send(&mut client, &counted).await;
    for (asked, function) in [
        ("name=orders_total", "function=rate"),
        ("name=orders_total&function=increase", "function=increase"),
        ("name=took_seconds", "function=p95"),
        ("name=took_seconds&function=p75", "function=p75"),
    ] {
        let page = client.get(&format!("/explore?{asked}&range=6h")).await.text();
        let link = page
            .split("alerts?")
            .nth(1)
            .and_then(|rest| rest.split("#rules").next());
        assert!(
            link.is_some_and(|link| link.ends_with(function)),
            "{asked}: {link:?}"
        );
        let form = client.get(&format!("/alerts?{asked}&{function}")).await.text();
        let chosen = format!("<option value=\"{}\" selected>", &function["function=".len()..]);
        assert!(form.contains(&chosen), "{asked}: {form}");
    }
    let own = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("sec-fetch-site", "same-origin"),
    ];
    for (metric, function) in [
        ("orders_total", "rate"),
        ("took_seconds", "p95"),
        ("not_yet_total", "rate"),
        ("not_yet", "avg"),
    ] {
        let form =
            format!("rule_name=x&metric={metric}&function=usual&condition=above&threshold=1&window=5m");
        let done = client
            .send("POST".parse().unwrap(), "/alerts/rules", &own, form)
            .await;
        assert_eq!(done.status, 303, "{metric}: {}", done.text());
        let query = rules(&mut client).await.last().unwrap()["query"].to_string();
        assert_eq!(query, format!("\"name={metric}&function={function}\""));
    }
    // A rule that the API made without one is changed as what it is.
    let quantile = rule(&json!({"query": "name=took_seconds&function=quantile(0.9)"}));
    for (rule, chosen) in [
        (quantile, "quantile(0.9)"),
        (rule(&json!({"query": "name=orders_total"})), "avg"),
    ] {
        let id = add(&mut client, "/api/rules", rule).await["id"].clone();
        let page = client.get(&format!("/alerts?rule={id}")).await.text();
        assert!(
            page.contains(&format!("<option value=\"{chosen}\" selected>")),
            "{page}"
        );
    }
}
