//! The pages of API monitoring: what is told by clients of each kind is on them, filtered, sorted and coloured.

use testkit::{Client, Value, json};

use crate::support::malti::{batch, launch, record, service};
use crate::support::{now_ms, start};

async fn tell(client: &mut Client, records: &[Value]) {
    let headers = [("content-type", "application/json")];
    let answer = client
        .send(
            "POST".parse().expect("a method"),
            "/api/v1/ingest",
            &headers,
            batch(records),
        )
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn page(client: &mut Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

/// Texts between tags, one to a line.
fn words(html: &str) -> String {
    let mut text = String::new();
    let mut is_tag = false;
    for c in html.chars() {
        match c {
            '<' => (is_tag, text) = (true, text + "\n"),
            '>' => is_tag = false,
            c if !is_tag => text.push(c),
            _ => {}
        }
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    lines.join("\n")
}

/// Endpoints as the table lists them.
fn endpoints(html: &str) -> Vec<String> {
    let table = html.split("id=\"endpoints\"").nth(1).unwrap_or_default();
    let table = table.split("</table>").next().unwrap_or_default();
    let rows = table.split("data-row-link><code>").skip(1);
    rows.map(|row| row.split('<').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn before_the_first_request_the_page_says_how_to_tell_of_one() {
    let server = start().await;
    let html = page(&mut server.client(), "/api-monitoring").await;
    let address = format!("http://{}", server.address);
    for part in [
        "monlight.init(",
        "MaltiMiddleware",
        "VANTAGE_COLLECTOR_URL",
        "data-live-every=\"2\"",
        &address,
    ] {
        assert!(html.contains(part), "{part}");
    }
    let mut stranger = server.stranger();
    assert_eq!(stranger.get("/api-monitoring").await.status, 303);
    assert_eq!(server.client().get("/api-monitoring/endpoint").await.status, 400);
}

#[tokio::test]
async fn requests_of_every_kind_of_client_are_on_the_page() {
    let server = launch().start().await;
    tell(&mut service(&server), &[record(json!({"endpoint": "/of/malti"}))]).await;
    let own = record(json!({"endpoint": "/of/monlight", "service": "else"}));
    tell(&mut server.client(), &[own]).await;
    let metric = json!({"timestamp": now_ms(), "metric_name": "http.request.duration", "value": 7.5,
        "endpoint": "/of/<vantage>", "method": "GET", "status_code": 500, "error": "no <room>", "tags": {"framework": "flask"}});
    let mut call = metric.clone();
    call["tags"] = json!({"library": "requests"});
    call["endpoint"] = json!("/elsewhere");
    let body = json!({"service_name": "third", "metrics": [metric, call]});
    let answer = server.stranger().post("/v1/metrics", body.to_string()).await;
    assert_eq!(answer.status, 202, "{}", answer.text());

    let mut client = server.client();
    let html = page(&mut client, "/api-monitoring").await;
    let mut found = endpoints(&html);
    found.sort();
    assert_eq!(found, ["/of/&#60;vantage&#62;", "/of/malti", "/of/monlight"]);
    let path = "/api-monitoring/endpoint?service=third&method=GET&endpoint=/of/%3Cvantage%3E";
    let html = page(&mut client, path).await;
    assert!(
        html.contains("no &#60;room&#62;") && words(&html).contains("What went wrong last"),
        "{html}"
    );
    // What it is about is in the form, so that a filter does not lose it.
    assert!(html.contains("name=\"endpoint\" value=\"/of/&#60;vantage&#62;\""));
}

#[tokio::test]
async fn endpoints_are_filtered_and_sorted_by_the_url() {
    let server = launch().start().await;
    let mut told = Vec::new();
    for (endpoint, n, n_failed, ms, consumer) in [
        ("/many", 40, 1, 10, "web"),
        ("/failing", 12, 9, 20, "web"),
        ("/slow", 3, 0, 2000, "batch"),
        ("/heavy", 20, 0, 400, "batch"),
    ] {
        for place in 0..n {
            let status = if place < n_failed { 500 } else { 200 };
            told.push(record(
                json!({"endpoint": endpoint, "status": status, "response_time": ms, "consumer": consumer}),
            ));
        }
    }
    tell(&mut service(&server), &told).await;
    let mut client = server.client();
    for (query, expected) in [
        ("", "/many /heavy /failing /slow"),
        ("?sort=errors", "/failing /many /heavy /slow"),
        ("?sort=slow", "/slow /heavy /failing /many"),
        ("?sort=impact", "/heavy /slow /many /failing"),
        ("?consumer=batch", "/heavy /slow"),
        ("?status=5xx&sort=slow", "/failing /many"),
        ("?status=500&endpoint=/failing", "/failing"),
        (
            "?service=shop-api&consumer=batch&endpoint=/slow&status=2xx&range=30d",
            "/slow",
        ),
        ("?range=365d&service=nobody", ""),
        ("?status=nonsense&sort=nonsense", "/many /heavy /failing /slow"),
    ] {
        let html = page(&mut client, &format!("/api-monitoring{query}")).await;
        assert_eq!(endpoints(&html).join(" "), expected, "{query}");
    }
    for range in ["1h", "6h", "24h", "7d", "30d", "90d", "180d", "365d"] {
        let html = page(&mut client, &format!("/api-monitoring?range={range}")).await;
        assert!(
            words(&html).contains("Requests\n75\n"),
            "{range}: {}",
            words(&html)
        );
    }
}

#[tokio::test]
async fn thresholds_of_the_file_colour_what_is_beyond_them() {
    let server = launch().start().await;
    let told: Vec<Value> = (0..20)
        .map(|n| {
            record(json!({"endpoint": "/x", "status": if n == 0 { 500 } else { 200 }, "response_time": 5000}))
        })
        .collect();
    tell(&mut service(&server), &told).await;
    let html = page(&mut server.client(), "/api-monitoring").await;
    for part in [
        "tile bad",
        "num bad\" data-label=\"Errors\">5 %",
        "num bad\" data-label=\"p95\">5 s",
        ">failing<",
    ] {
        assert!(html.contains(part), "{part}: {html}");
    }
}

#[tokio::test]
async fn requests_below_a_millisecond_have_a_latency_and_an_impact() {
    let server = launch().start().await;
    let told = vec![record(json!({"endpoint": "/quick", "response_time": 0, "response_time_us": 412})); 8];
    tell(&mut service(&server), &told).await;
    let text = words(&page(&mut server.client(), "/api-monitoring").await);
    assert!(text.contains("Latency p50\n412 µs\n"), "{text}");
    assert!(text.contains("100 %"), "{text}");
}

#[tokio::test]
async fn who_is_new_and_who_has_gone_quiet_is_told() {
    let server = launch().start().await;
    let now = now_ms();
    let of = |consumer: &str, at_ms: i64, n: usize| {
        let at = ui::moment::rfc3339_seconds(at_ms);
        vec![record(json!({"consumer": consumer, "created_at": at})); n]
    };
    let told = [
        of("old", now - 90 * 60_000, 12),
        of("rare", now - 90 * 60_000, 2),
        of("steady", now - 90 * 60_000, 12),
        of("steady", now - 60_000, 12),
        of("fresh", now - 60_000, 1),
    ];
    tell(&mut service(&server), &told.concat()).await;
    let text = words(&page(&mut server.client(), "/api-monitoring?range=1h").await);
    assert!(text.contains("fresh\nnew\n"), "{text}");
    assert!(!text.contains("steady\nnew\n"));
    let gone = text.split("Gone quiet").nth(1).unwrap_or_default();
    assert!(gone.contains("\nold\n12") && !gone.contains("rare"), "{text}");
}

#[tokio::test]
async fn the_page_is_shown_while_new_names_come() {
    let server = launch().start().await;
    let mut service = service(&server);
    let names = async {
        for n in 0..150 {
            tell(&mut service, &[record(json!({"consumer": format!("new {n}")}))]).await;
        }
    };
    let looks = async || {
        let mut client = server.client();
        for _ in 0..10 {
            page(&mut client, "/api-monitoring").await;
        }
    };
    tokio::join!(names, looks(), looks(), looks());
    let html = page(&mut server.client(), "/api-monitoring").await;
    assert!(html.contains("new 149"), "{}", words(&html));
}
