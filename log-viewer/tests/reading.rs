//! Reading entries: pages, one entry, those around it, volume, export; and what the original did not decode.

use crate::support::{entry, found, get_json, messages, send, start};
use testkit::{Client, Value, json};

/// Ten entries of `web`, every second, with one of `db` after each.
async fn fill(client: &mut Client) {
    let entries = (0..10).flat_map(|i| {
        [
            entry(
                "web",
                if i == 5 { "ERROR" } else { "INFO" },
                i,
                &format!("web {i}"),
            ),
            entry("db", "INFO", i, &format!("db {i}")),
        ]
    });
    send(client, &entries.collect()).await;
}

#[tokio::test]
async fn a_cursor_goes_on_where_a_page_ended_whatever_comes_meanwhile() {
    let server = start().await;
    let mut client = server.client();
    fill(&mut client).await;
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get_json(&mut client, &format!("/api/logs?container=web&limit=3{cursor}")).await;
        seen.extend(messages(&page));
        send(&mut client, &json!([entry("web", "INFO", 30, "newer")])).await;
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..10).rev().map(|i| format!("web {i}")).collect();
    assert_eq!(seen, expected);
    let ascending = found(&mut client, "container=web&limit=2&order=asc").await;
    assert_eq!(ascending, ["web 0", "web 1"]);
    assert_eq!(client.get("/api/logs?cursor=x").await.status, 400);
}

#[tokio::test]
async fn around_an_entry_is_what_its_container_said() {
    let server = start().await;
    let mut client = server.client();
    fill(&mut client).await;
    let list = get_json(&mut client, "/api/logs?level=ERROR").await;
    let id = list["logs"][0]["id"].as_u64().unwrap_or_default();
    let context = get_json(&mut client, &format!("/api/logs/{id}/context?before=2&after=3")).await;
    let texts = |part: &str| messages(&json!({ "logs": context[part] }));
    assert_eq!(texts("before"), ["web 3", "web 4"]);
    assert_eq!(context["entry"]["message"], "web 5");
    assert_eq!(texts("after"), ["web 6", "web 7", "web 8"]);
    assert_eq!(client.get("/api/logs/999/context").await.status, 404);
}

#[tokio::test]
async fn the_histogram_has_every_bucket_of_the_range() {
    let server = start().await;
    let mut client = server.client();
    fill(&mut client).await;
    let range = "since=2026-11-20T10:00:00Z&until=2026-11-20T10:00:09Z";
    let histogram = get_json(&mut client, &format!("/api/logs/histogram?buckets=10&{range}")).await;
    assert_eq!(histogram["step_seconds"], 1.0);
    let buckets = histogram["buckets"].as_array().cloned().unwrap_or_default();
    assert_eq!(buckets.len(), 10);
    assert_eq!(
        buckets[5],
        json!({"time": "2026-11-20T10:00:05.000000000Z", "total": 2, "by_level": {"ERROR": 1, "INFO": 1}})
    );
    let none = get_json(&mut client, "/api/logs/histogram?q=nothing").await;
    let total: u64 = none["buckets"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it["total"].as_u64())
        .sum();
    assert_eq!(total, 0);
}

#[tokio::test]
async fn the_export_has_all_that_matches_the_oldest_first() {
    let server = start().await;
    let mut client = server.client();
    let entries: Vec<Value> = (0..1200)
        .map(|i| entry("web", "INFO", 7, &format!("line {i}")))
        .collect();
    send(&mut client, &Value::Array(entries)).await;
    let answer = client.get("/api/logs/export?container=web").await;
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines: Vec<String> = answer
        .text()
        .lines()
        .map(|line| {
            line.parse::<Value>().map_or_else(
                |_| String::new(),
                |row| row["message"].as_str().unwrap_or("").to_owned(),
            )
        })
        .collect();
    let expected: Vec<String> = (0..1200).map(|i| format!("line {i}")).collect();
    assert_eq!(lines, expected);
    let text = client
        .get("/api/logs/export?format=text&q=%22line+7%22")
        .await
        .text();
    assert_eq!(text, "2026-11-20T10:00:07.000000000Z web INFO line 7\n");
    assert_eq!(client.get("/api/logs/export?format=xml").await.status, 400);
}

#[tokio::test]
async fn fields_are_told_with_their_values() {
    let server = start().await;
    let mut client = server.client();
    let line = |status: u64| {
        entry(
            "web",
            "INFO",
            1,
            &format!("{{\"status\":{status},\"path\":\"/\"}}"),
        )
    };
    send(&mut client, &json!([line(200), line(200), line(500)])).await;
    let fields = get_json(&mut client, "/api/logs/fields").await;
    let all = fields["fields"].as_array().cloned().unwrap_or_default();
    let status = all
        .iter()
        .find(|field| field["name"] == "status")
        .cloned()
        .unwrap_or_default();
    assert_eq!(
        status["values"],
        json!([{"value": "200", "count": 2}, {"value": "500", "count": 1}])
    );
}

#[tokio::test]
async fn sources_say_that_docker_is_not_there() {
    let server = start().await;
    let sources = get_json(&mut server.client(), "/api/sources").await;
    assert!(
        matches!(sources["folder"]["state"].as_str(), Some("missing" | "unknown")),
        "{sources}"
    );
    assert_eq!(sources["sources"], json!([]));
}

/// B12: names, times and searches were compared as they stood in the URL.
#[tokio::test]
async fn b12_what_a_url_encodes_is_decoded() {
    let server = start().await;
    let mut client = server.client();
    let texts = [
        "foo-bar failed",
        "mail to user@x.org",
        "say \"hi\" to C++",
        "日本語のログ",
        "a.b/c: d'e",
    ];
    let mut entries: Vec<Value> = (0..)
        .zip(texts)
        .map(|(i, text)| entry("my app & co", "INFO", i, text))
        .collect();
    entries.push(entry("café", "INFO", 9, "crème brûlée"));
    send(&mut client, &Value::Array(entries)).await;
    assert_eq!(found(&mut client, "container=my%20app%20%26%20co").await.len(), 5);
    assert_eq!(found(&mut client, "container=my+app+%26+co").await.len(), 5);
    assert_eq!(found(&mut client, "container=caf%C3%A9").await, ["crème brûlée"]);
    for (search, expected) in [
        ("foo-bar", texts[0]),
        ("user%40x.org", texts[1]),
        ("C%2B%2B", texts[2]),
        ("say+%22hi%22", texts[2]),
        ("%E6%97%A5%E6%9C%AC%E8%AA%9E", texts[3]),
        ("a.b%2Fc:", texts[4]),
        ("d'e", texts[4]),
        ("cr%C3%A8me", "crème brûlée"),
    ] {
        assert_eq!(
            found(&mut client, &format!("search={search}")).await,
            [expected],
            "{search}"
        );
    }
    // Anything is a search, and none is an error.
    for search in ["%22", "(", "%27", "AND", "NEAR(", "%00", "*", "-", "field:"] {
        found(&mut client, &format!("search={search}")).await;
    }
    let later = "since=2026-11-20T10%3A00%3A03Z";
    assert_eq!(found(&mut client, later).await.len(), 3);
}

#[tokio::test]
async fn an_export_has_what_is_ahead_of_the_clock_and_ends_all_the_same() {
    let server = start().await;
    let mut client = server.client();
    let unix = std::time::UNIX_EPOCH.elapsed().expect("the clock is set");
    let in_an_hour = unix.as_secs() + 3600;
    let ahead = json!({"container": "web", "message": "ahead", "timestamp": in_an_hour * 1000});
    send(&mut client, &json!([entry("web", "INFO", 1, "now"), ahead])).await;
    let export = client.get("/api/logs/export?format=text").await.text();
    let lines: Vec<&str> = export
        .lines()
        .filter_map(|line| line.rsplit(' ').next())
        .collect();
    assert_eq!(lines, ["now", "ahead"]);
}
