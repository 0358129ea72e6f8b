//! `relay [SECONDS] [CONNECTIONS] [ROUNDS]`: errors of browsers through the relay until the tracker has stored them,
//! beside hyper that only forwards, and beside the tracker alone. Needs `browser-relay`, `error-tracker` and
//! `hyper_forward` beside it, built with the same profile.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use bench::browser_events::{self, Form};
use bench::figures::{cpu_seconds, median, memory_mb, percentile, reset_peak};
use bench::load::Connection;
use testkit::{Launch, Server};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// A way to the tracker.
struct Way {
    name: &'static str,
    form: Form,
    key: &'static str,
    /// Where events go in, and what is measured: none for the tracker alone.
    through: Option<Server>,
    tracker: Server,
    rounds: Vec<Round>,
    n_acknowledged: u64,
}

struct Round {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// Of the program in between, for one event.
    cpu_us: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<std::result::Result<_, _>>()?;
    let number = |place: usize, default: u64| arguments.get(place).copied().unwrap_or(default);
    let (seconds, n_connections, n_rounds) = (number(0, 4), number(1, 64) as usize, number(2, 5));
    let mut ways = ways().await?;
    let numbers = Arc::new(AtomicU64::new(1));
    for way in &ways {
        if let Some(through) = &way.through {
            reset_peak(through.pid())?;
        }
    }
    for _ in 0..n_rounds {
        for way in &mut ways {
            way.round(&numbers, n_connections, Duration::from_secs(seconds))
                .await?;
        }
    }
    println!("{n_connections} connections, {n_rounds} rounds of {seconds} s in turn; medians");
    println!("| | events/s | p50 ms | p99 ms | µs of CPU in between | resident at the peak | stored |");
    println!("|---|---|---|---|---|---|---|");
    for way in &ways {
        way.print().await?;
    }
    let rate = |way: &Way| median(way.rounds.iter().map(|round| round.rate));
    println!(
        "\nthe relay takes {:.0} % of what hyper forwards",
        100. * rate(&ways[0]) / rate(&ways[1])
    );
    Ok(())
}

async fn ways() -> Result<Vec<Way>> {
    let folder = std::env::current_exe()?;
    let launch = |name: &str| Launch::new(folder.with_file_name(name)).env("RATE_LIMIT", 0);
    let mut ways = Vec::new();
    for name in ["relay", "hyper that only forwards", "the tracker alone"] {
        let tracker = launch("error-tracker").env("NOISE_FILTERS", "none").start().await;
        let url = format!("http://{}", tracker.address);
        let (form, through, key) = match name {
            "relay" => {
                let relay = launch("browser-relay")
                    .env("DSN_KEYS", format!("web:{KEY}"))
                    .env("DSN_RATE_LIMIT", 0)
                    .env("ERROR_TRACKER_URL", &url)
                    .env("ERROR_TRACKER_API_KEY", tracker.key());
                (Form::Relay, Some(relay.start().await), KEY)
            }
            "the tracker alone" => (Form::Tracker, None, tracker.key()),
            _ => {
                let forward = launch("hyper_forward").env("UPSTREAM", tracker.address);
                (Form::Tracker, Some(forward.start().await), tracker.key())
            }
        };
        ways.push(Way {
            name,
            form,
            key,
            through,
            tracker,
            rounds: Vec::new(),
            n_acknowledged: 0,
        });
    }
    Ok(ways)
}

impl Way {
    fn address(&self) -> SocketAddr {
        self.through.as_ref().unwrap_or(&self.tracker).address
    }

    async fn round(
        &mut self,
        numbers: &Arc<AtomicU64>,
        n_connections: usize,
        duration: Duration,
    ) -> Result<()> {
        let pid = self.through.as_ref().map(Server::pid);
        let cpu = pid.map_or(0., cpu_seconds);
        let (began, end) = (Instant::now(), Instant::now() + duration);
        let mut clients = JoinSet::new();
        for _ in 0..n_connections {
            let connection = Connection::open(self.address()).await?;
            clients.spawn(send(
                connection,
                self.form,
                self.address(),
                self.key,
                numbers.clone(),
                end,
            ));
        }
        let mut latency_ms = Vec::new();
        while let Some(seen) = clients.join_next().await {
            latency_ms.extend(seen??);
        }
        let n = latency_ms.len() as f64;
        self.n_acknowledged += latency_ms.len() as u64;
        self.rounds.push(Round {
            rate: n / began.elapsed().as_secs_f64(),
            p50_ms: percentile(&mut latency_ms, 0.5),
            p99_ms: percentile(&mut latency_ms, 0.99),
            cpu_us: (pid.map_or(0., cpu_seconds) - cpu) / n * 1e6,
        });
        Ok(())
    }

    async fn print(&self) -> Result<()> {
        let of = |value: fn(&Round) -> f64| median(self.rounds.iter().map(value));
        let stored = stored(&self.tracker, self.n_acknowledged).await;
        println!(
            "| {} | {:.0} | {:.2} | {:.2} | {:.1} | {} | {stored} of {} |",
            self.name,
            of(|round| round.rate),
            of(|round| round.p50_ms),
            of(|round| round.p99_ms),
            of(|round| round.cpu_us),
            self.through.as_ref().map_or_else(
                || "–".to_owned(),
                |it| format!("{:.1} MB", memory_mb(it.pid(), "VmHWM"))
            ),
            self.n_acknowledged,
        );
        Ok(())
    }
}

/// How many events the tracker has counted, once it has counted all that it took; none may be there twice.
async fn stored(tracker: &Server, n_acknowledged: u64) -> u64 {
    let mut client = tracker.client();
    testkit::eventually("the tracker has counted", async || {
        let list = client.get("/api/errors?limit=200").await.json();
        let counts = list["errors"].as_array()?.iter();
        let n = counts.filter_map(|group| group["count"].as_u64()).sum();
        (n >= n_acknowledged).then_some(n)
    })
    .await
}

/// Sends until the end; how long each answer took. All of them must be 2xx.
async fn send(
    mut connection: Connection,
    form: Form,
    address: SocketAddr,
    key: &'static str,
    numbers: Arc<AtomicU64>,
    end: Instant,
) -> Result<Vec<f64>> {
    let (host, mut request, mut latency_ms) = (address.to_string(), Vec::new(), Vec::new());
    while Instant::now() < end {
        browser_events::write(form, &host, key, numbers.fetch_add(1, Relaxed), &mut request);
        let sent = Instant::now();
        let status = connection.exchange(&request).await?;
        if !(200..300).contains(&status) {
            let said = String::from_utf8_lossy(connection.body()).into_owned();
            return Err(format!("answered {status}: {said}").into());
        }
        latency_ms.push(sent.elapsed().as_secs_f64() * 1000.);
    }
    Ok(latency_ms)
}
