//! `mixed [SECONDS] [WRITES_A_SECOND]`: all four services as delivered, with everything at once: reports, metrics, Docker's
//! logs, lines over HTTP, browsers through the relay, people who look at pages, a tail. What they have resident together
//! must stay under 60 MB and not grow, no answer may be 5xx, nothing that was acknowledged lost; else the exit code is 1.
//!
//! The services lie beside this program, or in the folder `MONLIGHT_BIN`. With `MEMORY_LIMIT_MB` each runs in a group of
//! processes (cgroup) that may have no more. `MALLOC_…`, `MIMALLOC_…` and `GLIBC_TUNABLES` are passed on.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

mod answers;
mod docker;
mod group;
mod memory;
mod readers;
mod stack;
mod stored;
mod writers;

use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::answers::Answers;
use crate::memory::Watch;
use crate::stack::Stack;
use crate::writers::Writers;

pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// After the start, before the load: what the services have when nobody asks for anything.
const REST: Duration = Duration::from_secs(5);

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |default| numbers.next().unwrap_or(Ok(default));
    let (seconds, rate) = (number(900)?, number(1_200)?);
    let stack = Arc::new(Stack::start().await?);
    tokio::time::sleep(REST).await;
    let mut watch = Watch::new(&stack);

    let answers = Arc::new(Answers::default());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut load = JoinSet::new();
    let writers = Writers::new(stack.clone(), answers.clone(), end);
    writers.start(rate, &mut load);
    readers::start(&stack, &answers, end, &mut load);
    watch.until(end).await;
    while let Some(ended) = load.join_next().await {
        ended??;
    }
    let acknowledged = writers.acknowledged();
    println!(
        "{:.0} writes a second for {seconds} s, {rate} wanted: {acknowledged}",
        acknowledged.all() as f64 / seconds as f64
    );
    answers.print();
    let is_within = watch.print();
    // What is not there yet may be on its way; after this nobody looks at memory any more.
    let is_whole = stored::compare(&stack, &acknowledged).await;
    let n_kills = stack.kills_for_memory();
    drop(writers);
    if let Some(stack) = Arc::into_inner(stack) {
        stack.stop().await;
    }
    if let Some(n_kills) = n_kills {
        println!("\nkilled by the kernel for want of memory: {n_kills}");
    }
    let is_kept = is_within && is_whole && answers.n_failed() == 0 && n_kills.unwrap_or(0) == 0;
    println!("\nthe promise is {}", if is_kept { "kept" } else { "BROKEN" });
    Ok(ExitCode::from(u8::from(!is_kept)))
}
