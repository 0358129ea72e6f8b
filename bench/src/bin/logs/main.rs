//! The log viewer over the logs of eight containers, from Docker's files to answers; beside grep, ripgrep and
//! FTS5 with a row per line. `cargo run --release -p bench --bin logs -- 2000000`
//!
//! With a folder as second argument files and database are left there: the first run reads in, each one after it asks.

mod corpus;
mod fts5;
mod searches;

use std::error::Error;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bench::figures::{cpu_seconds, memory_mb, reset_peak};
use corpus::Corpus;
use testkit::{Launch, Server};

pub(crate) type Failure = Box<dyn Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let n_lines = arguments.next().map_or(Ok(2_000_000), |n| n.parse())?;
    let kept = arguments.next().map(PathBuf::from);
    let scratch = tempfile::tempdir()?;
    let folder = kept.as_deref().unwrap_or(scratch.path());
    let left = Corpus::load(folder);
    let is_new = !folder.join("logs.db").exists();
    let corpus = left.map_or_else(|| Corpus::write(folder, n_lines), Ok)?;
    say(&format!(
        "{} lines, {} entries, {:.0} MB of text, {:.0} MB of Docker's files",
        corpus.n_lines,
        corpus.n_entries,
        corpus.n_text as f64 / 1e6,
        corpus.n_bytes as f64 / 1e6
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    if is_new {
        runtime.block_on(read_in(&corpus))?;
        fts5::measure(&scratch.path().join("fts5.db"))?;
    }
    if !is_new || kept.is_none() {
        runtime.block_on(ask(&corpus))?;
    }
    Ok(())
}

/// From Docker's files to a database.
async fn read_in(corpus: &Corpus) -> Result<(), Failure> {
    let launch = launch(corpus);
    let server = launch.start().await;
    say(&format!(
        "resident: just started {:.1} MB",
        memory_mb(server.pid(), "VmRSS")
    ));
    until_read(corpus, &server).await;
    say(&format!(
        "resident: peak {:.1} MB, then {:.1} MB",
        memory_mb(server.pid(), "VmHWM"),
        memory_mb(server.pid(), "VmRSS")
    ));
    let stored = size(launch.database_path());
    say(&format!(
        "stored: {:.0} MB, {:.3} bytes per byte of text, {:.3} per byte of Docker's",
        stored as f64 / 1e6,
        stored as f64 / corpus.n_text as f64,
        stored as f64 / corpus.n_bytes as f64
    ));
    server.stop().await;
    Ok(())
}

/// Searches, and then drops the oldest tenth.
async fn ask(corpus: &Corpus) -> Result<(), Failure> {
    let launch = launch(corpus);
    let server = launch.start().await;
    until_read(corpus, &server).await;
    reset_peak(server.pid())?;
    searches::ask_all(corpus, &server).await;
    say(&format!(
        "resident while searching: peak {:.1} MB",
        memory_mb(server.pid(), "VmHWM")
    ));
    server.stop().await;
    let launch = launch.env("MAX_ENTRIES", corpus.n_entries * 9 / 10);
    let server = launch.start().await;
    let deadline = Instant::now() + Duration::from_secs(30);
    while !server.log().contains("entries were dropped") && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let log = server.log();
    say(log
        .lines()
        .find(|line| line.contains("entries were dropped"))
        .unwrap_or("nothing was dropped"));
    server.stop().await;
    Ok(())
}

fn launch(corpus: &Corpus) -> Launch {
    let here = std::env::current_exe().unwrap_or_default();
    let binary = here.parent().unwrap_or(Path::new(".")).join("log-viewer");
    let launch = Launch::new(binary)
        .database(corpus.folder.join("logs.db"))
        .env("LOG_SOURCES", corpus.folder.display())
        .env("TAIL_BUFFER", 0)
        .env("MAX_ENTRIES", 1_000_000_000)
        .env("MAX_DATABASE_MB", 0)
        .env("RETENTION_DAYS", 0)
        .env("RATE_LIMIT_KEY", 1_000_000);
    // To compare settings of the allocator.
    let malloc = std::env::vars().filter(|(name, _)| name.starts_with("MALLOC_"));
    malloc.fold(launch, |launch, (name, value)| launch.env(&name, value))
}

/// Waits until all entries are found.
async fn until_read(corpus: &Corpus, server: &Server) {
    let started = Instant::now();
    let mut client = server.stranger();
    let mut n_found = 0;
    let mut changed = Instant::now();
    while n_found < corpus.n_entries && changed.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let n = client.get("/health").await.json()["logs_indexed"]
            .as_u64()
            .unwrap_or(0);
        if n != n_found {
            (n_found, changed) = (n, Instant::now());
        }
    }
    let (wall, cpu) = ((changed - started).as_secs_f64(), cpu_seconds(server.pid()));
    say(&format!(
        "file to searchable: {:.0} lines/s, {:.0} lines per CPU second ({wall:.1} s, {cpu:.1} s of CPU); {n_found} of {} entries",
        corpus.n_lines as f64 / wall,
        corpus.n_lines as f64 / cpu,
        corpus.n_entries,
    ));
}

/// Of a database, with its write-ahead log.
pub(crate) fn size(path: &Path) -> u64 {
    let beside = PathBuf::from(format!("{}-wal", path.display()));
    [path, &beside]
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|file| file.len())
        .sum()
}

/// Prints a line.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
