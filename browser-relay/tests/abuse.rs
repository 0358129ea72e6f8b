//! What the open internet does: floods, slow senders, many origins, hostile maps and stacks.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use std::time::Duration;

use crate::support::{KEY, ORIGIN, Stack, page, relay, report};
use testkit::{Server, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn assert_alive(server: &Server) {
    let answer = page(server)
        .post("/api/browser/errors", report("alive").to_string())
        .await;
    assert!(answer.status.is_success(), "{} {}", answer.status, answer.text());
}

#[tokio::test]
async fn b21_wrong_keys_lock_out_nobody() {
    let server = relay().env("RATE_LIMIT", 300).start().await;
    let mut stranger = server
        .stranger()
        .with_header("x-monlight-key", "wrong")
        .with_header("origin", ORIGIN);
    let mut statuses = std::collections::BTreeMap::<u16, u32>::new();
    // A minute gives 300 back: so many more than that are refused at some time, however slow we are.
    while statuses.get(&429).is_none_or(|n| *n <= 50) {
        assert!(statuses.values().sum::<u32>() < 10_000, "{statuses:?}");
        let answer = stranger.post("/api/browser/errors", "{}").await;
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
            assert_eq!(answer.header("access-control-allow-origin"), ORIGIN);
        }
    }
    assert!(statuses[&401] >= 300, "{statuses:?}");
    assert_alive(&server).await;
    let asked = [("origin", ORIGIN), ("access-control-request-method", "POST")];
    let preflight = server
        .stranger()
        .send("OPTIONS".parse().unwrap(), "/api/browser/errors", &asked, "")
        .await;
    assert_eq!(preflight.status, 204);
    assert_eq!(server.client().get("/api/dsn-keys").await.status, 200);
}

#[tokio::test]
async fn one_noisy_project_leaves_the_others_their_budget() {
    let server = relay()
        .env("DSN_RATE_LIMIT", 50)
        .env("DSN_KEYS", format!("web:{KEY},noisy:loud"))
        .start()
        .await;
    let mut noisy = server.stranger().with_header("x-monlight-key", "loud");
    let mut n_refused = 0;
    for _ in 0..200 {
        n_refused += u32::from(
            noisy
                .post("/api/browser/errors", report("m").to_string())
                .await
                .status
                == 429,
        );
    }
    // Were it to take a minute, 50 more would be taken.
    assert!(n_refused >= 100, "{n_refused}");
    for _ in 0..40 {
        assert_alive(&server).await;
    }
}

#[tokio::test]
async fn b17_memory_stays_flat() {
    let stack = Stack::start().await;
    let mut client = page(&stack.relay);
    let event = report(&"x".repeat(5_000)).to_string();
    let batch = json!({"metrics": (0..10).map(|_| json!({"name": "n", "type": "counter", "value": 1})).collect::<Vec<_>>()}).to_string();
    let mut round = async |n: usize| {
        for _ in 0..n {
            client.post("/api/browser/errors", event.clone()).await;
            client.post("/api/browser/metrics", batch.clone()).await;
            client.post("/api/browser/errors", "nonsense").await;
        }
        stack.relay.resident_bytes()
    };
    let before = round(100).await;
    let after = round(400).await;
    assert!(after < before + (4 << 20), "{before} bytes became {after}");
}

#[tokio::test]
async fn many_slow_senders_hold_up_nobody() {
    let server = relay().start().await;
    let mut slow = Vec::new();
    for number in 0..300 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let head = match number % 3 {
            0 => "POST /api/browser/errors HTTP/1.1\r\nhost: x\r\nx-mon".to_owned(),
            1 => format!(
                "POST /api/browser/errors HTTP/1.1\r\nhost: x\r\nx-monlight-key: {KEY}\r\ncontent-length: 500\r\n\r\n{{"
            ),
            _ => String::new(),
        };
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    assert_alive(&server).await;
    assert!(server.resident_bytes() < 40 << 20, "{}", server.resident_bytes());
    drop(slow);
    assert_alive(&server).await;
}

#[tokio::test]
async fn thousands_of_origins_and_keys_leave_nothing_behind() {
    let server = relay().start().await;
    assert_alive(&server).await;
    let before = server.resident_bytes();
    let mut client = server.stranger();
    for number in 0..5_000 {
        let (origin, key) = (format!("https://{number}.example"), format!("key-{number}"));
        let headers = [("origin", origin.as_str()), ("x-monlight-key", key.as_str())];
        let method = if number % 2 == 0 { "POST" } else { "OPTIONS" };
        let answer = client
            .send(method.parse().unwrap(), "/api/browser/errors", &headers, "{}")
            .await;
        assert_eq!(
            (
                answer.status.as_u16(),
                answer.header("access-control-allow-origin")
            ),
            (401, "")
        );
    }
    assert!(server.resident_bytes() < before + (3 << 20));
}

#[tokio::test]
async fn b3_hostile_maps_stacks_and_bodies_are_refused_or_survived() {
    let stack = Stack::start().await;
    let mut admin = stack.relay.client();
    let whole =
        |mappings: &str| format!(r#"{{"version":3,"sources":["a.ts"],"names":[],"mappings":"{mappings}"}}"#);
    let maps = [
        whole(&format!("A{}A", "g".repeat(100_000))),
        whole("D,D,D,AAAA,AADA"),
        whole(&"g".repeat(1_000_000)),
        whole("+++++++/////D,AAAA"),
        whole(&";".repeat(10_000_000)),
        whole(&"AAAA,".repeat(1_000_000)),
        format!(r#"{{"version":3,"sections":[{}]}}"#, vec![r#"{"offset":{"line":4294967295,"column":4294967295},"map":{"version":3,"sources":[],"mappings":"A"}}"#; 1000].join(",")),
        "{\"version\":3,\"sources\":".to_owned() + &"[".repeat(2_000_000),
        r#"{"version":3,"sources":["../../../../etc/passwd","file:///etc/passwd","\u0000"],"sourcesContent":["\ud800",null,5],"names":["\ud800"],"mappings":"AAAAA"}"#.to_owned(),
    ];
    for (number, map) in maps.into_iter().enumerate() {
        let path = format!("/api/source-maps?project=web&release=1&file_url=/{number}.js");
        let answer = admin.send("PUT".parse().unwrap(), &path, &[], map).await;
        assert!(
            [201, 400].contains(&answer.status.as_u16()),
            "{number}: {}",
            answer.text()
        );
        let stack_text = format!(
            "at a (https://h/{number}.js:1:1)\nat b (https://h/{number}.js:4294967295:4294967295)\nat c (https://h/{number}.js:0:0)"
        );
        let event = json!({"type": "E", "message": number.to_string(), "stack": stack_text, "release": "1"});
        let answer = page(&stack.relay)
            .post("/api/browser/errors", event.to_string())
            .await;
        assert!(answer.status.is_success(), "{number}: {}", answer.text());
    }
    assert!(
        stack.relay.resident_bytes() < 120 << 20,
        "{}",
        stack.relay.resident_bytes()
    );
    for body in [
        format!(
            r#"{{"type":"E","message":"m","stack":"","context":{}1{}}}"#,
            "{\"a\":".repeat(10_000),
            "}".repeat(10_000)
        ),
        json!({"type": "E", "message": "m", "stack": "at (((((((".repeat(6_000)}).to_string(),
        json!({"type": "E", "message": "m", "stack": "@:1:1\n".repeat(9_000), "release": "1"}).to_string(),
        "[".repeat(60_000),
    ] {
        let answer = page(&stack.relay).post("/api/browser/errors", body).await;
        assert!(
            answer.status.as_u16() < 500,
            "{} {}",
            answer.status,
            answer.text()
        );
    }
    assert_alive(&stack.relay).await;
}

#[tokio::test]
async fn b16_an_idle_connection_blocks_nobody_and_a_missing_length_kills_nothing() {
    let server = relay().start().await;
    let _idle = TcpStream::connect(server.address).await.unwrap();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream
        .write_all(b"POST /api/browser/errors HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer));
    read.await.expect("it answers").unwrap();
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
    assert_alive(&server).await;
}
