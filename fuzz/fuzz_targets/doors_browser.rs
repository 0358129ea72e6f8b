//! Every door of the browser relay: no request makes it panic, answer 500, or stay silent.
#![no_main]

mod doors;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static DOOR: LazyLock<doors::Door> = LazyLock::new(|| doors::Door::open::<browser_relay::BrowserRelay>(&[("DSN_KEYS", "shop:fuzz_public_key"), ("CORS_ORIGINS", "*")]));

fuzz_target!(|input: &[u8]| DOOR.knock(input));
