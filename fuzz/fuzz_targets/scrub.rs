//! Secrets are taken out of any text: what was JSON stays JSON, and nothing is left to be taken out after that.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use scrub::Scrubber;
use serde_json::Value;

static SCRUBBER: LazyLock<Scrubber> = LazyLock::new(|| Scrubber::new(&["pin".to_owned()]));

fuzz_target!(|text: &str| {
    let scrubbed = SCRUBBER.json(text);
    if serde_json::from_str::<Value>(text).is_ok() {
        serde_json::from_str::<Value>(&scrubbed).expect("JSON stays JSON");
    }
    assert_eq!(SCRUBBER.json(&scrubbed), scrubbed, "of {text:?}");
    let scrubbed = SCRUBBER.text(text);
    assert_eq!(SCRUBBER.text(&scrubbed), scrubbed, "of {text:?}");
});
