//! How much the error tracker takes in, beside what it could be: one commit a report, and HTTP without storing.
//! Also its memory, its size on disk and its start on a large database. `bench/README.md` says how to read the table.
#![expect(clippy::print_stdout, reason = "the table is what this program is for")]

use std::error::Error;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use bench::binaries;
use bench::figures::{busy_seconds, cpu_seconds, median, memory_mb, reset_peak};
use bench::load::{self, Connection, Seen};
use bench::mix::{self, Mix};
use testkit::{Launch, Server};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const N_CONNECTIONS: usize = 64;
const N_IDLE: usize = 1000;
const N_STARTS: usize = 5;
const TRACEBACK_BYTES: usize = 500;
/// Database for the start, and the size of the reports that fill it.
const LARGE_DATABASE_BYTES: u64 = 1_000_000_000;
const LARGE_TRACEBACK_BYTES: usize = 8_000;

/// On one thread: the server needs the cores more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let plan = Plan::from_arguments()?;
    let binaries = binaries::build()?;
    let tracker = binaries.join("error-tracker");
    println!("mix: {}", mix::in_words());

    let memory = idle_memory(&tracker).await?;
    let (peak, rows) = compare(&plan, &tracker, &binaries.join("hyper_null")).await?;
    print_rates(&rows);
    let starts = match plan.with_start {
        true => start_on_large_database(&tracker).await?,
        false => Vec::new(),
    };

    let large = std::fs::metadata(&tracker)?.len() as f64 / 1e6;
    let rate = |row: &Row| row.rate();
    let table = [
        (
            "acknowledged/s, of one commit a report",
            format!("{:.1} x", rate(&rows[0]) / rate(&rows[1])),
            ">= 8 x",
        ),
        (
            "acknowledged/s, of hyper that stores nothing",
            format!("{:.0} %", 100. * rate(&rows[0]) / rate(&rows[2])),
            ">= 35 %",
        ),
        (
            "resident memory, just started",
            format!("{:.1} MB", memory.started),
            "< 12 MB",
        ),
        (
            "resident memory, peak of the start",
            format!("{:.1} MB", memory.start_peak),
            "none",
        ),
        (
            "resident memory, peak of the runs",
            format!("{peak:.1} MB"),
            "< 30 MB",
        ),
        (
            "resident memory, 1,000 idle connections",
            format!("{:.1} MB", memory.with_idle),
            "< 30 MB",
        ),
        ("binary", format!("{large:.1} MB"), "< 8 MB"),
        (
            "start to `listening on`, 1 GB database",
            format!("{:.0} ms", median(starts)),
            "< 100 ms",
        ),
    ];
    println!("\n| | measured | target |\n|---|---|---|");
    for (what, measured, target) in table {
        println!("| {what} | {measured} | {target} |");
    }
    Ok(())
}

struct Plan {
    rounds: usize,
    duration: Duration,
    with_start: bool,
}

impl Plan {
    /// `ingest [rounds] [seconds] [nostart]`
    fn from_arguments() -> Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let number =
            |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
        Ok(Self {
            rounds: number(0, 5)? as usize,
            duration: Duration::from_secs(number(1, 4)?),
            with_start: arguments.get(2).is_none_or(|word| word != "nostart"),
        })
    }
}

fn launch(binary: &Path) -> Launch {
    Launch::new(binary).env("RATE_LIMIT_KEY", 0)
}

/// One of the three that are compared, with what each round saw.
struct Row {
    name: &'static str,
    server: Server,
    mix: Arc<Mix>,
    rounds: Vec<Round>,
}

struct Round {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    cpu_us: f64,
    /// CPU seconds of other programs per second of the round.
    foreign: f64,
    n_refused: u64,
}

impl Row {
    async fn new(name: &'static str, launch: Launch) -> Self {
        let server = launch.start().await;
        let mix = Arc::new(Mix::new(
            &server.address.to_string(),
            server.key(),
            TRACEBACK_BYTES,
        ));
        Self {
            name,
            server,
            mix,
            rounds: Vec::new(),
        }
    }

    async fn load(&self, numbers: &Arc<AtomicU64>, duration: Duration) -> Result<Round> {
        let (pid, us) = (self.server.pid(), std::process::id());
        let before = (cpu_seconds(pid), cpu_seconds(us), busy_seconds());
        let mut seen: Seen =
            load::run(self.server.address, &self.mix, numbers, N_CONNECTIONS, duration).await?;
        let server = cpu_seconds(pid) - before.0;
        let foreign = busy_seconds() - before.2 - server - (cpu_seconds(us) - before.1);
        Ok(Round {
            rate: seen.rate(),
            p50_ms: seen.latency(0.5),
            p99_ms: seen.latency(0.99),
            cpu_us: server * 1e6 / (seen.n_acknowledged + seen.n_refused) as f64,
            foreign: foreign / seen.seconds,
            n_refused: seen.n_refused,
        })
    }

    fn middle(&self, figure: impl Fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(figure))
    }

    fn rate(&self) -> f64 {
        self.middle(|round| round.rate)
    }
}

/// Interleaved, so that all three meet the same noise. Returns the tracker's peak memory too.
async fn compare(plan: &Plan, tracker: &Path, null: &Path) -> Result<(f64, [Row; 3])> {
    let numbers = Arc::new(AtomicU64::new(0));
    let mut rows = [
        Row::new("error-tracker", launch(tracker)).await,
        Row::new(
            "one commit a report (`MAX_BATCH=1`)",
            launch(tracker).env("MAX_BATCH", 1),
        )
        .await,
        Row::new("hyper that stores nothing", launch(null)).await,
    ];
    println!(
        "bodies: {} bytes; {N_CONNECTIONS} connections; {} rounds of {:?}, interleaved",
        rows[0].mix.body_bytes(),
        plan.rounds,
        plan.duration
    );
    reset_peak(rows[0].server.pid())?;
    for row in &rows {
        row.load(&numbers, Duration::from_secs(1)).await?;
    }
    for _ in 0..plan.rounds {
        for row in &mut rows {
            let round = row.load(&numbers, plan.duration).await?;
            row.rounds.push(round);
        }
    }
    Ok((memory_mb(rows[0].server.pid(), "VmHWM"), rows))
}

fn print_rates(rows: &[Row]) {
    println!(
        "\n| median of the rounds | acknowledged/s | lowest to highest | p50 ms | p99 ms | CPU us/request | refused | cores used by others |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for row in rows {
        let rates = || row.rounds.iter().map(|round| round.rate);
        println!(
            "| {} | {:.0} | {:.0}–{:.0} | {:.1} | {:.1} | {:.1} | {} | {:.2} |",
            row.name,
            row.rate(),
            rates().fold(f64::INFINITY, f64::min),
            rates().fold(0., f64::max),
            row.middle(|round| round.p50_ms),
            row.middle(|round| round.p99_ms),
            row.middle(|round| round.cpu_us),
            row.rounds.iter().map(|round| round.n_refused).sum::<u64>(),
            row.middle(|round| round.foreign),
        );
    }
}

/// Resident MB of a tracker that does nothing.
struct IdleMemory {
    start_peak: f64,
    started: f64,
    /// With connections that each sent one report and then nothing.
    with_idle: f64,
}

async fn idle_memory(tracker: &Path) -> Result<IdleMemory> {
    let row = Row::new("idle", launch(tracker)).await;
    let pid = row.server.pid();
    let (start_peak, started) = (memory_mb(pid, "VmHWM"), memory_mb(pid, "VmRSS"));
    let mut clients = JoinSet::new();
    for number in 0..N_IDLE as u64 {
        let (address, mix) = (row.server.address, row.mix.clone());
        clients.spawn(async move {
            let mut request = Vec::new();
            mix.write(number, &mut request);
            let mut connection = Connection::open(address).await?;
            connection.exchange(&request).await?;
            io::Result::Ok(connection)
        });
    }
    let mut open = Vec::new();
    while let Some(connection) = clients.join_next().await {
        open.push(connection??);
    }
    Ok(IdleMemory {
        start_peak,
        started,
        with_idle: memory_mb(pid, "VmRSS"),
    })
}

/// Milliseconds of each start.
async fn start_on_large_database(tracker: &Path) -> Result<Vec<f64>> {
    let launch = launch(tracker)
        .env("KEEP_OCCURRENCES", 1000)
        .env("SYNCHRONOUS", "normal");
    let server = launch.start().await;
    let mix = Arc::new(Mix::new(
        &server.address.to_string(),
        server.key(),
        LARGE_TRACEBACK_BYTES,
    ));
    let numbers = Arc::new(AtomicU64::new(0));
    while std::fs::metadata(launch.database_path())?.len() < LARGE_DATABASE_BYTES {
        load::run(
            server.address,
            &mix,
            &numbers,
            N_CONNECTIONS,
            Duration::from_secs(1),
        )
        .await?;
    }
    server.stop().await;
    let launch = launch.env("SYNCHRONOUS", "full");
    let mut starts = Vec::new();
    for _ in 0..N_STARTS {
        let started = Instant::now();
        let server = launch.start().await;
        starts.push(started.elapsed().as_secs_f64() * 1000.);
        server.stop().await;
    }
    Ok(starts)
}
