//! What browsers send: bodies are taken or refused, stacks are rewritten without losing a line, sources are read.
#![no_main]

use std::collections::HashMap;

use browser_relay::domain::batch::Batch;
use browser_relay::domain::privacy::Wish;
use browser_relay::domain::symbolicate::{self, MAX_SPOTS, Unmapped};
use browser_relay::domain::{browser_error, browser_logs, browser_metrics, frames, scope, source_context};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(mut error) = browser_error::read(bytes) {
        error.grant(Wish::Anonymous);
        let report = error.report(&browser_error::Added::default()).expect("it is JSON");
        serde_json::from_slice::<serde_json::Value>(&report).expect("others can read it");
    }
    let lines = |body: &[u8], project: &str, wish| browser_logs::forward(body, project, wish, "");
    for forward in [browser_metrics::forward, lines] {
        if let Ok(Batch { body, .. }) = forward(bytes, "project", Wish::None) {
            serde_json::from_slice::<serde_json::Value>(&body).expect("others can read it");
        }
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let trace = stacktrace::parse(text);
    let spots = symbolicate::spots(text, &trace);
    assert!(spots.len() <= MAX_SPOTS);
    let nothing: HashMap<_, _> = spots.into_iter().map(|spot| (spot, Err(Unmapped::NoMap))).collect();
    assert_eq!(symbolicate::rewrite(text, &nothing), text);
    frames::exception(&trace, &nothing, "", "");
    scope::function_around(text, 3, 20);
    source_context::around(text, 3);
});
