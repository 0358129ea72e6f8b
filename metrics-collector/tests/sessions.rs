//! Browser sessions are counted by page, each once, and no series is made of them.

use crate::support::{get_json, launch, now_ms, send};
use testkit::{Value, json};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn a_session_counts_once_over_hours_and_kills_and_when_it_is_written() {
    let launch = launch().env("RETENTION_RAW", "2d").env("FLUSH_INTERVAL", "20ms");
    let mut server = launch.start().await;
    let now = now_ms();
    let view = |page: &str, session: u64, hours: i64| {
        json!({"name": "web_vitals_lcp", "type": "histogram", "value": 900, "timestamp": now - hours * HOUR_MS,
               "labels": {"page": page, "session_id": format!("s{session}"), "project": "shop"}})
    };
    for hours in [0, 5] {
        let views: Vec<Value> = (0..300)
            .flat_map(|session| [view("/a", session, hours), view("/b", session / 10, hours)])
            .collect();
        send(&mut server.client(), &views.into()).await;
        server.kill().await;
        server = launch.start().await;
    }
    let mut client = server.client();
    for project in ["", "&project=shop"] {
        let counts = get_json(&mut client, &format!("/api/sessions?period=10h{project}")).await;
        let (a, b) = (
            counts["pages"][0]["sessions"].as_f64().unwrap(),
            counts["pages"][1]["sessions"].as_f64().unwrap(),
        );
        assert!((a - 300.).abs() < 300. * 0.06, "{counts}");
        assert_eq!(b, 30., "{counts}");
    }
    assert_eq!(
        get_json(&mut client, "/api/sessions?period=10h&project=blog").await["total"],
        0
    );
    let series = get_json(&mut client, "/api/metrics/series?name=web_vitals_lcp").await;
    assert_eq!(series["total"], 2);
}

/// Kept by the hour, they are none of a quarter of one.
#[tokio::test]
async fn the_overview_tells_sessions_only_of_times_of_which_they_are_known() {
    let server = launch().start().await;
    let mut client = server.client();
    let at = now_ms() - 60_000;
    let views: Vec<Value> = (0..30)
        .map(|session| {
            json!({"name": "web_vitals_ttfb", "type": "histogram", "value": 90,
                   "timestamp": if session < 3 { at } else { at - at.rem_euclid(HOUR_MS) },
                   "labels": {"page": "/a", "session_id": format!("s{session}")}})
        })
        .collect();
    send(&mut client, &views.into()).await;
    let mut told = async |query: &str| {
        let text = client.get(query).await.text();
        let is_column = text.contains("data-label=\"Sessions\">30<");
        let note = ["of all hours that the range touches", "of six hours and more"];
        (is_column, note.map(|words| text.contains(words)))
    };
    let hour = at - at.rem_euclid(HOUR_MS);
    let before = format!("/?from={}&to={}", hour - 3 * HOUR_MS, hour - 2 * HOUR_MS);
    assert_eq!(told(&before).await, (false, [false, false]), "nothing at all");
    assert_eq!(told("/?range=2m").await, (false, [false, true]));
    assert_eq!(told("/?range=7h").await, (true, [true, false]));
    assert_eq!(
        told(&format!("/?from={hour}&to=now")).await,
        (true, [false, false])
    );
}
