//! `GET /api/dashboard` and the CSV: all periods true, p75 with its ratings, by page, by project.

use crate::support::{get_json, launch, now_ms, send, until_empty};
use testkit::{Client, Server, Value, json};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// A collector that takes what is up to two days old.
async fn start() -> (Server, Client) {
    let server = launch().env("RETENTION_RAW", "48h").start().await;
    let client = server.client();
    (server, client)
}

fn vital(name: &str, value: f64, page: &str, project: &str, at_ms: i64) -> Value {
    json!({"name": format!("web_vitals_{name}"), "type": "histogram", "value": value, "timestamp": at_ms,
           "labels": {"page": page, "source": "browser", "project": project, "session_id": format!("s{value}")}})
}

/// Within 1.1 %, as far as a sketch may be off.
fn near(found: &Value, expected: f64) -> bool {
    found
        .as_f64()
        .is_some_and(|found| (found - expected).abs() <= expected * 0.011)
}

#[tokio::test]
async fn b19_a_day_is_a_day_and_not_the_last_hour() {
    let (_server, mut client) = start().await;
    let now = now_ms();
    let counts: Vec<Value> = (0..20)
        .map(|hour| json!({"name": "jobs", "type": "counter", "value": 2, "timestamp": now - hour * HOUR_MS}))
        .collect();
    send(&mut client, &json!(counts)).await;
    for (period, count) in [("30m", 1), ("24h", 20)] {
        let body = get_json(&mut client, &format!("/api/dashboard?period={period}")).await;
        assert_eq!(body["period"], period);
        assert_eq!(
            body["summary"],
            json!({"total_datapoints": count, "distinct_metrics": 1})
        );
        assert_eq!(body["top_metrics"][0]["total"], f64::from(count) * 2.0);
        assert!(body.get("web_vitals").is_none());
    }
    let bad = client.get("/api/dashboard?period=soon").await;
    assert_eq!(bad.status, 400);
    assert!(bad.text().contains("period"), "{}", bad.text());
}

#[tokio::test]
async fn b19_vitals_are_p75_and_rated_by_it() {
    let (_server, mut client) = start().await;
    let at = now_ms() - 3 * HOUR_MS;
    // The mean of all is 2300, which would be good.
    let values = [1000.0, 1000.0, 1000.0, 4400.0];
    let mut metrics: Vec<Value> = values
        .iter()
        .map(|it| vital("lcp", *it, "/", "shop", at))
        .collect();
    metrics.extend([500.0, 500.0, 5000.0, 5000.0].map(|it| vital("lcp", it, "/slow", "shop", at)));
    metrics.push(vital("cls", 0.05, "/", "shop", at));
    send(&mut client, &json!(metrics)).await;
    let body = get_json(&mut client, "/api/dashboard?period=24h").await;
    let lcp = &body["web_vitals"]["summary"]["lcp"];
    assert!(near(&lcp["p75"], 4400.0), "{lcp}");
    assert_eq!((&lcp["rating"], &lcp["count"]), (&json!("poor"), &json!(8)));
    assert_eq!(lcp["avg"], 2300.0);
    let share = |name: &str| lcp[name].as_f64().unwrap();
    assert!((share("good") - 0.625).abs() < 0.01, "{lcp}");
    assert!((share("good") + share("needs_improvement") + share("poor") - 1.0).abs() < 1e-9);
    let inp = &body["web_vitals"]["summary"]["inp"];
    assert_eq!(
        (&inp["rating"], &inp["count"], &inp["p75"]),
        (&json!("unknown"), &json!(0), &Value::Null)
    );

    let pages = body["web_vitals"]["by_page"].as_array().unwrap();
    let page = |path: &str| pages.iter().find(|page| page["page"] == path).unwrap();
    assert!(near(&page("/")["lcp"], 1000.0), "{pages:?}");
    assert!(near(&page("/slow")["lcp"], 5000.0), "{pages:?}");
    assert_eq!(page("/")["page_views"], 4, "four views in one second are four");
    assert_eq!(
        (&page("/")["sessions"], &page("/slow")["sessions"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(body["web_vitals"]["sessions"], 5);
    let series = body["web_vitals"]["timeseries"].as_array().unwrap();
    assert_eq!(series.len(), 1);
    assert_eq!(series[0]["count"], 9);
    assert!(
        near(&series[0]["cls"], 0.05) && series[0]["inp"].is_null(),
        "{series:?}"
    );
}

#[tokio::test]
async fn b24_the_project_of_browser_metrics_is_found() {
    let (_server, mut client) = start().await;
    let at = now_ms() - MINUTE_MS;
    let metrics = json!([
        vital("lcp", 900.0, "/", "shop", at),
        vital("lcp", 9000.0, "/", "blog", at)
    ]);
    send(&mut client, &metrics).await;
    for (project, rating) in [("shop", "good"), ("blog", "poor")] {
        let body = get_json(&mut client, &format!("/api/dashboard?project={project}")).await;
        let lcp = &body["web_vitals"]["summary"]["lcp"];
        assert_eq!(
            (&lcp["rating"], &lcp["count"]),
            (&json!(rating), &json!(1)),
            "{body}"
        );
    }
    let none = get_json(&mut client, "/api/dashboard?project=x%27--").await;
    assert_eq!(none["summary"]["total_datapoints"], 0);
}

#[tokio::test]
async fn a_query_is_had_as_a_table() {
    let (_server, mut client) = start().await;
    let at = now_ms() / MINUTE_MS * MINUTE_MS - 10 * MINUTE_MS;
    let one = |endpoint: &str, value: i64| json!({"name": "n", "type": "counter", "value": value, "timestamp": at, "labels": {"endpoint": endpoint}});
    send(&mut client, &json!([one("/a,b", 3), one("=1+1", 4)])).await;
    let answer = client
        .get("/api/metrics/csv?name=n&group_by=endpoint&function=increase&period=1h&step=1m")
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/csv; charset=utf-8");
    let text = answer.text();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(
        lines[0],
        "time,endpoint,count,sum,min,max,avg,last,p50,p95,p99,value"
    );
    assert!(lines[1].ends_with(",\"/a,b\",1,3,3,3,3,3,,,,3"), "{text}");
    assert!(lines[2].ends_with(",\"'=1+1\",1,4,4,4,4,4,,,,4"), "{text}");
    assert_eq!(client.get("/api/metrics/csv").await.status, 400);
}

#[tokio::test]
async fn what_rows_say_is_remembered_no_longer_than_it_is_true() {
    let launch = launch().env("RETENTION_RAW", "48h").env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let now = now_ms();
    // Count and total of both.
    let assert_totals = async |client: &mut Client, counter: [i64; 2], cumulative: [i64; 2]| {
        let body = get_json(client, "/api/dashboard?period=24h").await;
        let told = |name: &str| {
            let tops = body["top_metrics"].as_array().unwrap();
            let top = tops.iter().find(|top| top["name"] == name).unwrap();
            [&top["count"], &top["total"]].map(|number| number.as_f64().unwrap() as i64)
        };
        assert_eq!((told("jobs"), told("bytes")), (counter, cumulative));
    };
    let at = |at_ms: i64, total: i64| {
        json!([
            {"name": "jobs", "type": "counter", "value": 2, "timestamp": at_ms},
            {"name": "bytes", "type": "cumulative", "value": total, "timestamp": at_ms},
        ])
    };
    for hour in 3..9 {
        send(&mut client, &at(now - hour * HOUR_MS, 1_000 - hour * 100)).await;
    }
    until_empty(launch.database_path(), "journal").await;
    for _ in 0..2 {
        assert_totals(&mut client, [6, 12], [6, 500]).await;
    }
    // In memory, on top of what is known.
    send(&mut client, &at(now - MINUTE_MS, 725)).await;
    for _ in 0..2 {
        assert_totals(&mut client, [7, 14], [7, 525]).await;
    }
    // Late: in memory at first, and written while it is asked for. The cumulative one starts again after it.
    send(&mut client, &at(now - 5 * HOUR_MS - HOUR_MS / 2, 2_450)).await;
    for _ in 0..100 {
        assert_totals(
            &mut client,
            [8, 16],
            [8, 100 + 100 + 2_050 + 500 + 100 + 100 + 25],
        )
        .await;
    }
}

#[tokio::test]
async fn days_are_remembered_no_longer_than_they_are_true() {
    let launch = launch().env("RETENTION_RAW", "10d").env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let now = now_ms();
    let ask = async |client: &mut Client, period: &str| {
        let body = get_json(client, &format!("/api/dashboard?period={period}")).await;
        let top = &body["top_metrics"][0];
        [&top["count"], &top["total"]].map(|number| number.as_f64().unwrap_or_default() as i64)
    };
    let jobs = |host: &str, value: i64, day: i64| {
        json!([{"name": "jobs", "type": "counter", "value": value, "timestamp": now - day * DAY_MS - HOUR_MS / 2,
                "labels": {"host": host}}])
    };
    for day in 1..6 {
        for host in ["a", "b"] {
            send(&mut client, &jobs(host, day, day)).await;
        }
    }
    until_empty(launch.database_path(), "journal").await;
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "7d").await, [10, 30]);
        assert_eq!(ask(&mut client, "3d").await, [4, 6]);
    }
    // Late, of a series that was there and of a new one.
    send(&mut client, &jobs("a", 100, 3)).await;
    send(&mut client, &jobs("c", 1_000, 4)).await;
    assert_eq!(ask(&mut client, "7d").await, [12, 1_130]);
    until_empty(launch.database_path(), "journal").await;
    for _ in 0..2 {
        assert_eq!(ask(&mut client, "7d").await, [12, 1_130]);
        assert_eq!(ask(&mut client, "3d").await, [4, 6]);
    }
}

#[tokio::test]
async fn distributions_of_days_are_remembered_no_longer_than_they_are_true() {
    let launch = launch().env("RETENTION_RAW", "10d").env("FLUSH_INTERVAL", "20ms");
    let server = launch.start().await;
    let mut client = server.client();
    let today = now_ms() / DAY_MS * DAY_MS;
    let took = |host: &str, value: i64, day: i64| {
        json!([{"name": "took", "type": "histogram", "value": value, "labels": {"host": host},
                "timestamp": today - day * DAY_MS + 5 * HOUR_MS}])
    };
    // In buckets of minutes, of five, of an hour, and in one.
    let ask = async |client: &mut Client, days: std::ops::RangeInclusive<i64>, step: &str| {
        let (from, to) = (today - days.end() * DAY_MS, today - (days.start() - 1) * DAY_MS);
        let path = format!("/api/metrics?name=took&type=histogram&{step}&function=p99&from={from}&to={to}");
        let body = get_json(client, &path).await;
        let points = body["data"].as_array().cloned().unwrap_or_default();
        points
            .iter()
            .map(|point| {
                let number = |key: &str| point[key].as_f64().unwrap_or(-1.0) as i64;
                (number("count"), number("value"))
            })
            .collect::<Vec<_>>()
    };
    for day in 1..=5 {
        for (host, value) in [("a", 10 * day), ("b", 20 * day)] {
            send(&mut client, &took(host, value, day)).await;
        }
    }
    until_empty(launch.database_path(), "journal").await;
    for _ in 0..2 {
        for step in ["step=10m", "step=1h"] {
            assert_eq!(
                ask(&mut client, 1..=5, step).await,
                [(2, 100), (2, 80), (2, 60), (2, 40), (2, 20)],
                "{step}"
            );
        }
        for step in ["step=60s", "step=1d", "resolution=whole"] {
            assert_eq!(ask(&mut client, 3..=3, step).await, [(2, 60)], "{step}");
        }
    }
    // Late, of a series that was there and of a new one.
    send(&mut client, &took("a", 700, 3)).await;
    send(&mut client, &took("c", 900, 4)).await;
    for is_written in [false, true, true] {
        if is_written {
            until_empty(launch.database_path(), "journal").await;
        }
        for step in ["step=10m", "step=1h"] {
            assert_eq!(
                ask(&mut client, 1..=5, step).await,
                [(2, 100), (3, 900), (3, 700), (2, 40), (2, 20)],
                "{step}"
            );
        }
        for step in ["step=60s", "step=1d", "resolution=whole"] {
            assert_eq!(ask(&mut client, 3..=3, step).await, [(3, 700)], "{step}");
        }
    }
}
