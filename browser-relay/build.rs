//! Hands the SDK, which `npm run build` has put into `clients/js/dist`, to `sdk.rs`. Where it is missing, as on a
//! machine without Node, an empty file stands for it, and `/sdk/` says so.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

const DIST: &str = "../clients/js/dist";
/// The script, the part that it loads later, and the command for source maps.
const FILES: [&str; 3] = ["monlight.min.js", "monlight-vitals.js", "monlight-sourcemaps.mjs"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let is_there = FILES.iter().all(|file| Path::new(DIST).join(file).is_file());
    if !is_there {
        println!(
            "cargo::warning=/sdk/ is empty: `npm ci && npm run build` in clients/js, then build again, embeds the SDK"
        );
        // A path that is not there would make every build run this again.
        println!("cargo::rerun-if-changed=build.rs");
        println!("cargo::rerun-if-changed=../clients/js");
    }
    for file in FILES {
        let from = Path::new(DIST).join(file);
        let text = match is_there {
            true => fs::read(&from)?,
            false => Vec::new(),
        };
        fs::write(Path::new(&out).join(file), text)?;
        if is_there {
            println!("cargo::rerun-if-changed={}", from.display());
        }
    }
    Ok(())
}
