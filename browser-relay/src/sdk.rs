//! The SDK as `build.rs` found it: its files, their version, and what pins a page to them.

use std::sync::LazyLock;

use data_encoding::{BASE64, HEXLOWER};
use sha2::{Digest, Sha256, Sha384};
use web::assets::{Assets, File};

/// The script of the one tag.
pub(crate) const SCRIPT: &str = "monlight.min.js";
/// The part that it loads later from beside it.
const VITALS: &str = "monlight-vitals.js";

/// The command that uploads the source maps of a build, for Node: one file that needs nothing else.
pub(crate) const COMMAND: &str = "monlight-sourcemaps.mjs";

const SCRIPT_JS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/monlight.min.js"));
const VITALS_JS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/monlight-vitals.js"));
const COMMAND_JS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/monlight-sourcemaps.mjs"));

/// Hexadecimal digits that tell versions apart.
const VERSION_DIGITS: usize = 16;

static VERSION: LazyLock<String> = LazyLock::new(|| {
    let mut hash = Sha256::new();
    hash.update(SCRIPT_JS);
    hash.update(VITALS_JS);
    let mut digits = HEXLOWER.encode(&hash.finalize());
    digits.truncate(VERSION_DIGITS);
    digits
});

static FILES: LazyLock<Assets> = LazyLock::new(|| {
    let files = [(SCRIPT, SCRIPT_JS), (VITALS, VITALS_JS), (COMMAND, COMMAND_JS)].into_iter();
    let there = files.filter(|(_, bytes)| !bytes.is_empty());
    Assets::new(there.map(|(name, bytes)| File {
        name: versioned(name),
        content_type: "text/javascript; charset=utf-8",
        bytes,
    }))
});

/// Whether this binary was built with it.
pub(crate) fn is_there() -> bool {
    !SCRIPT_JS.is_empty()
}

/// Changes with any of the files that a page loads.
pub(crate) fn version() -> &'static str {
    &VERSION
}

/// All files, each named `VERSION/NAME`.
pub(crate) fn files() -> &'static Assets {
    &FILES
}

/// The name of a file among [`files`].
pub(crate) fn versioned(name: &str) -> String {
    format!("{}/{name}", version())
}

/// Value of the `integrity` attribute of the script's tag.
pub(crate) fn integrity() -> String {
    format!("sha384-{}", BASE64.encode(&Sha384::digest(SCRIPT_JS)))
}
