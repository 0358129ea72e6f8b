//! Services behind that are down, slow or busy, and a relay that is killed: what was acknowledged arrives, once, in
//! order. `OUTAGE_ROUNDS` makes it longer.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{PROJECT, database, get_json, page, refusal, relay, report, service, wired};
use testkit::{Client, Receiver, Reply, Value, eventually, json, until};
use tokio::sync::watch;

fn rounds(default: usize) -> usize {
    std::env::var("OUTAGE_ROUNDS")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(default)
}

/// Messages of all groups of the tracker with their counts.
async fn counts(client: &mut Client) -> BTreeMap<String, i64> {
    let mut all = BTreeMap::new();
    loop {
        let path = format!("/api/errors?limit=200&offset={}", all.len());
        let list = get_json(client, &path).await;
        let rows = list["errors"].as_array().unwrap();
        for row in rows {
            all.insert(
                row["message"].as_str().unwrap().to_owned(),
                row["count"].as_i64().unwrap(),
            );
        }
        if rows.len() < 200 {
            return all;
        }
    }
}

/// An error of a group of its own: the message is all that tells it apart.
fn lone(number: usize) -> String {
    let word: String = number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'a'))
        .collect();
    json!({"type": "Lone", "message": format!("event {word}"), "stack": ""}).to_string()
}

#[tokio::test]
async fn what_a_dead_tracker_cannot_take_arrives_later_in_order_and_once() {
    let tracker = service("error-tracker").on_its_own_port();
    let running = tracker.start().await;
    let (collector, viewer) = (
        service("metrics-collector").start().await,
        service("log-viewer").start().await,
    );
    let launch = wired(&running, &collector, &viewer);
    let relay = launch.start().await;
    running.kill().await;
    for number in 0..30 {
        let answer = page(&relay).post("/api/browser/errors", lone(number)).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    let shown = relay.client().get("/").await.text();
    assert!(shown.contains("30</data> waiting"), "{shown}");
    // A relay that is killed meanwhile loses none of them.
    relay.kill().await;
    let relay = launch.start().await;
    let running = tracker.start().await;
    let counts = eventually("all arrive", async || {
        let counts = counts(&mut running.client()).await;
        (counts.len() == 30).then_some(counts)
    })
    .await;
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
    let list = get_json(&mut running.client(), "/api/errors?limit=200").await;
    let mut ids: Vec<(i64, String)> = list["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["id"].as_i64().unwrap(),
                row["message"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    ids.sort_unstable();
    let order: Vec<String> = ids.into_iter().map(|(_, message)| message).collect();
    let sent: Vec<String> = (0..30)
        .map(|n| {
            serde_json::from_str::<testkit::Value>(&lone(n)).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(order, sent);
    // With nothing waiting, the tracker's own answers come back.
    eventually("the way is straight again", async || {
        let answer = page(&relay).post("/api/browser/errors", lone(0)).await;
        (answer.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn metrics_and_logs_wait_too_and_are_stored_once() {
    let tracker = service("error-tracker").start().await;
    let (collector, viewer) = (
        service("metrics-collector").on_its_own_port(),
        service("log-viewer").on_its_own_port(),
    );
    let (metrics, logs) = (collector.start().await, viewer.start().await);
    let relay = wired(&tracker, &metrics, &logs).start().await;
    metrics.kill().await;
    logs.kill().await;
    for _ in 0..20 {
        // A name that sounds like a secret's makes no secret of a number, which would spoil the batch.
        let batch = r#"{"metrics": [{"name": "n", "type": "counter", "value": 1},
            {"name": "password_resets", "type": "counter", "value": 1}]}"#;
        assert_eq!(
            page(&relay).post("/api/browser/metrics", batch).await.json(),
            json!({"status": "accepted", "count": 2})
        );
        let batch = r#"{"logs": [{"level": "info", "message": "waited"}]}"#;
        assert_eq!(page(&relay).post("/api/browser/logs", batch).await.status, 202);
    }
    let (metrics, logs) = (collector.start().await, viewer.start().await);
    for name in ["n", "password_resets"] {
        eventually("all metrics arrive", async || {
            let path = format!("/api/metrics?name={name}&period=1h");
            let told = get_json(&mut metrics.client(), &path).await;
            let sums: f64 = told["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["sum"].as_f64().unwrap())
                .sum();
            assert!(sums <= 20., "{told}");
            (sums == 20.).then_some(())
        })
        .await;
    }
    eventually("all lines arrive", async || {
        let total = get_json(&mut logs.client(), "/api/logs?search=waited").await["total"]
            .as_i64()
            .unwrap();
        assert!(total <= 20);
        (total == 20).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_silent_tracker_holds_up_no_browser_and_takes_each_event_once() {
    let tracker = service("error-tracker").start().await;
    let (collector, viewer) = (
        service("metrics-collector").start().await,
        service("log-viewer").start().await,
    );
    let relay = wired(&tracker, &collector, &viewer)
        .env("UPSTREAM_TIMEOUT", "300ms")
        .start()
        .await;
    assert_eq!(
        page(&relay).post("/api/browser/errors", lone(0)).await.status,
        201
    );
    // It reads on, in its sockets, and answers nothing: what it took it will have taken.
    tracker.signal("STOP");
    for number in 1..6 {
        assert_eq!(
            page(&relay)
                .post("/api/browser/errors", lone(number))
                .await
                .status,
            202
        );
    }
    tracker.signal("CONT");
    let counts = eventually("all arrive", async || {
        let counts = counts(&mut tracker.client()).await;
        (counts.len() == 6).then_some(counts)
    })
    .await;
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
}

#[tokio::test]
async fn a_full_outbox_says_so_and_old_events_are_given_up_and_counted() {
    let tracker = service("error-tracker").start().await;
    let (collector, viewer) = (
        service("metrics-collector").start().await,
        service("log-viewer").start().await,
    );
    let launch = wired(&tracker, &collector, &viewer)
        .env("OUTBOX_MAX_MB", 1)
        .env("OUTBOX_MAX_AGE", "1h");
    tracker.kill().await;
    let relay = launch.start().await;
    let large = report(&"x".repeat(60_000)).to_string();
    let mut full = None;
    for _ in 0..30 {
        let answer = page(&relay).post("/api/browser/errors", large.clone()).await;
        match answer.status.as_u16() {
            202 => {}
            _ => full = Some(answer),
        }
    }
    let full = full.expect("it does not take without end");
    assert_eq!(refusal(&full), (503, "the outbox is full".to_owned()));
    assert!(full.header("retry-after").parse::<u64>().unwrap() > 0);
    // On a relay that keeps events for a second, all of these are too old soon.
    relay.stop().await;
    let relay = launch.env("OUTBOX_MAX_AGE", "1s").start().await;
    let shown = eventually("they are too old", async || {
        let shown = relay.client().get("/").await.text();
        shown.contains("waited too long").then_some(shown)
    })
    .await;
    assert!(shown.contains("the outbox was full"), "{shown}");
}

#[tokio::test]
async fn kills_at_any_moment_lose_nothing_and_double_nothing() {
    let tracker = service("error-tracker").on_its_own_port();
    let running = tracker.start().await;
    let (collector, viewer) = (
        service("metrics-collector").start().await,
        service("log-viewer").start().await,
    );
    let address = running.address;
    let launch = wired(&running, &collector, &viewer)
        .on_its_own_port()
        .env("UPSTREAM_TIMEOUT", "500ms");
    let mut relay = launch.start().await;
    let mut running = Some(running);
    let (mut next, mut acknowledged) = (0, Vec::new());
    for round in 0..rounds(4) {
        // Two pages send while something dies: each round after another number of answers.
        let (answered, mut n_answered) = watch::channel(0);
        let mut senders = tokio::task::JoinSet::new();
        for half in 0..2 {
            let (mut client, first) = (page(&relay), next + half * 20);
            let answered = answered.clone();
            senders.spawn(async move {
                let mut taken = Vec::new();
                for number in first..first + 20 {
                    let sent = client
                        .try_send("POST".parse().unwrap(), "/api/browser/errors", &[], lone(number))
                        .await;
                    match sent {
                        Ok(answer) if answer.status.is_success() => taken.push(number),
                        _ => break,
                    }
                    answered.send_modify(|n| *n += 1);
                }
                taken
            });
        }
        next += 40;
        n_answered.wait_for(|n| *n > 7 * (round % 5)).await.unwrap();
        if round % 2 == 0 {
            if let Some(running) = running.take() {
                running.kill().await;
            }
        } else {
            relay.kill().await;
            relay = launch.start().await;
        }
        while let Some(taken) = senders.join_next().await {
            acknowledged.extend(taken.unwrap());
        }
        if running.is_none() && round % 4 != 0 {
            running = Some(tracker.start().await);
        }
    }
    let running = match running {
        Some(running) => running,
        None => tracker.start().await,
    };
    assert_eq!(running.address, address);
    assert!(!acknowledged.is_empty());
    let wanted: Vec<String> = acknowledged
        .iter()
        .map(|n| {
            serde_json::from_str::<testkit::Value>(&lone(*n)).unwrap()["message"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let counts = eventually("all that was acknowledged arrives", async || {
        let counts = counts(&mut running.client()).await;
        wanted
            .iter()
            .all(|message| counts.contains_key(message))
            .then_some(counts)
    })
    .await;
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
}

/// Messages that a tracker was sent, one by one or many together.
fn messages(tracker: &Receiver) -> BTreeSet<String> {
    let events = tracker
        .all()
        .into_iter()
        .flat_map(|request| match request.json() {
            Value::Array(events) => events,
            event => vec![event],
        });
    events
        .map(|event| event["message"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn what_waits_is_delivered_after_a_commit_that_failed() {
    let launch = relay()
        .env("ERROR_TRACKER_URL", "http://127.0.0.1:1")
        .env("ERROR_TRACKER_API_KEY", "k");
    let server = launch.start().await;
    // More than go together.
    for number in 0..101 {
        let answer = page(&server).post("/api/browser/errors", lone(number)).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    server.stop().await;
    // It takes nothing until the trigger is there, which would keep the relay from starting.
    let tracker = Receiver::start([(); 4].map(|()| Reply::Status(503, ""))).await;
    let server = launch
        .clone()
        .env("ERROR_TRACKER_URL", tracker.url("/"))
        .start()
        .await;
    let hand = database(&launch);
    // What leaves then is refused when it is committed, and not before.
    hand.execute_batch(
        "create table parents (id integer primary key);
         create table children (id integer references parents (id) deferrable initially deferred);
         create trigger late after delete on outbox begin insert into children values (1); end",
    )
    .unwrap();
    until("a commit fails", async || {
        server.log().contains("the outbox cannot be read or written")
    })
    .await;
    hand.execute_batch("drop trigger late").unwrap();
    let n_waiting = || -> i64 {
        hand.query_row("select count(*) from outbox", [], |row| row.get(0))
            .unwrap()
    };
    until("the queue is empty", async || n_waiting() == 0).await;
    assert_eq!(messages(&tracker).len(), 101);
    until("nothing is said to wait", async || {
        !server.client().get("/").await.text().contains("</data> waiting")
    })
    .await;
    // Whatever the counters say, it is looked for.
    hand.execute(
        "insert into outbox (backend, event_id, project, queued_at, body)
         values (1, 'e', ?1, unixepoch() * 1000, ?2)",
        (PROJECT, report("forgotten").to_string().into_bytes()),
    )
    .unwrap();
    until("it is found", async || n_waiting() == 0).await;
    assert!(messages(&tracker).contains("forgotten"));
}

#[tokio::test]
async fn what_lay_here_while_the_relay_was_off_is_tried_before_it_is_given_up() {
    let launch = relay()
        .env("ERROR_TRACKER_URL", "http://127.0.0.1:1")
        .env("ERROR_TRACKER_API_KEY", "k");
    let server = launch.start().await;
    for number in 0..3 {
        let answer = page(&server).post("/api/browser/errors", lone(number)).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
    }
    server.stop().await;
    let hand = database(&launch);
    hand.execute("update outbox set queued_at = 1", []).unwrap();
    let tracker = Receiver::start([]).await;
    let _server = launch.env("ERROR_TRACKER_URL", tracker.url("/")).start().await;
    until("the queue is empty", async || {
        hand.query_row("select count(*) = 0 from outbox", [], |row| row.get(0))
            .unwrap()
    })
    .await;
    assert_eq!(messages(&tracker).len(), 3);
}

#[tokio::test]
async fn the_doctor_says_which_service_behind_is_well_refuses_the_key_or_is_away() {
    let (tracker, collector) = (
        crate::support::service("error-tracker").start().await,
        crate::support::service("metrics-collector").start().await,
    );
    let launch = crate::support::relay()
        .env("ERROR_TRACKER_URL", format!("http://{}", tracker.address))
        .env("ERROR_TRACKER_API_KEY", tracker.key())
        .env("METRICS_COLLECTOR_URL", format!("http://{}", collector.address))
        .env("METRICS_COLLECTOR_API_KEY", "wrong")
        .env("LOG_VIEWER_URL", "http://127.0.0.1:1")
        .env("LOG_VIEWER_API_KEY", "any");
    let output = launch.command(&["doctor"]).output().await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let says = |words: &str| {
        assert!(
            text.lines()
                .any(|line| words.split('…').all(|word| line.contains(word))),
            "{words}: {text}"
        )
    };
    says("ok …upstream…the error tracker at …takes our key");
    says("WRONG …upstream…the metrics collector at …refuses our key (401)");
    says("WRONG …upstream…the log viewer at http://127.0.0.1:1 does not answer");
    assert_eq!(output.status.code(), Some(1));
    let n_groups = tracker.client().get("/api/errors").await.json()["total"].clone();
    assert_eq!(n_groups, 0, "nothing was stored");
}
