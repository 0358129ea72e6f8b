//! Every door of the log viewer: no request makes it panic, answer 500, or stay silent.
#![no_main]

mod doors;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static DOOR: LazyLock<doors::Door> = LazyLock::new(|| doors::Door::open::<log_viewer::LogViewer>(&[("LOG_SOURCES", "/nonexistent"), ("MAX_DATABASE_MB", "20")]));

fuzz_target!(|input: &[u8]| DOOR.knock(input));
