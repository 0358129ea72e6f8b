//! Tests only: starts a real binary on a free port with a database of its own, talks to it, stops it, and
//! shows its log when a test fails.

pub mod alerting;
mod client;
pub mod openapi;
mod own_port;
mod receiver;
mod server;
mod waiting;

use std::io::Write;

pub use client::{Answer, Client};
pub use receiver::{Received, Receiver, Reply};
pub use serde_json::{Value, json};
pub use server::{Launch, Server};
pub use waiting::{eventually, until};

/// Why a test is skipped, in the one form that all of ours print. Written past the test harness, which hides
/// what a passing test prints.
pub fn skip(reason: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {reason}");
}

/// The handbook beside the repository, with real requests of real clients; absent in a fresh clone.
pub fn handbook(path: &str) -> Option<std::path::PathBuf> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared")
        .join(path);
    file.exists().then_some(file)
}
