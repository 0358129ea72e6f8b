//! How long scrubbing takes: `cargo run --release -p scrub --example timing`.
#![allow(clippy::print_stdout, reason = "prints its figures")]

use std::borrow::Cow;
use std::hint::black_box;
use std::time::Instant;

use scrub::Scrubber;

const N_RUNS: u32 = 20_000;

fn main() {
    let scrubber = Scrubber::default();
    let clean = event("a.b@example.org logged out", "Accept-Encoding", "lang");
    let secret = event(
        "login failed for postgres://app:hunter2@db/x, token=abc123",
        "Authorization",
        "api_key",
    );
    let traceback =
        serde_json::from_str::<serde_json::Value>(&clean).map(|event| event["traceback"].to_string());
    let traceback = traceback.unwrap_or_default();

    measure("event, clean", &clean, |text| scrubber.json(text));
    measure("event, secrets", &secret, |text| scrubber.json(text));
    measure("traceback as text", &traceback, |text| scrubber.text(text));
    measure("64 KB of `token: `", &"token: ".repeat(9400), |text| {
        scrubber.text(text)
    });
}

fn measure<'t>(what: &str, text: &'t str, scrub: impl Fn(&'t str) -> Cow<'t, str>) {
    let n_runs = (N_RUNS / (text.len() as u32 / 2048 + 1)).max(100);
    let best = (0..5).map(|_| {
        let started = Instant::now();
        for _ in 0..n_runs {
            black_box(scrub(black_box(text)));
        }
        started.elapsed() / n_runs
    });
    let kind = if matches!(scrub(text), Cow::Borrowed(_)) {
        "borrowed"
    } else {
        "owned"
    };
    println!(
        "{what:20} {:6} bytes  {:>10.2?}  {kind}",
        text.len(),
        best.min().unwrap_or_default()
    );
}

/// About 2 KB, as a Python service sends it.
fn event(message: &str, header: &str, parameter: &str) -> String {
    let frame = "  File \"/srv/app/shop/views/checkout.py\", line 212, in post\n    order = self.orders.place(cart=cart, user=request.user, now=timezone.now())\n";
    serde_json::json!({
        "project": "shop",
        "exception_type": "ValidationError",
        "message": message,
        "traceback": format!("Traceback (most recent call last):\n{}ValidationError: {message}\n", frame.repeat(8)),
        "environment": "prod",
        "request_url": format!("https://shop.example.org/checkout?{parameter}=5f1c&page=2"),
        "request_headers": {
            "Host": "shop.example.org",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0",
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            header: "gzip, deflate, br",
        },
        "user_id": "user-4711",
        "extra": {
            "session_id": "550e8400-e29b-41d4-a716-446655440000",
            "order": {"id": 981234, "number": "2026-11-20-0042", "total_cents": 12999, "currency": "EUR"},
            "release": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "started_at_ms": 1763668800123_i64,
        },
    })
    .to_string()
}
