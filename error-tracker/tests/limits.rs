//! Budgets: strangers have a small one each, holders of a key one of their own.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which may panic")]

use crate::support::{report, tracker};
use testkit::{Answer, Client};

/// Requests a minute for a stranger in these tests: it refills one in 12 seconds, longer than any of them takes.
const BUDGET: usize = 5;

async fn spend(client: &mut Client, path: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..BUDGET {
        statuses.push(client.get(path).await.status.as_u16());
    }
    statuses
}

fn assert_refused(answer: &Answer) {
    assert_eq!(answer.status, 429, "{}", answer.text());
    let body = answer.json();
    assert_eq!(body["detail"], "Rate limit exceeded");
    let seconds = body["retry_after"].as_u64().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("retry-after"), seconds.to_string());
}

#[tokio::test]
async fn a_stranger_over_budget_is_told_when_to_come_back() {
    let server = tracker().env("RATE_LIMIT", BUDGET).start().await;
    let mut stranger = server.stranger();
    let page = stranger.get("/login").await.text();
    assert_eq!(spend(&mut stranger, "/login").await, [200, 200, 200, 200, 429]);
    for path in ["/login", "/openapi.json", "/docs", "/nothing", "/api/errors"] {
        assert_refused(&stranger.get(path).await);
    }
    // Health, readiness and assets are not counted.
    let asset = page.split('"').find(|part| part.starts_with("assets/"));
    let asset = format!("/{}", asset.unwrap());
    for path in ["/health", "/ready", &asset] {
        assert_eq!(spend(&mut stranger, path).await, [200; BUDGET], "{path}");
    }
}

#[tokio::test]
async fn wrong_and_missing_keys_never_spend_what_a_key_holder_has() {
    let server = tracker().env("RATE_LIMIT", BUDGET).start().await;
    let mut wrong = server.stranger().with_header("x-api-key", "wrong");
    assert_eq!(spend(&mut wrong, "/api/errors").await, [401; BUDGET]);
    assert_refused(&wrong.get("/api/errors").await);
    assert_refused(&server.stranger().get("/api/errors").await);

    let mut holder = server.client();
    for n in 0..3 * BUDGET {
        let report = report("p", &format!("E{n}"), "m", "t");
        assert_eq!(holder.post("/api/errors", report.to_string()).await.status, 201);
    }
}

#[tokio::test]
async fn each_key_has_a_budget_of_its_own() {
    let launch = tracker().env("RATE_LIMIT_KEY", BUDGET);
    let keys = launch.folder().join("keys.toml");
    let list = "[[keys]]\nname = 'a'\nkey = 'mk_a'\nscopes = ['read']\n[[keys]]\nname = 'b'\nkey = 'mk_b'\nscopes = ['read']\n";
    std::fs::write(&keys, list).unwrap();
    let server = launch.env("API_KEYS_FILE", keys.display()).start().await;
    let mut noisy = server.stranger().with_header("x-api-key", "mk_a");
    assert_eq!(spend(&mut noisy, "/api/errors").await, [200; BUDGET]);
    assert_refused(&noisy.get("/api/errors").await);
    for key in ["mk_b", server.key()] {
        let mut quiet = server.stranger().with_header("x-api-key", key);
        assert_eq!(spend(&mut quiet, "/api/errors").await, [200; BUDGET], "{key}");
    }
}

#[tokio::test]
async fn forwarded_addresses_count_only_from_trusted_proxies() {
    let ask = async |server: &testkit::Server, forwarded: String| {
        let headers = [("x-forwarded-for", forwarded.as_str())];
        server
            .stranger()
            .send("GET".parse().unwrap(), "/login", &headers, "")
            .await
    };
    // Nobody is trusted: a thousand names are one address.
    let server = tracker().env("RATE_LIMIT", BUDGET).start().await;
    for n in 0..BUDGET {
        assert_eq!(ask(&server, format!("203.0.113.{n}")).await.status, 200);
    }
    assert_refused(&ask(&server, "203.0.113.99".to_owned()).await);

    let server = tracker()
        .env("RATE_LIMIT", BUDGET)
        .env("TRUSTED_PROXIES", "127.0.0.0/8, ::1")
        .start()
        .await;
    for n in 0..2 * BUDGET {
        assert_eq!(ask(&server, format!("203.0.113.{n}")).await.status, 200);
    }
    // What stands left of the last untrusted hop is the client's own invention.
    for n in 0..BUDGET {
        assert_eq!(
            ask(&server, format!("10.0.0.{n}, 198.51.100.7, 127.0.0.2"))
                .await
                .status,
            200
        );
    }
    assert_refused(&ask(&server, "198.51.100.7".to_owned()).await);
    // An IPv6 customer has a whole /64.
    for n in 0..BUDGET {
        assert_eq!(ask(&server, format!("2001:db8:1:2::{n}")).await.status, 200);
    }
    assert_refused(&ask(&server, "2001:db8:1:2:ffff::1".to_owned()).await);
    assert_eq!(ask(&server, "2001:db8:1:3::1".to_owned()).await.status, 200);
}
