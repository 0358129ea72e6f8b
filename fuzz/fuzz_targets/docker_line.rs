//! Any bytes are a log: read whole or in pieces they give the same entries, and none is longer than is kept.
#![no_main]

use libfuzzer_sys::fuzz_target;
use log_viewer::domain::entry::Entry;
use log_viewer::domain::intake::{Format, Intake, Now};

const MAX_LINE_BYTES: usize = 1024;

fn read(format: Format, bytes: &[u8], n_at_once: usize) -> Vec<Entry> {
    let now = Now { steady_ms: 0, unix_ns: 1_795_850_555_000_000_000 };
    let mut intake = Intake::new("web".into(), format, MAX_LINE_BYTES);
    let mut out = Vec::new();
    let (mut at, mut end) = (0, 0);
    while end < bytes.len() {
        end = bytes.len().min(end + n_at_once);
        at += intake.take(1, at as u64, &bytes[at..end], false, now, &mut out);
    }
    intake.take_rest(1, at as u64, &bytes[at..], now, &mut out);
    intake.flush(now, &mut out);
    out
}

fuzz_target!(|bytes: &[u8]| {
    let Some((size, bytes)) = bytes.split_first() else { return };
    for format in [Format::Docker, Format::Plain] {
        let whole = read(format, bytes, bytes.len().max(1));
        assert!(whole.iter().all(|entry| entry.message.len() <= MAX_LINE_BYTES));
        assert_eq!(whole, read(format, bytes, usize::from(*size) + 1));
    }
});
