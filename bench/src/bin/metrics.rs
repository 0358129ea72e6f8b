//! The metrics collector beside Prometheus, VictoriaMetrics and one row per sample in SQLite: samples per CPU second,
//! bytes per sample, memory, restart, CPU per query. `bench/README.md` says how to read the tables.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bench::binaries;
use bench::figures::{busy_seconds, cpu_seconds, memory_mb, percentile};
use bench::load::{Connection, get};
use bench::rivals::Rival;
use bench::samples::{BOUNDS, Feed, TICK_MS, latency, snappy, write_series};
use bench::table;
use testkit::{Launch, Server};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// Samples of one request.
const BATCH: u64 = 1_000;
/// Each query is asked so often.
const N_ASKED: usize = 40;
/// Label sets of the histogram, and observations of each at a tick.
const N_HISTOGRAMS: u64 = 50;
const PER_TICK: u64 = 10;

/// On one thread: the servers need the cores more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let (hours, n_series) = (number(0, 24)?, number(1, 2_000)?);
    let with_rivals = arguments.get(2).is_none_or(|word| word != "alone");
    let collector = binaries::build()?.join("metrics-collector");
    let n_ticks = hours * 3_600_000 / TICK_MS as u64;
    let start_ms = (now_ms() / 3_600_000 - hours as i64) * 3_600_000;
    let feed = Feed {
        n_series,
        per_name: 1_000,
        start_ms,
    };
    println!(
        "{n_series} series over {hours} h, one value each 15 s: {} million samples in batches of {BATCH}, one connection; \
         a histogram of {N_HISTOGRAMS} label sets with {PER_TICK} observations each 15 s",
        n_series * n_ticks / 1_000_000
    );
    let mut rows = vec![of_ours(&collector, &feed, n_ticks).await?];
    if with_rivals {
        rows.push(of_victoria(&feed, n_ticks).await?);
        rows.push(of_prometheus(&feed, n_ticks).await?);
        rows.push(of_rows(&feed, n_ticks.min(500))?);
    }
    print_rows(&rows);
    memory(&collector, with_rivals).await?;
    restart(&collector).await
}

/// What one server showed.
struct Row {
    name: &'static str,
    per_cpu_second: f64,
    bytes_per_sample: f64,
    resident_mb: f64,
    /// CPU ms of a query, and p50 and p95 of its time in ms.
    queries: Vec<Option<(f64, f64, f64)>>,
    foreign: f64,
}

fn print_rows(rows: &[Row]) {
    let head = [
        "",
        "samples per CPU second",
        "bytes per sample on disk",
        "resident MB",
        "cores used by others",
    ];
    let row = |row: &Row| {
        vec![
            row.name.to_owned(),
            format!("{:.2} million", row.per_cpu_second / 1e6),
            format!("{:.2}", row.bytes_per_sample),
            format!("{:.0}", row.resident_mb),
            format!("{:.2}", row.foreign),
        ]
    };
    table::print(&head, rows.iter().map(row));
    let names = [
        "one series, 24 h by minute",
        "sum of 1,000 series, 1 h by minute",
        "p99, 24 h by hour",
    ];
    let mut head = vec!["CPU ms a query (p50 / p95 of its time in ms)"];
    head.extend(rows.iter().map(|row| row.name));
    let told = |figure: &Option<(f64, f64, f64)>| match figure {
        Some((cpu, p50, p95)) => format!("{cpu:.2} ({p50:.1} / {p95:.1})"),
        None => "–".to_owned(),
    };
    let lines = names.iter().enumerate().map(|(place, name)| {
        let cells = rows
            .iter()
            .map(|row| row.queries.get(place).map_or("–".to_owned(), told));
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    table::print(&head, lines);
}

fn launch(collector: &Path) -> Launch {
    Launch::new(collector)
        .env("RATE_LIMIT_KEY", 0)
        .env("RETENTION_RAW", "3d")
        .env("RETENTION_MINUTE", "3d")
        .env("MAX_SERIES", 1_000_000)
        .env("MAX_LABEL_VALUES", 1_000_000)
}

async fn of_ours(collector: &Path, feed: &Feed, n_ticks: u64) -> Result<Row> {
    let launch = launch(collector);
    let server = launch.start().await;
    let (pid, address, key) = (server.pid(), server.address, server.key());
    let header = format!("x-api-key: {key}\r\n");
    let fed = send(
        address,
        pid,
        "/api/metrics",
        &header,
        feed,
        n_ticks,
        |series, tick, out| {
            feed.write_ours(series, tick, out);
        },
    );
    let fed = fed.await?;
    until_written(launch.database_path()).await?;
    let bytes = used_bytes(launch.database_path())?;
    let resident_mb = memory_mb(pid, "VmRSS");
    observe_ours(&server, feed, n_ticks).await?;
    until_written(launch.database_path()).await?;
    let end_ms = feed.at_ms(n_ticks);
    let range = |hours: i64| format!("from={}&to={end_ms}", end_ms - hours * 3_600_000);
    let queries = [
        format!(
            "/api/metrics?name=app_load_1&labels=host:host-7&step=60s&function=avg&{}",
            range(24)
        ),
        format!(
            "/api/metrics?name=app_load_1&step=60s&function=total&{}",
            range(1)
        ),
        format!(
            "/api/metrics?name=app_seconds&type=histogram&step=1h&function=p99&{}",
            range(24)
        ),
    ];
    let mut figures = Vec::new();
    for path in queries {
        figures.push(Some(ask(address, pid, &path, ("x-api-key", key)).await?));
    }
    server.stop().await;
    Ok(Row {
        name: "metrics-collector",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries: figures,
        foreign: fed.foreign,
    })
}

async fn of_victoria(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let rival = Rival::victoria().await?;
    let fed = send(
        rival.address,
        rival.pid(),
        "/api/v1/import",
        "",
        feed,
        n_ticks,
        |series, tick, out| {
            feed.write_lines(series, tick, out);
        },
    );
    let fed = fed.await?;
    one(rival.address, "/internal/force_flush").await?;
    one(rival.address, "/internal/force_merge").await?;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let (bytes, resident_mb) = (rival.disk_bytes(), memory_mb(rival.pid(), "VmRSS"));
    let write = "/api/v1/write";
    observe_rival(rival.address, write, feed, n_ticks).await?;
    one(rival.address, "/internal/force_flush").await?;
    let queries = rival_queries(&rival, feed, n_ticks).await?;
    Ok(Row {
        name: "VictoriaMetrics",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries,
        foreign: fed.foreign,
    })
}

async fn of_prometheus(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let rival = Rival::prometheus().await?;
    let write = "/api/v1/write";
    let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
    let fed = send(
        rival.address,
        rival.pid(),
        write,
        headers,
        feed,
        n_ticks,
        |series, tick, out| {
            let mut plain = Vec::new();
            feed.write_protobuf(series, tick, &mut plain);
            out.extend(snappy(&plain));
        },
    );
    let fed = fed.await?;
    let (bytes, resident_mb) = (rival.disk_bytes(), memory_mb(rival.pid(), "VmRSS"));
    observe_rival(rival.address, write, feed, n_ticks).await?;
    let queries = rival_queries(&rival, feed, n_ticks).await?;
    Ok(Row {
        name: "Prometheus",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries,
        foreign: fed.foreign,
    })
}

/// One row per sample with its labels as text, a thousand a transaction, in this process.
fn of_rows(feed: &Feed, n_ticks: u64) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("rows.db");
    let mut connection = rusqlite::Connection::open(&path)?;
    connection.execute_batch(
        "pragma journal_mode = wal; pragma synchronous = full;
         create table samples (id integer primary key, at integer, name text, labels text, value real);
         create index by_name on samples (name, at);",
    )?;
    let (began, before) = (cpu_seconds(std::process::id()), busy_seconds());
    let clock = Instant::now();
    for tick in 0..n_ticks {
        for first in (0..feed.n_series).step_by(BATCH as usize) {
            let tx = connection.transaction()?;
            {
                let mut insert = tx.prepare_cached(
                    "insert into samples (at, name, labels, value) values (?1, ?2, ?3, ?4)",
                )?;
                for id in first..(first + BATCH).min(feed.n_series) {
                    let labels = format!(
                        "{{\"host\":\"host-{}\",\"job\":\"app\",\"service\":\"svc-{}\"}}",
                        id % 1000,
                        id % 20
                    );
                    insert.execute((feed.at_ms(tick), feed.name(id), labels, feed.value(id, tick)))?;
                }
            }
            tx.commit()?;
        }
    }
    let cpu = cpu_seconds(std::process::id()) - began;
    let foreign = (busy_seconds() - before - cpu) / clock.elapsed().as_secs_f64();
    connection.execute_batch("pragma wal_checkpoint(truncate)")?;
    let n_samples = (feed.n_series * n_ticks) as f64;
    Ok(Row {
        name: "one row per sample",
        per_cpu_second: n_samples / cpu,
        bytes_per_sample: std::fs::metadata(&path)?.len() as f64 / n_samples,
        resident_mb: f64::NAN,
        queries: Vec::new(),
        foreign,
    })
}

/// What taking in showed.
struct Fed {
    n_samples: u64,
    per_cpu_second: f64,
    foreign: f64,
}

async fn send(
    address: SocketAddr,
    pid: u32,
    path: &str,
    headers: &str,
    feed: &Feed,
    n_ticks: u64,
    write: impl Fn(std::ops::Range<u64>, u64, &mut Vec<u8>),
) -> Result<Fed> {
    let mut connection = Connection::open(address).await?;
    let (mut body, mut request) = (Vec::new(), Vec::new());
    let (before, busy, own, clock) = (
        cpu_seconds(pid),
        busy_seconds(),
        cpu_seconds(std::process::id()),
        Instant::now(),
    );
    for tick in 0..n_ticks {
        for first in (0..feed.n_series).step_by(BATCH as usize) {
            body.clear();
            write(first..(first + BATCH).min(feed.n_series), tick, &mut body);
            post(&mut connection, address, path, headers, &body, &mut request).await?;
        }
    }
    let cpu = cpu_seconds(pid) - before;
    let n_samples = feed.n_series * n_ticks;
    let foreign = busy_seconds() - busy - cpu - (cpu_seconds(std::process::id()) - own);
    Ok(Fed {
        n_samples,
        per_cpu_second: n_samples as f64 / cpu,
        foreign: foreign / clock.elapsed().as_secs_f64(),
    })
}

async fn post(
    connection: &mut Connection,
    address: SocketAddr,
    path: &str,
    headers: &str,
    body: &[u8],
    request: &mut Vec<u8>,
) -> Result<()> {
    request.clear();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    request.extend(head.as_bytes());
    request.extend(body);
    let status = connection.exchange(request).await?;
    if !(200..300).contains(&status) {
        return Err(format!("{path}: {status} {}", String::from_utf8_lossy(connection.body())).into());
    }
    Ok(())
}

async fn one(address: SocketAddr, path: &str) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    connection
        .exchange(&get(&address.to_string(), path, ("x", "y")))
        .await?;
    Ok(())
}

/// Sends the observations themselves.
async fn observe_ours(server: &Server, feed: &Feed, n_ticks: u64) -> Result<()> {
    let mut connection = Connection::open(server.address).await?;
    let header = format!("x-api-key: {}\r\n", server.key());
    let mut request = Vec::new();
    for tick in 0..n_ticks {
        let mut items = Vec::new();
        for (series, observation) in
            (0..N_HISTOGRAMS).flat_map(|series| (0..PER_TICK).map(move |n| (series, n)))
        {
            let value = latency(observed(series, tick, observation));
            items.push(format!(
                r#"{{"name":"app_seconds","type":"histogram","value":{value},"timestamp":{},"labels":{{"endpoint":"/e{series}"}}}}"#,
                feed.at_ms(tick)
            ));
        }
        let body = format!("[{}]", items.join(","));
        post(
            &mut connection,
            server.address,
            "/api/metrics",
            &header,
            body.as_bytes(),
            &mut request,
        )
        .await?;
    }
    Ok(())
}

fn observed(series: u64, tick: u64, observation: u64) -> u64 {
    (series << 40 | tick << 8) + observation
}

/// Sends what a Prometheus client would make of them: cumulative counts by bound.
async fn observe_rival(address: SocketAddr, path: &str, feed: &Feed, n_ticks: u64) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
    let mut counts = vec![[0_u64; BOUNDS.len() + 1]; N_HISTOGRAMS as usize];
    let mut request = Vec::new();
    for tick in 0..n_ticks {
        let mut body = Vec::new();
        for series in 0..N_HISTOGRAMS {
            let counts = &mut counts[series as usize];
            for observation in 0..PER_TICK {
                let value = latency(observed(series, tick, observation));
                counts[BOUNDS
                    .iter()
                    .position(|bound| value <= *bound)
                    .unwrap_or(BOUNDS.len())] += 1;
            }
            let mut total = 0;
            for (place, count) in counts.iter().enumerate() {
                total += count;
                let bound = BOUNDS.get(place).map_or("+Inf".to_owned(), ToString::to_string);
                let labels = [
                    ("__name__", "app_seconds_bucket".to_owned()),
                    ("endpoint", format!("/e{series}")),
                    ("le", bound),
                ];
                write_series(&mut body, &labels, total as f64, feed.at_ms(tick));
            }
        }
        post(
            &mut connection,
            address,
            path,
            headers,
            &snappy(&body),
            &mut request,
        )
        .await?;
    }
    Ok(())
}

async fn rival_queries(rival: &Rival, feed: &Feed, n_ticks: u64) -> Result<Vec<Option<(f64, f64, f64)>>> {
    let end = feed.at_ms(n_ticks) / 1000;
    let range = |query: &str, hours: i64, step: &str| {
        format!(
            "/api/v1/query_range?query={query}&start={}&end={end}&step={step}",
            end - hours * 3600
        )
    };
    let paths = [
        range(
            "avg_over_time(app_load_1%7Bhost=%22host-7%22%7D%5B1m%5D)",
            24,
            "60s",
        ),
        range("sum(avg_over_time(app_load_1%5B1m%5D))", 1, "60s"),
        range(
            "histogram_quantile(0.99,sum(rate(app_seconds_bucket%5B1h%5D))by(le))",
            24,
            "3600s",
        ),
    ];
    let mut figures = Vec::new();
    for path in paths {
        figures.push(Some(ask(rival.address, rival.pid(), &path, ("x", "y")).await?));
    }
    Ok(figures)
}

/// CPU ms of the server for each, and p50 and p95 of the time in ms. The first ones are left out.
async fn ask(address: SocketAddr, pid: u32, path: &str, header: (&str, &str)) -> Result<(f64, f64, f64)> {
    let mut connection = Connection::open(address).await?;
    let request = get(&address.to_string(), path, header);
    let mut times = Vec::new();
    let mut before = 0.;
    for asked in 0..N_ASKED + 3 {
        if asked == 3 {
            before = cpu_seconds(pid);
        }
        let began = Instant::now();
        let status = connection.exchange(&request).await?;
        if status != 200 || connection.body().len() < 200 {
            return Err(format!("{path}: {status} {}", String::from_utf8_lossy(connection.body())).into());
        }
        if asked >= 3 {
            times.push(began.elapsed().as_secs_f64() * 1000.);
        }
    }
    let cpu_ms = (cpu_seconds(pid) - before) * 1000. / N_ASKED as f64;
    Ok((cpu_ms, percentile(&mut times, 0.5), percentile(&mut times, 0.95)))
}

/// Waits until the journal holds nothing but what belongs to windows that run.
async fn until_written(database: &Path) -> Result<()> {
    let connection = rusqlite::Connection::open(database)?;
    let over = (now_ms() - 600_000) / 7_200_000;
    for _ in 0..600 {
        let n: i64 = connection.query_row(
            "select count(*) from journal where last_window < ?1",
            [over],
            |row| row.get(0),
        )?;
        if n == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err("the journal was not written to chunks".into())
}

/// Bytes of pages in use, the journal of the running window left out: it is there for two hours, whatever came before.
fn used_bytes(database: &Path) -> Result<u64> {
    let connection = rusqlite::Connection::open(database)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let used =
        (number("pragma page_count")? - number("pragma freelist_count")?) * number("pragma page_size")?;
    Ok((used - number("select coalesce(sum(length(data)), 0) from journal")?).unsigned_abs())
}

async fn memory(collector: &Path, with_rivals: bool) -> Result<()> {
    let mut rows = Vec::new();
    for (n_series, n_ticks) in [(10_000, 60), (100_000, 20)] {
        let feed = Feed {
            n_series,
            per_name: 1_000,
            start_ms: now_ms() - (n_ticks as i64 + 1) * TICK_MS,
        };
        let server = launch(collector).start().await;
        let header = format!("x-api-key: {}\r\n", server.key());
        let ours = |series, tick, out: &mut Vec<u8>| feed.write_ours(series, tick, out);
        send(
            server.address,
            server.pid(),
            "/api/metrics",
            &header,
            &feed,
            n_ticks,
            ours,
        )
        .await?;
        let mut row = vec![
            format!("{n_series} series, {n_ticks} samples each"),
            format!("{:.0}", memory_mb(server.pid(), "VmRSS")),
        ];
        server.stop().await;
        if with_rivals {
            let victoria = Rival::victoria().await?;
            let lines = |series, tick, out: &mut Vec<u8>| feed.write_lines(series, tick, out);
            send(
                victoria.address,
                victoria.pid(),
                "/api/v1/import",
                "",
                &feed,
                n_ticks,
                lines,
            )
            .await?;
            row.push(format!("{:.0}", memory_mb(victoria.pid(), "VmRSS")));
            drop(victoria);
            let prometheus = Rival::prometheus().await?;
            let headers = "content-encoding: snappy\r\ncontent-type: application/x-protobuf\r\n";
            let protobuf = |series, tick, out: &mut Vec<u8>| {
                let mut plain = Vec::new();
                feed.write_protobuf(series, tick, &mut plain);
                out.extend(snappy(&plain));
            };
            send(
                prometheus.address,
                prometheus.pid(),
                "/api/v1/write",
                headers,
                &feed,
                n_ticks,
                protobuf,
            )
            .await?;
            row.push(format!("{:.0}", memory_mb(prometheus.pid(), "VmRSS")));
        }
        rows.push(row);
    }
    table::print(
        &[
            "resident MB",
            "metrics-collector",
            "VictoriaMetrics",
            "Prometheus",
        ],
        rows,
    );
    Ok(())
}

/// How long a start takes with two hours of 10,000 series in the journal.
async fn restart(collector: &Path) -> Result<()> {
    let n_ticks = 2 * 3_600_000 / TICK_MS as u64;
    let feed = Feed {
        n_series: 10_000,
        per_name: 1_000,
        start_ms: now_ms() - (n_ticks as i64 + 1) * TICK_MS,
    };
    // What is over is not written, so that all of it is in the journal.
    let launch = launch(collector)
        .env("FLUSH_INTERVAL", "1h")
        .env("SYNCHRONOUS", "normal");
    let server = launch.start().await;
    let header = format!("x-api-key: {}\r\n", server.key());
    let ours = |series, tick, out: &mut Vec<u8>| feed.write_ours(series, tick, out);
    send(
        server.address,
        server.pid(),
        "/api/metrics",
        &header,
        &feed,
        n_ticks,
        ours,
    )
    .await?;
    let resident_mb = memory_mb(server.pid(), "VmRSS");
    server.kill().await;
    let mut figures = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let server = launch.start().await;
        figures.push((
            began.elapsed().as_secs_f64(),
            cpu_seconds(server.pid()),
            memory_mb(server.pid(), "VmRSS"),
        ));
        server.kill().await;
    }
    let row = |(wall, cpu, memory): (f64, f64, f64)| {
        vec![format!("{wall:.2}"), format!("{cpu:.2}"), format!("{memory:.0}")]
    };
    println!(
        "\n{} million samples in the journal, {resident_mb:.0} MB resident before the kill",
        feed.n_series * n_ticks / 1_000_000
    );
    table::print(
        &["start, s", "CPU s", "resident MB after"],
        figures.into_iter().map(row),
    );
    Ok(())
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
