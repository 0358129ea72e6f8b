//! Any answer to a scrape is read within its bounds, and two of them one after the other become samples that are kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use metrics_collector::domain::exposition::{self, MAX_SAMPLES};
use metrics_collector::domain::scraped::Memory;

const OWN: [(&str, &str); 2] = [("instance", "127.0.0.1:9100"), ("job", "node")];
/// Observations of one histogram that one scrape gives, at most, and what rounding adds.
const MAX_OBSERVED: u64 = 2_001;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let middle = text.floor_char_boundary(text.len() / 2);
    for is_openmetrics in [false, true] {
        let mut memory = Memory::default();
        for part in [&text[..middle], &text[middle..], text] {
            let exposition = exposition::parse(part, is_openmetrics);
            let n_lines = part.lines().count();
            assert!(exposition.samples.len() + exposition.n_left_out <= n_lines);
            assert!(exposition.samples.len() <= MAX_SAMPLES);
            assert!(exposition.samples.iter().all(|sample| sample.value.is_finite()));
            let n_samples = exposition.samples.len() as u64;
            let taken = memory.take(exposition, &OWN, 1_795_168_800_000);
            assert!(taken.iter().map(|sample| sample.n).sum::<u64>() <= n_samples * MAX_OBSERVED);
            assert!(taken.iter().all(|sample| OWN.iter().all(|(key, value)| {
                sample.labels.iter().any(|(known, own)| known == key && own == value)
            })));
        }
    }
});
