//! Every door of the metrics collector: no request makes it panic, answer 500, or stay silent.
#![no_main]

mod doors;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static DOOR: LazyLock<doors::Door> = LazyLock::new(|| doors::Door::open::<metrics_collector::MetricsCollector>(&[("MAX_DATABASE_MB", "20"), ("VANTAGE_KEYS", "local")]));

fuzz_target!(|input: &[u8]| DOOR.knock(input));
