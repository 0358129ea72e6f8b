//! What Vantage's agents send is taken or refused, metric by metric; rows come back from their bytes, and any bytes are
//! rows.
#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_collector::domain::vantage::batch::{self, MAX_METRICS};
use metrics_collector::domain::vantage::rows::{self, Form};
use metrics_collector::domain::vantage::trace::{Filter, Spans, Summaries};

const NOW: i64 = 1_795_168_800_000;

fuzz_target!(|body: &[u8]| {
    for form in [Form::First, Form::Second] {
        rows::decode(body, form, |_| {});
    }
    let Ok(batch) = batch::read(body, Some(("trace", "span")), NOW) else { return };
    assert!((1..=MAX_METRICS).contains(&batch.n_received()));
    assert!(batch.reasons.len() <= batch.n_refused);
    let bytes = rows::encode(&batch.metrics);
    let (mut n, mut summaries, mut spans) = (0, Summaries::default(), Spans::of("trace"));
    rows::decode(&bytes, Form::Second, |row| {
        let sent = &batch.metrics[n];
        assert_eq!((row.at_ms, row.service, row.name), (sent.at_ms, sent.service.as_str(), sent.name.as_str()));
        assert!(row.value.is_finite() && row.duration_ms.is_none_or(|ms| ms >= 0. && ms.is_finite()));
        assert_eq!((row.status, row.kind), (sent.status, Some(sent.kind)));
        summaries.add(&row);
        spans.add(&row);
        n += 1;
    });
    assert_eq!(n, batch.metrics.len());
    let traces = summaries.finish(&Filter::default(), 0, 10);
    assert_eq!(traces.len(), usize::from(n > 0));
    serde_json::to_string(&spans.finish()).expect("a trace can be told");
});
