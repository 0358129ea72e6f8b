//! The log viewer over the logs of eight containers, from Docker's files to answers; beside grep, ripgrep and
//! FTS5 with a row per line. `cargo run --release -p bench --bin logs -- 2000000`

use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bench::figures::{cpu_seconds, memory_mb, percentile, reset_peak};
use bench::log_lines::{self, LogEntry};
use serde_json::Value;
use testkit::{Client, Launch, Server};

type Failure = Box<dyn Error>;
/// The `n`th search of a kind, as the query of a URL.
type Search<'a> = Box<dyn Fn(u64) -> String + 'a>;

/// Lines that FTS5 gets; all of them would take longer than the rest together.
const FTS5_LINES: u64 = 200_000;
/// Searches of each kind.
const SEARCHES: u64 = 40;

/// What was written.
struct Corpus {
    folder: tempfile::TempDir,
    n_entries: u64,
    n_lines: u64,
    /// Of the messages alone, and of Docker's files.
    n_text: u64,
    n_bytes: u64,
}

fn main() -> Result<(), Failure> {
    let n_lines = std::env::args().nth(1).map_or(Ok(2_000_000), |n| n.parse())?;
    let corpus = write(n_lines)?;
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
    runtime.block_on(measure(&corpus))?;
    fts5(&corpus)
}

async fn measure(corpus: &Corpus) -> Result<(), Failure> {
    let launch = launch(corpus);
    let server = launch.start().await;
    read_in(corpus, &server).await;
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
    reset_peak(server.pid())?;
    searches(corpus, &server).await;
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
    Launch::new(binary)
        .env("LOG_SOURCES", corpus.folder.path().display())
        .env("TAIL_BUFFER", 0)
        .env("MAX_ENTRIES", 1_000_000_000)
        .env("MAX_DATABASE_MB", 0)
        .env("RETENTION_DAYS", 0)
        .env("RATE_LIMIT_KEY", 1_000_000)
        .env("MALLOC_ARENA_MAX", std::env::var("ARENAS").unwrap_or_default())
}

/// Waits until all entries are found.
async fn read_in(corpus: &Corpus, server: &Server) {
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

async fn searches(corpus: &Corpus, server: &Server) {
    let mut client = server.client();
    let ids: Vec<String> = (0..corpus.n_entries)
        .step_by((corpus.n_entries / SEARCHES / 4).max(1) as usize)
        .filter_map(|n| some_id(&log_lines::entry(n)))
        .collect();
    let hour = "since=2026-11-01T00:10:00Z&until=2026-11-01T00:40:00Z";
    let kinds: [(&str, Search<'_>); 9] = [
        (
            "unique id",
            Box::new(|n| format!("q={}&limit=100", ids[n as usize % ids.len()])),
        ),
        ("rare word", Box::new(|_| "q=quokka&limit=100".to_owned())),
        (
            "absent word",
            Box::new(|n| format!("q=nowhere{}&limit=100", letters(n))),
        ),
        (
            "absent id",
            Box::new(|n| format!("q={:032x}&limit=100", u128::from(n) << 77 | 0x5bd1)),
        ),
        (
            "common word, newest 100, counted",
            Box::new(|_| "q=get&limit=100".to_owned()),
        ),
        (
            "exact count of a word",
            Box::new(|n| {
                format!(
                    "q={}&limit=1",
                    ["orders", "timeout", "error", "200"][n as usize % 4]
                )
            }),
        ),
        (
            "phrase",
            Box::new(|_| "q=%22connection+refused+by%22&limit=100".to_owned()),
        ),
        (
            "word, container, level, half an hour",
            Box::new(move |_| format!("q=timeout&container=orders&level=%3E%3DWARNING&limit=100&{hour}")),
        ),
        ("everything, newest 100", Box::new(|_| "limit=100".to_owned())),
    ];
    for (name, query) in &kinds {
        let before = cpu_seconds(server.pid());
        let mut times = Vec::new();
        let mut last = Value::Null;
        for n in 0..SEARCHES {
            let started = Instant::now();
            last = search(&mut client, &query(n)).await;
            times.push(started.elapsed().as_secs_f64() * 1e3);
        }
        let cpu = (cpu_seconds(server.pid()) - before) * 1e3 / SEARCHES as f64;
        say(&format!(
            "{name}: p50 {:.2} ms, p95 {:.2} ms, {cpu:.2} ms of CPU; {} shown of {}",
            percentile(&mut times, 0.5),
            percentile(&mut times, 0.95),
            last["logs"].as_array().map_or(0, Vec::len),
            last["total"],
        ));
    }
    for program in ["grep", "rg"] {
        scan(program, &ids[0], corpus);
    }
}

async fn search(client: &mut Client, query: &str) -> Value {
    client.get(&format!("/api/logs?{query}")).await.json()
}

/// One look through all files with a program made for it.
fn scan(program: &str, word: &str, corpus: &Corpus) {
    let started = Instant::now();
    let mut command = Command::new(program);
    command.args(["-c", "-F", word]).args(files(corpus.folder.path()));
    match command.output() {
        Ok(_) => say(&format!(
            "{program} -c over the same files: {:.0} ms",
            started.elapsed().as_secs_f64() * 1e3
        )),
        Err(cause) => say(&format!("{program}: {cause}")),
    }
}

/// FTS5 as it is usually used: a row per line, text and index.
fn fts5(corpus: &Corpus) -> Result<(), Failure> {
    let path = corpus.folder.path().join("fts5.db");
    let mut database = rusqlite::Connection::open(&path)?;
    database.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = normal; create virtual table entries using fts5(message)",
    )?;
    let started = cpu_seconds(std::process::id());
    let (mut n_lines, mut n_text, mut n) = (0, 0, 0);
    while n_lines < FTS5_LINES {
        let transaction = database.transaction()?;
        {
            let mut insert = transaction.prepare("insert into entries (message) values (?1)")?;
            for entry in (n..n + 10_000).map(log_lines::entry) {
                let message = entry.lines.join("\n");
                n_lines += entry.lines.len() as u64;
                n_text += message.len();
                insert.execute([message])?;
            }
        }
        n += 10_000;
        transaction.commit()?;
    }
    let cpu = cpu_seconds(std::process::id()) - started;
    drop(database);
    say(&format!(
        "FTS5, a row per entry: {:.0} lines per CPU second, {:.2} bytes per byte of text",
        n_lines as f64 / cpu,
        size(&path) as f64 / n_text as f64
    ));
    Ok(())
}

/// Docker's files, a folder per container.
fn write(n_lines: u64) -> Result<Corpus, Failure> {
    let folder = tempfile::tempdir()?;
    let mut files = Vec::new();
    for (n, name) in log_lines::containers().iter().enumerate() {
        let id = format!("{n:064x}");
        let home = folder.path().join(&id);
        std::fs::create_dir(&home)?;
        std::fs::write(
            home.join("config.v2.json"),
            format!("{{\"ID\":\"{id}\",\"Name\":\"/{name}\"}}"),
        )?;
        files.push(BufWriter::new(File::create(home.join(format!("{id}-json.log")))?));
    }
    let mut corpus = Corpus {
        folder,
        n_entries: 0,
        n_lines: 0,
        n_text: 0,
        n_bytes: 0,
    };
    while corpus.n_lines < n_lines {
        let entry = log_lines::entry(corpus.n_entries);
        corpus.n_entries += 1;
        corpus.n_lines += entry.lines.len() as u64;
        let stream = if entry.is_stderr { "stderr" } else { "stdout" };
        for line in &entry.lines {
            corpus.n_text += line.len() as u64 + 1;
            let log = Value::from(format!("{line}\n"));
            let record = format!(
                "{{\"log\":{log},\"stream\":\"{stream}\",\"time\":\"{}\"}}\n",
                rfc3339(entry.time_ns)
            );
            corpus.n_bytes += record.len() as u64;
            files[entry.container].write_all(record.as_bytes())?;
        }
    }
    files.into_iter().try_for_each(|mut file| file.flush())?;
    Ok(corpus)
}

fn rfc3339(time_ns: u64) -> String {
    let start = log_lines::entry(0).time_ns / 86_400_000_000_000 * 86_400_000_000_000;
    let ns = time_ns - start;
    let s = ns / 1_000_000_000;
    let (day, hour, minute, second) = (s / 86_400 + 1, s / 3_600 % 24, s / 60 % 60, s % 60);
    format!(
        "2026-11-{day:02}T{hour:02}:{minute:02}:{second:02}.{:09}Z",
        ns % 1_000_000_000
    )
}

fn some_id(entry: &LogEntry) -> Option<String> {
    let words = entry.lines[0].split(|c: char| !c.is_ascii_hexdigit());
    words.filter(|word| word.len() == 32).map(str::to_owned).next()
}

/// A word of letters.
fn letters(n: u64) -> String {
    n.to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'k'))
        .collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let homes = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let logs = homes.map(|home| {
        home.path()
            .join(format!("{}-json.log", home.file_name().to_string_lossy()))
    });
    logs.filter(|path| path.exists()).collect()
}

fn size(path: &Path) -> u64 {
    let beside = PathBuf::from(format!("{}-wal", path.display()));
    [path, &beside]
        .iter()
        .filter_map(|path| path.metadata().ok())
        .map(|file| file.len())
        .sum()
}

fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
