//! Those who write: each at its own steady pace, however long the answers take.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, UNIX_EPOCH};

use bench::browser_events::{self, Form};
use bench::load::Connection;
use bench::mix::Mix;
use bench::samples::{Feed, TICK_MS, latency};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::Result;
use crate::answers::Answers;
use crate::docker::MARK;
use crate::stack::{DSN_KEY, Stack};

/// Series with a value at every tick.
const N_SERIES: u64 = 1_000;
/// Samples of them in a request, and observations of requests beside them.
const BATCH: u64 = 80;
const N_OBSERVATIONS: u64 = 20;
/// Lines in a request to the log viewer.
const N_LINES: u64 = 10;
/// Connections to the tracker, and of browsers.
const N_CONNECTIONS: u64 = 4;
/// How often Docker's files grow.
const DOCKER_TICK: Duration = Duration::from_millis(20);

/// What was answered with 2xx, or written into Docker's files.
#[derive(Default)]
pub(crate) struct Acknowledged {
    pub(crate) reports: AtomicU64,
    pub(crate) samples: AtomicU64,
    pub(crate) lines: AtomicU64,
}

impl Acknowledged {
    pub(crate) fn all(&self) -> u64 {
        self.reports.load(Relaxed) + self.samples.load(Relaxed) + self.lines.load(Relaxed)
    }
}

impl fmt::Display for Acknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (reports, samples, lines) = (&self.reports, &self.samples, &self.lines);
        write!(
            f,
            "{} reports, {} samples, {} lines",
            reports.load(Relaxed),
            samples.load(Relaxed),
            lines.load(Relaxed)
        )
    }
}

/// What an acknowledged request counts as.
#[derive(Clone, Copy)]
enum What {
    Reports,
    Samples,
    Lines,
}

/// All writers.
#[derive(Clone)]
pub(crate) struct Writers {
    stack: Arc<Stack>,
    answers: Arc<Answers>,
    acknowledged: Arc<Acknowledged>,
    end: Instant,
}

/// Writes the request of a number into the bytes; says what it is worth once it is acknowledged.
type Write = dyn Fn(u64, &mut Vec<u8>) -> (What, u64) + Send + Sync;

impl Writers {
    pub(crate) fn new(stack: Arc<Stack>, answers: Arc<Answers>, end: Instant) -> Self {
        Self {
            stack,
            answers,
            acknowledged: Arc::default(),
            end,
        }
    }

    pub(crate) fn acknowledged(&self) -> Arc<Acknowledged> {
        self.acknowledged.clone()
    }

    /// Of 100 writes 25 are reports, 40 samples, 25 lines (5 of them over HTTP), 10 come from browsers.
    pub(crate) fn start(&self, rate: u64, load: &mut JoinSet<Result<()>>) {
        let share = |percent: u64| rate as f64 * percent as f64 / 100.;
        self.spawn(load, "error-tracker", N_CONNECTIONS, share(25), self.reports());
        let n_samples = (BATCH + N_OBSERVATIONS) as f64;
        self.spawn(
            load,
            "metrics-collector",
            1,
            share(40) / n_samples,
            self.samples(),
        );
        self.spawn(load, "log-viewer", 1, share(5) / N_LINES as f64, self.lines());
        self.spawn(load, "browser-relay", N_CONNECTIONS, share(10), self.browsers());
        load.spawn(self.clone().fill_docker(share(20)));
    }

    fn spawn(
        &self,
        load: &mut JoinSet<Result<()>>,
        service: &'static str,
        n_connections: u64,
        requests_a_second: f64,
        write: Arc<Write>,
    ) {
        let pause = Duration::from_secs_f64(n_connections as f64 / requests_a_second);
        for first in 0..n_connections {
            let writers = self.clone();
            let write = write.clone();
            load.spawn(async move {
                let numbers = (0..).map(|n| n * n_connections + first);
                writers.send(service, pause, numbers, &*write).await
            });
        }
    }

    async fn send(
        self,
        service: &'static str,
        pause: Duration,
        numbers: impl Iterator<Item = u64>,
        write: &Write,
    ) -> Result<()> {
        let address = self.stack.address(service);
        let (mut connection, mut request) = (Connection::open(address).await?, Vec::new());
        let mut ticks = tokio::time::interval(pause);
        for number in numbers {
            ticks.tick().await;
            if Instant::now() >= self.end {
                break;
            }
            let (what, n) = write(number, &mut request);
            let status = match connection.exchange(&request).await {
                Ok(status) => status,
                Err(_) => {
                    connection = Connection::open(address).await?;
                    0
                }
            };
            self.answers.add(service, status);
            if (200..300).contains(&status) {
                self.count(what, n);
            }
        }
        Ok(())
    }

    fn count(&self, what: What, n: u64) {
        let count = match what {
            What::Reports => &self.acknowledged.reports,
            What::Samples => &self.acknowledged.samples,
            What::Lines => &self.acknowledged.lines,
        };
        count.fetch_add(n, Relaxed);
    }

    fn reports(&self) -> Arc<Write> {
        let server = self.stack.server("error-tracker");
        let mix = Mix::new(&server.address.to_string(), server.key(), 500);
        Arc::new(move |number, out| {
            mix.write(number, out);
            (What::Reports, 1)
        })
    }

    /// Each request says in a counter of its own how many samples it has.
    fn samples(&self) -> Arc<Write> {
        let head = self.head("metrics-collector", "/api/metrics");
        Arc::new(move |number, out| {
            let n_requests = N_SERIES.div_ceil(BATCH);
            let (tick, part) = (number / n_requests, number % n_requests);
            let feed = Feed {
                n_series: N_SERIES,
                per_name: 50,
                start_ms: unix_ms() - tick as i64 * TICK_MS,
            };
            let series = part * BATCH..N_SERIES.min((part + 1) * BATCH);
            let n = series.end - series.start + N_OBSERVATIONS;
            let mut body = Vec::new();
            feed.write_ours(series, tick, &mut body);
            body.pop();
            for observation in number * N_OBSERVATIONS..(number + 1) * N_OBSERVATIONS {
                body.extend(format!(",{}", observed(observation)).bytes());
            }
            body.extend(format!(r#",{{"name":"mixed_sent","type":"counter","value":{n}}}]"#).bytes());
            write(&head, &body, out);
            (What::Samples, n)
        })
    }

    fn lines(&self) -> Arc<Write> {
        let head = self.head("log-viewer", "/api/logs?container=batch");
        Arc::new(move |number, out| {
            let lines = number * N_LINES..(number + 1) * N_LINES;
            let line = |n| json!({"level": "info", "message": format!("job {n} is done {MARK}"), "job": n});
            let lines: Vec<Value> = lines.map(line).collect();
            write(&head, Value::from(lines).to_string().as_bytes(), out);
            (What::Lines, N_LINES)
        })
    }

    /// Errors, metrics and lines in turn.
    fn browsers(&self) -> Arc<Write> {
        let host = self.stack.address("browser-relay").to_string();
        let head = |path: &str| {
            format!("POST /api/browser/{path} HTTP/1.1\r\nhost: {host}\r\nx-monlight-key: {DSN_KEY}\r\n")
        };
        let (metrics, logs) = (head("metrics"), head("logs"));
        Arc::new(move |number, out| match number / N_CONNECTIONS % 3 {
            0 => {
                browser_events::write(Form::Relay, &host, DSN_KEY, number + 1, out);
                (What::Reports, 1)
            }
            1 => {
                let vital =
                    json!({"name": "web_vitals_lcp", "type": "histogram", "value": latency(number) * 1000.});
                let sent = json!({"name": "mixed_sent", "type": "counter", "value": 1});
                write(
                    &metrics,
                    json!({"metrics": [vital, sent]}).to_string().as_bytes(),
                    out,
                );
                (What::Samples, 1)
            }
            _ => {
                let line = json!({"level": "warn", "message": format!("cart {number} is stale {MARK}")});
                write(&logs, json!({"logs": [line]}).to_string().as_bytes(), out);
                (What::Lines, 1)
            }
        })
    }

    fn head(&self, service: &str, path: &str) -> String {
        let server = self.stack.server(service);
        let (host, key) = (server.address, server.key());
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nx-api-key: {key}\r\n")
    }

    async fn fill_docker(self, lines_a_second: f64) -> Result<()> {
        let (started, mut n) = (Instant::now(), 0);
        let mut ticks = tokio::time::interval(DOCKER_TICK);
        while Instant::now() < self.end {
            ticks.tick().await;
            let due = (started.elapsed().as_secs_f64() * lines_a_second) as u64;
            let time = rfc3339(unix_ms());
            let mut docker = self.stack.docker.lock().map_err(|_| "a writer panicked")?;
            for _ in n..due {
                docker.write_entry(&time)?;
            }
            self.count(What::Lines, due - n);
            n = due;
        }
        Ok(())
    }
}

fn write(head: &str, body: &[u8], out: &mut Vec<u8>) {
    out.clear();
    out.extend_from_slice(head.as_bytes());
    let rest = format!(
        "content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    out.extend_from_slice(rest.as_bytes());
    out.extend_from_slice(body);
}

/// A request of the shop, as `setup_monlight` of the Python client tells of it.
fn observed(number: u64) -> Value {
    let labels = json!({"endpoint": format!("/api/{}", number % 8), "method": "GET", "status": "200"});
    json!({"name": "http_request_duration_seconds", "type": "histogram", "value": latency(number), "labels": labels})
}

fn unix_ms() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |since| since.as_millis() as i64)
}

/// Of this century.
fn rfc3339(unix_ms: i64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
    format!(
        "{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}000000Z",
        ms % 1_000
    )
}

/// Year, month and day of so many days after 1970-01-01.
fn date(mut days: i64) -> (i64, usize, i64) {
    let (mut year, mut month) = (1970, 0);
    loop {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        while month < 12 && days >= lengths[month] {
            days -= lengths[month];
            month += 1;
        }
        if month < 12 {
            return (year, month + 1, days + 1);
        }
        (year, month) = (year + 1, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_docker_writes_them() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(rfc3339(1_709_210_096_789), "2024-02-29T12:34:56.789000000Z");
    }
}
