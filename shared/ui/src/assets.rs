//! Stylesheet, script and pictures, embedded. Each is served under a name that holds a hash of its bytes,
//! so it may be cached for ever; the web layer compresses and sends them.

use std::sync::LazyLock;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

/// One embedded file.
#[derive(Debug)]
pub struct Asset {
    /// Its plain name, `ui.css`, as templates ask for it.
    pub name: &'static str,
    /// Where it is served, below the service's root: `assets/ui.1f2e3d4c.css`.
    pub path: String,
    /// What a page says that the bytes must be, in an `integrity` attribute: `sha256-…`.
    pub integrity: String,
    /// The value of `Content-Type`.
    pub content_type: &'static str,
    /// The file itself, not compressed.
    pub bytes: &'static [u8],
}

/// All of them, each immutable under its path.
pub fn assets() -> &'static [Asset] {
    &ALL
}

/// The asset served at `path` (no leading slash), if there is one.
pub fn find(path: &str) -> Option<&'static Asset> {
    ALL.iter().find(|asset| asset.path == path)
}

/// The hashed path of a plain name. A name that is not embedded stays as it is, and a test renders every page
/// to see that none asks for one.
pub(crate) fn path_of(name: &str) -> &str {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => &asset.path,
        None => name,
    }
}

/// The `integrity` of a plain name; none of a name that is not embedded.
pub(crate) fn integrity_of(name: &str) -> &'static str {
    match ALL.iter().find(|asset| asset.name == name) {
        Some(asset) => &asset.integrity,
        None => "",
    }
}

const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// The parts share one scope and run as one module: one request, no import to rewrite to a hashed name.
const UI_JS: &str = concat!(
    include_str!("script/times.js"),
    include_str!("script/copy.js"),
    include_str!("script/settings.js"),
    include_str!("script/keys.js"),
    include_str!("script/menu.js"),
    include_str!("script/range.js"),
    include_str!("script/submit.js"),
    include_str!("script/fresh.js"),
    include_str!("script/live.js"),
);

/// The charts' script, without the library that draws.
const CHART_JS: &str = concat!(
    include_str!("script/chart/measure.js"),
    include_str!("script/chart/zone.js"),
    include_str!("script/chart/plot.js"),
    include_str!("script/chart/legend.js"),
    include_str!("script/chart/chart.js"),
);

/// The log page's script: what keeps many entries in sight, live.
const LOGS_JS: &str = concat!(
    include_str!("script/logs/row.js"),
    include_str!("script/logs/list.js"),
    include_str!("script/logs/older.js"),
    include_str!("script/logs/tail.js"),
    include_str!("script/logs/unfold.js"),
    include_str!("script/logs/volume.js"),
    include_str!("script/logs/counts.js"),
    include_str!("script/logs/containers.js"),
    include_str!("script/logs/page.js"),
);

/// uPlot's two files as build.rs found them; empty where npm has not been run.
const UPLOT_JS: &str = include_str!(concat!(env!("OUT_DIR"), "/uplot.js"));
const UPLOT_CSS: &str = include_str!(concat!(env!("OUT_DIR"), "/uplot.css"));

/// Only pages with charts ask for these two.
static CHARTS: LazyLock<[String; 2]> = LazyLock::new(|| {
    [
        format!("{UPLOT_JS}{CHART_JS}"),
        format!("{UPLOT_CSS}{}", include_str!("assets/chart.css")),
    ]
});

static ALL: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    vec![
        asset("ui.css", CSS, include_bytes!("assets/ui.css")),
        asset("theme.js", SCRIPT, include_bytes!("script/theme.js")),
        asset("ui.js", SCRIPT, UI_JS.as_bytes()),
        asset("chart.js", SCRIPT, CHARTS[0].as_bytes()),
        asset("chart.css", CSS, CHARTS[1].as_bytes()),
        asset("logs.js", SCRIPT, LOGS_JS.as_bytes()),
        asset("logs.css", CSS, include_bytes!("assets/logs.css")),
        asset("favicon.svg", SVG, include_bytes!("assets/favicon.svg")),
        asset("logo.svg", SVG, include_bytes!("assets/logo.svg")),
    ]
});

fn asset(name: &'static str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, ""));
    let hash = fnv1a(bytes);
    Asset {
        name,
        path: format!("assets/{stem}.{hash:016x}.{ending}"),
        integrity: format!("sha256-{}", BASE64.encode(&Sha256::digest(bytes))),
        content_type,
        bytes,
    }
}

/// FNV-1a, 64 bits: it tells versions of our own files apart, nobody can choose its input.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fnv_agrees_with_its_published_vectors() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn every_asset_is_found_under_its_hashed_path() {
        for asset in assets() {
            assert!(asset.path.starts_with("assets/"), "{}", asset.path);
            assert_eq!(find(&asset.path).unwrap().name, asset.name);
            assert_eq!(path_of(asset.name), asset.path);
            assert!(!asset.bytes.is_empty());
        }
        assert!(find("assets/ui.css").is_none());
    }

    #[test]
    fn the_script_uses_nothing_that_trusted_types_or_the_policy_forbid() {
        for (name, text) in [
            ("theme.js", include_str!("script/theme.js")),
            ("ui.js", UI_JS),
            ("chart.js", CHART_JS),
            ("logs.js", LOGS_JS),
        ] {
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "DOMParser",
                "document.write",
                "eval(",
                ".style",
            ] {
                // Heights of rows out of sight are numbers, which the object model may set.
                let text = text.replace(".style.height", "");
                assert!(!text.contains(word), "{name} uses {word}");
            }
        }
    }

    /// It draws under the policy of every page: styles by the object model only. A journey sees that it does.
    #[test]
    fn the_library_makes_no_markup_of_text() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
        ] {
            assert!(!UPLOT_JS.contains(word), "uPlot uses {word}");
        }
        assert_eq!(UPLOT_JS.is_empty(), UPLOT_CSS.is_empty());
        assert!(UPLOT_JS.is_empty() || UPLOT_JS.contains("Permission is hereby granted"));
    }

    #[test]
    fn the_stylesheets_ask_for_nothing_from_elsewhere() {
        for name in ["ui.css", "chart.css", "logs.css"] {
            let css = std::str::from_utf8(find(path_of(name)).unwrap().bytes).unwrap();
            assert!(!css.contains("url(") && !css.contains("@import"));
        }
    }
}
