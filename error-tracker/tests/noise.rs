//! Events of browsers that nobody can mend: answered, counted, and not stored.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{browser, file, get_json, report, report_with, sign_in, start, tracker, until};
use testkit::{Client, Server, Value, json};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// One of each kind, as the relay sends them, by the reason that is answered.
fn noises() -> [(&'static str, Value); 5] {
    let of = |more: Value| {
        let mut report = report_with(&json!({
            "project": "web", "exception_type": "TypeError", "message": "x is undefined",
            "traceback": "TypeError: x is undefined\n    at pay (https://shop.example/app.js:1:2)",
            "request_method": "BROWSER", "request_url": "https://shop.example/cart",
            "request_headers": {"User-Agent": FIREFOX},
        }));
        for (name, value) in more.as_object().unwrap() {
            report[name] = value.clone();
        }
        report
    };
    let extension = "TypeError: x is undefined\n    at run (chrome-extension://abcdef/content.js:1:2)";
    [
        ("browser_extension", of(json!({ "traceback": extension }))),
        (
            "script_error",
            of(json!({"exception_type": "Error", "message": "Script error.", "traceback": ""})),
        ),
        (
            "resize_observer",
            of(json!({"message": "ResizeObserver loop limit exceeded", "traceback": ""})),
        ),
        (
            "bot",
            of(json!({"request_headers": {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}})),
        ),
        (
            "localhost",
            of(json!({"request_url": "http://localhost:5173/cart"})),
        ),
    ]
}

async fn total(client: &mut Client) -> Value {
    get_json(client, "/api/errors?state=all").await["total"].clone()
}

/// What `/metrics` says.
async fn n_filtered(client: &mut Client) -> String {
    let metrics = client.get("/metrics").await.text();
    let mut values = metrics
        .lines()
        .filter_map(|line| line.strip_prefix("monlight_errors_filtered_total "));
    values.next().unwrap().to_owned()
}

/// The words of the inbox, without its tags.
async fn words(server: &Server) -> String {
    let cookie = sign_in(server, server.key()).await;
    let page = browser(server, &cookie).get("/").await.text();
    let text = page
        .split('<')
        .map(|part| part.split_once('>').map_or(part, |(_, text)| text));
    let text: String = text.collect::<Vec<_>>().join(" ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn noise_is_answered_and_counted_and_makes_no_group() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    file(&mut client, &report("web", "Real", "m", "t")).await;
    for (reason, noise) in noises() {
        for _ in 0..2 {
            let answer = client.post("/api/errors", noise.to_string()).await;
            assert_eq!(
                (answer.status.as_u16(), answer.json()),
                (200, json!({"status": "filtered", "reason": reason}))
            );
        }
    }
    assert_eq!(total(&mut client).await, 1);
    assert_eq!(n_filtered(&mut client).await, "10");
    let shown = async |server: &Server| {
        let words = words(server).await;
        noises()
            .iter()
            .all(|(reason, _)| words.contains(&format!("2 {}", reason.replace('_', " "))))
    };
    until("the page counts them", async || shown(&server).await).await;
    // Written down: it is not forgotten with the process.
    let (status, log) = server.stop().await;
    assert!(status.success(), "{log}");
    let server = launch.start().await;
    assert!(shown(&server).await, "{}", words(&server).await);
}

#[tokio::test]
async fn what_was_just_counted_is_written_down_as_the_process_ends() {
    let launch = tracker();
    let server = launch.start().await;
    let mut client = server.client();
    file(&mut client, &report("web", "Real", "m", "t")).await;
    client.post("/api/errors", noises()[3].1.to_string()).await;
    server.stop().await;
    let server = launch.start().await;
    let words = words(&server).await;
    assert!(words.contains("1 bot"), "{words}");
}

#[tokio::test]
async fn without_filters_all_is_taken_and_with_some_only_the_others() {
    let server = tracker().env("NOISE_FILTERS", "none").start().await;
    let mut client = server.client();
    for (reason, noise) in noises() {
        let answer = client.post("/api/errors", noise.to_string()).await;
        assert!(answer.status.is_success(), "{reason}: {}", answer.text());
        assert_ne!(answer.json()["status"], "filtered", "{reason}");
    }
    let list = get_json(&mut client, "/api/errors?source=browser").await;
    let counts = list["errors"].as_array().unwrap().iter();
    let n: i64 = counts.map(|row| row["count"].as_i64().unwrap()).sum();
    assert_eq!(n, 5);

    let server = tracker().env("NOISE_FILTERS", "bot, localhost").start().await;
    let mut client = server.client();
    for (reason, noise) in noises() {
        let answer = client.post("/api/errors", noise.to_string()).await.json();
        let is_filtered = matches!(reason, "bot" | "localhost");
        assert_eq!(answer["status"] == "filtered", is_filtered, "{reason}: {answer}");
    }
    let (_, log) = tracker()
        .env("NOISE_FILTERS", "bots")
        .try_start()
        .await
        .err()
        .unwrap();
    assert!(
        log.contains("NOISE_FILTERS holds 'bots', which is none of browser_extension,"),
        "{log}"
    );
}

#[tokio::test]
async fn a_servers_report_with_the_same_words_is_never_filtered() {
    let server = start().await;
    let mut client = server.client();
    for (reason, noise) in noises() {
        for method in [json!("GET"), Value::Null] {
            let mut report = noise.clone();
            report["request_method"] = method;
            let answer = client.post("/api/errors", report.to_string()).await;
            assert!(answer.status.is_success(), "{reason}: {}", answer.text());
            assert_ne!(answer.json()["status"], "filtered", "{reason}");
        }
    }
    assert_eq!(n_filtered(&mut client).await, "0");
}

#[tokio::test]
async fn in_a_batch_each_is_answered_at_its_place() {
    let server = start().await;
    let mut client = server.client();
    let real = report("web", "Real", "m", "t");
    let [extension, script, ..] = noises().map(|(_, noise)| noise);
    let batch = json!([extension, real, {"project": "web"}, script, real]);
    let answer = client.post("/api/errors/batch", batch.to_string()).await;
    assert_eq!(answer.status, 207);
    let answer = answer.json();
    assert_eq!((&answer["accepted"], &answer["refused"]), (&json!(4), &json!(1)));
    let statuses: Vec<&str> = answer["results"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["status"].as_str().unwrap())
        .collect();
    assert_eq!(
        statuses,
        ["filtered", "created", "refused", "filtered", "incremented"]
    );
    let only_noise = json!(noises().map(|(_, noise)| noise));
    let answer = client.post("/api/errors/batch", only_noise.to_string()).await;
    assert_eq!(
        (answer.status.as_u16(), answer.json()["accepted"].clone()),
        (200, json!(5))
    );
    assert_eq!(total(&mut client).await, 1);
}
