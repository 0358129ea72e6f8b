//! Hands the chart library, which npm has put into `node_modules`, to `assets.rs`. Where it is missing, as on a
//! machine without Node, an empty file stands for it: pages then show their tables in place of charts.

use std::error::Error;
use std::path::Path;
use std::{env, fs};

/// What is embedded, under which name, and the licence that goes with it.
const FILES: [(&str, &str); 2] = [
    ("node_modules/uplot/dist/uPlot.iife.min.js", "uplot.js"),
    ("node_modules/uplot/dist/uPlot.min.css", "uplot.css"),
];
const LICENCE: &str = "node_modules/uplot/LICENSE";

fn main() -> Result<(), Box<dyn Error>> {
    let out = env::var("OUT_DIR")?;
    let is_there = FILES
        .iter()
        .map(|(from, _)| from)
        .chain([&LICENCE])
        .all(|file| Path::new(file).is_file());
    if !is_there {
        println!(
            "cargo::warning=charts show as tables: `npm ci` in shared/ui, then build again, embeds uPlot"
        );
        // A path that is not there would make every build run this again.
        println!("cargo::rerun-if-changed=.");
    }
    for (from, to) in FILES {
        let text = if is_there { licensed(from)? } else { String::new() };
        fs::write(Path::new(&out).join(to), text)?;
        if is_there {
            println!("cargo::rerun-if-changed={from}");
        }
    }
    Ok(())
}

/// The file with its licence above it, as the licence asks.
fn licensed(file: &str) -> Result<String, Box<dyn Error>> {
    let licence = fs::read_to_string(LICENCE)?;
    Ok(format!(
        "/*! uPlot\n{}\n*/\n{}\n",
        licence.trim(),
        fs::read_to_string(file)?
    ))
}
