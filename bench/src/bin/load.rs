//! `load ADDRESS KEY [SECONDS]`: the same load on a tracker that already runs, to profile it under.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use bench::load;
use bench::mix::Mix;

const N_CONNECTIONS: usize = 64;
const TRACEBACK_BYTES: usize = 500;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [address, key, rest @ ..] = &arguments[..] else {
        return Err("usage: load ADDRESS KEY [SECONDS]".into());
    };
    let seconds = rest.first().map_or(Ok(10), |text| text.parse())?;
    let mix = Arc::new(Mix::new(address, key, TRACEBACK_BYTES));
    // From the clock, so that a second run opens new groups as the first did.
    let number = std::time::UNIX_EPOCH.elapsed()?.as_secs() % 4_000_000_000;
    let numbers = Arc::new(AtomicU64::new(number * 1000 % 9_000_000_000));
    let mut seen = load::run(
        address.parse()?,
        &mix,
        &numbers,
        N_CONNECTIONS,
        Duration::from_secs(seconds),
    )
    .await?;
    let (p50, p99) = (seen.latency(0.5), seen.latency(0.99));
    println!(
        "{:.0}/s acknowledged, {} refused, p50 {p50:.1} ms, p99 {p99:.1} ms",
        seen.rate(),
        seen.n_refused
    );
    Ok(())
}
