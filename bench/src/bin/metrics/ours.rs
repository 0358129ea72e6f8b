//! The metrics collector itself: taking in, room on disk, queries, dashboards.

use std::path::Path;
use std::time::Duration;

use bench::figures::memory_mb;
use bench::samples::Feed;
use testkit::{Launch, Server};

use crate::asking::{Asked, ask};
use crate::histograms::observe_ours;
use crate::sending::{post, send};
use crate::{Result, Row, now_ms};

pub(crate) fn launch(collector: &Path) -> Launch {
    Launch::new(collector)
        .env("RATE_LIMIT_KEY", 0)
        .env("RETENTION_RAW", "3d")
        .env("RETENTION_MINUTE", "3d")
        .env("MAX_SERIES", 1_000_000)
        .env("MAX_LABEL_VALUES", 1_000_000)
}

pub(crate) async fn of_ours(collector: &Path, feed: &Feed, n_ticks: u64) -> Result<Row> {
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
        figures.push(ask(address, pid, &path, ("x-api-key", key)).await?);
    }
    let dashboards = dashboards(&server, launch.database_path(), end_ms).await?;
    server.stop().await;
    Ok(Row {
        name: "metrics-collector",
        per_cpu_second: fed.per_cpu_second,
        bytes_per_sample: bytes as f64 / fed.n_samples as f64,
        resident_mb,
        queries: figures,
        dashboards,
        foreign: fed.foreign,
    })
}

/// Requests and Web Vitals of a shop over the last day: 20 endpoints with three statuses and 20 pages, each minute.
/// Returns what the overview and the dashboard of the API cost, with all the rest in the database.
async fn dashboards(server: &Server, database: &Path, end_ms: i64) -> Result<Vec<(&'static str, Asked)>> {
    let (address, key) = (server.address, server.key());
    let mut connection = bench::load::Connection::open(address).await?;
    let header = format!("x-api-key: {key}\r\n");
    let mut request = Vec::new();
    for minute in (0..24 * 60).rev() {
        let body = shop(end_ms - minute * 60_000 - 30_000);
        post(
            &mut connection,
            address,
            "/api/metrics",
            &header,
            body.as_bytes(),
            &mut request,
        )
        .await?;
    }
    until_written(database).await?;
    let mut costs = Vec::new();
    for (name, path) in [
        ("overview, 6 h", "/?range=6h"),
        ("overview, 24 h", "/?range=24h"),
        ("overview, 7 d", "/?range=7d"),
        ("/api/dashboard, 24 h", "/api/dashboard?period=24h"),
    ] {
        costs.push((name, ask(address, server.pid(), path, ("x-api-key", key)).await?));
    }
    Ok(costs)
}

fn shop(at_ms: i64) -> String {
    let mut items = Vec::new();
    for n in 0..20 {
        let dust = bench::dice::scramble(at_ms as u64 ^ n);
        for (status, share) in [(200, 50), (404, 3), (500, 1)] {
            items.push(format!(
                r#"{{"name":"http_requests_total","type":"counter","value":{},"timestamp":{at_ms},"labels":{{"endpoint":"/api/e{n}","method":"GET","status":"{status}"}}}}"#,
                dust % share + 1
            ));
        }
        for observation in 0..10 {
            items.push(format!(
                r#"{{"name":"http_request_duration_seconds","type":"histogram","value":{},"timestamp":{at_ms},"labels":{{"endpoint":"/api/e{n}","method":"GET"}}}}"#,
                bench::samples::latency(dust ^ observation)
            ));
        }
        for vital in ["lcp", "inp", "cls", "fcp", "ttfb"] {
            items.push(format!(
                r#"{{"name":"web_vitals_{vital}","type":"histogram","value":{},"timestamp":{at_ms},"labels":{{"page":"/page/{n}"}}}}"#,
                dust % 4_000
            ));
        }
    }
    format!("[{}]", items.join(","))
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
