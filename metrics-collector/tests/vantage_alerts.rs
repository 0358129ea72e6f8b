//! Alerts by quartiles, as Vantage's worker makes them; each start looks once.

use testkit::{Launch, Server, Value, eventually, json};

use crate::support::{get_json, launch, now_ms};
use crate::vantage::sent;

const DAY_MS: i64 = 86_400_000;

fn depth(at_ms: i64, value: f64) -> Value {
    json!({"timestamp": at_ms, "metric_name": "depth", "metric_type": "gauge", "value": value})
}

/// Two days ago it was 1 to 10, and once 1,000, which is beyond the fences: 5.5 ± 2.5 × √8.25 is usual.
fn past() -> Vec<Value> {
    let at = |n: i64| now_ms() - 2 * DAY_MS + n * 1000;
    (1..=10)
        .map(|n| depth(at(n), n as f64))
        .chain([depth(at(20), 1000.)])
        .collect()
}

/// Starts anew, and waits for an answer of `/alerts/` that is as it should be.
async fn looked(launch: &Launch, before: Server, what: &str, is_so: impl Fn(&Value) -> bool) -> Server {
    before.stop().await;
    let server = launch.start().await;
    eventually(what, async || {
        is_so(&get_json(&mut server.client(), "/alerts/").await).then_some(())
    })
    .await;
    server
}

#[tokio::test]
async fn what_is_unusual_fires_counts_on_and_is_resolved() {
    let launch = launch();
    let server = launch.start().await;
    let max = 5.5 + 2.5 * 8.25_f64.sqrt();
    sent(&server, &past()).await;
    // The newest of the hour counts; Vantage takes the oldest, which is as usual here.
    let now = now_ms();
    sent(&server, &[depth(now - 60_000, 6.), depth(now - 2000, 40.5)]).await;
    let server = looked(&launch, server, "it fires", |alerts| {
        alerts[0]["status"] == "firing"
    })
    .await;
    let mut client = server.client();
    let alert = get_json(&mut client, "/alerts/active?service=orders").await[0].clone();
    for (field, expected) in [
        ("service_name", json!("orders")),
        ("metric_name", json!("depth")),
        ("severity", json!("critical")),
        (
            "message",
            json!(format!(
                "depth is abnormally high: 40.50 (expected max: {max:.2})"
            )),
        ),
        ("current_value", json!(40.5)),
        ("expected_min", json!(0.0)),
        ("threshold_breach_count", json!(1)),
        ("resolved_at", json!(null)),
    ] {
        assert_eq!(alert[field], expected, "{field}");
    }
    assert!(
        (alert["expected_max"].as_f64().unwrap_or_default() - max).abs() < 1e-9,
        "{alert}"
    );
    assert!(alert["first_triggered"].as_i64() >= Some(now), "{alert}");

    sent(&server, &[depth(now - 1000, 17.5)]).await;
    let server = looked(&launch, server, "it counts on", |alerts| {
        alerts[0]["threshold_breach_count"] == 2
    })
    .await;
    let alerts = get_json(&mut server.client(), "/alerts/?severity=warning").await;
    assert_eq!(
        alerts[0]["alert_id"], alert["alert_id"],
        "the same alert, not as bad"
    );
    assert_eq!(alerts[0]["current_value"], 17.5);

    sent(&server, &[depth(now, 5.)]).await;
    let server = looked(&launch, server, "it is resolved", |alerts| {
        alerts[0]["status"] == "resolved"
    })
    .await;
    let summary = get_json(&mut server.client(), "/alerts/summary").await;
    assert_eq!(
        (&summary["total_firing"], &summary["total_resolved"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(
        summary["top_services"],
        json!([{"service": "orders", "count": 1}])
    );
    // Nobody was told.
    assert_eq!(
        get_json(&mut server.client(), "/api/deliveries").await["deliveries"],
        json!([])
    );
}

#[tokio::test]
async fn how_soon_is_a_setting_and_too_little_is_known_of_what_is_new() {
    // 11 is within 2.5 deviations (12.7), and beyond 1.5 (9.8).
    let now = now_ms();
    let unusual = [
        depth(now, 11.),
        json!({"timestamp": now, "metric_name": "new", "metric_type": "gauge", "value": 1e9}),
    ];
    let found = async |sensitivity: &str| {
        let launch = launch()
            .env("VANTAGE_ALERTS", sensitivity)
            .env("ALERT_INTERVAL", "1s");
        let server = launch.start().await;
        sent(&server, &past()).await;
        sent(&server, &unusual).await;
        // One that is unusual by any measure says that it was looked.
        sent(
            &server,
            &past()
                .iter()
                .map(|metric| named(metric, "marker"))
                .collect::<Vec<_>>(),
        )
        .await;
        sent(&server, &[named(&depth(now, 900.), "marker")]).await;
        let server = looked(&launch, server, "the marker fires", |alerts| {
            alerts[0]["status"] == "firing"
        })
        .await;
        let alerts = get_json(&mut server.client(), "/alerts/").await;
        let names = alerts
            .as_array()
            .into_iter()
            .flatten()
            .map(|alert| alert["metric_name"].as_str().map(str::to_owned));
        let mut names: Vec<String> = names.flatten().collect();
        names.sort();
        names
    };
    assert_eq!(found("medium").await, ["marker"]);
    assert_eq!(found("very_high").await, ["depth", "marker"]);
}

fn named(metric: &Value, name: &str) -> Value {
    let mut metric = metric.clone();
    metric["metric_name"] = json!(name);
    metric
}
