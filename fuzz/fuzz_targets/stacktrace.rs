//! Any text is parsed, within the promised bounds, and the contract's location is a part of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stacktrace::{Dialect, MAX_EXCEPTIONS, MAX_FRAMES, location, parse};

fuzz_target!(|text: &str| {
    let trace = parse(text);
    let n_frames: usize = trace
        .exceptions
        .iter()
        .map(|exception| exception.frames.len())
        .sum();
    assert!(n_frames <= MAX_FRAMES);
    assert!(trace.exceptions.len() <= MAX_EXCEPTIONS);
    assert_eq!(trace.dialect == Dialect::Unknown, trace.exceptions.is_empty());
    trace.culprit();
    if let Some((file, line)) = location::contract(text) {
        assert!(text.contains(file));
        assert!(!line.is_empty() && line.bytes().all(|byte| byte.is_ascii_digit()));
    }
});
