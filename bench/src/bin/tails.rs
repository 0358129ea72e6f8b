//! `tails [STREAMS] [LINES_A_SECOND] [SECONDS]`: many live tails on one container's log, from the line in Docker's
//! file to the reader. Each reader must get every line, or be told how many it missed. The log viewer's binary lies
//! beside this one: `cargo build --release -p log-viewer -p bench`.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bench::figures::{cpu_seconds, memory_mb, reset_peak};
use bench::table;
use testkit::Launch;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What is written at once, so many times a second.
const WRITES_A_SECOND: u64 = 100;
/// After the last line: what is under way arrives.
const REST: Duration = Duration::from_secs(3);
/// Delays are counted by the millisecond up to here.
const MAX_DELAY_MS: usize = 10_000;

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let mut number = |default| numbers.next().unwrap_or(Ok(default));
    let (n_tails, rate, seconds) = (number(500)?, number(1000)?, number(60)?);
    let here = std::env::current_exe()?;
    let launch = Launch::new(here.with_file_name("log-viewer"));
    let folder = launch.folder().join("containers");
    let log = container(&folder)?;
    let server = launch
        .env("LOG_SOURCES", folder.display())
        .env("MAX_TAILS", n_tails + 1)
        .start()
        .await;
    let pid = server.pid();
    let (address, key) = (server.address, server.key());

    let is_over = Arc::new(AtomicBool::new(false));
    let mut readers = Vec::new();
    for _ in 0..n_tails {
        readers.push(tokio::spawn(read(open(address, key).await?, is_over.clone())));
    }
    let idle_mb = memory_mb(pid, "VmRSS");
    reset_peak(pid)?;
    let cpu_before = cpu_seconds(pid);
    let n_lines = write(&log, rate, seconds).await?;
    tokio::time::sleep(REST).await;
    is_over.store(true, Ordering::Relaxed);
    let cpu = cpu_seconds(pid) - cpu_before;
    let peak_mb = memory_mb(pid, "VmHWM");
    // A last line ends the reading of those who would wait for more.
    append(&log, "the end")?;

    let mut all = Seen::new();
    let (mut n_whole, mut n_told, mut n_wrong) = (0, 0, 0);
    for reader in readers {
        let seen = reader.await??;
        let is_complete = seen.n_lines + seen.n_missed == n_lines && seen.n_out_of_order == 0;
        match (is_complete, seen.n_missed) {
            (true, 0) => n_whole += 1,
            (true, _) => n_told += 1,
            (false, _) => n_wrong += 1,
        }
        all.add(&seen);
    }
    let _ = server.stop().await;
    println!(
        "{n_tails} tails, {rate} lines a second for {seconds} s: {n_lines} lines, {} delivered",
        all.n_lines
    );
    table::print_figures([
        (
            "tails that got every line",
            n_whole.to_string(),
            "all, or the next".to_owned(),
        ),
        (
            "tails that were told exactly what they missed",
            n_told.to_string(),
            "the rest".to_owned(),
        ),
        ("tails with anything else", n_wrong.to_string(), "0".to_owned()),
        ("delay, p50, ms", all.delay(0.5).to_string(), String::new()),
        ("delay, p95, ms", all.delay(0.95).to_string(), "250".to_owned()),
        ("delay, p99, ms", all.delay(0.99).to_string(), String::new()),
        ("memory before, MB", format!("{idle_mb:.1}"), String::new()),
        ("memory at its peak, MB", format!("{peak_mb:.1}"), "60".to_owned()),
        (
            "CPU seconds a second",
            format!("{:.2}", cpu / seconds as f64),
            String::new(),
        ),
        (
            "CPU, us a line and tail",
            format!("{:.2}", cpu * 1e6 / all.n_lines.max(1) as f64),
            String::new(),
        ),
    ]);
    Ok(())
}

/// A container with an empty log; returns the path of that.
fn container(folder: &Path) -> Result<std::path::PathBuf, Failure> {
    let id = format!("{:064x}", 1);
    let home = folder.join(&id);
    std::fs::create_dir_all(&home)?;
    let log = home.join(format!("{id}-json.log"));
    std::fs::write(&log, "")?;
    let config = format!(
        "{{\"ID\":\"{id}\",\"Name\":\"/web\",\"LogPath\":\"{}\"}}",
        log.display()
    );
    std::fs::write(home.join("config.v2.json"), config)?;
    Ok(log)
}

/// Writes lines evenly; returns how many. Each says its number and when it was written.
async fn write(log: &Path, rate: u64, seconds: u64) -> Result<u64, Failure> {
    let mut ticks = tokio::time::interval(Duration::from_millis(1000 / WRITES_A_SECOND));
    let started = Instant::now();
    let mut n_lines = 0;
    while started.elapsed() < Duration::from_secs(seconds) {
        ticks.tick().await;
        let due = (started.elapsed().as_secs_f64() * rate as f64) as u64;
        let now_ms = UNIX_EPOCH.elapsed()?.as_millis();
        let lines: Vec<String> = (n_lines..due)
            .map(|n| format!("#{n} {now_ms} GET /basket 200 and what else an access log says"))
            .collect();
        if !lines.is_empty() {
            append(log, &lines.join("\n"))?;
        }
        n_lines = due.max(n_lines);
    }
    Ok(n_lines)
}

/// Appends lines as Docker does.
fn append(log: &Path, lines: &str) -> Result<(), Failure> {
    let records = lines.lines().map(|line| {
        format!(
            "{{\"log\":\"{line}\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-28T08:00:00.000000001Z\"}}\n"
        )
    });
    let records: String = records.collect();
    OpenOptions::new()
        .append(true)
        .open(log)?
        .write_all(records.as_bytes())?;
    Ok(())
}

async fn open(address: SocketAddr, key: &str) -> Result<TcpStream, Failure> {
    let mut socket = TcpStream::connect(address).await?;
    let request = format!("GET /api/logs/tail?container=web HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n\r\n");
    socket.write_all(request.as_bytes()).await?;
    Ok(socket)
}

/// What one reader saw.
struct Seen {
    n_lines: u64,
    n_missed: u64,
    n_out_of_order: u64,
    /// By the millisecond.
    delays: Vec<u32>,
}

impl Seen {
    fn new() -> Self {
        Self {
            n_lines: 0,
            n_missed: 0,
            n_out_of_order: 0,
            delays: vec![0; MAX_DELAY_MS],
        }
    }

    fn add(&mut self, other: &Self) {
        self.n_lines += other.n_lines;
        self.n_missed += other.n_missed;
        for (sum, n) in self.delays.iter_mut().zip(&other.delays) {
            *sum += n;
        }
    }

    /// Below this lie so many of all, in ms.
    fn delay(&self, share: f64) -> usize {
        let n_all: u64 = self.delays.iter().map(|n| u64::from(*n)).sum();
        let mut n_below = 0;
        let place = self.delays.iter().position(|n| {
            n_below += u64::from(*n);
            n_below as f64 >= n_all as f64 * share
        });
        place.unwrap_or(MAX_DELAY_MS)
    }

    /// Takes a line of the stream that is data. False: it was the last.
    fn take(&mut self, line: &str, now_ms: u128) -> bool {
        if let Some(missed) = line.strip_prefix("data: {\"missed\": ") {
            self.n_missed += missed.trim_end_matches('}').parse().unwrap_or(0);
            return true;
        }
        let Some((_, message)) = line.split_once("\"message\":\"") else {
            return true;
        };
        let mut words = message.split(' ');
        let number = words.next().and_then(|word| word.strip_prefix('#')?.parse().ok());
        let Some(number): Option<u64> = number else {
            return !message.starts_with("the end");
        };
        if number != self.n_lines + self.n_missed {
            self.n_out_of_order += 1;
        }
        self.n_lines += 1;
        let written_ms: u128 = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        let delay = usize::try_from(now_ms.saturating_sub(written_ms)).unwrap_or(MAX_DELAY_MS);
        self.delays[delay.min(MAX_DELAY_MS - 1)] += 1;
        true
    }
}

/// Reads until the last line, or until nothing comes after the end.
async fn read(mut socket: TcpStream, is_over: Arc<AtomicBool>) -> Result<Seen, Failure> {
    let mut seen = Seen::new();
    let mut unread = Vec::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let n = match tokio::time::timeout(REST, socket.read(&mut buffer)).await {
            Ok(n) => n?,
            Err(_) if is_over.load(Ordering::Relaxed) => return Ok(seen),
            Err(_) => continue,
        };
        if n == 0 {
            return Ok(seen);
        }
        unread.extend_from_slice(buffer.get(..n).unwrap_or_default());
        let now_ms = UNIX_EPOCH.elapsed()?.as_millis();
        let end = unread
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        for line in unread.get(..end).unwrap_or_default().split(|byte| *byte == b'\n') {
            let line = std::str::from_utf8(line).unwrap_or("");
            if line.starts_with("data: ") && !seen.take(line, now_ms) {
                return Ok(seen);
            }
        }
        unread.drain(..end);
    }
}
