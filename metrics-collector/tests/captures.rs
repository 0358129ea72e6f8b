//! Requests that real clients made, sent again as they were but for their times.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{get_json, launch};
use testkit::{Value, handbook, json, skip};

/// Captures are from November 2026; samples of then are taken for ten years.
async fn replay(name: &str) -> Option<(testkit::Server, Value)> {
    let Some(folder) = handbook("captures") else {
        skip("captured requests are not in this checkout");
        return None;
    };
    let server = launch()
        .env("RETENTION_RAW", "3650d")
        .env("RETENTION_HOURLY", "3650d")
        .start()
        .await;
    let body = std::fs::read(folder.join(format!("{name}.body"))).unwrap();
    let sent: Value = serde_json::from_slice(&body).unwrap();
    let answer = server.client().post("/api/metrics", body).await;
    assert_eq!(answer.status, 202, "{}", answer.text());
    Some((server, sent))
}

#[tokio::test]
async fn metrics_of_the_python_client_are_taken() {
    let Some((server, sent)) = replay("monlightpy-metrics").await else {
        return;
    };
    for metric in sent.as_array().unwrap() {
        let name = metric["name"].as_str().unwrap();
        let path = format!("/api/metrics?name={name}&project=proj-a&period=3000d&resolution=whole");
        let body = get_json(&mut server.client(), &path).await;
        assert_eq!(
            (&body["type"], &body["data"][0]["count"]),
            (&metric["type"], &json!(1)),
            "{name}"
        );
        assert_eq!(
            body["data"][0]["sum"].as_f64(),
            metric["value"].as_f64(),
            "{name}"
        );
    }
    let filtered = "/api/metrics?name=user_signups&labels=plan:pro&period=3000d&resolution=whole";
    assert_eq!(
        get_json(&mut server.client(), filtered).await["data"][0]["count"],
        1
    );
}

#[tokio::test]
async fn metrics_of_the_browser_client_make_no_series_of_a_session() {
    let Some((server, sent)) = replay("monlightjs-metrics").await else {
        return;
    };
    let metrics = sent["metrics"].as_array().unwrap();
    let mut client = server.client();
    for metric in metrics {
        let name = metric["name"].as_str().unwrap();
        let series = get_json(&mut client, &format!("/api/metrics/series?name={name}")).await;
        for one in series["series"].as_array().unwrap() {
            assert!(
                one["labels"].get("session_id").is_none() && one["labels"]["page"] == "/monlight.html",
                "{one}"
            );
        }
        let path = format!("/api/metrics?name={name}&period=3000d&resolution=whole");
        let n_sent = metrics.iter().filter(|other| other["name"] == name).count();
        assert_eq!(
            get_json(&mut client, &path).await["data"][0]["count"],
            n_sent,
            "{name}"
        );
    }
    let sessions = get_json(&mut client, "/api/sessions?period=3000d").await;
    assert_eq!(
        sessions,
        json!({"total": 1, "pages": [{"page": "/monlight.html", "sessions": 1}]})
    );
}
