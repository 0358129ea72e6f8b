//! The live tail: who gets what, what is missed, and how one comes back.

use crate::support::{Tail, entry, get_json, send, start, viewer};
use testkit::{Client, Server, Value, json};

/// Sends `n` entries at once, numbered from `from`.
async fn flood(client: &mut Client, container: &str, from: usize, n: usize) {
    let entries: Vec<Value> = (from..from + n)
        .map(|i| entry(container, "INFO", 1, &format!("line {i}")))
        .collect();
    send(client, &Value::Array(entries)).await;
}

async fn next_messages(tail: &mut Tail, n: usize) -> Vec<String> {
    let mut messages = Vec::new();
    for _ in 0..n {
        messages.push(tail.message().await);
    }
    messages
}

fn lines(from: usize, to: usize) -> Vec<String> {
    (from..to).map(|i| format!("line {i}")).collect()
}

async fn id_of(server: &Server, message: &str) -> u64 {
    let list = get_json(
        &mut server.client(),
        &format!("/api/logs?q=%22{}%22", message.replace(' ', "%20")),
    )
    .await;
    let rows = list["logs"].as_array().cloned().unwrap_or_default();
    let row = rows.into_iter().find(|row| row["message"] == message);
    row.and_then(|row| row["id"].as_u64()).unwrap_or_default()
}

#[tokio::test]
async fn every_reader_gets_what_passes_its_own_filter_in_order() {
    let server = start().await;
    let mut client = server.client();
    let mut all = Tail::open(&server, "", "").await;
    let mut errors = Tail::open(&server, "level=%3E%3DERROR", "").await;
    let mut web = Tail::open(&server, "container=web&q=refused", "").await;
    send(
        &mut client,
        &json!([
            entry("web", "INFO", 1, "one"),
            entry("db", "ERROR", 2, "two refused"),
            entry("web", "CRITICAL", 3, "three refused"),
        ]),
    )
    .await;
    send(&mut client, &json!([entry("web", "INFO", 4, "four Refused")])).await;
    assert_eq!(
        next_messages(&mut all, 4).await,
        ["one", "two refused", "three refused", "four Refused"]
    );
    assert_eq!(
        next_messages(&mut errors, 2).await,
        ["two refused", "three refused"]
    );
    assert_eq!(
        next_messages(&mut web, 2).await,
        ["three refused", "four Refused"]
    );
}

#[tokio::test]
async fn a_reader_who_comes_back_goes_on_after_the_last_entry_it_had() {
    let server = start().await;
    let mut client = server.client();
    flood(&mut client, "web", 0, 3).await;
    let last = id_of(&server, "line 0").await;
    // More than is read at once, so that the past comes in several pieces.
    flood(&mut client, "web", 3, 1000).await;
    flood(&mut client, "db", 0, 10).await;
    let mut tail = Tail::open(&server, "container=web", &format!("last-event-id: {last}\r\n")).await;
    flood(&mut client, "web", 1003, 5).await;
    assert_eq!(next_messages(&mut tail, 1007).await, lines(1, 1008));
    let mut by_query = Tail::open(&server, &format!("container=db&last_event_id={last}"), "").await;
    assert_eq!(next_messages(&mut by_query, 10).await, lines(0, 10));
}

#[tokio::test]
async fn a_reader_who_comes_back_with_an_id_that_is_not_yet_given_hears_from_now_on() {
    let server = start().await;
    let mut client = server.client();
    flood(&mut client, "web", 0, 3).await;
    let mut tail = Tail::open(&server, "last_event_id=5000", "").await;
    let event = tail.next().await;
    assert_eq!((event.name.as_str(), &event.data), ("gap", &json!({"missed": 3})));
    flood(&mut client, "web", 3, 2).await;
    assert_eq!(next_messages(&mut tail, 2).await, lines(3, 5));
}

#[tokio::test]
async fn a_reader_who_comes_back_late_hears_how_many_entries_are_gone() {
    let server = viewer().env("MAX_ENTRIES", "100").start().await;
    let mut client = server.client();
    let long = "x".repeat(20_000);
    for batch in 0..10 {
        let entries: Vec<Value> = (0..100)
            .map(|i| entry("web", "INFO", batch, &format!("{batch} {i} {long}")))
            .collect();
        send(&mut client, &Value::Array(entries)).await;
    }
    crate::support::until("the first ones are gone", async || {
        let mut tail = Tail::open(&server, "last_event_id=1", "").await;
        let first = tail.next().await;
        let then = tail.next().await;
        let missed = first.data["missed"].as_u64();
        first.name == "gap" && then.name == "log" && then.id == missed.map(|missed| missed + 2)
    })
    .await;
}

/// What comes while a reader is brought up to date is neither missed nor sent twice.
#[tokio::test]
async fn coming_back_in_the_middle_of_a_flood_loses_and_repeats_nothing() {
    let server = start().await;
    let mut client = server.client();
    flood(&mut client, "web", 0, 1).await;
    let last = id_of(&server, "line 0").await;
    let writing = async {
        for batch in 0..40 {
            flood(&mut client, "web", 1 + batch * 25, 25).await;
        }
    };
    let reading = async {
        let mut tails = Vec::new();
        for _ in 0..8 {
            tails.push(Tail::open(&server, &format!("last_event_id={last}"), "").await);
        }
        for tail in &mut tails {
            assert_eq!(next_messages(tail, 1000).await, lines(1, 1001));
        }
    };
    tokio::join!(writing, reading);
}

/// A reader that does not read is told how many it missed; the others get everything meanwhile.
#[tokio::test]
async fn a_slow_reader_gets_the_number_it_missed_and_holds_up_nobody() {
    const N: usize = 6_000;
    let server = start().await;
    let mut client = server.client();
    let mut slow = Tail::open(&server, "level=INFO", "").await;
    let mut other = Tail::open(&server, "container=other", "").await;
    let padding = "x".repeat(8_000);
    // 48 MB: more than the ring and what sockets hold.
    for batch in 0..N / 100 {
        let entries: Vec<Value> = (batch * 100..batch * 100 + 100)
            .map(|i| entry("web", "INFO", 1, &format!("{i} {padding}")))
            .collect();
        send(&mut client, &Value::Array(entries)).await;
        if batch % 10 == 0 {
            send(
                &mut client,
                &json!([entry("other", "DEBUG", 1, &format!("beside {batch}"))]),
            )
            .await;
            assert_eq!(other.message().await, format!("beside {batch}"));
        }
    }
    send(&mut client, &json!([entry("web", "INFO", 1, "the last")])).await;
    let (mut n_seen, mut n_missed, mut next) = (0, 0, 0);
    loop {
        let event = slow.next().await;
        match event.name.as_str() {
            "gap" => {
                let missed = event.data["missed"].as_u64().unwrap_or_default();
                n_missed += missed;
                next += missed;
            }
            "log" => {
                let message = event.data["message"].as_str().unwrap_or_default();
                if message == "the last" {
                    break;
                }
                let number = message.split(' ').next().and_then(|n| n.parse().ok());
                assert_eq!(number, Some(next), "what is missing was told before");
                n_seen += 1;
                next += 1;
            }
            _ => {}
        }
    }
    assert!(n_missed > 0, "it was slow enough to miss some");
    assert_eq!(n_seen + n_missed, N as u64);
}

#[tokio::test]
async fn an_entry_is_shown_with_its_colours_and_a_long_one_is_shortened() {
    let server = start().await;
    let mut tail = Tail::open(&server, "", "").await;
    let long = "é".repeat(20_000);
    send(
        &mut server.client(),
        &json!([
            entry("web", "INFO", 1, "\u{1b}[31mred\u{1b}[0m http://a/b"),
            entry("web", "INFO", 2, &long)
        ]),
    )
    .await;
    let event = tail.next().await;
    assert_eq!(
        event.data["parts"],
        json!([
            {"text": "red", "class": "fg1"},
            {"text": " "},
            {"text": "http://a/b", "link": true}
        ])
    );
    let event = tail.next().await;
    assert_eq!(event.data["shortened"], true);
    let id = event.id.unwrap_or_default();
    let whole = get_json(&mut server.client(), &format!("/api/logs/{id}")).await;
    assert_eq!(whole["message"], long);
}

#[tokio::test]
async fn a_tail_ends_with_the_server_and_says_so() {
    let server = start().await;
    let mut tail = Tail::open(&server, "", "").await;
    let stopping = tokio::spawn(server.stop());
    let event = tail.next().await;
    assert_eq!(
        (event.name.as_str(), &event.data),
        ("close", &json!({"reason": "shutdown"}))
    );
    let (status, log) = stopping.await.expect("stopping does not panic");
    assert!(status.success(), "{log}");
}

/// B27: the original had five streams, looked once a second, sent at most 100 rows a second, without ids.
#[tokio::test]
async fn b27_fifty_streams_get_a_thousand_lines_each_with_ids() {
    let server = viewer().start().await;
    let mut tails = Vec::new();
    for _ in 0..50 {
        tails.push(Tail::open(&server, "container=web", "").await);
    }
    flood(&mut server.client(), "web", 0, 1000).await;
    for tail in &mut tails {
        let mut last_id = 0;
        for expected in lines(0, 1000) {
            let event = tail.next().await;
            assert_eq!(event.data["message"], expected);
            assert!(event.id > Some(last_id));
            last_id = event.id.unwrap_or_default();
        }
    }
}
