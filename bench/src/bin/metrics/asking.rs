//! Queries: the same question to each server, many times.

use std::net::SocketAddr;
use std::time::Instant;

use bench::figures::{cpu_seconds, percentile};
use bench::load::{Connection, get};
use bench::rivals::Rival;
use bench::samples::Feed;

use crate::Result;

/// Each query is asked so often.
const N_ASKED: usize = 40;

/// What a query costs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    /// CPU of the server.
    pub(crate) cpu_ms: f64,
    /// The median time to the last byte of the answer.
    pub(crate) p50_ms: f64,
    /// See `p50_ms`.
    pub(crate) p95_ms: f64,
}

/// Asks it. The first ones are left out.
pub(crate) async fn ask(address: SocketAddr, pid: u32, path: &str, header: (&str, &str)) -> Result<Asked> {
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
    Ok(Asked {
        cpu_ms,
        p50_ms: percentile(&mut times, 0.5),
        p95_ms: percentile(&mut times, 0.95),
    })
}

/// The three questions in PromQL.
pub(crate) async fn ask_rival(rival: &Rival, feed: &Feed, n_ticks: u64) -> Result<Vec<Asked>> {
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
        figures.push(ask(rival.address, rival.pid(), &path, ("x", "y")).await?);
    }
    Ok(figures)
}
