//! The scanner of metrics takes what is JSON and nothing else, and a batch that is read comes back from the journal.
#![no_main]

use std::sync::RwLock;

use libfuzzer_sys::fuzz_target;
use metrics_collector::domain::batch::Batch;
use metrics_collector::domain::json_scanner::Scanner;
use metrics_collector::intake::{self, Span};
use metrics_collector::registry::{Limits, Registry};
use serde_json::value::RawValue;

const SPAN: Span = Span { now_ms: 1_795_168_800_000, oldest_ms: 1_795_165_200_000 };

fuzz_target!(|text: &str| {
    let mut scanner = Scanner::new(text);
    let is_taken = scanner.skip().and_then(|_| scanner.end()).is_ok();
    match serde_json::from_str::<&RawValue>(text) {
        Ok(_) => assert!(is_taken || text.matches(['[', '{']).count() > 64, "JSON is refused"),
        // The one thing that serde_json refuses and the scanner takes is depth of another measure.
        Err(error) => assert!(!is_taken || error.to_string().starts_with("recursion"), "taken: {error}"),
    }
    let registry = RwLock::new(Registry::new(Limits { series: 20, label_values: 3 }));
    let Ok((batch, tally)) = intake::read(text, SPAN, &registry) else { return };
    assert!(is_taken, "metrics are taken from what is no JSON");
    assert_eq!(tally.n_taken, batch.samples.len() as u64);
    assert!(batch.samples.iter().all(|sample| sample.value.is_finite() && SPAN.check(sample.at_ms).is_ok()));
    assert_eq!(Batch::decode(&batch.encode()).as_ref(), Some(&batch));
    // What is known by now is found by its form, and is the same series.
    let (again, _) = intake::read(text, SPAN, &registry).expect("it was read before");
    assert_eq!(again.samples.len(), batch.samples.len());
});
