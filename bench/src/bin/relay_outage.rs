//! `relay_outage [SECONDS] [EVENTS_A_SECOND] [KILLS]`: browsers send errors, metrics and log lines at a steady rate
//! while the services behind the relay are killed and started again at random, and the relay itself by SIGKILL. Then
//! everything that was acknowledged must be there, once. Needs the four services beside it.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bench::dice::scramble;
use testkit::{Client, Launch, Server, eventually, json};
use tokio::task::JoinSet;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEY: &str = "0123456789abcdef0123456789abcdef";
/// Browsers that send, each in its own pace.
const N_BROWSERS: u64 = 10;
const BACKENDS: [&str; 3] = ["error-tracker", "metrics-collector", "log-viewer"];

/// What browsers were told.
#[derive(Default)]
struct Told {
    n_sent: u64,
    /// Numbers of errors, metrics and lines that were answered with 2xx.
    taken: [BTreeSet<u64>; 3],
    /// Answers that were neither.
    refused: BTreeMap<u16, u64>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<u64> = std::env::args()
        .skip(1)
        .map(|text| text.parse())
        .collect::<std::result::Result<_, _>>()?;
    let number = |place: usize, default: u64| arguments.get(place).copied().unwrap_or(default);
    let (seconds, rate, n_kills) = (number(0, 60), number(1, 200), number(2, 50));

    let mut stack = Stack::start().await?;
    let told = Arc::new(Mutex::new(Told::default()));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut browsers = JoinSet::new();
    for browser in 0..N_BROWSERS {
        let pause = Duration::from_secs_f64(N_BROWSERS as f64 / rate as f64);
        browsers.spawn(send(stack.relay_address, browser, pause, end, told.clone()));
    }
    let n_backend_kills = stack.torment(end, n_kills).await;
    while browsers.join_next().await.is_some() {}
    let told = std::mem::take(&mut *told.lock().map_err(|_| "a browser panicked")?);
    let waited = Instant::now();
    let stored = stack.stored(&told).await;
    println!(
        "{} sent in {seconds} s; the relay killed {n_kills} times, services behind {n_backend_kills} times; other answers: {:?}",
        told.n_sent, told.refused
    );
    for (kind, (taken, stored)) in ["errors", "metrics", "lines"]
        .iter()
        .zip(told.taken.iter().zip(&stored))
    {
        let n_missing = taken.iter().filter(|number| !stored.contains_key(number)).count();
        let n_double = stored.values().filter(|count| **count > 1).count();
        println!(
            "{kind}: {} acknowledged, {} stored, {n_missing} missing, {n_double} more than once",
            taken.len(),
            stored.len()
        );
    }
    println!(
        "all was there {:.1} s after the end",
        waited.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Sends one event after the other, of each kind in turn; a request without an answer is not acknowledged.
async fn send(address: SocketAddr, browser: u64, pause: Duration, end: Instant, told: Arc<Mutex<Told>>) {
    let mut client = Client::new(address).with_header("x-monlight-key", KEY);
    let mut ticks = tokio::time::interval(pause);
    let mut number = browser;
    while Instant::now() < end {
        ticks.tick().await;
        number += N_BROWSERS;
        let kind = (number / N_BROWSERS % 3) as usize;
        let (path, body) = match kind {
            0 => (
                "errors",
                json!({"type": "Outage", "message": word(number), "stack": ""}),
            ),
            1 => (
                "metrics",
                json!({"metrics": [{"name": format!("outage_{number}"), "type": "counter", "value": 1}]}),
            ),
            _ => (
                "logs",
                json!({"logs": [{"level": "info", "message": format!("outage line{number}")}]}),
            ),
        };
        let path = format!("/api/browser/{path}");
        let answer = client
            .try_send("POST".parse().expect("a method"), &path, &[], body.to_string())
            .await;
        let Ok(mut told) = told.lock() else { return };
        told.n_sent += 1;
        match answer {
            Ok(answer) if answer.status.is_success() => drop(told.taken[kind].insert(number)),
            Ok(answer) => *told.refused.entry(answer.status.as_u16()).or_default() += 1,
            Err(_) => {}
        }
    }
}

/// A group of its own: letters alone tell messages apart.
fn word(number: u64) -> String {
    let letters = number
        .to_string()
        .bytes()
        .map(|digit| char::from(digit - b'0' + b'a'))
        .collect::<String>();
    format!("outage {letters}")
}

struct Stack {
    backends: Vec<(Launch, Option<Server>)>,
    relay: (Launch, Option<Server>),
    relay_address: SocketAddr,
}

impl Stack {
    async fn start() -> Result<Self> {
        let folder = std::env::current_exe()?;
        let launch = |name: &str| Launch::new(folder.with_file_name(name)).env("RATE_LIMIT", 0);
        let mut relay = launch("browser-relay")
            .env("DSN_KEYS", format!("web:{KEY}"))
            .env("DSN_RATE_LIMIT", 0)
            .env("UPSTREAM_TIMEOUT", "500ms");
        let mut backends = Vec::new();
        for (name, variable) in BACKENDS
            .into_iter()
            .zip(["ERROR_TRACKER", "METRICS_COLLECTOR", "LOG_VIEWER"])
        {
            let launch = launch(name).env("NOISE_FILTERS", "none");
            let server = launch.start().await;
            relay = relay
                .env(&format!("{variable}_URL"), format!("http://{}", server.address))
                .env(&format!("{variable}_API_KEY"), server.key());
            backends.push((launch.env("LISTEN_ADDR", server.address), Some(server)));
        }
        let server = relay.start().await;
        let relay_address = server.address;
        Ok(Self {
            backends,
            relay: (relay.env("LISTEN_ADDR", relay_address), Some(server)),
            relay_address,
        })
    }

    /// Kills until the end, then starts what is down. How often a service behind was killed.
    async fn torment(&mut self, end: Instant, n_kills: u64) -> u64 {
        let step = (end - Instant::now()) / u32::try_from(n_kills).unwrap_or(1);
        let mut n_backend_kills = 0;
        let mut ticks = tokio::time::interval(step);
        for kill in 0..n_kills {
            ticks.tick().await;
            let dice = scramble(kill);
            let (launch, backend) = &mut self.backends[(dice % 3) as usize];
            match backend.take() {
                Some(server) => {
                    server.kill().await;
                    n_backend_kills += 1;
                }
                None => *backend = Some(launch.start().await),
            }
            tokio::time::sleep(step.mul_f64((dice >> 8) as u8 as f64 / 512.)).await;
            let (launch, relay) = &mut self.relay;
            if let Some(server) = relay.take() {
                server.kill().await;
            }
            *relay = Some(launch.start().await);
        }
        for (launch, backend) in &mut self.backends {
            if backend.is_none() {
                *backend = Some(launch.start().await);
            }
        }
        n_backend_kills
    }

    fn client(&self, place: usize) -> Client {
        self.backends[place]
            .1
            .as_ref()
            .map(Server::client)
            .expect("all are up again")
    }

    /// What the services have, by number, once all that was acknowledged is there.
    async fn stored(&self, told: &Told) -> [BTreeMap<u64, u64>; 3] {
        let has = |stored: &BTreeMap<u64, u64>, kind: usize| {
            told.taken[kind].iter().all(|it| stored.contains_key(it))
        };
        let errors = eventually("all errors are there", async || {
            Some(errors(&mut self.client(0)).await).filter(|stored| has(stored, 0))
        });
        let metrics = eventually("all metrics are there", async || {
            Some(metrics(&mut self.client(1), &told.taken[1]).await).filter(|stored| has(stored, 1))
        });
        let lines = eventually("all lines are there", async || {
            Some(lines(&mut self.client(2)).await).filter(|stored| has(stored, 2))
        });
        [errors.await, metrics.await, lines.await]
    }
}

async fn errors(tracker: &mut Client) -> BTreeMap<u64, u64> {
    let (mut all, mut offset) = (BTreeMap::new(), 0);
    loop {
        let list = tracker
            .get(&format!("/api/errors?limit=200&offset={offset}"))
            .await
            .json();
        let rows = list["errors"].as_array().cloned().unwrap_or_default();
        for row in &rows {
            let letters = row["message"]
                .as_str()
                .unwrap_or("")
                .trim_start_matches("outage ");
            let digits: String = letters
                .bytes()
                .map(|letter| char::from(letter - b'a' + b'0'))
                .collect();
            *all.entry(digits.parse().unwrap_or(0)).or_default() += row["count"].as_u64().unwrap_or(0);
        }
        if rows.len() < 200 {
            return all;
        }
        offset += 200;
    }
}

/// Each has a name of its own; those that were not acknowledged are not asked for.
async fn metrics(collector: &mut Client, wanted: &BTreeSet<u64>) -> BTreeMap<u64, u64> {
    let mut all = BTreeMap::new();
    for number in wanted {
        let told = collector
            .get(&format!("/api/metrics?name=outage_{number}&period=1h"))
            .await
            .json();
        let rows = told["data"].as_array().cloned().unwrap_or_default();
        let sum: f64 = rows.iter().filter_map(|row| row["sum"].as_f64()).sum();
        if sum > 0. {
            all.insert(*number, sum as u64);
        }
    }
    all
}

async fn lines(viewer: &mut Client) -> BTreeMap<u64, u64> {
    let text = viewer.get("/api/logs/export?search=outage").await.text();
    let mut all = BTreeMap::new();
    for rest in text.split("outage line").skip(1) {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        *all.entry(digits.parse().unwrap_or(0)).or_default() += 1;
    }
    all
}
