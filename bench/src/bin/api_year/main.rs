//! A year of a busy API in the metrics collector: 30 endpoints × 20 consumers × 3 nodes × 5 statuses. How large the
//! database is, and how long each range of the page takes, in all and with filters. `bench/README.md` has the figures.
#![expect(clippy::print_stdout, reason = "the tables are what this program is for")]

mod asking;
mod year;

use std::error::Error;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use bench::{binaries, table};
use rusqlite::Connection;
use testkit::Launch;

use asking::{RANGES, SHAPES};
use year::Year;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

/// `api_year [REQUESTS_PER_SECOND] [DAYS]`
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, default: u64| arguments.get(place).map_or(Ok(default), |text| text.parse());
    let (per_second, days) = (number(0, 10)?, number(1, 365)?);
    let collector = binaries::build_of(&["metrics-collector", "bench"])?.join("metrics-collector");
    let launch = Launch::new(&collector)
        .env("RATE_LIMIT_KEY", 0)
        .env("MAX_DATABASE_MB", 0);
    // Makes the schema.
    launch.start().await.stop().await;
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as i64;
    let began = Instant::now();
    let mut database = Connection::open(launch.database_path())?;
    let mut year = Year::new(per_second, now_ms);
    year.fill(&mut database, days as i64)?;
    drop(database);
    println!(
        "{days} days, {per_second} requests a second, {:.1} million in all, loaded in {:.0} s",
        year.n_requests() as f64 / 1e6,
        began.elapsed().as_secs_f64()
    );
    print_sizes(&Connection::open(launch.database_path())?)?;
    let server = launch.start().await;
    let mut rows = Vec::new();
    for range in &RANGES {
        for shape in &SHAPES {
            let page = asking::page(launch.database_path(), &year, range, shape)?;
            let rendered = asking::rendered(&server, range, shape).await?;
            let door = asking::door(&server, range, shape, now_ms).await?;
            rows.push(vec![
                range.name.to_owned(),
                shape.name.to_owned(),
                format!("{:.1} / {:.1}", page.p50_ms, page.p95_ms),
                format!("{:.1} / {:.1}", rendered.p50_ms, rendered.p95_ms),
                format!("{:.1} / {:.1}", door.p50_ms, door.p95_ms),
            ]);
        }
    }
    println!(
        "\nTime to the answer in ms, median / p95: what the page asks of the library; the page, and `/api/v1/metrics/aggregate`, over HTTP."
    );
    table::print(
        &["range", "filters", "its question", "the page", "Malti's door"],
        rows,
    );
    println!(
        "\nresident memory of the server: {} MB",
        server.resident_bytes() / 1_000_000
    );
    server.stop().await;
    Ok(())
}

fn print_sizes(database: &Connection) -> Result<()> {
    let bytes: i64 = database.query_row(
        "select page_count * page_size from pragma_page_count, pragma_page_size",
        [],
        |row| row.get(0),
    )?;
    println!("database: {} MB", bytes / 1_000_000);
    let mut rows = Vec::new();
    for name in ["minutes", "five_minutes", "hours", "days", "four_weeks"] {
        let sql = format!(
            "select count(*), coalesce(sum(length(data)), 0),
                    coalesce(sum(length(data)) filter (where place >> 32 = 1), 0),
                    coalesce(sum(length(data)) filter (where place >> 32 = 2), 0)
             from request_{name}"
        );
        let megabytes = |bytes: i64| format!("{:.1}", bytes as f64 / 1e6);
        let row = database.query_row(&sql, [], |row| {
            let n: i64 = row.get(0)?;
            Ok(vec![
                name.to_owned(),
                n.to_string(),
                megabytes(row.get(1)?),
                megabytes(row.get(2)?),
                megabytes(row.get(3)?),
            ])
        })?;
        rows.push(row);
    }
    table::print(&["tier", "rows", "MB", "of it routes", "of it callers"], rows);
    Ok(())
}
