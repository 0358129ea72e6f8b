//! The pages without a browser: what they show, what they refuse, and that text from outside stays text.

use crate::support::{now_ms, send, start};
use testkit::{Client, Server, json};

const EVIL: &str = "<script>alert(1)</script>";

async fn filled() -> (Server, Client) {
    let server = start().await;
    let mut client = server.client();
    let at = now_ms() - 120_000;
    let metrics = json!([
        {"name": "http_requests_total", "type": "counter", "value": 97, "timestamp": at, "project": "shop",
         "labels": {"endpoint": "/cart", "status": "200", "method": "GET"}},
        {"name": "http_requests_total", "type": "counter", "value": 3, "timestamp": at, "project": "shop",
         "labels": {"endpoint": "/cart", "status": "503", "method": "GET"}},
        {"name": "http_request_duration_seconds", "type": "histogram", "value": 0.25, "timestamp": at,
         "project": "shop", "labels": {"endpoint": "/cart", "status": "200", "method": "GET"}},
        {"name": "web_vitals_lcp", "type": "histogram", "value": 5000, "timestamp": at, "labels": {"page": "/x"}},
        {"name": EVIL, "type": "gauge", "value": 1, "timestamp": at, "project": EVIL, "labels": {EVIL: EVIL}},
    ]);
    send(&mut client, &metrics).await;
    (server, client)
}

async fn page(client: &mut Client, path: &str) -> String {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer.text()
}

#[tokio::test]
async fn the_overview_tells_requests_errors_latency_and_vitals() {
    let (_server, mut client) = filled().await;
    let text = page(&mut client, "/?range=1h").await;
    for told in [
        "Error rate",
        "3 %",
        "raised",
        "250 ms",
        "<code>/cart</code>",
        "poor",
        "<code>/x</code>",
    ] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
    let other = page(&mut client, "/?range=1h&project=blog").await;
    assert!(other.contains("No requests of a web app yet"), "{other}");
}

#[tokio::test]
async fn the_overview_of_one_endpoint_is_of_it_alone_and_says_so() {
    let (_server, mut client) = filled().await;
    let metrics = json!([
        {"name": "http_requests_total", "type": "counter", "value": 300, "timestamp": now_ms() - 120_000,
         "project": "shop", "labels": {"endpoint": "/a&b", "status": "200", "method": "GET"}},
        {"name": "http_request_duration_seconds", "type": "histogram", "value": 4, "timestamp": now_ms() - 120_000,
         "project": "shop", "labels": {"endpoint": "/a&b", "status": "200", "method": "GET"}},
    ]);
    send(&mut client, &metrics).await;
    let text = page(&mut client, "/?range=1h&project=shop&endpoint=%2Fa%26b").await;
    for told in [
        "<code>/a&#38;b</code>",
        "Endpoint: /a&#38;b",
        "0.0833/s",
        "0 %",
        "4 s",
    ] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
    assert!(
        !text.contains("<code>/cart</code>") && !text.contains("Web Vitals"),
        "{text}"
    );
    // What the other links keep, and the way out.
    assert!(text.contains("name=\"endpoint\" value=\"/a&#38;b\""), "{text}");
    assert!(
        text.contains("href=\"?project=shop&#38;endpoint=%2Fa%26b&#38;from="),
        "{text}"
    );
    assert!(text.contains("href=\"./?project=shop&#38;range=1h\""), "{text}");
    let none = page(&mut client, "/?range=1h&endpoint=/nowhere").await;
    assert!(
        none.contains("Endpoint: /nowhere") && none.contains("No requests in this range"),
        "{none}"
    );
}

#[tokio::test]
async fn a_range_that_ends_in_the_future_is_told_of_what_is_over() {
    let (_server, mut client) = filled().await;
    let range = "from=now-30m&to=now%2B30m&project=shop";
    let text = page(&mut client, &format!("/?{range}")).await;
    assert!(text.contains("<p class=\"figure\">0.0556/s"), "{text}");
    let metric = page(&mut client, &format!("/metrics/http_requests_total?{range}")).await;
    // Of half an hour, to a second.
    let is_told = ["0.0556/s", "0.0555/s"].iter().any(|rate| metric.contains(rate));
    assert!(is_told, "{metric}");
}

#[tokio::test]
async fn the_tab_of_monlight_itself_has_no_web_vitals_of_others() {
    let (_server, mut client) = filled().await;
    let ours = json!([{"name": "monlight_http_requests_total", "type": "counter", "value": 5,
                       "labels": {"route": "/api/errors", "status": "201"}}]);
    send(&mut client, &ours).await;
    let text = page(&mut client, "/?requests=monlight").await;
    assert!(
        text.contains("/api/errors") && !text.contains("Web Vitals"),
        "{text}"
    );
    assert!(page(&mut client, "/?requests=app").await.contains("Web Vitals"));
}

#[tokio::test]
async fn without_metrics_the_overview_says_how_to_send_one() {
    let server = start().await;
    let text = page(&mut server.client(), "/").await;
    assert!(text.contains("Send your first metric") && text.contains("Waiting for the first metric"));
    assert!(
        page(&mut server.client(), "/explore")
            .await
            .contains("No metrics yet")
    );
    assert!(
        page(&mut server.client(), "/start")
            .await
            .contains("setup_monlight")
    );
}

#[tokio::test]
async fn the_explorer_filters_groups_and_tells_what_it_cannot_read() {
    let (_server, mut client) = filled().await;
    let grouped = page(
        &mut client,
        "/explore?name=http_requests_total&group_by=status&range=1h&compare=1",
    )
    .await;
    assert!(grouped.contains("2 series, by 1 min from minutes"), "{grouped}");
    for status in ["200", "503"] {
        assert!(
            grouped.contains(&format!("&#34;name&#34;:&#34;{status}&#34;")),
            "{grouped}"
        );
    }
    let filtered = page(
        &mut client,
        "/explore?name=http_requests_total&labels=status%3D503&range=1h",
    )
    .await;
    assert!(filtered.contains("1 series"), "{filtered}");
    let listed = page(&mut client, "/explore?name=duration").await;
    assert!(listed.contains("http_request_duration_seconds") && !listed.contains(">http_requests_total<"));
    let bad = client
        .get("/explore?name=http_requests_total&labels=a%3D~(")
        .await;
    assert_eq!(bad.status, 400);
    assert!(bad.text().contains("labels has an expression"), "{}", bad.text());
}

#[tokio::test]
async fn a_range_that_cannot_be_read_is_refused_on_a_page_that_works() {
    let (_server, mut client) = filled().await;
    for path in [
        "/?",
        "/explore?name=http_requests_total&",
        "/metrics/http_requests_total?",
        "/api-monitoring/endpoint?endpoint=/cart&",
    ] {
        let answer = client.get(&format!("{path}range=99zz")).await;
        assert_eq!(answer.status, 400, "{path}");
        let text = answer.text();
        assert!(
            text.contains("range: &#39;99zz&#39; is no length of time"),
            "{path}: {text}"
        );
        assert!(
            text.contains("6 hours") && !text.contains("data-live-every"),
            "{path}: {text}"
        );
    }
}

#[tokio::test]
async fn a_metric_has_its_page() {
    let (_server, mut client) = filled().await;
    let text = page(&mut client, "/metrics/http_request_duration_seconds?range=1h").await;
    for told in ["histogram", "p99", "Observations per second", "endpoint", "/cart"] {
        assert!(text.contains(told), "{told} is not in {text}");
    }
    assert_eq!(client.get("/metrics/nothing").await.status, 404);
}

#[tokio::test]
async fn a_metric_with_many_series_says_how_many_are_not_listed() {
    let server = start().await;
    let mut client = server.client();
    let gauges = (0..31)
        .map(|n| json!({"name": "fill", "type": "gauge", "value": n, "labels": {"disk": n.to_string()}}));
    send(&mut client, &gauges.collect()).await;
    let text = page(&mut client, "/metrics/fill?range=1h").await;
    assert!(
        text.contains("31 series") && text.contains("and 11 more with fewer samples"),
        "{text}"
    );
}

#[tokio::test]
async fn text_from_outside_stays_text() {
    let (_server, mut client) = filled().await;
    let name = "%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in [
        "/".to_owned(),
        "/explore".to_owned(),
        format!("/explore?name={name}&labels={name}&group_by={name}&project={name}"),
        format!("/explore?name={name}&range={name}"),
        format!("/metrics/{name}"),
    ] {
        let answer = client.get(&path).await;
        assert!(!answer.text().contains(EVIL), "{path}");
        assert!(
            answer.status == 200 || answer.status == 400,
            "{path}: {}",
            answer.status
        );
    }
}

#[tokio::test]
async fn the_pages_are_behind_the_login() {
    let server = start().await;
    for path in ["/", "/explore", "/metrics/x", "/start"] {
        assert_eq!(server.stranger().get(path).await.status, 303, "{path}");
    }
    for path in ["/api/dashboard", "/api/metrics/csv?name=x"] {
        assert_eq!(server.stranger().get(path).await.status, 401, "{path}");
    }
}
