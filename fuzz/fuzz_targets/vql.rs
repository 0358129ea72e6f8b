//! Any text is a query or refused; a query is answered within its limit, whatever the rows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_collector::domain::kind::Kind;
use metrics_collector::domain::vantage::rows::Row;
use metrics_collector::domain::vql::parse::parse;
use metrics_collector::domain::vql::query::MAX_LIMIT;
use metrics_collector::domain::vql::run::Run;

const NOW: i64 = 1_795_168_800_000;

fn row(n: u16) -> Row<'static> {
    Row {
        at_ms: NOW - i64::from(n),
        service: if n % 2 == 0 { "orders" } else { "shop" },
        name: "http.request.duration",
        value: f64::from(n) - 5.5,
        duration_ms: (n % 3 > 0).then_some(f64::from(n)),
        status: (n % 4 > 0).then_some(200 + n % 400),
        endpoint: (n % 5 > 0).then_some("/orders/{id}"),
        method: Some("GET"),
        error: (n % 7 == 0).then_some("no answer: é"),
        trace_id: None,
        span_id: None,
        kind: Some(Kind::Histogram),
        tags: (n % 2 == 0).then_some(r#"{"region": "eu"}"#),
    }
}

fuzz_target!(|text: &str| {
    let Ok(query) = parse(text, NOW) else { return };
    assert!(query.limit <= MAX_LIMIT && query.n_told <= query.items.len());
    let mut run = Run::new(&query);
    let _ = (0..50).map(row).try_for_each(|row| run.add(&row));
    let Ok(answer) = run.finish() else { return };
    assert!(answer.len() <= query.limit);
    // What the times leave out is what the conditions do not want.
    let (from, to) = query.span();
    assert!((0..50).map(row).all(|row| (from..to).contains(&row.at_ms) || !query.matches(&row)));
});
