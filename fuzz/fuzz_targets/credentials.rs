//! Whatever is shown as a key, a session or a link lets nobody in, and any file of keys is taken or refused.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs, process};

use auth::{Keys, Sessions};
use libfuzzer_sys::fuzz_target;

const NOW: u64 = 1_795_168_800;

static SESSIONS: LazyLock<Sessions> = LazyLock::new(|| Sessions::new(b"the secret of the fuzzer", "error-tracker"));
static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new("mk_the_key_of_the_fuzzer", None).expect("it is a key"));
static FILE: LazyLock<PathBuf> = LazyLock::new(|| env::temp_dir().join(format!("monlight-fuzz-keys-{}", process::id())));

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert!(KEYS.authenticate(text).is_none());
        assert!(SESSIONS.verify(text, NOW, &KEYS).is_none());
        assert!(SESSIONS.redeem_login_link(text, NOW, &KEYS).is_none());
        SESSIONS.revoke(text, NOW);
        let (a, b) = text.split_once('\n').unwrap_or((text, ""));
        auth::presented(None, Some(a), Some(b));
        assert!(!auth::same_origin(false, None, Some(a), &[]));
    }
    fs::write(&*FILE, bytes).expect("the file can be written");
    let read = Keys::new("", Some(&FILE));
    let _ = fs::remove_file(&*FILE);
    if let Ok(keys) = read {
        assert!(keys.authenticate("").is_none() && keys.api_key_identity().is_none());
    }
});
