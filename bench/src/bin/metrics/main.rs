//! The metrics collector beside Prometheus, VictoriaMetrics and one row per sample in SQLite: samples per CPU second,
//! bytes per sample, memory, restart, CPU per query. `bench/README.md` says how to read the tables.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

mod asking;
mod histograms;
mod memory;
mod ours;
mod rival_rows;
mod sending;

use std::error::Error;
use std::time::{SystemTime, UNIX_EPOCH};

use asking::Asked;
use bench::binaries;
use bench::samples::{Feed, TICK_MS};
use bench::table;
use histograms::{N_HISTOGRAMS, PER_TICK};
use memory::{memory, restart};
use ours::of_ours;
use rival_rows::{of_prometheus, of_rows, of_victoria};
use sending::BATCH;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// On one thread: the servers need the cores more.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let (hours, n_series) = (number(0, 24)?, number(1, 2_000)?);
    let parts = arguments
        .get(2)
        .map_or("ours,rivals,memory,restart", String::as_str);
    let is_wanted = |part: &str| parts.split(',').any(|wanted| wanted == part);
    let collector = binaries::build_of(&["metrics-collector", "bench"])?.join("metrics-collector");
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
    let mut rows = Vec::new();
    if is_wanted("ours") {
        rows.push(of_ours(&collector, &feed, n_ticks).await?);
    }
    if is_wanted("rivals") {
        rows.push(of_victoria(&feed, n_ticks).await?);
        rows.push(of_prometheus(&feed, n_ticks).await?);
        rows.push(of_rows(&feed, n_ticks.min(500))?);
    }
    print_rows(&rows);
    if is_wanted("memory") {
        memory(&collector, is_wanted("rivals")).await?;
    }
    if is_wanted("restart") {
        restart(&collector).await?;
    }
    Ok(())
}

/// What one server showed.
struct Row {
    name: &'static str,
    per_cpu_second: f64,
    bytes_per_sample: f64,
    resident_mb: f64,
    queries: Vec<Asked>,
    /// Pages and answers that only ours has.
    dashboards: Vec<(&'static str, Asked)>,
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
    let lines = names.iter().enumerate().map(|(place, name)| {
        let cells = rows.iter().map(|row| told(row.queries.get(place)));
        std::iter::once((*name).to_owned()).chain(cells).collect()
    });
    table::print(&head, lines);
    let dashboards = rows.iter().flat_map(|row| &row.dashboards);
    let lines = dashboards.map(|(name, cost)| vec![(*name).to_owned(), told(Some(cost))]);
    table::print(
        &["dashboards", "CPU ms each (p50 / p95 of its time in ms)"],
        lines,
    );
}

fn told(figure: Option<&Asked>) -> String {
    figure.map_or("–".to_owned(), |asked| {
        format!("{:.2} ({:.1} / {:.1})", asked.cpu_ms, asked.p50_ms, asked.p95_ms)
    })
}

fn now_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis() as i64)
}
